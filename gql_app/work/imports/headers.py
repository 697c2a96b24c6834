"""Which column of a file means which field: chosen by somebody, remembered, spelled out or guessed.

The guesses are what Dentrix, Eaglesoft, Open Dental and spreadsheets call their columns, in English
and in German.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from models.phone import PhoneKind


class ImportField(StrEnum):
    """What a column can be matched with: a part of a row. A name may stand in two columns, and two
    columns may have phones: the second is the patient's own where the first is empty, and else
    another one of theirs."""

    EXTERNAL_ID = "external_id"
    PATIENT_EXTERNAL_ID = "patient_external_id"
    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    PHONE = "phone"
    OTHER_PHONE = "other_phone"
    REASON = "reason"
    ORIGIN = "origin"
    FOLLOW_UP = "follow_up"
    EXPIRES_AT = "expires_at"
    PRIORITY = "priority"
    GUARANTOR_EXTERNAL_ID = "guarantor_external_id"
    LANGUAGE = "language"
    CALLER_NOTE = "caller_note"


FIELDS = tuple(field.value for field in ImportField)

REQUIRED = ("external_id", "name", "phone", "reason")

_MOBILE = (
    *("mobile phone", "cell phone", "wireless phone", "mobile", "cell", "mobile number"),
    *("handy", "handynummer", "mobil", "mobiltelefon", "mobilnummer", "telefon mobil"),
)
_HOME = ("home phone", "hm phone", "telefon privat", "festnetz")
_WORK = ("work phone", "wk phone", "telefon dienstlich")

GUESSES: dict[str, tuple[str, ...]] = {
    "external_id": (
        *("task id", "task number", "recall id", "recall num", "recall number", "apt num"),
        *("appointment id", "id", "no", "number", "nr", "nummer", "lfd nr", "vorgangsnummer"),
    ),
    "patient_external_id": (
        *("patient id", "pat id", "pat num", "patient number", "patient no", "patient #", "chart"),
        *("chart number", "chart no", "chart #", "chart num", "account number", "patientennummer"),
        *("patienten nr", "patient nr", "pat nr", "patienten id", "kartei nr", "karteinummer"),
    ),
    "name": (
        *("patient name", "full name", "patient", "patientenname", "name des patienten"),
        *("vollständiger name", "name vorname", "nachname vorname", "vor und nachname"),
    ),
    "first_name": ("first name", "f name", "first", "given name", "patient first name", "vorname"),
    "last_name": (
        *("last name", "l name", "last", "surname", "family name", "patient last name"),
        *("nachname", "familienname", "zuname"),
    ),
    "phone": (
        *("phone number", "primary phone", "contact phone", "telephone", "telephone number", "tel"),
        *("tel no", "telefon", "telefonnummer", "telefon nr", "tel nr", "rufnummer"),
        *(*_MOBILE, *_HOME, *_WORK),
    ),
    "reason": (
        *("reason for call", "call reason", "reason for visit", "appointment reason", "task"),
        *("procedure", "procedures", "procs", "proc descript", "treatment", "recall type"),
        *("continuing care", "continuing care type", "cc type", "description", "grund", "anlass"),
        *("anrufgrund", "grund des anrufs", "behandlung", "leistung", "recall art", "betreff"),
    ),
    "origin": ("herkunft",),
    "follow_up": (
        *("follow up date", "call on", "call back on", "wiedervorlage", "anrufen am", "fällig am"),
        *("fällig", "fälligkeit", "fälligkeitsdatum", "recall am", "recall datum", "recall fällig"),
    ),
    "expires_at": ("expires", "valid until", "gültig bis", "läuft ab"),
    "priority": ("prio", "priorität", "prioritaet"),
    "guarantor_external_id": (
        *("guarantor id", "guar id", "guarantor number", "guarantor num", "guar num"),
        *("resp party id", "responsible party id", "guarantor chart number", "guarantor", "guar"),
        *("resp party", "responsible party", "zahlungspflichtiger", "zahler"),
    ),
}
"""What else a field's column may be called; the better names first."""


def plain(name: str) -> str:
    """A column's name without what stands between its words, in small letters."""
    return re.sub(r"[^\w#]|_", "", name).casefold()


SPELLED = {plain(field): field for field in FIELDS}
_GUESSED = {
    plain(name): (place, field)
    for field, names in GUESSES.items()
    for place, name in enumerate(names)
}


_KINDS = {
    plain(name): kind
    for kind, names in (
        (PhoneKind.MOBILE, _MOBILE),
        (PhoneKind.HOME, _HOME),
        (PhoneKind.WORK, _WORK),
    )
    for name in names
}


