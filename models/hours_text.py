"""Calling hours and holidays as people write them and as the database keeps them: read, checked and
written. "Mon-Fri 08:00-18:00, Sat 09:00-12:00" are hours; "2026-12-25 Christmas" is a holiday.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import NamedTuple

from models.calling_hours import WEEKDAYS, CallingHours, Span, Weekday
from models.checks import BadValue, checked_name
from models.refusals import RefusalCode
from models.text import trimmed

MAX_HOURS = 200
"""Longest text of calling hours as they are kept, in characters: seven days of 15 take 117."""

MOST_HOLIDAYS = 100
"""How many holidays are kept of a practice."""

MAX_HOLIDAY = 100
"""Longest name of a holiday, in characters."""

_EXAMPLE = "such as Mon-Fri 08:00-18:00, Sat 09:00-12:00"

_PART = re.compile(
    r"(?P<first>[A-Za-z]+)(?:\s*[-–]\s*(?P<last>[A-Za-z]+))?"  # noqa: RUF001 - as people type it
    r"\s+(?P<opens>[0-9]{1,2}:[0-9]{2})\s*[-–]\s*(?P<closes>[0-9]{1,2}:[0-9]{2})"  # noqa: RUF001
)


_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class OpenOn(NamedTuple):
    """The hours of a weekday, as they were given."""

    weekday: Weekday
    opens: time
    closes: time


class Holiday(NamedTuple):
    """A day on which nobody is called, and what it is called, if somebody said."""

    date: date
    name: str | None = None


def checked_hours(given: str | Sequence[OpenOn] | None) -> str | None:
    """Calling hours as the database keeps them; None for any time. Raises `BadValue`."""
    if isinstance(given, str):
        return _text(_read(given))
    week: dict[Weekday, Span] = {}
    for place, (weekday, opens, closes) in enumerate(given or ()):
        _add(week, weekday, Span(opens, closes), (str(place),))
    return _text(week)


def checked_holidays(given: str | Sequence[str | Holiday] | None) -> str | None:
    """Holidays as the database keeps them, a line each; None if there are none. Raises
    `BadValue`."""
    if isinstance(given, str):
        given = given.splitlines()
    if len(given or ()) > MOST_HOLIDAYS:
        message = f"a practice has at most {MOST_HOLIDAYS} holidays, not {len(given or ())}"
        raise BadValue(message, RefusalCode.HOLIDAYS_INVALID)
    kept: dict[date, str] = {}
    for place, one in enumerate(given or ()):
        day, name = _holiday(one) if isinstance(one, str) else one
        name = _name(name or "", place)
        if day in kept:
            raise BadValue(
                f"{day.isoformat()} is a holiday twice",
                RefusalCode.HOLIDAYS_INVALID,
                (str(place), "date"),
            )
        kept[day] = name
    return "\n".join(f"{day.isoformat()} {kept[day]}".rstrip() for day in sorted(kept)) or None


def read_hours(time_zone: str, hours: str | None, holidays: str | None) -> CallingHours:
    """The calling hours that the database keeps for a practice in this time zone."""
    days = frozenset(holiday.date for holiday in kept_holidays(holidays))
    return CallingHours(time_zone, None if hours is None else _read(hours), days)


def kept_hours(hours: str | None) -> list[OpenOn]:
    """The hours that the database keeps, Monday first."""
    week = {} if hours is None else _read(hours)
    return [OpenOn(weekday, *week[weekday]) for weekday in WEEKDAYS if weekday in week]


def kept_holidays(holidays: str | None) -> list[Holiday]:
    """The holidays that the database keeps, in their order."""
    return [_holiday(line) for line in (holidays or "").splitlines()]


def _name(name: str, place: int) -> str:
    name, at = trimmed(name), (str(place), "name")
    if len(name) > MAX_HOLIDAY:
        message = f"a holiday's name has at most {MAX_HOLIDAY} characters, not {len(name):,}"
        raise BadValue(message, RefusalCode.TEXT_TOO_LONG, at)
    try:
        return checked_name("a holiday's name", name) if name else ""
    except BadValue as error:
        raise BadValue(str(error), error.code, at) from None


def _holiday(text: str) -> Holiday:
    day, _, name = trimmed(text).partition(" ")
    try:
        if not _DAY.fullmatch(day):
            raise ValueError
        return Holiday(date.fromisoformat(day), name or None)
    except ValueError:
        raise BadValue(
            f"a holiday is a date and perhaps a name, such as 2026-12-25 Christmas, not {text!r}",
            RefusalCode.HOLIDAYS_INVALID,
        ) from None


def _read(text: str) -> dict[Weekday, Span]:
    week: dict[Weekday, Span] = {}
    for part in filter(None, map(str.strip, re.split("[,;\n]", text))):
        if (found := _PART.fullmatch(part)) is None:
            raise _invalid(f"calling hours are written {_EXAMPLE}, not {part!r}")
        first = _weekday(found["first"])
        last = _weekday(found["last"] or found["first"])
        span = Span(_time(found["opens"]), _time(found["closes"]))
        if last < first:
            raise _invalid(f"{found['first']} comes after {found['last']}: write {_EXAMPLE}")
        for weekday in WEEKDAYS[first : last + 1]:
            _add(week, weekday, span)
    return week


def _weekday(name: str) -> int:
    """Its place in the week, from 0 for Monday."""
    wanted = name.upper()
    for place, weekday in enumerate(WEEKDAYS):
        if len(wanted) > 2 and weekday.startswith(wanted):
            return place
    raise _invalid(f"{name!r} is no weekday: they are Mon, Tue, Wed, Thu, Fri, Sat and Sun")


def _time(text: str) -> time:
    hour, minute = map(int, text.split(":"))
    try:
        return time(hour, minute)
    except ValueError:
        raise _invalid(f"{text!r} is no time: they go from 00:00 to 23:59") from None


def _add(week: dict[Weekday, Span], weekday: Weekday, span: Span, at: tuple[str, ...] = ()) -> None:
    name = weekday.title()
    if weekday in week:
        raise _invalid(f"{name} has hours twice", (*at, "weekday") if at else ())
    if any(moment.second or moment.microsecond for moment in span):
        raise _invalid(f"the hours of {name} are whole minutes", (*at, "opens") if at else ())
    if span.opens >= span.closes:
        message = f"on {name} the hours end at {span.closes:%H:%M}, and begin at {span.opens:%H:%M}"
        raise _invalid(message, (*at, "closes") if at else ())
    week[weekday] = span


def _invalid(message: str, at: tuple[str, ...] = ()) -> BadValue:
    return BadValue(message, RefusalCode.CALLING_HOURS_INVALID, at)


def _text(week: Mapping[Weekday, Span]) -> str | None:
    """Hours as they are kept: days with the same hours that follow each other stand together."""
    parts: list[tuple[list[Weekday], Span]] = []
    previous: Weekday | None = None
    for weekday in WEEKDAYS:
        span = week.get(weekday)
        if span is not None and parts and parts[-1][0][-1] is previous and parts[-1][1] == span:
            parts[-1][0].append(weekday)
        elif span is not None:
            parts.append(([weekday], span))
        previous = weekday
    return ", ".join(f"{_days(days)} {o:%H:%M}-{c:%H:%M}" for days, (o, c) in parts) or None


def _days(days: Iterable[Weekday]) -> str:
    first, *rest = (day.title()[:3] for day in days)
    return f"{first}-{rest[-1]}" if rest else first
