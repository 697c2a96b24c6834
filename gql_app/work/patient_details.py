"""What else is said of a patient when they are made or changed: other numbers, of which kind, the
language, and a note for the caller."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gql_app.access import Viewer
from models.patient_details import read_caller_note, read_language
from models.patient_phones import MOST_OTHERS, Kept, kept, kept_text
from models.phone import PhoneKind, read_phone
from models.refusals import Refusal, RefusalCode


class TypedPhone(NamedTuple):
    """A number as it was typed."""

    number: str
    kind: PhoneKind | None = None


class Details(NamedTuple):
    """None for what stays; an empty text, or list, takes it away."""

    phone_kind: PhoneKind | None = None
    other_phones: Sequence[TypedPhone] | None = None
    language: str | None = None
    caller_note: str | None = None


NO_DETAILS = Details()


class ReadDetails(NamedTuple):
    """The columns that were given, and what is wrong with the others."""

    columns: dict[str, Any]
    refusals: list[Refusal]


def read_details(viewer: Viewer, details: Details, own: str) -> ReadDetails:
    """Check the details. `own` is the patient's own number, as it is kept."""
    columns: dict[str, Any] = {}
    refusals: list[Refusal] = []
    if details.phone_kind is not None:
        columns["phone_kind"] = details.phone_kind
    if details.other_phones is not None:
        others = _read_others(viewer, details.other_phones, own, refusals)
        columns["more_phones"] = kept_text(others)
    for column, typed, read in (
        ("language", details.language, read_language),
        ("caller_note", details.caller_note, read_caller_note),
    ):
        if typed is None:
            continue
        value = read(typed)
        if isinstance(value, Refusal):
            refusals.append(value)
        else:
            columns[column] = value
    return ReadDetails(columns, refusals)


def _read_others(
    viewer: Viewer, typed: Sequence[TypedPhone], own: str, refusals: list[Refusal]
) -> list[Kept]:
    if len(typed) > MOST_OTHERS:
        message = f"A patient has at most {MOST_OTHERS} other numbers, not {len(typed)}."
        refusals.append(Refusal(RefusalCode.TOO_MANY_PHONES, message, "otherPhones"))
        return []
    found: dict[str, Kept] = {}
    for place, (number, kind) in enumerate(typed):
        under = ("otherPhones", str(place))
        phone = read_phone(number, viewer.region)
        if phone is None:
            message = "This is no phone number that can be called."
            refusals.append(Refusal(RefusalCode.PHONE_INVALID, message, "number", under))
        elif phone.stored == own or phone.stored in found:
            message = "The patient has this number already."
            refusals.append(Refusal(RefusalCode.PHONE_TWICE, message, "number", under))
        else:
            found[phone.stored] = kept(phone._replace(kind=kind))
    return [*found.values()]
