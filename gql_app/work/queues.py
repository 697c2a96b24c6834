"""The read side of the work lists: queues with their counts, and pages of tasks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gql_app.access import Viewer
from gql_app.work.cursors import read_due_cursor, read_id_cursor
from gql_app.work.history import PATIENT_COLUMNS, PatientRow
from gql_app.work.reading import Conditions, Page, checked_first, page_of
from models.contact import CONTACT_COLUMNS, ContactRow
from models.database import among, fetch, fetch_joined
from models.lifecycle import TaskOrigin, TaskStatus
from models.task import TASK_COLUMNS, TaskRow

WORKABLE = (TaskStatus.OPEN, TaskStatus.IN_PROGRESS)
"""What a list without a status filter shows: all that is still to be worked."""


MAX_SELECTS = 400
"""SQLite joins at most 500 selects in one statement."""


class TaskOrder(StrEnum):
    DUE = "DUE"  # earliest follow-up first; a task nobody has called for is due since it was made
    NEWEST = "NEWEST"  # latest made first


_SORT = {TaskOrder.DUE: "t.due_on, t.id", TaskOrder.NEWEST: "t.id DESC"}


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which tasks. `queue_ids` narrows what the key allows, it never widens it."""

    queue_ids: list[int] | None = None
    status: tuple[TaskStatus, ...] = WORKABLE
    origin: TaskOrigin | None = None
    due_by: date | None = None
    assignee_id: int | None = None


class QueueRow(NamedTuple):
    id: int
    practice_id: int
    name: str


class QueueCounts(NamedTuple):
    """How much work a queue holds right after event number `seq`. Dates are the practice's own;
    `overdue` and `due_today` look at follow-up dates."""

    queue_id: int
    seq: int
    open: int
    not_contacted: int
    in_progress: int
    due_today: int
    overdue: int
    closed_today: int


class Count(NamedTuple):
    number: int


async def visible_queues(viewer: Viewer, ids: Sequence[int] | None = None) -> list[QueueRow]:
    """The queues that the key allows, in the practice's order; of `ids`, if given."""
    where = Conditions.of(viewer, "q", "q.id")
    if ids is not None:
        where.among("q.id", list(ids))
    sql = f"SELECT q.id, q.practice_id, q.name FROM queue q WHERE {where} ORDER BY q.position, q.id"
    return await fetch(QueueRow, sql, *where.values)


async def queue_counts(viewer: Viewer, ids: Sequence[int], now: datetime) -> list[QueueCounts]:
    """The counts of each queue in `ids` that the key allows, at `now`."""
    today = now.astimezone(ZoneInfo(viewer.time_zone)).date()
    begin, end = day_bounds(today, viewer.time_zone)
    visible = [i for i in ids if viewer.sees_queue(i)]
    sql = f"""
    SELECT q.id, p.seq, COALESCE(o.still_open, 0), COALESCE(o.not_contacted, 0),
           COALESCE(o.in_progress, 0), COALESCE(o.due_today, 0), COALESCE(o.overdue, 0),
           COALESCE(c.closed_today, 0)
    FROM queue q
    JOIN practice p ON p.id = q.practice_id
    LEFT JOIN (
        SELECT t.queue_id, COUNT(*) AS still_open,
               COUNT(*) FILTER (WHERE t.status = 'OPEN') AS not_contacted,
               COUNT(*) FILTER (WHERE t.status = 'IN_PROGRESS') AS in_progress,
               COUNT(*) FILTER (WHERE t.follow_up = $3) AS due_today,
               COUNT(*) FILTER (WHERE t.follow_up < $3) AS overdue
        FROM task t
        WHERE t.practice_id = $1 AND {among("t.queue_id", 2)}
          AND t.status IN ('OPEN', 'IN_PROGRESS')
        GROUP BY t.queue_id
    ) o ON o.queue_id = q.id
    LEFT JOIN (
        SELECT t.queue_id, COUNT(*) AS closed_today FROM task t
        WHERE t.practice_id = $1 AND {among("t.queue_id", 2)}
          AND t.status = 'CLOSED' AND t.closed_at >= $4 AND t.closed_at < $5
        GROUP BY t.queue_id
    ) c ON c.queue_id = q.id
    WHERE q.practice_id = $1 AND {among("q.id", 2)}
    """
    return await fetch(QueueCounts, sql, viewer.practice_id, visible, today, begin, end)


class TaskInFull(NamedTuple):
    """A task beside its patient and its last contact."""

    task: TaskRow
    patient: PatientRow
    last_contact: ContactRow | None


async def tasks_page(
    viewer: Viewer, query: TaskQuery, order: TaskOrder, first: int, after: str | None
) -> Page[TaskRow]:
    """A page of tasks behind the cursor `after`. Raises `BadInput`.

    Paging is by key, so that a page far down costs what the first one does.
    """
    where, limit = _page(viewer, query, order, first, after)
    sql = f"SELECT {TASK_COLUMNS} FROM task t WHERE {where} ORDER BY {_SORT[order]} LIMIT ${limit}"
    return page_of(await fetch(TaskRow, sql, *where.values), first, after)


