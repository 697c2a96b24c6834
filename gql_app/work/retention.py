"""How long events are kept. Tasks and contacts stay; only the stream's past is shortened, and
sessions that have ended are removed."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from gql_app.signin import forget_ended
from gql_app.work.keys import forget_old_keys
from models.database import fetch, transaction, write

log = logging.getLogger(__name__)

ROUND_SECONDS = 3600.0

BATCH = 500
"""Events that are removed in one transaction, which keeps the practice's writers waiting."""


class _Old(NamedTuple):
    practice_id: int
    first_seq: int
    last_seq: int


_OLD = """
SELECT p.id, MIN(e.seq), MAX(e.seq) FROM practice p
JOIN task_event e ON e.practice_id = p.id AND e.at < $1
GROUP BY p.id
"""

# What is still kept follows from the last event that goes: its digest stays.
_MARK = """
UPDATE practice SET pruned_through = $2, pruned_digest = (
    SELECT e.digest FROM task_event e WHERE e.practice_id = $1 AND e.seq = $2)
WHERE id = $1 AND pruned_through < $2
"""


async def prune(keep: timedelta, now: datetime | None = None) -> int:
    """Remove the events that are older than `keep`. Returns how many were removed.

    A practice's mark is moved first, in the same transaction: a stream that comes back from behind
    it is told to start afresh, and the tables let nothing else be deleted.
    """
    removed = 0
    for old in await fetch(_Old, _OLD, (now or datetime.now(UTC)) - keep):
        for first in range(old.first_seq, old.last_seq + 1, BATCH):
            last = min(first + BATCH - 1, old.last_seq)
            removed += await _prune_through(old.practice_id, last)
    return removed


async def _prune_through(practice_id: int, last_seq: int) -> int:
    async with transaction():
        await write(_MARK, practice_id, last_seq)
        remove = "DELETE FROM task_event WHERE practice_id = $1 AND seq <= $2 RETURNING id"
        return len(await write(remove, practice_id, last_seq))


async def keep_pruning(keep: timedelta) -> None:
    """Prune, and forget old idempotency keys, every hour until cancelled."""
    while True:
        try:
            await prune(keep)
            await forget_ended(datetime.now(UTC))
            await forget_old_keys()
        except Exception as error:  # the database may be away; the next round tries again
            log.warning("pruning failed: %s", type(error).__name__)
        await asyncio.sleep(ROUND_SECONDS)
