"""When patients may be called: hours by weekday, and days on which nobody is called.

They count by the practice's clocks, and by those of the place that a patient's number is from,
where it tells one: both have to show a time within the hours. So nobody is called when the practice
is closed, nor before the day begins where they live.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from models.follow_up import local_date

FARTHEST = 400
"""How many days ahead an opening is looked for. Two places may have no hour in common at all."""


class Weekday(StrEnum):
    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


WEEKDAYS = tuple(Weekday)
"""In the order of `date.weekday`."""


class Span(NamedTuple):
    """From when to when patients may be called on a day; not any more at the time `closes`."""

    opens: time
    closes: time


class CallingHours(NamedTuple):
    """The hours of a practice in `time_zone`. A weekday without a span is closed; `week` is None if
    patients may be called at any time, but on holidays."""

    time_zone: str
    week: Mapping[Weekday, Span] | None = None
    holidays: frozenset[date] = frozenset()

    @property
    def is_off(self) -> bool:
        return self.week is None and not self.holidays

    def may_call(self, now: datetime, zone: str | None = None) -> bool:
        """Whether somebody in `zone` may be called now. None is for who lives by the practice's
        clocks, as far as anybody knows."""
        return all(self._is_within(now, one) for one in self._zones(zone))

    def next_at(self, at: datetime, zone: str | None = None) -> datetime | None:
        """The first moment from `at` on at which somebody in `zone` may be called. None if there is
        none within a year."""
        zones, end = self._zones(zone), at + timedelta(days=FARTHEST)
        found: datetime | None = at
        while found is not None and found < end and not self.may_call(found, zone):
            for one in zones:
                found = None if found is None else self._opening(found, one)
        return None if found is None or found >= end else found

    def _zones(self, zone: str | None) -> tuple[str, ...]:
        if self.is_off:
            return ()
        return (self.time_zone,) if zone in (None, self.time_zone) else (self.time_zone, zone)

    def _span(self, day: date) -> Span | None:
        if day in self.holidays:
            return None
        whole = Span(time.min, time.max)
        return whole if self.week is None else self.week.get(WEEKDAYS[day.weekday()])

    def _is_within(self, at: datetime, zone: str) -> bool:
        local = at.astimezone(ZoneInfo(zone))
        span = self._span(local.date())
        return span is not None and span.opens <= local.time() < span.closes

    def _opening(self, at: datetime, zone: str) -> datetime | None:
        """The first moment from `at` on that the zone's clocks show within the hours."""
        if self._is_within(at, zone):
            return at
        first = local_date(at, zone)
        for days in range(FARTHEST):
            day = first + timedelta(days=days)
            if (span := self._span(day)) is None:
                continue
            for moment in sorted(_beginnings(day, span.opens, zone)):
                is_of_day = moment > at and local_date(moment, zone) == day
                if is_of_day and self._is_within(moment, zone):
                    return moment
        return None


def _beginnings(day: date, opens: time, zone: str) -> Iterator[datetime]:
    """All moments at which hours may begin on a day: when the clocks show that time, which may be
    twice, and when they are changed, because they may skip it."""
    tz = ZoneInfo(zone)
    for fold in (0, 1):
        yield datetime.combine(day, opens, tz).replace(fold=fold).astimezone(UTC)
    begin = datetime.combine(day, time.min, tz).astimezone(UTC)
    if (change := _change(begin - timedelta(hours=3), begin + timedelta(hours=27), tz)) is not None:
        yield change


def _change(begin: datetime, end: datetime, tz: ZoneInfo) -> datetime | None:
    """The moment between the two at which the zone's clocks are changed, None if they are not."""
    before = begin.astimezone(tz).utcoffset()
    if end.astimezone(tz).utcoffset() == before:
        return None
    while end - begin > timedelta(seconds=1):
        middle = begin + timedelta(seconds=(end - begin) // timedelta(seconds=2))
        if middle.astimezone(tz).utcoffset() == before:
            begin = middle
        else:
            end = middle
    return end
