"""A queue is archived: its open tasks are closed or moved first, a batch at a time.

Until the last of them has gone the queue is in use, and all of it can be asked for once more.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.batches import Moved
from gql_app.work.changes import Change, Changes
from gql_app.work.moves import TargetArchived, reassign_tasks, withdraw_tasks
from gql_app.work.queues import (
    QueueResult,
    archived,
    lock_queues,
    require_set_up,
)
from gql_app.work.reads.queues import QueueRow, task_ids
from gql_app.work.reads.task_filter import TaskQuery
from gql_app.work.results import missing
from models.database import Number, fetch, for_update, write
from models.refusals import Refusal, RefusalCode
from models.task import IS_OPEN

STRETCH = 5_000
"""How many tasks are looked for at a time."""

ROUNDS = 10
"""How often tasks are looked for that came in meanwhile."""

LAST = Refusal(
    RefusalCode.LAST_QUEUE,
    "It is the practice's only queue. Create another one first: tasks need one.",
    "id",
)


STILL_COMING = Refusal(
    RefusalCode.QUEUE_HAS_CLAIMS,
    "Tasks come into the queue all the time. Stop what brings them in first.",
    "id",
)


class ArchivedQueue(NamedTuple):
    """What came of it: the queue as it is now, and how many tasks were closed or moved."""

    queue: QueueResult
    tasks: int = 0


async def archive_queue(
    changes: Changes, viewer: Viewer, queue_id: int, *, move_to: int | None = None
) -> ArchivedQueue:
    """Archive a queue. Its open tasks are moved to the queue `move_to`, or closed if that is None.
    Not while somebody is calling for one of them. Raises `Forbidden`."""
    viewer.require(viewer.may_set_up, "change the practice or its queues")
    result = await changes.make(viewer, _check, queue_id, move_to)
    if result.refusals or result.queue is None:
        return ArchivedQueue(result)
    name, tasks = result.queue.name, 0
    for _ in range(ROUNDS):
        while ids := await task_ids(viewer, TaskQuery(queue_ids=(queue_id,)), STRETCH):
            moved = await _clear(changes, viewer, ids, name, move_to)
            if moved.refusals:
                return ArchivedQueue(result._replace(refusals=moved.refusals), tasks)
            tasks += moved.changed
            if moved.skipped_count or not moved.changed:
                break
        result = await changes.make(viewer, _archive, queue_id)
        if result.refusals != (STILL_COMING,):
            break
    return ArchivedQueue(result, tasks)


async def _clear(
    changes: Changes, viewer: Viewer, ids: list[int], name: str, move_to: int | None
) -> Moved:
    if move_to is not None:
        try:
            moved = await reassign_tasks(changes, viewer, ids, to_queue_id=move_to)
        except TargetArchived as error:
            return Moved(refusals=(Refusal(RefusalCode.QUEUE_ARCHIVED, str(error), "moveTo"),))
        # The target is called by another name here.
        return replace(moved, refusals=tuple(r._replace(field="moveTo") for r in moved.refusals))
    reason = f"The queue {name} was archived."
    return await withdraw_tasks(changes, viewer, ids, reason=reason)


async def _check(change: Change, queue_id: int, move_to: int | None) -> QueueResult:
    """Why the queue cannot be archived now. Nothing is changed."""
    require_set_up(change)
    rows = {row.id: row for row in await lock_queues(change.practice_id)}
    queue = rows.get(queue_id)
    if queue is None:
        return QueueResult(None, (missing("queue", "id"),))
    refusals = _cannot_archive(queue, rows.values())
    if move_to is not None:
        target = rows.get(move_to)
        if target is None or move_to == queue_id:
            refusals.append(missing("other queue", "moveTo"))
        elif target.archived_at is not None:
            refusals.append(archived(target, "moveTo"))
    if claims := await _claims(change, queue_id):
        refusals.append(_has_claims(claims))
    return QueueResult(queue, tuple(refusals))


async def _archive(change: Change, queue_id: int) -> QueueResult:
    """Archive the queue, if no open task is left in it. While it is locked, none can come in.
    Others may have been archived since `_check`, and so may this one."""
    rows = await lock_queues(change.practice_id)
    sql = f"SELECT 1 FROM queue q WHERE q.practice_id = $1 AND q.id = $2 {for_update()}"
    await fetch(Number, sql, change.practice_id, queue_id)
    queue = next(row for row in rows if row.id == queue_id)
    if refusals := _cannot_archive(queue, rows):
        return QueueResult(queue, tuple(refusals))
    sql = f"SELECT COUNT(*) FROM task t WHERE t.practice_id = $1 AND t.queue_id = $2 AND {IS_OPEN}"
    left = (await fetch(Number, sql, change.practice_id, queue_id))[0].number
    if left:
        claims = await _claims(change, queue_id)
        return QueueResult(queue, (_has_claims(claims) if claims else STILL_COMING,))
    sql = "UPDATE queue SET archived_at = $3 WHERE practice_id = $1 AND id = $2"
    await write(sql, change.practice_id, queue_id, change.now)
    change.note_setting(f"queue {queue_id} archived")
    return QueueResult(queue._replace(archived_at=change.now))


def _cannot_archive(queue: QueueRow, rows: Iterable[QueueRow]) -> list[Refusal]:
    """Why the queue cannot be archived, if it is already, or the only one of `rows` in use."""
    if queue.archived_at is not None:
        return [archived(queue, "id")]
    return [LAST] if sum(row.archived_at is None for row in rows) == 1 else []


async def _claims(change: Change, queue_id: int) -> int:
    """How many tasks of the queue are claimed now."""
    sql = f"""SELECT COUNT(*) FROM task t
    WHERE t.practice_id = $1 AND t.queue_id = $2 AND {IS_OPEN} AND t.claimed_until > $3"""
    return (await fetch(Number, sql, change.practice_id, queue_id, change.now))[0].number


def _has_claims(number: int) -> Refusal:
    tasks = "1 task is" if number == 1 else f"{number:,} tasks are"
    message = f"{tasks} claimed: somebody is calling. Archive the queue when the calls have ended."
    return Refusal(RefusalCode.QUEUE_HAS_CLAIMS, message, "id")
