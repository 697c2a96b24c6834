"""How long events are kept. Tasks and contacts stay; only the stream's past is shortened, and
sessions that have ended are removed."""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from gql_app.access.signin import forget_ended_sessions, with_ended_sessions
from gql_app.clock import Clock, Doubtful
from gql_app.logs.retrying import retried
from gql_app.work.changes import Change, Changes
from gql_app.work.idempotency import forget_old_keys
from gql_app.work.upkeep.doubt import check_share
from models.database import fetch, may_delete, snapshot, write
from models.limits import Busy

log = logging.getLogger(__name__)

ROUND_SECONDS = 3600.0

LATE = timedelta(hours=2)
"""If an event is this long overdue for removal, no round has run or the clock has jumped."""

BATCH = 500
"""Events that are removed in one transaction, which keeps the practice's writers waiting."""


NOT_HERE = "this role may not remove old events"


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


class _Share(NamedTuple):
    late: int
    kept: int


# The numbers of a practice's events have no gaps, so nothing needs to be counted.
_SHARES = """
SELECT COALESCE(
        (SELECT e.seq FROM task_event e WHERE e.practice_id = p.id AND e.at < $1
        ORDER BY e.at DESC LIMIT 1), p.pruned_through
    ) - p.pruned_through, p.seq - p.pruned_through
FROM practice p
"""


async def prune(changes: Changes, keep: timedelta, now: datetime, *, forced: bool = False) -> int:
    """Remove the events that are older than `keep`. Returns how many were removed. Raises
    `Doubtful` if that would be too many for the clock to be believed, unless it is `forced`.

    A practice's mark is moved first, in the same transaction: a stream that comes back from behind
    it is told to start afresh, and the tables let nothing else be deleted.
    """
    if not forced:
        async with snapshot(is_long=True):
            shares = await fetch(_Share, _SHARES, now - keep - LATE)
        late, kept = (sum(numbers) for numbers in zip(*shares, strict=True)) if shares else (0, 0)
        await check_share("prune", late, kept, now)
    removed = 0
    async with snapshot(is_long=True):
        found = await fetch(_Old, _OLD, now - keep)
    for old in found:
        try:
            for first in range(old.first_seq, old.last_seq + 1, BATCH):
                last = min(first + BATCH - 1, old.last_seq)
                removed += await changes.make_for(old.practice_id, _prune_through, last)
        except Busy as busy:  # the next round tries again
            log.warning("practice %d is busy, not pruned: %s", old.practice_id, busy.reason)
    return removed


async def _prune_through(change: Change, last_seq: int) -> int:
    await write(_MARK, change.practice_id, last_seq)
    remove = "DELETE FROM task_event WHERE practice_id = $1 AND seq <= $2 RETURNING id"
    return len(await write(remove, change.practice_id, last_seq))


async def forget(changes: Changes, now: datetime) -> None:
    """Remove sessions and links that ended long ago, and idempotency keys that no longer count."""
    for practice_id in await with_ended_sessions(now):
        with suppress(Busy):  # the next round tries again
            await changes.make_for(practice_id, forget_ended_sessions, now)
    await forget_old_keys(changes, now)


async def keep_pruning(changes: Changes, keep: timedelta, clock: Clock) -> None:
    """Prune, and forget old sessions and idempotency keys, every hour until cancelled. A role that
    may not remove events leaves them to `callboard prune`."""
    has_said_so = False
    while True:
        try:
            with retried(log, "pruning failed", but=(Doubtful,)):
                clock.check()
                if await may_delete("task_event"):
                    await prune(changes, keep, clock())
                elif not has_said_so:
                    log.warning("%s: schedule callboard prune as the tables' owner", NOT_HERE)
                    has_said_so = True
                await forget(changes, clock())
        except Doubtful as doubt:
            log.error("pruning stops: %s", doubt)  # noqa: TRY400 - it says all there is
        await asyncio.sleep(ROUND_SECONDS)
