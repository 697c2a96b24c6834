"""What comes in, row by row: texts as they were sent, and what is made of them before they may
enter a queue."""

import re
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from gql_app.work.intake import NewTask, check_reason
from gql_app.work.reads.conditions import is_storable
from gql_app.work.reads.targets import Target
from models.checks import MAX_NAME
from models.lifecycle import TaskOrigin
from models.patient_details import read_caller_note, read_language
from models.people import MAX_EXTERNAL_ID
from models.phone import Phone, PhoneKind, read_phone
from models.priority import TaskPriority, read_priority
from models.refusals import Refusal, RefusalCode
from models.text import trimmed

MAX_SOURCE = 100
YEARS = range(1900, 3000)
"""At the calendar's ends a moment has no date in some time zones."""


class ImportResult(StrEnum):
    CREATED = "CREATED"  # a task was made
    UPDATED = "UPDATED"  # the task was there; its patient's name or phone is new
    UNCHANGED = "UNCHANGED"  # the task and its patient were there as they are
    ALREADY_OPEN = "ALREADY_OPEN"  # the patient has an open task in the queue: no second one
    SUPPRESSED = "SUPPRESSED"  # the patient is not to be called: no task
    BOOKED = "BOOKED"  # the patient has an appointment that would close the task: none
    REJECTED = "REJECTED"  # nothing was changed


class ImportRow(NamedTuple):
    """A row as it was sent; None or "" where it says nothing."""

    external_id: str | None
    patient_external_id: str | None
    name: str | None
    phone: str | None
    reason: str | None
    origin: str | None
    follow_up: str | None
    expires_at: str | None
    priority: str | None
    guarantor_external_id: str | None = None
    other_phone: str | None = None
    phone_kind: str | None = None
    other_phone_kind: str | None = None
    language: str | None = None
    caller_note: str | None = None


class Incoming(NamedTuple):
    """A row that is in order by itself. `new` has no patient yet. `guarantor` is the external id of
    who answers for the patient. Of what is None or empty at the end it says nothing."""

    external_id: str
    patient_external_id: str
    name: str
    phone: Phone
    new: NewTask
    guarantor: str = ""
    other_phone: Phone | None = None
    language: str | None = None
    caller_note: str | None = None


def check_row(row: ImportRow, target: Target) -> Incoming | tuple[Refusal, ...]:
    """The row as it may come in, or every refusal of what it says by itself."""
    texts = ImportRow(*[trimmed(text) if text else "" for text in row])
    refusals = [
        *[_check_text(f, text) for f, text in zip(row._fields, texts, strict=True) if text],
        None
        if texts.external_id
        else _refusal(RefusalCode.EXTERNAL_ID_REQUIRED, "external_id", _NO_ID),
        None if texts.name else _refusal(RefusalCode.NAME_REQUIRED, "name", "Say whom to call."),
        check_reason(texts.reason or ""),
    ]
    phone = _phone(texts.phone, texts.phone_kind, target.region)
    if phone is None:
        refusals.append(
            _refusal(RefusalCode.PHONE_INVALID, "phone", _no_phone(texts.phone, target.region))
        )
    origin, follow_up, expires_at = TaskOrigin.AUTOMATIC, None, None
    if texts.origin:
        try:
            origin = TaskOrigin(texts.origin.upper())
        except ValueError:
            refusals.append(_refusal(RefusalCode.ORIGIN_INVALID, "origin", _NO_ORIGIN))
    priority = read_priority(texts.priority) if texts.priority else TaskPriority.NORMAL
    if priority is None:
        refusals.append(_refusal(RefusalCode.PRIORITY_INVALID, "priority", _NO_PRIORITY))
    if texts.follow_up and (follow_up := read_date(texts.follow_up, target.region)) is None:
        refusals.append(_refusal(RefusalCode.DATE_INVALID, "follow_up", _no_date(target.region)))
    if texts.expires_at and (expires_at := read_moment(texts.expires_at)) is None:
        refusals.append(_refusal(RefusalCode.DATE_INVALID, "expires_at", _NO_MOMENT))
    language, caller_note = (
        read_language(texts.language or ""),
        read_caller_note(texts.caller_note or ""),
    )
    refusals += [bad for bad in (language, caller_note) if isinstance(bad, Refusal)]
    if found := tuple(refusal for refusal in refusals if refusal is not None):
        return found
    assert texts.external_id is not None
    assert texts.name is not None
    assert phone is not None
    assert priority is not None
    new = NewTask(
        target.queue_id, 0, texts.reason or "", origin, follow_up, expires_at, priority=priority
    )
    patient = texts.patient_external_id or texts.external_id
    assert not isinstance(language, Refusal)
    assert not isinstance(caller_note, Refusal)
    # One that cannot be read is passed over, as the only one that is needed can.
    other = _phone(texts.other_phone, texts.other_phone_kind, target.region)
    more = (texts.guarantor_external_id or "", other, language, caller_note)
    return Incoming(texts.external_id, patient, texts.name, phone, new, *more)


def _phone(text: str | None, kind: str | None, region: str) -> Phone | None:
    phone = read_phone(text or "", region)
    return phone if phone is None or not kind else phone._replace(kind=PhoneKind(kind))


def read_date(text: str, region: str) -> date | None:
    """The date in an ISO text such as 2026-12-24, or in one with dots such as 24.12.2026, where the
    day comes first, save in the US, where nobody knows. None if it is anything else."""
    found = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    year, month, day = found.groups() if found else ("", "", "")
    if found is None and region != "US":
        found = re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", text)
        day, month, year = found.groups() if found else ("", "", "")
    if found is None or int(year) not in YEARS:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def read_moment(text: str) -> datetime | None:
    """The moment in an ISO text with its offset, such as 2026-12-24T17:00:00Z, else None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and moment.year in YEARS else None


_NO_ID = "Say which task it is at its source."
_NO_ORIGIN = "An origin is AUTOMATIC or MANUAL."
_NO_PRIORITY = "A priority is HIGH, NORMAL or LOW, or 1, 2 or 3, or A, B or C."
_NO_MOMENT = "A moment is written with its offset from UTC, as 2026-12-24T17:00:00Z."

_LONGEST = {
    "external_id": MAX_EXTERNAL_ID,
    "patient_external_id": MAX_EXTERNAL_ID,
    "name": MAX_NAME,
    "guarantor_external_id": MAX_EXTERNAL_ID,
}


def _check_text(field: str, text: str) -> Refusal | None:
    longest = _LONGEST.get(field)
    if longest is not None and len(text) > longest:
        message = f"It has {len(text):,} characters; at most {longest} are kept."
        return _refusal(RefusalCode.TEXT_TOO_LONG, field, message)
    if not is_storable(text):
        message = "It has bytes that are not UTF-8, or a character that cannot be kept (U+0000)."
        return _refusal(RefusalCode.TEXT_INVALID, field, message)
    return None


def _no_date(region: str) -> str:
    if region == "US":
        return "A date is written as 2026-12-24: year, month, day. Others are not guessed."
    return "A date is written as 24.12.2026 or 2026-12-24. Others are not guessed."


def _no_phone(text: str | None, region: str) -> str:
    if not text:
        return "There is no phone number."
    return (
        f"It is no phone number that can be called, in {region} or with + and its country's code."
    )


def _refusal(code: RefusalCode, field: str, message: str) -> Refusal:
    first, *others = field.split("_")
    return Refusal(code, message, first + "".join(map(str.title, others)))