def kinds_of(columns: Mapping[str, str]) -> dict[str, PhoneKind]:
    """Of what kind the numbers are, by their fields, as far as the columns' names say so."""
    named = {field: _KINDS.get(plain(columns.get(field, ""))) for field in ("phone", "other_phone")}
    return {field: kind for field, kind in named.items() if kind is not None}


class BadMatching(Exception):
    """Columns cannot be matched as they were chosen. `is_twice` says that something is matched
    twice; otherwise it is not there."""

    def __init__(self, message: str, *, is_twice: bool = False) -> None:
        super().__init__(message)
        self.is_twice = is_twice


class Matched(NamedTuple):
    """A file's columns by the fields that they are matched with. Those in `guessed` were neither
    chosen, nor called as their field is."""

    columns: dict[str, str]
    guessed: frozenset[str]


def is_known(name: str) -> bool:
    """Whether a column may be matched without being chosen."""
    return plain(name) in SPELLED or plain(name) in _GUESSED


def field_called(name: str) -> str:
    """The field that somebody names. Raises `BadMatching`."""
    if (field := SPELLED.get(plain(name))) is None:
        raise BadMatching(f"There is no field “{name}”; there are {', '.join(FIELDS)}.")
    return field


def match(
    names: Sequence[str],
    chosen: Mapping[str, str] | None = None,
    remembered: Mapping[str, str] | None = None,
    *,
    exactly: bool = False,
) -> Matched:
    """Match the columns called `names` with fields. What is `chosen` (columns by fields) counts
    first, with what was `remembered` of an earlier file if that is here too, then a column that is
    called as its field is, then the best guess; `exactly` takes what is chosen alone. Raises
    `BadMatching`."""
    columns = _chosen(names, chosen or {})
    if exactly:
        _settle(columns)
        return Matched(columns, frozenset())
    _take_remembered(columns, names, remembered or {})
    free = [name for name in names if name not in columns.values()]
    for name in free:
        if (field := SPELLED.get(plain(name))) and field not in (chosen or {}):
            if field in columns and columns[field] in free:
                raise BadMatching(
                    f"Two columns are {field}: {columns[field]} and {name}.", is_twice=True
                )
            columns.setdefault(field, name)
    spelled = {*columns}
    _guess(columns, free)
    _settle(columns)
    once = Counter(names)
    for field, name in columns.items():
        if once[name] > 1:
            raise BadMatching(f"Two columns are called {name}, which is {field}.", is_twice=True)
    return Matched(columns, frozenset(columns.keys() - spelled))


def _chosen(names: Sequence[str], chosen: Mapping[str, str]) -> dict[str, str]:
    by_plain = {plain(name): name for name in reversed(names)}
    columns: dict[str, str] = {}
    for field, name in chosen.items():
        found = name if name in names else by_plain.get(plain(name))
        if found is None:
            listed = ", ".join(names)[:200]
            raise BadMatching(f"There is no column “{name}” for {field}; there are {listed}.")
        if found in columns.values():
            raise BadMatching(f"The column {found} is matched twice.", is_twice=True)
        columns[field] = found
    return columns


def _take_remembered(
    columns: dict[str, str], names: Sequence[str], remembered: Mapping[str, str]
) -> None:
    for field, name in remembered.items():
        if name in names and name not in columns.values() and field in FIELDS:
            columns.setdefault(field, name)


def _guess(columns: dict[str, str], free: Sequence[str]) -> None:
    unused = [name for name in free if name not in columns.values()]
    for _, field, name in sorted(
        (*_GUESSED[plain(name)], name) for name in unused if plain(name) in _GUESSED
    ):
        if field not in columns:
            columns[field] = name
        elif field == "phone":  # lists have one of them empty for most patients
            columns.setdefault("other_phone", name)


def _settle(columns: dict[str, str]) -> None:
    """In German lists "Name" beside "Vorname" is the last name. A file that numbers its patients
    and not its tasks has one task a patient."""
    if "name" in columns and "first_name" in columns and "last_name" not in columns:
        columns["last_name"] = columns.pop("name")
    if "external_id" not in columns and "patient_external_id" in columns:
        columns["external_id"] = columns.pop("patient_external_id")


def missing_fields(columns: Mapping[str, str]) -> list[str]:
    """The fields that every file must have, and that no column is matched with."""
    named = {*columns} | ({"name"} if "last_name" in columns else set())
    return [field for field in REQUIRED if field not in named]
