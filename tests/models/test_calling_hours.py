"""When patients may be called: by the practice's clocks, and by those of where a number is from."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calling_hours import WEEKDAYS, CallingHours, Span, Weekday

CHICAGO = "America/Chicago"
WEEK = {day: Span(time(8), time(18)) for day in WEEKDAYS[:5]}
HOURS = CallingHours(CHICAGO, WEEK, frozenset([date(2026, 12, 25)]))


def at(text: str, zone: str = CHICAGO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "may_call", "next_at"),
    [
        ("2026-11-27 07:59:59", False, "2026-11-27 08:00"),  # a Friday
        ("2026-11-27 08:00", True, "2026-11-27 08:00"),
        ("2026-11-27 17:59:59", True, "2026-11-27 17:59:59"),
        ("2026-11-27 18:00", False, "2026-11-30 08:00"),
        ("2026-11-28 12:00", False, "2026-11-30 08:00"),
        ("2026-12-25 12:00", False, "2026-12-28 08:00"),
        ("2026-12-24 18:00", False, "2026-12-28 08:00"),
    ],
)
def test_hours_hold_by_the_clocks_of_the_practice(now: str, may_call: bool, next_at: str) -> None:
    assert HOURS.may_call(at(now)) is may_call
    assert HOURS.next_at(at(now)) == at(next_at)


@pytest.mark.parametrize(
    ("now", "zone", "next_at"),
    [
        ("2026-11-27 08:00", "America/Los_Angeles", "2026-11-27 10:00"),
        ("2026-11-27 17:00", "America/New_York", "2026-11-30 08:00"),  # 18:00 there
        ("2026-11-27 16:59", "America/New_York", "2026-11-27 16:59"),
        ("2026-12-25 08:00", "America/Los_Angeles", "2026-12-28 10:00"),
        ("2026-12-24 12:00", "Asia/Kolkata", None),  # no hour in common
    ],
)
def test_hours_hold_where_the_number_is_from_too(now: str, zone: str, next_at: str | None) -> None:
    expected = None if next_at is None else at(next_at)
    assert HOURS.next_at(at(now), zone) == expected
    assert HOURS.may_call(at(now), zone) is (expected == at(now))


def test_without_hours_and_holidays_anybody_may_be_called_at_any_time() -> None:
    off = CallingHours(CHICAGO)
    now = at("2026-12-25 03:00")
    assert off.is_off
    assert off.may_call(now, "Asia/Tokyo")
    assert off.next_at(now, "Asia/Tokyo") == now


def test_a_holiday_closes_a_practice_that_has_no_hours() -> None:
    hours = CallingHours(CHICAGO, None, HOURS.holidays)
    assert hours.may_call(at("2026-12-24 23:59"))
    assert not hours.may_call(at("2026-12-25 00:00"))
    assert hours.next_at(at("2026-12-25 12:00")) == at("2026-12-26 00:00")


def test_a_week_without_hours_never_opens() -> None:
    never = CallingHours(CHICAGO, {})
    assert not never.may_call(at("2026-11-27 12:00"))
    assert never.next_at(at("2026-11-27 12:00")) is None


@pytest.mark.parametrize(
    ("day", "opens", "closes", "now", "next_at"),
    [
        # In Chicago the clocks go forward on 8 March 2026 from 2:00 to 3:00, at 8:00 UTC.
        (Weekday.SUNDAY, "02:30", "04:00", "2026-03-08T07:00Z", "2026-03-08T08:00Z"),
        (Weekday.SUNDAY, "02:15", "02:45", "2026-03-08T07:00Z", "2026-03-15T07:15Z"),
        # They go back on 1 November 2026 from 2:00 to 1:00, at 7:00 UTC.
        (Weekday.SUNDAY, "01:30", "01:45", "2026-11-01T05:00Z", "2026-11-01T06:30Z"),
        (Weekday.SUNDAY, "01:30", "01:45", "2026-11-01T06:50Z", "2026-11-01T07:30Z"),
        (Weekday.SUNDAY, "00:30", "01:30", "2026-11-01T06:40Z", "2026-11-01T07:00Z"),
    ],
)
def test_hours_begin_rightly_where_the_clocks_are_changed(
    day: Weekday, opens: str, closes: str, now: str, next_at: str
) -> None:
    span = Span(time.fromisoformat(opens), time.fromisoformat(closes))
    hours = CallingHours(CHICAGO, {day: span})
    assert hours.next_at(datetime.fromisoformat(now)) == datetime.fromisoformat(next_at)


TIMES = st.integers(0, 24 * 4 - 1).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
SPANS = (
    st.tuples(TIMES, TIMES)
    .filter(lambda two: two[0] != two[1])
    .map(lambda two: Span(min(two), max(two)))
)
# Around changes of clocks, forward and back, at midnight too; and around none.
DAYS = ("2026-03-08", "2026-11-01", "2026-03-29", "2026-10-25", "2026-04-24", "2026-07-01")
ZONES = (CHICAGO, "Europe/London", "Africa/Cairo", "Australia/Lord_Howe", "America/Santiago")


def minute_by_minute(hours: CallingHours, now: datetime, zone: str) -> datetime | None:
    """The next opening, found by looking at each quarter of an hour: clocks change and hours begin
    at none but these."""
    quarter = timedelta(minutes=15)
    if hours.may_call(now, zone):
        return now
    moment = datetime.fromtimestamp((now.timestamp() // 900 + 1) * 900, UTC)
    for _ in range(9 * 24 * 4):
        if hours.may_call(moment, zone):
            return moment
        moment += quarter
    return None


@settings(deadline=None)  # it is looked for at each quarter of an hour
@given(
    week=st.dictionaries(st.sampled_from(WEEKDAYS), SPANS, max_size=7),
    holidays=st.frozensets(st.integers(0, 9), max_size=3),
    day=st.sampled_from(DAYS),
    minutes=st.integers(-1_440, 2_880),
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
)
def test_the_next_opening_is_the_first_moment_at_which_one_may_call(
    week: dict[Weekday, Span],
    holidays: frozenset[int],
    day: str,
    minutes: int,
    zones: tuple[str, str],
) -> None:
    first = date.fromisoformat(day)
    closed = frozenset(first + timedelta(days=days) for days in holidays)
    hours = CallingHours(zones[0], week, closed)
    now = datetime.fromisoformat(f"{day}T00:00+00:00") + timedelta(minutes=minutes)
    found, looked = hours.next_at(now, zones[1]), minute_by_minute(hours, now, zones[1])
    if looked is not None:
        assert found == looked
    elif found is not None:
        assert found > now + timedelta(days=8)
        assert hours.may_call(found, zones[1])


@given(
    week=st.none() | st.dictionaries(st.sampled_from(WEEKDAYS), SPANS, max_size=7),
    minutes=st.integers(0, 60 * 24 * 400),
    zone=st.none() | st.sampled_from(ZONES),
)
def test_one_may_call_only_when_one_may_at_the_practice(
    week: dict[Weekday, Span] | None, minutes: int, zone: str | None
) -> None:
    hours = CallingHours(CHICAGO, week, HOURS.holidays)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    assert not hours.may_call(now, zone) or hours.may_call(now)
    found = hours.next_at(now, zone)
    assert found is None or (found >= now and hours.may_call(found, zone))
