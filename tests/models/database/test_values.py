"""A record becomes a row whose values are of the types that the row says."""

from datetime import UTC, date, datetime
from typing import NamedTuple

import pytest

from models.database import fetch, opened
from models.database.values import maker_of
from models.lifecycle import CloseCause, TaskStatus


class Shown(NamedTuple):
    status: TaskStatus
    cause: CloseCause | None
    day: date
    at: datetime | None
    is_late: bool
    words: str


SHOWN = Shown(
    TaskStatus.CLOSED,
    CloseCause.EXPIRED,
    date(2026, 11, 27),
    datetime(2026, 11, 27, 9, tzinfo=UTC),
    is_late=True,
    words="CLOSED",
)

SQL = """SELECT 'CLOSED', 'EXPIRED', CAST($1 AS {date}), CAST($2 AS {moment}), 1 = 1, 'CLOSED'"""


async def test_a_row_is_what_its_annotations_say(database_url: str) -> None:
    types = {"date": "DATE", "moment": "TIMESTAMPTZ"}
    if database_url.startswith("sqlite"):
        types = dict.fromkeys(types, "TEXT")
    async with opened(database_url):
        (found,) = await fetch(Shown, SQL.format(**types), SHOWN.day, SHOWN.at)

    assert found == SHOWN
    assert [type(value) for value in found] == [type(value) for value in SHOWN]


@pytest.mark.parametrize("is_text", [True, False])
def test_null_stays_null(*, is_text: bool) -> None:
    row = maker_of(Shown, is_text=is_text)(["OPEN", None, None, None, None, None])
    assert row == (TaskStatus.OPEN, None, None, None, None, None)


def test_a_record_of_other_columns_is_refused() -> None:
    for columns in (["OPEN"], ["OPEN", *SHOWN]):
        with pytest.raises(ValueError, match="unpack"):
            maker_of(Shown, is_text=False)(columns)
    with pytest.raises(ValueError, match=r"Shown\.status has a value"):
        maker_of(Shown, is_text=False)(["ASLEEP", *SHOWN[1:]])
