"""The sweeper: closes automatic tasks whose time is up, as soon as it is up."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from gql_app.work.transitions import Transitions
from models.database import fetch

log = logging.getLogger(__name__)

LONGEST_SLEEP = timedelta(seconds=5)
"""Also how late a task can close that another process made meanwhile."""

BATCH = 500


class _Due(NamedTuple):
    practice_id: int
    task_id: int
    expires_at: datetime


# By way of the practices, so that each is looked up in its own index.
_NEXT_DUE = """
SELECT t.practice_id, t.id, t.expires_at FROM practice p
JOIN task t ON t.practice_id = p.id
WHERE t.status IN ('OPEN', 'IN_PROGRESS') AND t.expires_at IS NOT NULL AND t.expires_at <= $1
ORDER BY t.expires_at LIMIT 500
"""


async def sweep(transitions: Transitions, now: datetime | None = None) -> int:
    """Close every task that has expired by `now`. Returns how many were closed."""
    closed = 0
    while due := await fetch(_Due, _NEXT_DUE, now or datetime.now(UTC)):
        done = [await transitions.expire(task.practice_id, task.task_id) for task in due]
        closed += sum(done)
        if len(due) < BATCH or not any(done):
            break
    return closed


async def keep_sweeping(
    transitions: Transitions, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """Sweep until cancelled, waking when the next task expires."""
    while True:
        pause = LONGEST_SLEEP
        try:
            await sweep(transitions, clock())
            soon = await fetch(_Due, _NEXT_DUE, clock() + LONGEST_SLEEP)
            if soon:
                pause = max(soon[0].expires_at - clock(), timedelta(milliseconds=10))
        except Exception as error:  # the database may be away; the next round tries again
            log.warning("expiry sweep failed: %s", type(error).__name__)
        await asyncio.sleep(pause.total_seconds())
