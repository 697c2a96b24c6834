"""What was done to keys and people since a moment, from the audit.

A database that is restored to that moment has forgotten it: keys that were revoked since then work
again. So it has to be asked before, while the database can still be read.
"""

import re
from collections.abc import AsyncGenerator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from models.audit import AuditAction
from models.database import fetch, fetch_first

MOST = 1_000
"""Rows that are read at a time."""


class Again(StrEnum):
    """What has to be done again after a restore."""

    REVOKE = "key revoked"
    ROTATE = "key rotated"
    RETIRE = "person retired"
    NOTHING = "something else"


class AccessChange(NamedTuple):
    """Something that was done to keys or people of the practice `slug`, and what has to be done
    again, to the key `key_id` or the person called `name`."""

    at: datetime
    slug: str
    detail: str
    again: Again = Again.NOTHING
    key_id: int | None = None
    name: str | None = None


class _Row(NamedTuple):
    practice_id: int
    seq: int
    slug: str
    at: datetime
    detail: str | None


class _Name(NamedTuple):
    name: str


_ROWS = f"""
SELECT a.practice_id, a.seq, p.slug, a.at, a.detail FROM audit a
JOIN practice p ON p.id = a.practice_id
WHERE a.practice_id = $1 AND a.seq > $2 AND a.action = '{AuditAction.KEY}' AND a.at >= $3
ORDER BY a.seq LIMIT {MOST}
"""

_KEY = """
SELECT s.name FROM access_key k
JOIN staff s ON s.practice_id = k.practice_id AND s.id = k.staff_id
WHERE k.practice_id = $1 AND k.id = $2 AND k.created_at < $3
"""

_PERSON = """
SELECT s.name FROM staff s WHERE s.practice_id = $1 AND s.id = $2 AND s.created_at < $3
"""

_REVOKED = re.compile(r"key (\d+) revoked")
_ROTATED = re.compile(r"key \d+ made in place of key (\d+)")
_RETIRED = re.compile(r"staff (\d+) retired")


async def access_since(practice_id: int, since: datetime) -> AsyncGenerator[AccessChange, None]:
    """What was done at a practice since then, in order."""
    seq = 0
    while rows := await fetch(_Row, _ROWS, practice_id, seq, since):
        for row in rows:
            yield await _change(row, since)
        seq = rows[-1].seq


async def _change(row: _Row, since: datetime) -> AccessChange:
    """What has come since has nothing to be done again: it will not be there."""
    plain = AccessChange(row.at, row.slug, row.detail or "")
    for pattern, again, sql in (
        (_REVOKED, Again.REVOKE, _KEY),
        (_ROTATED, Again.ROTATE, _KEY),
        (_RETIRED, Again.RETIRE, _PERSON),
    ):
        if found := pattern.fullmatch(plain.detail):
            number = int(found[1])
            whose = await fetch_first(_Name, sql, row.practice_id, number, since)
            if whose is not None:
                return plain._replace(again=again, key_id=number, name=whose.name)
    return plain
