"""Walking a practice's digest chains: whether its history is still the one that was written, and so
is its audit."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from models.audit import AUDIT_CHAINED, AUDIT_COLUMNS, AuditBounds, AuditRow, audit_bounds
from models.chain import chained
from models.database import fetch, snapshot
from models.event import CHAINED, EventRow, FeedBounds, feed_bounds, select_events

BATCH = 500
"""Rows read at a time."""


class Verdict(NamedTuple):
    """What was found of a practice's events, or rows of the audit, from `first` on through `last`.
    `changed_at` is the number of the first one that is not what was written, or is missing; None if
    all is sound."""

    first: int
    last: int
    changed_at: int | None


class PracticeName(NamedTuple):
    id: int
    slug: str


class _Link(Protocol):
    """A row of a chain."""

    @property
    def seq(self) -> int: ...
    @property
    def digest(self) -> bytes: ...


async def practices(slug: str | None) -> list[PracticeName]:
    """The practice called `slug`, or all of them by their slugs."""
    sql = "SELECT id, slug FROM practice WHERE CAST($1 AS TEXT) IS NULL OR slug = $1 ORDER BY slug"
    return await fetch(PracticeName, sql, slug)


async def verify(practice_id: int) -> Verdict:
    """Compute each event's digest again, from the last one pruned to the counter's.

    All of it is read as of one moment, so a server may go on writing and pruning meanwhile.
    """

    async def after(seq: int) -> list[EventRow]:
        where = "e.practice_id = $1 AND e.seq > $2"
        return await select_events(where, BATCH, [practice_id, seq])

    async with snapshot(is_long=True):
        return await _walk(await feed_bounds(practice_id), after, CHAINED)


async def verify_audit(practice_id: int) -> Verdict:
    """The same of the practice's audit."""
    sql = f"""SELECT {AUDIT_COLUMNS} FROM audit a WHERE a.practice_id = $1 AND a.seq > $2
    ORDER BY a.seq LIMIT {BATCH}"""

    async def after(seq: int) -> list[AuditRow]:
        return await fetch(AuditRow, sql, practice_id, seq)

    async with snapshot(is_long=True):
        return await _walk(await audit_bounds(practice_id), after, AUDIT_CHAINED)


async def _walk(
    bounds: FeedBounds | AuditBounds,
    after: Callable[[int], Awaitable[Sequence[_Link]]],
    columns: Sequence[str],
) -> Verdict:
    seq, digest = bounds.pruned_through, bounds.pruned_digest
    while rows := await after(seq):
        for row in rows:
            seq += 1
            digest = chained(digest, {name: getattr(row, name) for name in columns})
            if row.seq != seq or row.digest != digest:
                return Verdict(bounds.pruned_through + 1, bounds.seq, seq)
    changed_at = None
    if (seq, digest) != (bounds.seq, bounds.digest):
        changed_at = seq + (seq < bounds.seq)
    return Verdict(bounds.pruned_through + 1, bounds.seq, changed_at)
