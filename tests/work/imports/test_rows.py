"""What is made of a row's texts, and every refusal of what it says by itself."""

from datetime import UTC, date, datetime

import pytest

from gql_app.work.imports.rows import Incoming, check_row
from gql_app.work.reads.targets import Target
from models.lifecycle import TaskOrigin
from models.priority import TaskPriority
from tests.commands.importing.rows import BAD_TEXTS, row

TARGET = Target(7, "US", None)


def refused(**given: str) -> list[tuple[str, str | None]]:
    checked = check_row(row(**given), TARGET)
    assert not isinstance(checked, Incoming), checked
    return [(str(refusal.code), refusal.field) for refusal in checked]


def test_a_row_is_read_as_it_is_meant() -> None:
    texts = row(
        " t1 ",
        patient_external_id="p1",
        origin="manual",
        follow_up="2026-12-24",
        phone="+44 20 7946 0958",
    )
    incoming = check_row(texts, TARGET)
    assert isinstance(incoming, Incoming)
    assert incoming[:3] == ("t1", "p1", "Fern Testwell")
    assert incoming.phone.stored == "+442079460958"
    assert incoming.new.origin is TaskOrigin.MANUAL
    assert incoming.new.follow_up == date(2026, 12, 24)
    plain = check_row(row(expires_at="2026-12-24T17:00:00-06:00"), TARGET)
    assert isinstance(plain, Incoming)
    assert (plain.patient_external_id, plain.new.origin) == ("t1", TaskOrigin.AUTOMATIC)
    assert plain.new.expires_at == datetime(2026, 12, 24, 23, tzinfo=UTC)
    assert plain.new.priority is TaskPriority.NORMAL
    urgent = check_row(row(priority=" Hoch "), TARGET)
    assert isinstance(urgent, Incoming)
    assert urgent.new.priority is TaskPriority.HIGH


def test_where_dates_have_dots_the_day_comes_first() -> None:
    german = Target(7, "DE", None)
    for text, day in {"24.12.2026": date(2026, 12, 24), "4.3.2026": date(2026, 3, 4)}.items():
        incoming = check_row(row(follow_up=text, phone="030 23125001"), german)
        assert isinstance(incoming, Incoming)
        assert incoming.new.follow_up == day
    for text in ("31.2.2026", "03/04/2026", "24.12.26", "12.24.2026", "demnächst"):
        refused = check_row(row(follow_up=text, phone="030 23125001"), german)
        assert not isinstance(refused, Incoming), text
        assert [refusal.message for refusal in refused] == [
            "A date is written as 24.12.2026 or 2026-12-24. Others are not guessed."
        ]


@pytest.mark.parametrize(
    ("field", "text", "code"),
    BAD_TEXTS,
)
def test_what_a_row_may_not_say(field: str, text: str, code: str) -> None:
    camel = {"external_id": "externalId", "follow_up": "followUp", "expires_at": "expiresAt"}
    assert refused(**{field: text}) == [(code, camel.get(field, field))]


def test_all_refusals_of_a_row_come_at_once() -> None:
    assert refused(phone="none", follow_up="soon") == [
        ("PHONE_INVALID", "phone"),
        ("DATE_INVALID", "followUp"),
    ]
