"""The digest chain of a practice's events.

Each event's digest is the SHA-256 of the digest before it and of the event's own content. After a
database was restored to an earlier state, new events get numbers that others had before, but never
the same digests. So a number with its digest is a place in one history only.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

BEGINNING = b""
"""The digest before a practice's first event."""

SHOWN = 8
"""How many bytes of its event's digest a cursor carries."""


class Position(NamedTuple):
    """A place in a practice's history: right after event `seq`.

    `digest` is the first bytes of that event's digest. It is empty before the first event, and in
    old cursors, which have a number only.
    """

    seq: int
    digest: bytes = BEGINNING

    @classmethod
    def after(cls, seq: int, digest: bytes) -> "Position":
        """The place after event `seq`, from its whole digest."""
        return cls(seq, digest[:SHOWN])

    def agrees(self, other: "Position") -> bool:
        """Whether both can be the same place in the same history."""
        if self.seq != other.seq:
            return False
        return not self.digest or not other.digest or self.digest == other.digest


def chained(before: bytes, event: Mapping[str, object]) -> bytes:
    """The digest of an event that follows the one whose digest is `before`.

    `event` has its columns by name, without `id` and `digest`. Null columns are left out, so that a
    column that is added later changes no digest.
    """
    content = {
        name: value.astimezone(UTC) if isinstance(value, datetime) else value
        for name, value in event.items()
        if value is not None
    }
    return hashlib.sha256(before + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()
