"""Which tasks, and in which order: the conditions of a list and the place where it goes on."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from gql_app.access import Viewer
from gql_app.work.cursors import read_due_cursor, read_id_cursor
from gql_app.work.reading import Conditions
from models.lifecycle import TaskOrigin, TaskStatus

WORKABLE = (TaskStatus.OPEN, TaskStatus.IN_PROGRESS)
"""What a list without a status filter shows: all that is still to be worked."""


class TaskOrder(StrEnum):
    DUE = "DUE"  # earliest follow-up first; a task nobody has called for is due since it was made
    NEWEST = "NEWEST"  # latest made first


SORT = {TaskOrder.DUE: "t.due_on, t.id", TaskOrder.NEWEST: "t.id DESC"}


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which tasks. `queue_ids` narrows what the key allows, it never widens it."""

    queue_ids: list[int] | None = None
    status: tuple[TaskStatus, ...] = WORKABLE
    origin: TaskOrigin | None = None
    due_by: date | None = None


def in_queue(query: TaskQuery, queue_id: int) -> TaskQuery:
    """The same question of one queue."""
    return replace(query, queue_ids=[queue_id])


def conditions(viewer: Viewer, query: TaskQuery) -> Conditions:
    """What holds for the tasks (called `t`) that are asked for."""
    where = Conditions.of(viewer, "t", "t.queue_id")
    if query.queue_ids is not None:
        where.among("t.queue_id", query.queue_ids)
    # Written out, not bound: the planner must see that a partial index covers them.
    statuses = ", ".join(f"'{status}'" for status in query.status)
    where.add(f"t.status IN ({statuses})" if statuses else "1 = 0")
    if query.origin is not None:
        where.add(f"t.origin = ${where.value(str(query.origin))}")
    if query.due_by is not None:
        where.add(f"t.due_on <= ${where.value(query.due_by)}")
    return where


def go_on_after(where: Conditions, viewer: Viewer, order: TaskOrder, after: str | None) -> None:
    """Narrow a list in `order` to what stands behind the cursor `after`. Raises `BadInput`."""
    if after is None:
        return
    if order is TaskOrder.DUE:
        due_on, row_id = read_due_cursor(viewer.practice_id, after)
        where.add(f"(t.due_on, t.id) > (${where.value(due_on)}, ${where.value(row_id)})")
    else:
        where.add(f"t.id < ${where.value(read_id_cursor(viewer.practice_id, after))}")
