"""Walking a practice's digest chain: whether its history is still the one that was written."""

from typing import NamedTuple

from models.chain import chained
from models.database import fetch, snapshot
from models.event import CHAINED, EventRow, feed_bounds, select_events

BATCH = 500
"""Events read at a time."""


class Verdict(NamedTuple):
    """What was found of a practice's events from `first` on through `last`. `changed_at` is the
    number of the first event that is not what was written, or is missing; None if all is sound."""

    first: int
    last: int
    changed_at: int | None


class PracticeName(NamedTuple):
    id: int
    slug: str


async def practices(slug: str | None) -> list[PracticeName]:
    """The practice called `slug`, or all of them by their slugs."""
    sql = "SELECT id, slug FROM practice WHERE CAST($1 AS TEXT) IS NULL OR slug = $1 ORDER BY slug"
    return await fetch(PracticeName, sql, slug)


async def verify(practice_id: int) -> Verdict:
    """Compute each event's digest again, from the last one pruned to the counter's.

    All of it is read as of one moment, so a server may go on writing and pruning meanwhile.
    """
    async with snapshot(is_long=True):
        bounds = await feed_bounds(practice_id)
        seq, digest = bounds.pruned_through, bounds.pruned_digest
        while events := await _batch(practice_id, seq):
            for event in events:
                seq += 1
                digest = chained(digest, {name: getattr(event, name) for name in CHAINED})
                if event.seq != seq or event.digest != digest:
                    return Verdict(bounds.pruned_through + 1, bounds.seq, seq)
        if (seq, digest) != (bounds.seq, bounds.digest):
            return Verdict(bounds.pruned_through + 1, bounds.seq, seq + (seq < bounds.seq))
    return Verdict(bounds.pruned_through + 1, bounds.seq, None)


async def _batch(practice_id: int, seq: int) -> list[EventRow]:
    return await select_events("e.practice_id = $1 AND e.seq > $2", BATCH, [practice_id, seq])
