"""Tasks that are given to another queue or to a member of staff, or withdrawn."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.batches import Move, Moved, move_all
from gql_app.work.changes import Change, Changes
from gql_app.work.intake import check_reason
from gql_app.work.reads.conditions import BadInput, Conditions
from gql_app.work.reads.history import can_call
from gql_app.work.reads.queues import visible_queues
from gql_app.work.reads.targets import find_target
from gql_app.work.reads.task_filter import TaskQuery
from gql_app.work.results import missing
from gql_app.work.transitions import close
from models.database import Id, among, fetch, write
from models.event import TaskEventKind
from models.lifecycle import Happening
from models.refusals import Refusal
from models.task import TaskRow
from models.text import trimmed


class TargetArchived(BadInput):
    """The queue that tasks go to was archived while they were moved."""


class Target(NamedTuple):
    """Where tasks go: to a queue, where they are nobody's own, or to a member of staff. With
    neither they stay in their queues, and are nobody's own any more."""

    queue_id: int | None = None
    staff_id: int | None = None

    def of(self, task: TaskRow) -> TaskRow:
        if task.call_back_by_id is not None:  # who has the work now calls back, too
            task = task._replace(call_back_by_id=self.staff_id)
        if self.queue_id is not None:
            return task._replace(queue_id=self.queue_id, assignee_id=None)
        return task._replace(assignee_id=self.staff_id)


async def reassign_tasks(
    changes: Changes,
    viewer: Viewer,
    which: list[int] | TaskQuery,
    *,
    to_queue_id: int | None = None,
    to_staff_id: int | None = None,
    dry_run: bool = False,
) -> Moved:
    """Move tasks to a queue, or give them to a member of staff: one of the two is given. Raises
    `Forbidden`, and `BadInput` for too many tasks."""
    viewer.require(viewer.may_move_tasks, "reassign tasks")
    target = Target(to_queue_id, to_staff_id)
    if refusals := await _check_target(viewer, target, changes.clock()):
        return Moved(refusals=refusals)

    async def reassign(change: Change, tasks: Sequence[TaskRow]) -> None:
        if to_queue_id is not None and await find_target(viewer, to_queue_id) is None:
            message = "The queue was archived meanwhile. Tasks that were moved stay there."
            raise TargetArchived(message)
        await hand_over(change, tasks, target)

    move = Move(lambda task: target.of(task) != task, reassign)
    return await move_all(changes, viewer, which, move, dry_run=dry_run)


async def withdraw_tasks(
    changes: Changes,
    viewer: Viewer,
    which: list[int] | TaskQuery,
    *,
    reason: str,
    dry_run: bool = False,
) -> Moved:
    """Withdraw tasks: they close. Raises `Forbidden`, and `BadInput` for too many tasks."""
    viewer.require(viewer.may_move_tasks, "withdraw tasks")
    reason = trimmed(reason)
    if refusal := check_reason(reason, "Say why the tasks are withdrawn."):
        return Moved(refusals=(refusal,))

    async def withdraw(change: Change, tasks: Sequence[TaskRow]) -> None:
        for task in tasks:
            await close(change, task, Happening.WITHDRAWAL, reason)

    return await move_all(changes, viewer, which, Move(lambda _: True, withdraw), dry_run=dry_run)


async def hand_over(change: Change, tasks: Sequence[TaskRow], target: Target) -> None:
    """Give locked tasks, of which there is at least one, to the target, each with its event."""
    await _write(change.practice_id, [task.id for task in tasks], target)
    for task in tasks:
        moved = target.of(task)._replace(version=task.version + 1)
        change.record(TaskEventKind.REASSIGNED, moved, before=task)


async def _check_target(viewer: Viewer, target: Target, now: datetime) -> tuple[Refusal, ...]:
    if target.queue_id is not None:
        queues = await visible_queues(viewer, [target.queue_id])
        return () if queues else (missing("queue", "toQueueId"),)
    where = Conditions.of(viewer, "s")
    where.add(f"s.id = ${where.value(target.staff_id)}")
    where.add(can_call(where, viewer, now))
    sql = f"SELECT s.id FROM staff s WHERE {where}"
    staff = await fetch(Id, sql, *where.values)
    return () if staff else (missing("member of staff", "toStaffId"),)


async def _write(practice_id: int, ids: list[int], target: Target) -> None:
    change, values = "assignee_id = $3", [target.staff_id]
    if target.queue_id is not None:
        change, values = "assignee_id = $3, queue_id = $4", [target.staff_id, target.queue_id]
    sql = f"""UPDATE task SET {change}, version = version + 1,
        call_back_by_id = CASE WHEN call_back_by_id IS NOT NULL THEN CAST($3 AS BIGINT) END
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, practice_id, ids, *values)
