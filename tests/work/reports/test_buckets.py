"""The bounds of hours, days and weeks at a practice, those of odd zones and days among them."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from gql_app.work.reads.conditions import BadInput
from gql_app.work.reports.buckets import BucketSize, bucket_bounds

HOUR = timedelta(hours=1)


def hours(day: date, time_zone: str) -> list[timedelta]:
    """How long the buckets of a day are."""
    bounds = bucket_bounds(day, day, BucketSize.HOUR, time_zone)
    return [end - begin for begin, end in pairwise(bounds)]


@pytest.mark.parametrize(
    ("time_zone", "day", "long"),
    [
        ("America/New_York", date(2026, 3, 8), [HOUR] * 23),
        ("America/New_York", date(2026, 3, 9), [HOUR] * 24),
        ("America/New_York", date(2026, 11, 1), [HOUR] * 25),
        ("Asia/Kolkata", date(2026, 3, 8), [HOUR] * 24),
        ("Africa/Cairo", date(2026, 4, 24), [HOUR] * 23),  # there is no 00:00 on that day
        ("Australia/Lord_Howe", date(2026, 4, 5), [*[HOUR] * 24, HOUR / 2]),
        ("Australia/Lord_Howe", date(2026, 10, 4), [*[HOUR] * 23, HOUR / 2]),
    ],
)
def test_a_day_has_as_many_hours_as_really_pass(
    time_zone: str, day: date, long: list[timedelta]
) -> None:
    assert hours(day, time_zone) == long


def test_a_day_begins_at_the_practices_own_midnight() -> None:
    first, last = date(2026, 5, 11), date(2026, 5, 12)
    assert bucket_bounds(first, last, BucketSize.DAY, "Asia/Kolkata") == [
        datetime(2026, 5, day, 18, 30, tzinfo=UTC) for day in (10, 11, 12)
    ]


@pytest.mark.parametrize(("day", "long"), [(8, 23), (9, 24)])
def test_a_day_is_longer_or_shorter_when_the_clocks_change(day: int, long: int) -> None:
    begin, end = bucket_bounds(
        date(2026, 3, day), date(2026, 3, day), BucketSize.DAY, "America/New_York"
    )
    assert end - begin == HOUR * long


def test_weeks_begin_on_mondays_and_are_cut_to_the_range() -> None:
    zone = "America/New_York"
    bounds = bucket_bounds(date(2026, 12, 24), date(2027, 1, 5), BucketSize.WEEK, zone)
    assert [bound.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for bound in bounds] == [
        datetime(2026, 12, 24),  # a Thursday
        datetime(2026, 12, 28),
        datetime(2027, 1, 4),
        datetime(2027, 1, 6),
    ]


@pytest.mark.parametrize("size", BucketSize)
def test_the_buckets_of_a_range_are_those_of_its_days_end_to_end(size: BucketSize) -> None:
    first = date(2026, 3, 2)  # a Monday
    bounds = bucket_bounds(first, first + timedelta(days=13), size, "America/New_York")
    assert bounds == sorted(set(bounds))
    assert bounds[-1] - bounds[0] == 14 * 24 * HOUR - HOUR
    assert len(bounds) - 1 == {"HOUR": 14 * 24 - 1, "DAY": 14, "WEEK": 2}[size]


@pytest.mark.parametrize(("size", "most"), [("HOUR", 31), ("DAY", 366), ("WEEK", 1827)])
def test_a_range_is_bounded(size: str, most: int) -> None:
    first = date(2024, 1, 1)
    last = first + timedelta(days=most - 1)
    assert bucket_bounds(first, last, BucketSize(size), "UTC")
    with pytest.raises(BadInput, match=f"{size}.* {most:,} days, not {most + 1:,}"):
        bucket_bounds(first, last + timedelta(days=1), BucketSize(size), "UTC")


def test_five_years_by_week_can_be_asked_for_whichever_they_are() -> None:
    for year in range(2020, 2030):
        last = date(year + 5, 1, 1) - timedelta(days=1)
        assert bucket_bounds(date(year, 1, 1), last, BucketSize.WEEK, "UTC")


def test_a_range_does_not_end_before_it_begins() -> None:
    with pytest.raises(BadInput, match="to, 2026-05-11, is a date before from, 2026-05-12"):
        bucket_bounds(date(2026, 5, 12), date(2026, 5, 11), BucketSize.DAY, "UTC")


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_the_calendar_are_refused(day: date) -> None:
    with pytest.raises(BadInput, match="calendar"):
        bucket_bounds(day, day, BucketSize.DAY, "Asia/Kolkata")
