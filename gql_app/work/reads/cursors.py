"""Opaque cursors: where a list or a stream goes on.

A cursor names its kind and its practice, so that one from another list or another practice is
refused as any other garbage is. Clients cannot read the numbers of rows in those of lists. Those of
events name an event by its `seq`, which clients know.
"""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from gql_app import opaque
from gql_app.work.reads.conditions import BadInput
from models.chain import SHOWN, Position

MAX_CURSOR = 200

_DIGEST = re.compile(f"[0-9a-f]{{{2 * SHOWN}}}")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(StrEnum):
    """What moment a list is sorted by: the kind of its cursors."""

    EXPIRY = "x"
    LAST_CONTACT = "l"


class Place(NamedTuple):
    """A place in a list that is divided into sections on `day`: behind the row of a section with
    these values, or at the beginning."""

    day: date
    section: str = ""
    values: tuple[object, ...] = ()


def event_cursor(practice_id: int, position: Position) -> str:
    """Where a feed or the list of events goes on after the event at `position`."""
    named = f":{position.digest.hex()}" if position.digest else ""
    return _encode_open("e", practice_id, f"{position.seq}{named}")


def read_event_cursor(practice_id: int, cursor: str) -> Position:
    """The place in the practice's history that `cursor` names. One from before events had digests
    names only a number. Raises `BadInput`."""
    seq, colon, digest = _decode_open("e", practice_id, cursor).partition(":")
    if colon and not _DIGEST.fullmatch(digest):
        raise _bad()
    return Position(_number(seq), bytes.fromhex(digest))


def id_cursor(practice_id: int, row_id: int) -> str:
    """Where a list that is sorted by id goes on."""
    return _encode("i", practice_id, str(row_id))


def read_id_cursor(practice_id: int, cursor: str) -> int:
    """The id that `cursor` stands behind. Raises `BadInput`."""
    return _number(_decode("i", practice_id, cursor))


def audit_cursor(practice_id: int, seq: int) -> str:
    """Where the audit goes on after row `seq`."""
    return _encode("a", practice_id, str(seq))


def read_audit_cursor(practice_id: int, cursor: str) -> int:
    """The number of the row that `cursor` stands behind. Raises `BadInput`."""
    return _number(_decode("a", practice_id, cursor))


def due_cursor(practice_id: int, due_on: date, row_id: int) -> str:
    """Where a list that is sorted by due date and id goes on."""
    return _encode("d", practice_id, f"{due_on.isoformat()}:{row_id}")


def read_due_cursor(practice_id: int, cursor: str) -> tuple[date, int]:
    """The due date and id that `cursor` stands behind. Raises `BadInput`."""
    due_on, _, row_id = _decode("d", practice_id, cursor).partition(":")
    return _date(due_on), _number(row_id)


def moment_cursor(kind: Moment, practice_id: int, at: datetime, row_id: int) -> str:
    """Where a list that is sorted by a moment (not before 1970) and id goes on."""
    return _encode(kind, practice_id, f"{_microseconds(at)}:{row_id}")


def read_moment_cursor(kind: Moment, practice_id: int, cursor: str) -> tuple[datetime, int]:
    """The moment and id that `cursor` stands behind. Raises `BadInput`."""
    microseconds, _, row_id = _decode(kind, practice_id, cursor).partition(":")
    return _moment(microseconds), _number(row_id)


def place_cursor(kind: str, practice_id: int, place: Place) -> str:
    """Where a list with sections goes on. It goes on as it was divided, also past midnight."""
    values = ":".join(_written(value) for value in place.values)
    return _encode(kind, practice_id, f"{place.day.isoformat()}:{place.section}:{values}")


def read_place_cursor(
    kind: str, practice_id: int, cursor: str, types: Mapping[str, tuple[type, ...]]
) -> Place:
    """The place that `cursor` stands behind. `types` are those of each section's values. Raises
    `BadInput`."""
    day, _, rest = _decode(kind, practice_id, cursor).partition(":")
    section, _, values = rest.partition(":")
    written = values.split(":")
    if len(written) != len(types.get(section, ())):
        raise _bad()
    read = (_READ[of](text) for of, text in zip(types[section], written, strict=True))
    return Place(_date(day), section, tuple(read))


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return str(_microseconds(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _encode(kind: str, practice_id: int, position: str) -> str:
    return opaque.hide(position, f"{kind}:{practice_id}")


def _decode(kind: str, practice_id: int, cursor: str) -> str:
    """What the cursor stands for. Those of the older form, which clients could read, are read."""
    position = None
    if len(cursor) <= MAX_CURSOR:
        position = opaque.shown(cursor, f"{kind}:{practice_id}")
    return _decode_open(kind, practice_id, cursor) if position is None else position


def _encode_open(kind: str, practice_id: int, position: str) -> str:
    return urlsafe_b64encode(f"{kind}:{practice_id}:{position}".encode()).decode()


def _decode_open(kind: str, practice_id: int, cursor: str) -> str:
    prefix = f"{kind}:{practice_id}:"
    try:
        text = urlsafe_b64decode(cursor.encode("ascii")).decode("ascii")
    except (UnicodeError, binascii.Error, ValueError):
        raise _bad() from None
    # Decoding forgives stray characters; a cursor is what we wrote or it is nothing.
    if (
        len(cursor) > MAX_CURSOR
        or not text.startswith(prefix)
        or _encode_open(kind, practice_id, text.removeprefix(prefix)) != cursor
    ):
        raise _bad()
    return text.removeprefix(prefix)


def _number(text: str) -> int:
    if not text.isdigit() or len(text) > 18:
        raise _bad()
    return int(text)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _bad() from None


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _moment(text: str) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=_number(text))
    except OverflowError:  # past the calendar
        raise _bad() from None


_READ: Mapping[type, Callable[[str], object]] = {int: _number, date: _date, datetime: _moment}


def _bad() -> BadInput:
    return BadInput("The cursor is not one that this server gave for this list.")
