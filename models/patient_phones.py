"""The telephone numbers of a patient: their own, others, those that came with merges; and which of
them are wrong."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from models.phone import Phone, PhoneKind, any_phone, stored_phone

MOST_OTHERS = 9
"""How many numbers a patient has beside their own."""

MOST_WRONG = 20
"""How many wrong numbers are remembered of a patient: the last."""


class Kept(NamedTuple):
    """A number as the database keeps it, how it is shown, and its kind if somebody has said."""

    number: str
    display: str
    kind: PhoneKind | None = None


def kept(phone: Phone) -> Kept:
    return Kept(phone.stored, phone.display, phone.kind)


def read_kept(text: str | None) -> list[Kept]:
    """The other numbers in their column."""
    rows = [] if text is None else orjson.loads(text)
    return [Kept(number, shown, None if k is None else PhoneKind(k)) for number, shown, k in rows]


def kept_text(phones: Sequence[Kept]) -> str | None:
    """Other numbers as they are kept in their column; None if there are none."""
    return orjson.dumps([[*phone] for phone in phones]).decode() if phones else None


def with_number(text: str | None, phone: Phone | None, own: str) -> str | None:
    """The other numbers in their column with one more, if it is new and there is room."""
    others = read_kept(text)
    if phone is None or len(others) >= MOST_OTHERS:
        return text
    if phone.stored in (own, *(other.number for other in others)):
        return text
    return kept_text([*others, kept(phone)])


def shown_in(region: str, phones: Iterable[Kept]) -> list[Phone]:
    """The numbers as people of the region write them."""
    return [any_phone(phone.number, region)._replace(kind=phone.kind) for phone in phones]


def read_wrong(text: str | None) -> list[str]:
    """The wrong numbers in their column, the last one last."""
    return [] if text is None else orjson.loads(text)


def wrong_text(numbers: Sequence[str]) -> str | None:
    return orjson.dumps(numbers[-MOST_WRONG:]).decode() if numbers else None


def phones_of(own: Kept, others: str | None, merged: str | None, wrong: str | None) -> list[Phone]:
    """All that have digits, each once: the patient's own, the others, and those of merges, which
    say themselves whether they were wrong."""
    known = {*read_wrong(wrong)}
    rows = [(one, False) for one in (own, *read_kept(others))]
    for number, shown, *is_wrong in [] if merged is None else orjson.loads(merged):
        rows.append((Kept(number, shown), any(is_wrong)))
    found: dict[str, Phone] = {}
    for one, is_wrong in rows:
        phone = stored_phone(one.number, one.display)
        if phone is not None and phone.stored not in found:
            is_known = is_wrong or phone.stored in known
            found[phone.stored] = phone._replace(kind=one.kind, is_wrong=is_known)
    return [*found.values()]
