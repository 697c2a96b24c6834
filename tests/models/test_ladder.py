"""The follow-up ladder: after how many days to call again, contact by contact."""

from datetime import date

import pytest

from models.lifecycle import TaskStatus, read_ladder, suggest_follow_up

TODAY = date(2026, 11, 24)
OPEN, CLOSED = TaskStatus.OPEN, TaskStatus.CLOSED


def test_a_ladder_is_of_days_that_grow() -> None:
    assert read_ladder("1,7,21,60") == (1, 7, 21, 60)
    assert read_ladder(" 5 , 730 ") == (5, 730)


@pytest.mark.parametrize("text", ["", ",", "0,1", "1,1", "7,1", "1,two", "-1", "1.5", "1,731", "²"])
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="A ladder is of days that grow"):
        read_ladder(text)


@pytest.mark.parametrize(
    ("status", "contacts", "last_day", "expected"),
    [
        (OPEN, 0, None, date(2026, 11, 25)),
        (TaskStatus.IN_PROGRESS, 1, None, date(2026, 12, 1)),
        (TaskStatus.IN_PROGRESS, 2, None, None),  # beyond the ladder's end
        (CLOSED, 0, None, None),
        (OPEN, 0, date(2026, 11, 25), date(2026, 11, 25)),
        (OPEN, 0, TODAY, None),  # gone by then
    ],
)
def test_the_step_is_the_one_of_the_contact_that_comes_next(
    status: TaskStatus, contacts: int, last_day: date | None, expected: date | None
) -> None:
    found = suggest_follow_up(status, contacts, (1, 7), today=TODAY, last_day=last_day)
    assert found == expected


def test_without_a_ladder_nothing_is_suggested() -> None:
    assert suggest_follow_up(OPEN, 0, (), today=TODAY, last_day=None) is None
