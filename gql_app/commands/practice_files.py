"""The file of `callboard practices apply`: read, and checked as a whole before anything is changed.

[[practice]]
slug = "maple"
name = "Maple Street Dental"
time_zone = "America/Chicago"
rest = "same-day"
calling_hours = "Mon-Fri 08:00-18:00"
holidays = ["2026-12-25 Christmas"]

[[practice.queue]]
name = "Overdue recall"
ladder = [1, 7, 21, 60]
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gql_app.commands.verbs_of_practices import FIRST_QUEUE
from models.checks import BadValue, checked_slug
from models.queue_checks import OF_QUEUE
from models.refusals import RefusalCode
from models.setting_checks import OF_PRACTICE, Setting, check_all
from models.zone_regions import region_of_zone

MAX_BYTES = 10_000_000

_PRACTICE = {
    "name": "name",
    "time_zone": "time_zone",
    "region": "region",
    "rest": "rest_hours",
    "calling_hours": "calling_hours",
    "holidays": "holidays",
}
"""What the settings of a practice are called in a file, and their columns."""

_QUEUE = {
    "name": "name",
    "ladder": "follow_up_ladder",
    "automatic_life": "automatic_life_days",
    "closes_on_appointment": "closes_on_appointment",
    "appointment_kinds": "appointment_kinds",
    "missed_appointments": "missed_appointments",
    "max_attempts": "max_attempts",
    "closes_at_max_attempts": "closes_at_max_attempts",
    "script": "script",
}
"""What the settings of a queue are called in a file, as in the options of `callboard queues`, and
their columns."""

_KINDS = {
    "ladder": list,
    "automatic_life": int,
    "closes_on_appointment": bool,
    "appointment_kinds": list,
    "missed_appointments": bool,
    "max_attempts": int,
    "closes_at_max_attempts": bool,
}
"""What a value is. All others are texts."""

_ITEMS = {"ladder": int, "appointment_kinds": str}
"""What is in a list."""


class Wanted(NamedTuple):
    """A practice as a file wants it: settings as they are entered. What it does not name is not
    there."""

    slug: str
    settings: dict[str, Any]
    queues: list[dict[str, Any]]

    def in_full(self) -> "Wanted":
        """With all that a new practice needs. Raises `BadValue` if some of it has to be named."""
        region = region_of_zone(self.settings.get("time_zone", ""))
        settings = {"name": "", "time_zone": "", "region": region} | self.settings
        wrong: list[BadValue] = []
        _check(settings, OF_PRACTICE, f"practice {self.slug!r}", wrong)
        if wrong:
            raise BadValue("; ".join(map(str, wrong)), wrong[0].code)
        checked = check_all(settings, OF_PRACTICE).values
        return Wanted(self.slug, checked, self.queues or [{"name": FIRST_QUEUE}])


def read_practices(path: Path) -> list[Wanted]:
    """The practices of a file. Raises `BadValue` with all that is wrong with it."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise BadValue(f"{path} has more than {MAX_BYTES:,} bytes", RefusalCode.TEXT_TOO_LONG)
    try:
        read = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadValue(f"{path} is no TOML: {error}") from None
    wrong: list[BadValue] = []
    tables = list(_tables(read, "practice", "the file", {"practice"}, wrong))
    practices = [_practice(table, wrong) for table in tables]
    if not tables:
        wrong.append(BadValue("there is no [[practice]] in it", RefusalCode.SLUG_INVALID))
    wrong += _twice([one.slug for one in practices], "practices", RefusalCode.SLUG_TAKEN)
    if wrong:
        raise BadValue(f"{path}: {'; '.join(map(str, wrong))}", wrong[0].code)
    return practices


def _practice(table: Mapping[str, Any], wrong: list[BadValue]) -> Wanted:
    slug = table.get("slug", "")
    where = f"practice {slug!r}"
    try:
        checked_slug(slug if isinstance(slug, str) else "")
    except BadValue as error:
        wrong.append(error)
    _check_names(table, {"slug", "queue", *_PRACTICE}, where, wrong)
    settings: dict[str, Any] = {
        _PRACTICE[name]: str(table[name]) for name in _PRACTICE if name in table
    }
    if (days := table.get("holidays")) is not None:
        settings["holidays"] = days if isinstance(days, list) else [days]
        settings["holidays"] = [str(day) for day in settings["holidays"]]
    _check(settings, OF_PRACTICE, where, wrong)
    queues = [_queue(queue, where, wrong) for queue in _tables(table, "queue", where, None, wrong)]
    names = [str(queue["name"]).strip() for queue in queues]
    wrong += _twice(names, f"queues of {slug!r}", RefusalCode.NAME_TAKEN)
    return Wanted(str(slug), settings, queues)


def _queue(table: Mapping[str, Any], where: str, wrong: list[BadValue]) -> dict[str, Any]:
    where = f"queue {table.get('name', '')!r} of {where}"
    _check_names(table, set(_QUEUE), where, wrong)
    given: dict[str, Any] = {"name": ""}
    for name in (name for name in _QUEUE if name in table):
        value, kind = table[name], _KINDS.get(name, str)
        if type(value) is kind and (kind is not list or _is_list_of(value, _ITEMS[name])):
            given[_QUEUE[name]] = value
        else:
            wrong.append(BadValue(f"{where}: {name} cannot be {value!r}"))
    _check(given, OF_QUEUE, where, wrong)
    return given


def _is_list_of(value: Any, kind: type) -> bool:
    return all(type(item) is kind for item in value)


def _check(
    given: Mapping[str, object], settings: Mapping[str, Setting], where: str, wrong: list[BadValue]
) -> None:
    wrong += [
        BadValue(f"{where}: {refusal.message}", refusal.code)
        for refusal in check_all(given, settings).refusals
    ]


def _check_names(
    table: Mapping[str, Any], known: set[str], where: str, wrong: list[BadValue]
) -> None:
    """A name that is misspelt would be passed over in silence."""
    for name in sorted(table.keys() - known):
        known_names = ", ".join(sorted(known))
        wrong.append(BadValue(f"{where}: there is no {name!r}, only {known_names}"))


def _tables(
    table: Mapping[str, Any], name: str, where: str, known: set[str] | None, wrong: list[BadValue]
) -> Iterator[Mapping[str, Any]]:
    """The tables of a list of them."""
    if known is not None:
        _check_names(table, known, where, wrong)
    listed = table.get(name, [])
    if isinstance(listed, list) and all(isinstance(one, dict) for one in listed):
        yield from listed
    else:
        wrong.append(BadValue(f"{where}: {name} is written as [[…]]"))


def _twice(names: list[str], what: str, code: RefusalCode) -> list[BadValue]:
    folded = [name.casefold() for name in names]
    twice = {name for name in names if folded.count(name.casefold()) > 1}
    return [BadValue(f"two {what} are called {name!r}", code) for name in sorted(twice)[:1]]
