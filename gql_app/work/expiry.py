"""The sweepers: what has an end, a task or a claim, is ended as soon as its time is up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

from gql_app.work.claims import Claims
from gql_app.work.transitions import Transitions
from models.database import fetch

log = logging.getLogger(__name__)

LONGEST_SLEEP = timedelta(seconds=5)
"""Also how late an end can be seen that another process set meanwhile."""

BATCH = 500


class _Due(NamedTuple):
    practice_id: int
    task_id: int
    at: datetime


# By way of the practices, so that each is looked up in its own index.
_NEXT_TO_EXPIRE = """
SELECT t.practice_id, t.id, t.expires_at FROM practice p
JOIN task t ON t.practice_id = p.id
WHERE t.status IN ('OPEN', 'IN_PROGRESS') AND t.expires_at IS NOT NULL AND t.expires_at <= $1
ORDER BY t.expires_at LIMIT 500
"""

_NEXT_TO_LAPSE = """
SELECT t.practice_id, t.id, t.claimed_until FROM practice p
JOIN task t ON t.practice_id = p.id
WHERE t.claimed_until IS NOT NULL AND t.claimed_until <= $1
ORDER BY t.claimed_until LIMIT 500
"""

Clock: TypeAlias = Callable[[], datetime]
Act: TypeAlias = Callable[[int, int], Awaitable[bool]]


def _now() -> datetime:
    return datetime.now(UTC)


async def sweep(transitions: Transitions, now: datetime | None = None) -> int:
    """Close every task that has expired by `now`. Returns how many were closed."""
    return await _sweep(_NEXT_TO_EXPIRE, transitions.expire, now or _now())


async def keep_sweeping(transitions: Transitions, clock: Clock = _now) -> None:
    """Close expired tasks until cancelled, waking when the next one expires."""
    await _keep_sweeping(_NEXT_TO_EXPIRE, transitions.expire, clock)


async def free_lapsed(claims: Claims, now: datetime) -> int:
    """Free every patient whose claim has lapsed by `now`. Returns how many were freed."""
    return await _sweep(_NEXT_TO_LAPSE, claims.lapse, now)


async def keep_freeing(claims: Claims, clock: Clock = _now) -> None:
    """Free lapsed claims until cancelled, waking when the next one lapses."""
    await _keep_sweeping(_NEXT_TO_LAPSE, claims.lapse, clock)


async def _sweep(next_due: str, act: Act, now: datetime) -> int:
    done = 0
    while due := await fetch(_Due, next_due, now):
        results = [await act(task.practice_id, task.task_id) for task in due]
        done += sum(results)
        if len(due) < BATCH or not any(results):
            break
    return done


async def _keep_sweeping(next_due: str, act: Act, clock: Clock) -> None:
    while True:
        pause = LONGEST_SLEEP
        try:
            await _sweep(next_due, act, clock())
            soon = await fetch(_Due, next_due, clock() + LONGEST_SLEEP)
            if soon:
                pause = max(soon[0].at - clock(), timedelta(milliseconds=10))
        except Exception as error:  # the database may be away; the next round tries again
            log.warning("a sweep failed: %s", type(error).__name__)
        await asyncio.sleep(pause.total_seconds())
