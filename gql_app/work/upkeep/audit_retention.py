"""How long rows of the audit are kept. The oldest go, with the digest of the last one kept: what is
left still follows from it."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import NamedTuple

from gql_app.clock import Clock, Doubtful
from gql_app.logs.retrying import retried
from gql_app.work.changes import Change, Changes
from gql_app.work.upkeep.doubt import check_share
from gql_app.work.upkeep.retention import BATCH, LATE, ROUND_SECONDS
from models.database import fetch, may_delete, snapshot, write
from models.limits import Busy

log = logging.getLogger(__name__)


class _Old(NamedTuple):
    """A practice's rows: removed so far, all, and those before the first that is kept."""

    practice_id: int
    pruned_through: int
    seq: int
    old_through: int


# Rows are written in about the order of their moments. What stands before the first that is young
# enough is old.
_OLD = """
SELECT p.id, p.audit_pruned_through, p.audit_seq, COALESCE(
    (SELECT a.seq FROM audit a WHERE a.practice_id = p.id AND a.at >= $1
    ORDER BY a.seq LIMIT 1) - 1, p.audit_seq)
FROM practice p
"""

_MARK = """
UPDATE practice SET audit_pruned_through = $2, audit_pruned_digest = (
    SELECT a.digest FROM audit a WHERE a.practice_id = $1 AND a.seq = $2)
WHERE id = $1 AND audit_pruned_through < $2
"""

_REMOVE = "DELETE FROM audit WHERE practice_id = $1 AND seq <= $2 RETURNING seq"


async def prune_audit(
    changes: Changes, keep: timedelta, now: datetime, *, forced: bool = False
) -> int:
    """Remove the rows that are older than `keep`. Returns how many were removed. Raises `Doubtful`
    as `prune` does, unless it is `forced`."""
    if not forced:
        late = await _old(now - keep - LATE)
        due = sum(of.old_through - of.pruned_through for of in late)
        await check_share("prune", due, sum(of.seq - of.pruned_through for of in late), now)
    removed = 0
    for practice_id, pruned_through, _, old_through in await _old(now - keep):
        try:
            for through in range(pruned_through + BATCH, old_through + BATCH, BATCH):
                last = min(through, old_through)
                removed += await changes.make_for(practice_id, _prune_through, last)
        except Busy as busy:  # the next round tries again
            log.warning("practice %d is busy, audit not pruned: %s", practice_id, busy.reason)
    return removed


async def _old(before: datetime) -> list[_Old]:
    async with snapshot(is_long=True):
        return await fetch(_Old, _OLD, before)


async def _prune_through(change: Change, last: int) -> int:
    await write(_MARK, change.practice_id, last)
    return len(await write(_REMOVE, change.practice_id, last))


async def keep_pruning_audit(changes: Changes, keep: timedelta, clock: Clock) -> None:
    """Prune every hour until cancelled. A role that may not remove rows leaves them to `callboard
    prune`, as `keep_pruning` does and says."""
    while True:
        try:
            with retried(log, "pruning the audit failed", but=(Doubtful,)):
                clock.check()
                if await may_delete("audit"):
                    await prune_audit(changes, keep, clock())
        except Doubtful as doubt:
            log.error("pruning the audit stops: %s", doubt)  # noqa: TRY400 - it says all there is
        await asyncio.sleep(ROUND_SECONDS)
