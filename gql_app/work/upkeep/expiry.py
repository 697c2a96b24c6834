"""The sweepers: what has an end (a task, a claim, a contact status) is ended when it is reached."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

from gql_app.clock import Clock, Doubtful
from gql_app.logs.retrying import retried
from gql_app.work.changes import Changes, UseCase
from gql_app.work.claims import lapse_claim
from gql_app.work.contact_status import end_status
from gql_app.work.transitions import expire_task
from gql_app.work.upkeep.doubt import check_share
from models.database import Number, fetch
from models.limits import Busy
from models.task import IS_OPEN

log = logging.getLogger(__name__)

LONGEST_SLEEP = timedelta(seconds=5)
"""Also how late an end can be seen that another process set meanwhile."""

BATCH = 500

LATE = timedelta(hours=1)
"""If a task is this long overdue for closing, no sweeper has run or the clock has jumped."""


class _Due(NamedTuple):
    """What ends at this moment: the id of a task, or of a patient."""

    practice_id: int
    row_id: int
    at: datetime


# By way of the practices, so that each is looked up in its own index.
_NEXT_TO_EXPIRE = f"""
SELECT t.practice_id, t.id, t.expires_at FROM practice p
JOIN task t ON t.practice_id = p.id
WHERE {IS_OPEN} AND t.expires_at IS NOT NULL AND t.expires_at <= $1
ORDER BY t.expires_at LIMIT 500
"""

_NEXT_TO_LAPSE = """
SELECT t.practice_id, t.id, t.claimed_until FROM practice p
JOIN task t ON t.practice_id = p.id
WHERE t.claimed_until IS NOT NULL AND t.claimed_until <= $1
ORDER BY t.claimed_until LIMIT 500
"""

_NEXT_STATUS = """
SELECT p.practice_id, p.id, p.contact_status_ends_at FROM practice o
JOIN patient p ON p.practice_id = o.id
WHERE p.contact_status_ends_at IS NOT NULL AND p.contact_status_ends_at <= $1
ORDER BY p.contact_status_ends_at LIMIT 500
"""

_OPEN_UNTIL = f"""
SELECT COUNT(*) FROM practice p JOIN task t ON t.practice_id = p.id
WHERE {IS_OPEN} AND t.expires_at IS NOT NULL AND t.expires_at <= $1
"""

_STATUS_UNTIL = """
SELECT COUNT(*) FROM practice o JOIN patient p ON p.practice_id = o.id
WHERE p.contact_status_ends_at IS NOT NULL AND p.contact_status_ends_at <= $1
"""

Sweep: TypeAlias = Callable[[datetime], Awaitable[int]]


async def sweep(changes: Changes, now: datetime, *, forced: bool = False) -> int:
    """Close every task that has expired by `now`. Returns how many were closed. Raises `Doubtful`
    if that would be too many for the clock to be believed, unless it is `forced`."""
    if not forced:
        await _check(_OPEN_UNTIL, now)
    return await sweep_by(changes, _NEXT_TO_EXPIRE, expire_task, now)


async def keep_sweeping(changes: Changes, clock: Clock) -> None:
    """Close expired tasks until cancelled, waking when the next one expires."""
    await keep_doing(lambda now: sweep(changes, now), _NEXT_TO_EXPIRE, clock)


async def free_lapsed(changes: Changes, now: datetime) -> int:
    """Free every patient whose claim has lapsed by `now`. Returns how many were freed."""
    return await sweep_by(changes, _NEXT_TO_LAPSE, lapse_claim, now)


async def keep_freeing(changes: Changes, clock: Clock) -> None:
    """Free lapsed claims until cancelled, waking when the next one lapses."""
    await keep_doing(lambda now: free_lapsed(changes, now), _NEXT_TO_LAPSE, clock)


async def end_statuses(changes: Changes, now: datetime, *, forced: bool = False) -> int:
    """End every contact status whose last day is over by `now`. Returns how many were ended. Raises
    `Doubtful` as `sweep` does."""
    if not forced:
        await _check(_STATUS_UNTIL, now)
    return await sweep_by(changes, _NEXT_STATUS, end_status, now, what="patient")


async def keep_ending_statuses(changes: Changes, clock: Clock) -> None:
    """End contact statuses until cancelled, waking when the next one ends."""
    await keep_doing(lambda now: end_statuses(changes, now), _NEXT_STATUS, clock)


async def _check(how_many: str, now: datetime) -> None:
    [late] = await fetch(Number, how_many, now - LATE)
    if late.number:
        [all_] = await fetch(Number, how_many, datetime.max.replace(tzinfo=UTC))
        await check_share("expire", late.number, all_.number, now)


async def sweep_by(
    changes: Changes,
    next_due: str,
    end: UseCase[[int], bool],
    now: datetime,
    *others: object,
    what: str = "task",
) -> int:
    """Carry `end` out for every task, or what else it is, that `next_due` selects at `now`;
    `others` are its further parameters. Returns for how many there was something to do."""
    done, unreadable = 0, None
    busy: set[int] = set()  # others need not wait for a practice that is held up
    while due := await fetch(_Due, next_due, now, *others):
        ended = 0
        for row in due:
            if row.practice_id in busy:
                continue
            try:
                ended += await changes.make_for(row.practice_id, end, row.row_id)
            except Busy:  # the log has named the practice
                busy.add(row.practice_id)
            except ValueError as error:  # a row that was written by hand; the others come first
                log.error("%s %d is not swept: %s", what, row.row_id, error)  # noqa: TRY400
                unreadable = error
        done += ended
        if len(due) < BATCH or not ended:
            break
    if unreadable is not None:
        raise unreadable
    return done


async def keep_doing(do: Sweep, next_due: str, clock: Clock) -> None:
    """Carry `do` out until cancelled, each time that `next_due` selects something new."""
    doubts = False
    while True:
        pause = LONGEST_SLEEP
        try:
            with retried(log, "a sweep failed", but=(Doubtful,)):
                clock.check()
                await do(clock())
                doubts = False
                now = clock()
                if soon := await fetch(_Due, next_due, now + LONGEST_SLEEP):
                    pause = max(soon[0].at - now, timedelta(milliseconds=10))
        except Doubtful as doubt:
            if not doubts:  # and not every few seconds
                log.error("a sweep stops: %s", doubt)  # noqa: TRY400 - it says all there is
            doubts = True
        await asyncio.sleep(pause.total_seconds())
