"""What somebody holds who may no longer call: their claims end, and the tasks that were theirs are
everybody's again. Each batch is a change of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from gql_app.access import Scope
from gql_app.work.changes import Change
from gql_app.work.claims import put_claim
from gql_app.work.locking import lock_tasks, lock_tasks_around
from gql_app.work.moves import Target, hand_over
from models.database import Id, among, fetch
from models.event import TaskEventKind
from models.roles import Role
from models.task import IS_OPEN

BATCH = 50

Make: TypeAlias = Callable[..., Awaitable[Any]]
"""Carries a use case out: `Changes.make` for a viewer, or `Changes.make_for` for a practice."""


async def give_back(make: Make, staff_id: int, kept: frozenset[int] = frozenset()) -> None:
    """Give back what a member of staff holds: all of it, or the tasks outside the queues `kept`.
    Rests between batches, so that others may write meanwhile."""
    while not kept and await make(_release_one, staff_id):
        pass
    while True:
        begin = time.monotonic()
        if not await make(_give_back_some, staff_id, kept):
            return
        await asyncio.sleep(time.monotonic() - begin)


async def _release_one(change: Change, staff_id: int) -> bool:
    """End one claim of a member of staff. False if they have none."""
    sql = "SELECT t.id FROM task t WHERE t.practice_id = $1 AND t.claimed_by_id = $2 LIMIT 1"
    found = await fetch(Id, sql, change.practice_id, staff_id)
    if not found:
        return False
    tasks = await lock_tasks_around(change.practice_id, found[0].id)
    held = [task for task in tasks if task.claimed_by_id == staff_id]
    await put_claim(change, held, None, TaskEventKind.RELEASED)
    return True


async def _give_back_some(change: Change, staff_id: int, kept: frozenset[int]) -> bool:
    """Make some of their open tasks everybody's. False if there are none."""
    sql = f"""SELECT t.id FROM task t WHERE t.practice_id = $1 AND t.assignee_id = $2 AND {IS_OPEN}
    AND NOT {among("t.queue_id", 3)} ORDER BY t.due_on, t.id LIMIT {BATCH}"""
    found = await fetch(Id, sql, change.practice_id, staff_id, sorted(kept))
    if not found:
        return False
    everything = Scope(change.practice_id, "UTC", "US", Role.ADMIN, None)
    tasks = await lock_tasks(everything, [row.id for row in found])
    if theirs := [t for t in tasks if t.assignee_id == staff_id and t.is_open]:
        await hand_over(change, theirs, Target())
    return True