async def tasks_page_in_full(
    viewer: Viewer, query: TaskQuery, order: TaskOrder, first: int, after: str | None
) -> Page[TaskInFull]:
    """The same page, with what nearly every list of tasks shows beside them, in one statement."""
    where, limit = _page(viewer, query, order, first, after)
    sql = f"""
    SELECT {TASK_COLUMNS}, {PATIENT_COLUMNS}, {CONTACT_COLUMNS}
    FROM (SELECT * FROM task t WHERE {where} ORDER BY {_SORT[order]} LIMIT ${limit}) t
    JOIN patient p ON p.practice_id = t.practice_id AND p.id = t.patient_id
    LEFT JOIN contact c ON c.practice_id = t.practice_id AND c.id = t.last_contact_id
    ORDER BY {_SORT[order]}
    """
    joined = await fetch_joined((TaskRow, PatientRow, ContactRow), sql, *where.values)
    return page_of([TaskInFull._make(row) for row in joined], first, after)


def _page(
    viewer: Viewer, query: TaskQuery, order: TaskOrder, first: int, after: str | None
) -> tuple[Conditions, int]:
    """Which tasks, and the number of the parameter that limits them to one more than `first`."""
    where = _where(viewer, query)
    _go_on_after(where, viewer, order, after)
    return where, where.value(checked_first(first) + 1)


async def count_tasks(viewer: Viewer, query: TaskQuery) -> int:
    """How many tasks there are in all pages."""
    where = _where(viewer, query)
    return (await fetch(Count, f"SELECT COUNT(*) FROM task t WHERE {where}", *where.values))[
        0
    ].number


async def task_ids(viewer: Viewer, query: TaskQuery, limit: int) -> list[int]:
    """The ids of at most `limit` tasks of all pages."""
    where = _where(viewer, query)
    sql = f"SELECT t.id FROM task t WHERE {where} ORDER BY t.id LIMIT ${where.value(limit)}"
    return [row.number for row in await fetch(Count, sql, *where.values)]


async def tasks_of_queues(
    viewer: Viewer, queue_ids: Sequence[int], query: TaskQuery, first: int, after: str | None
) -> dict[int, Page[TaskRow]]:
    """The same page of each queue, in one statement for up to `MAX_SELECTS`. Raises `BadInput`."""
    rows: list[TaskRow] = []
    for begin in range(0, len(queue_ids), MAX_SELECTS):
        shared = _where(viewer, query)
        _go_on_after(shared, viewer, TaskOrder.DUE, after)
        limit = shared.value(checked_first(first) + 1)
        # A select a queue, each of which reads its own stretch of the index.
        selects = [
            f"""SELECT * FROM (
                SELECT {TASK_COLUMNS} FROM task t
                WHERE {shared} AND t.queue_id = ${shared.value(queue_id)}
                ORDER BY {_SORT[TaskOrder.DUE]} LIMIT ${limit}) AS queue_{queue_id}"""
            for queue_id in queue_ids[begin : begin + MAX_SELECTS]
        ]
        rows += await fetch(TaskRow, " UNION ALL ".join(selects), *shared.values)
    return {i: page_of([row for row in rows if row.queue_id == i], first, after) for i in queue_ids}


async def tasks_of_patients(
    viewer: Viewer, patient_ids: Sequence[int], first: int, after: str | None
) -> dict[int, Page[TaskRow]]:
    """The newest tasks of each patient, open and closed, in one statement. Raises `BadInput`."""
    where = Conditions.of(viewer, "t", "t.queue_id")
    where.among("t.patient_id", list(patient_ids))
    _go_on_after(where, viewer, TaskOrder.NEWEST, after)
    limit = where.value(checked_first(first) + 1)
    sql = f"""
    SELECT {TASK_COLUMNS} FROM (
        SELECT t.*, ROW_NUMBER() OVER (PARTITION BY t.patient_id ORDER BY t.id DESC) AS place
        FROM task t WHERE {where}
    ) t WHERE t.place <= ${limit} ORDER BY t.id DESC
    """
    rows = await fetch(TaskRow, sql, *where.values)
    return {
        i: page_of([row for row in rows if row.patient_id == i], first, after) for i in patient_ids
    }


async def tasks_by_id(viewer: Viewer, ids: Sequence[int]) -> list[TaskRow]:
    """The tasks among `ids` that the key allows."""
    where = Conditions.of(viewer, "t", "t.queue_id")
    where.among("t.id", list(ids))
    return await fetch(TaskRow, f"SELECT {TASK_COLUMNS} FROM task t WHERE {where}", *where.values)


def in_queue(query: TaskQuery, queue_id: int) -> TaskQuery:
    """The same question of one queue."""
    return replace(query, queue_ids=[queue_id])


def day_bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """The first moment of `day` in `time_zone`, and of the day after it, in UTC."""
    zone = ZoneInfo(time_zone)
    begin, end = (
        datetime.combine(d, time.min, zone).astimezone(UTC) for d in (day, day + timedelta(days=1))
    )
    return begin, end


def _where(viewer: Viewer, query: TaskQuery) -> Conditions:
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
    if query.assignee_id is not None:
        where.add(f"t.assignee_id = ${where.value(query.assignee_id)}")
    return where


def _go_on_after(where: Conditions, viewer: Viewer, order: TaskOrder, after: str | None) -> None:
    if after is None:
        return
    if order is TaskOrder.DUE:
        due_on, row_id = read_due_cursor(viewer.practice_id, after)
        where.add(f"(t.due_on, t.id) > (${where.value(due_on)}, ${where.value(row_id)})")
    else:
        where.add(f"t.id < ${where.value(read_id_cursor(viewer.practice_id, after))}")
