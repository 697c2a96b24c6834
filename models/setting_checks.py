"""Settings that people enter together, in a form or a file: all that is wrong is said at once."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from models.checks import BadValue, checked_name, checked_region, checked_time_zone
from models.hours_text import checked_holidays, checked_hours
from models.refusals import Refusal, RefusalCode
from models.rest import LONGEST_REST, SAME_DAY


class Setting(NamedTuple):
    """A column that people set: what GraphQL calls it, and how it is checked."""

    field: str
    check: Callable[[Any], object]


class Checked(NamedTuple):
    """Values as their columns hold them, and what is wrong with the others."""

    values: dict[str, Any]
    refusals: tuple[Refusal, ...]


MOST_UNDO_MINUTES = 120


def checked_minutes(given: int | str | None) -> int:
    """For how many minutes authors may undo their contacts. A text is one that people wrote. Raises
    `BadValue`."""
    minutes = _number(given, MOST_UNDO_MINUTES)
    if minutes is not None:
        return minutes
    message = (
        f"the minutes for undoing a contact are 0 to {MOST_UNDO_MINUTES}, not {given!r}; with 0"
        " only supervisors may undo one"
    )
    raise BadValue(message, RefusalCode.NUMBER_INVALID)


def checked_rest(given: int | str | None) -> int | None:
    """A rest in hours, None for the rest of the day. A text is one that people wrote. Raises
    `BadValue`."""
    if given is None or given == SAME_DAY:
        return None
    hours = _number(given, LONGEST_REST)
    if hours is not None:
        return hours
    raise BadValue(
        f"a rest is {SAME_DAY}, 0 for none, or hours up to {LONGEST_REST}, not {given!r}",
        RefusalCode.NUMBER_INVALID,
    )


def _number(given: int | str | None, most: int) -> int | None:
    """A whole number from 0 to `most`, given or written; None if it is anything else."""
    text = "" if given is None else str(given)
    return int(text) if text.isascii() and text.isdigit() and int(text[:9]) <= most else None


OF_PRACTICE = {
    "name": Setting("name", lambda name: checked_name("the practice's name", name or "")),
    "time_zone": Setting("timeZone", lambda name: checked_time_zone(name or "")),
    "region": Setting("region", lambda region: checked_region(region or "")),
    "rest_hours": Setting("restHours", checked_rest),
    "undo_minutes": Setting("undoMinutes", checked_minutes),
    "calling_hours": Setting("callingHours", checked_hours),
    "holidays": Setting("holidays", checked_holidays),
}
"""What people set of a practice, by its columns."""


def check_all(given: Mapping[str, object], settings: Mapping[str, Setting]) -> Checked:
    """Check the settings that are given."""
    values: dict[str, Any] = {}
    refusals = []
    for column, value in given.items():
        setting = settings[column]
        try:
            values[column] = setting.check(value)
        except BadValue as error:
            refusals.append(refused(error, setting.field))
    return Checked(values, tuple(refusals))


def refused(error: BadValue, field: str | None) -> Refusal:
    """A value that cannot be used, as a refusal: its message is a sentence."""
    message = str(error)
    end = "" if message.endswith("?") else "."
    sentence = f"{message[0].upper()}{message[1:]}{end}"
    if field is None or not error.at:
        return Refusal(error.code, sentence, field)
    return Refusal(error.code, sentence, error.at[-1], (field, *error.at[:-1]))
