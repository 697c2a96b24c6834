"""Settings that people enter together, in a form or a file: all that is wrong is said at once."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from models.checks import BadValue, checked_name, checked_region, checked_time_zone
from models.refusals import Refusal, RefusalCode
from models.rest import checked_rest


class Setting(NamedTuple):
    """A column that people set: what GraphQL calls it, and how it is checked."""

    field: str
    check: Callable[[Any], object]


class Checked(NamedTuple):
    """Values as their columns hold them, and what is wrong with the others."""

    values: dict[str, Any]
    refusals: tuple[Refusal, ...]


MOST_UNDO_MINUTES = 120


def checked_minutes(minutes: int | str | None) -> int:
    """For how many minutes authors may undo their contacts. A text is one that people wrote. Raises
    `BadValue`."""
    text = "" if minutes is None else str(minutes)
    if text.isascii() and text.isdigit() and int(text[:9]) <= MOST_UNDO_MINUTES:
        return int(text)
    message = (
        f"the minutes for undoing a contact are 0 to {MOST_UNDO_MINUTES}, not {minutes!r}; with 0"
        " only supervisors may undo one"
    )
    raise BadValue(message, RefusalCode.NUMBER_INVALID)


OF_PRACTICE = {
    "name": Setting("name", lambda name: checked_name("the practice's name", name or "")),
    "time_zone": Setting("timeZone", lambda name: checked_time_zone(name or "")),
    "region": Setting("region", lambda region: checked_region(region or "")),
    "rest_hours": Setting("restHours", checked_rest),
    "undo_minutes": Setting("undoMinutes", checked_minutes),
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
    return Refusal(error.code, f"{message[0].upper()}{message[1:]}{end}", field)
