"""At which moment a call-back is, where clocks go forward or back, and what is refused."""

from datetime import UTC, date, datetime, time

import pytest

from models.call_back import NO_WISH, CallBackBy, Wish, check_wish, moment_of
from models.contact import TaskBefore
from models.lifecycle import TaskStatus
from models.refusals import Refusal

CHICAGO = "America/Chicago"
ISLAND = "Australia/Lord_Howe"
FORWARD, BACK = date(2027, 3, 14), date(2026, 11, 1)
"""On which the clocks there skip 2:00 to 3:00, and show 1:00 to 2:00 twice."""
NOON = datetime(2026, 7, 1, 17, tzinfo=UTC)


def resolved(
    day: date,
    hour: int,
    minute: int = 0,
    *,
    zone: str = CHICAGO,
    now: datetime = NOON,
    expires_at: datetime | None = None,
) -> datetime | tuple[str, str | None]:
    """The moment, or the code of the refusal with its field."""
    found = moment_of(day, time(hour, minute), zone, now=now, expires_at=expires_at)
    return found if isinstance(found, datetime) else (found.code.value, found.field)


@pytest.mark.parametrize(
    ("day", "at", "zone", "moment"),
    [
        (date(2026, 7, 2), (15, 30), CHICAGO, datetime(2026, 7, 2, 20, 30, tzinfo=UTC)),
        (date(2026, 12, 2), (15, 30), CHICAGO, datetime(2026, 12, 2, 21, 30, tzinfo=UTC)),
        (FORWARD, (1, 59), CHICAGO, datetime(2027, 3, 14, 7, 59, tzinfo=UTC)),
        (FORWARD, (3, 0), CHICAGO, datetime(2027, 3, 14, 8, tzinfo=UTC)),
        (BACK, (0, 59), CHICAGO, datetime(2026, 11, 1, 5, 59, tzinfo=UTC)),
        (BACK, (1, 30), CHICAGO, datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),  # the first of two
        (BACK, (2, 0), CHICAGO, datetime(2026, 11, 1, 8, tzinfo=UTC)),
        # Half an hour, on an island.
        (
            date(2027, 4, 4),
            (1, 45),
            ISLAND,
            datetime(2027, 4, 3, 14, 45, tzinfo=UTC),
        ),
    ],
)
def test_a_time_is_one_of_the_practices_clocks(
    day: date, at: tuple[int, int], zone: str, moment: datetime
) -> None:
    assert resolved(day, *at, zone=zone) == moment


@pytest.mark.parametrize("minute", [0, 30, 59])
def test_a_time_that_the_clocks_skip_is_refused(minute: int) -> None:
    assert resolved(FORWARD, 2, minute) == ("FOLLOW_UP_TIME_SKIPPED", "followUpTime")


def test_where_midnight_is_skipped_the_day_begins_at_one() -> None:
    day, zone = date(2018, 11, 4), "America/Sao_Paulo"
    before = datetime(2018, 11, 3, tzinfo=UTC)
    skipped = ("FOLLOW_UP_TIME_SKIPPED", "followUpTime")
    assert resolved(day, 0, 30, zone=zone, now=before) == skipped
    assert resolved(day, 1, zone=zone, now=before) == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_of_a_time_that_is_shown_twice_the_first_is_meant_that_is_to_come() -> None:
    first, second = (datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (6, 7))
    assert resolved(BACK, 1, 30, now=first.replace(minute=29)) == first
    assert resolved(BACK, 1, 30, now=first) == second
    assert resolved(BACK, 1, 30, now=second) == ("FOLLOW_UP_IN_PAST", "followUpTime")


@pytest.mark.parametrize(
    ("hour", "minute", "found"),
    [
        (12, 1, datetime(2026, 7, 1, 17, 1, tzinfo=UTC)),
        (12, 0, ("FOLLOW_UP_IN_PAST", "followUpTime")),  # it is noon
        (0, 0, ("FOLLOW_UP_IN_PAST", "followUpTime")),
    ],
)
def test_a_time_that_has_passed_today_is_refused(hour: int, minute: int, found: object) -> None:
    assert resolved(date(2026, 7, 1), hour, minute) == found


def test_a_call_back_is_before_the_task_expires() -> None:
    expires_at = datetime(2026, 7, 2, 20, tzinfo=UTC)  # at 15:00
    late = ("FOLLOW_UP_AFTER_EXPIRY", "followUpTime")
    assert resolved(date(2026, 7, 2), 15, expires_at=expires_at) == late
    before = resolved(date(2026, 7, 2), 14, 59, expires_at=expires_at)
    assert before == expires_at.replace(hour=19, minute=59)


@pytest.mark.parametrize(
    ("wish", "has_date", "close", "refused"),
    [
        (NO_WISH, False, False, []),
        (Wish(time(9)), True, False, []),
        (Wish(time(9), CallBackBy.ME), True, False, []),
        (Wish(time(9)), False, False, [("FOLLOW_UP_REQUIRED", "followUp")]),
        (Wish(None, CallBackBy.ME), True, False, [("FOLLOW_UP_TIME_REQUIRED", "followUpTime")]),
        (Wish(time(9)), False, True, [("FOLLOW_UP_NOT_ALLOWED", "followUpTime")]),
        (
            Wish(time(9), CallBackBy.ANYONE),
            True,
            True,
            [("FOLLOW_UP_NOT_ALLOWED", "followUpTime"), ("FOLLOW_UP_NOT_ALLOWED", "callBackBy")],
        ),
    ],
)
def test_what_does_not_go_together_is_refused(
    wish: Wish, has_date: bool, close: bool, refused: list[tuple[str, str]]
) -> None:
    found: list[Refusal] = check_wish(wish, BACK if has_date else None, close=close)
    assert [(refusal.code.value, refusal.field) for refusal in found] == refused


def test_what_a_task_was_before_keeps_its_promise_and_reads_what_older_versions_kept() -> None:
    before = TaskBefore(3, TaskStatus.IN_PROGRESS, BACK, BACK, 7, NOON, 5, NOON)
    assert TaskBefore.of(before.text) == before
    old = (
        '{"version": 3, "status": "OPEN", "follow_up": null, "due_on": "2026-11-01",'
        ' "last_contact_id": null}'
    )
    assert TaskBefore.of(old) == TaskBefore(3, TaskStatus.OPEN, None, BACK, None)
