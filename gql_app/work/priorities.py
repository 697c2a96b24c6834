"""How urgent tasks are, as supervisors say."""

from collections.abc import Sequence

from gql_app.access import Viewer
from gql_app.work.batches import Move, Moved, move_all
from gql_app.work.changes import Change, Changes
from gql_app.work.reads.task_filter import TaskQuery
from models.database import among, write
from models.event import TaskEventKind
from models.priority import TaskPriority
from models.task import TaskRow


async def set_task_priority(
    changes: Changes,
    viewer: Viewer,
    which: list[int] | TaskQuery,
    priority: TaskPriority,
    *,
    dry_run: bool = False,
) -> Moved:
    """Give open tasks a priority, also while somebody is calling. Raises `Forbidden`, and
    `BadInput` for too many tasks."""
    viewer.require(viewer.may_move_tasks, "change the priority of tasks")

    async def prioritize(change: Change, tasks: Sequence[TaskRow]) -> None:
        await _write(change.practice_id, [task.id for task in tasks], priority)
        for task in tasks:
            changed = task._replace(priority=priority, version=task.version + 1)
            change.record(TaskEventKind.PRIORITY_CHANGED, changed, before=task)

    move = Move(lambda task: task.priority is not priority, prioritize, spares_calls=False)
    return await move_all(changes, viewer, which, move, dry_run=dry_run)


async def _write(practice_id: int, ids: list[int], priority: TaskPriority) -> None:
    sql = f"""UPDATE task SET priority = $3, version = version + 1
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, practice_id, ids, priority)
