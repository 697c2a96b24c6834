"""The stretches of time that figures are counted in: hours, days or weeks at the practice."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.queues import day_bounds

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class BucketSize(StrEnum):
    HOUR = "HOUR"  # an hour that really passes: a day has 23 or 25 when the clocks change
    DAY = "DAY"  # from midnight to midnight
    WEEK = "WEEK"  # from Monday to Monday


MOST_DAYS = {BucketSize.HOUR: 31, BucketSize.DAY: 366, BucketSize.WEEK: 5 * 365 + 2}
"""How many days a report may span; five years have at most two leap days."""


def bucket_bounds(first: date, last: date, size: BucketSize, time_zone: str) -> list[datetime]:
    """Where the buckets from the date `first` through `last` begin, in UTC, and where the last one
    ends. A bucket that reaches over an end of the range is cut there. Raises `BadInput`."""
    days = (last - first).days + 1
    if days < 1:
        raise BadInput(f"to, {last}, is a date before from, {first}.")
    if days > MOST_DAYS[size]:
        raise BadInput(
            f"By {size}, a report spans at most {MOST_DAYS[size]:,} days, not {days:,}: from and to"
            " are both counted."
        )
    try:
        bounds = [
            bound
            for day in (first + DAY * n for n in range(days))
            if size is not BucketSize.WEEK or day == first or day.isoweekday() == 1
            for bound in _begun_on(day, size, time_zone)
        ]
        return [*bounds, day_bounds(last, time_zone)[1]]
    except OverflowError:
        raise BadInput("The dates lie at the end of the calendar.") from None


def _begun_on(day: date, size: BucketSize, time_zone: str) -> list[datetime]:
    """Where the buckets that begin on `day` begin."""
    begin, end = day_bounds(day, time_zone)
    if size is not BucketSize.HOUR:
        return [begin]
    # Begun afresh each midnight: where the clocks change by half an hour, a day ends with half one.
    return [begin + HOUR * n for n in range(-((begin - end) // HOUR))]
