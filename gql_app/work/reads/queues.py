"""The read side of the work lists: queues with their counts, and pages of tasks."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gql_app.access import Scope
from gql_app.work.reads.conditions import Conditions, Page, page_of, row_limit
from gql_app.work.reads.orders import SECTIONS, SORT, TaskOrder, begin_of, go_on_after
from gql_app.work.reads.section_rows import rows_in_sections
from gql_app.work.reads.sections import WORK_ORDER_OF_MANY_QUEUES
from gql_app.work.reads.task_filter import TaskQuery, conditions
from models.contact import ContactRow
from models.database import Id, Number, among, fetch, fetch_joined, select_list
from models.follow_up import last_day, local_date, read_ladder, suggest_follow_up
from models.lifecycle import TaskStatus
from models.people import PatientRow
from models.task import IS_CLOSED, IS_OPEN, TASK_COLUMNS, TaskRow

MAX_SELECTS = 400
"""SQLite joins at most 500 selects in one statement."""


OF_CURSORS = frozenset(
    (
        *("id", "practice_id", "due_on", "follow_up", "status", "expires_at", "closed_at"),
        *("follow_up_at", "call_back_told_at", "priority"),
        *("contacted_at", "logged_at"),
    )
)
"""Columns that places in a list of tasks, in whichever order, are made of."""


class QueueRow(NamedTuple):
    """A queue as the read side hands it out. Its ladder is text, which `ladder_of` reads. Its
    script, which may be long, is read by itself."""

    id: int
    practice_id: int
    name: str
    follow_up_ladder: str | None
    position: int
    automatic_life_days: int | None
    closes_on_appointment: bool
    appointment_kinds: str | None
    missed_appointments: bool
    max_attempts: int | None
    closes_at_max_attempts: bool
    archived_at: datetime | None


class ScriptRow(NamedTuple):
    """What the callers of a queue say."""

    id: int
    script: str | None


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
    needs_review: int


async def visible_queues(
    scope: Scope, ids: Sequence[int] | None = None, *, with_archived: bool = False
) -> list[QueueRow]:
    """The queues that the key allows, in the practice's order; of `ids`, if given."""
    where = Conditions.of(scope, "q", "q.id")
    if not with_archived:
        where.add("q.archived_at IS NULL")
    if ids is not None:
        where.among("q.id", list(ids))
    sql = (
        f"SELECT {select_list('q', QueueRow)} FROM queue q WHERE {where} ORDER BY q.position, q.id"
    )
    return await fetch(QueueRow, sql, *where.values)


async def scripts_of(scope: Scope, ids: Sequence[int]) -> list[ScriptRow]:
    """The scripts of the queues among `ids` that the key allows."""
    where = Conditions.of(scope, "q", "q.id")
    where.among("q.id", list(ids))
    return await fetch(
        ScriptRow, f"SELECT q.id, q.script FROM queue q WHERE {where}", *where.values
    )


async def queue_counts(scope: Scope, ids: Sequence[int], now: datetime) -> list[QueueCounts]:
    """The counts of each queue in `ids` that the key allows, at `now`."""
    today = now.astimezone(ZoneInfo(scope.time_zone)).date()
    begin, end = day_bounds(today, scope.time_zone)
    visible = [i for i in ids if scope.sees_queue(i)]
    sql = f"""
    SELECT q.id, p.seq, COALESCE(o.still_open, 0), COALESCE(o.not_contacted, 0),
           COALESCE(o.in_progress, 0), COALESCE(o.due_today, 0), COALESCE(o.overdue, 0),
           COALESCE(c.closed_today, 0), COALESCE(r.needs_review, 0)
    FROM queue q
    JOIN practice p ON p.id = q.practice_id
    LEFT JOIN (
        SELECT t.queue_id, COUNT(*) AS still_open,
               COUNT(*) FILTER (WHERE t.status = '{TaskStatus.OPEN}') AS not_contacted,
               COUNT(*) FILTER (WHERE t.status = '{TaskStatus.IN_PROGRESS}') AS in_progress,
               COUNT(*) FILTER (WHERE t.follow_up = $3) AS due_today,
               COUNT(*) FILTER (WHERE t.follow_up < $3) AS overdue
        FROM task t
        WHERE t.practice_id = $1 AND {among("t.queue_id", 2)}
          AND {IS_OPEN}
        GROUP BY t.queue_id
    ) o ON o.queue_id = q.id
    LEFT JOIN (
        SELECT t.queue_id, COUNT(*) AS closed_today FROM task t
        WHERE t.practice_id = $1 AND {among("t.queue_id", 2)}
          AND {IS_CLOSED} AND t.closed_at >= $4 AND t.closed_at < $5
        GROUP BY t.queue_id
    ) c ON c.queue_id = q.id
    LEFT JOIN (
        SELECT t.queue_id, COUNT(*) AS needs_review FROM task t
        WHERE t.practice_id = $1 AND {among("t.queue_id", 2)} AND t.review_since IS NOT NULL
        GROUP BY t.queue_id
    ) r ON r.queue_id = q.id
    WHERE q.practice_id = $1 AND {among("q.id", 2)}
    """
    return await fetch(QueueCounts, sql, scope.practice_id, visible, today, begin, end)


class PageInFull(NamedTuple):
    """A page of tasks, and what has been read beside it: their patients and last contacts, in the
    order of the tasks. Both may go on for one row more than the page."""

    tasks: Page[TaskRow]
    patients: list[PatientRow]
    last_contacts: list[ContactRow | None]

    def pairs(self) -> "zip[tuple[TaskRow, ContactRow | None]]":
        """Each task of the page with its last contact."""
        return zip(self.tasks.rows, self.last_contacts)  # noqa: B905 - see above


async def tasks_page(
    scope: Scope,
    query: TaskQuery,
    order: TaskOrder,
    first: int,
    after: str | None,
    today: date | None = None,
) -> Page[TaskRow]:
    """A page of tasks after the cursor `after`. Raises `BadInput`. An order with sections has to
    know the day at the practice.

    Paging is by key, so that a page far down costs what the first one does.
    """
    tasks, sort, values = _rows(scope, query, order, first, after, today)
    sql = f"SELECT {TASK_COLUMNS} FROM ({tasks}) t ORDER BY {sort}"
    return page_of(await fetch(TaskRow, sql, *values), first, after)


async def tasks_page_in_full(
    scope: Scope,
    query: TaskQuery,
    order: TaskOrder,
    first: int,
    after: str | None,
    columns: frozenset[str] | None = None,
    today: date | None = None,
) -> PageInFull:
    """The same page, with what nearly every list of tasks shows beside them, in one statement.

    Only the `columns` are read, and those that cursors are made of; in all others there is None.
    """
    tasks, sort, values = _rows(scope, query, order, first, after, today)
    wanted = None if columns is None else columns | OF_CURSORS
    rows = (("t", TaskRow), ("p", PatientRow), ("c", ContactRow))
    sql = f"""
    SELECT {", ".join(select_list(table, row, wanted) for table, row in rows)}
    FROM ({tasks}) t
    JOIN patient p ON p.practice_id = t.practice_id AND p.id = t.patient_id
    LEFT JOIN contact c ON c.practice_id = t.practice_id AND c.id = t.last_contact_id
    ORDER BY {sort}
    """
    found, patients, contacts = await fetch_joined((TaskRow, PatientRow, ContactRow), sql, *values)
    return PageInFull(page_of(found, first, after), patients, contacts)


def _rows(
    scope: Scope,
    query: TaskQuery,
    order: TaskOrder,
    first: int,
    after: str | None,
    today: date | None,
) -> tuple[str, str, list[object]]:
    """SQL for the rows of a page, one more than there are on it; what they are sorted by where they
    are called `t`; and the parameters."""
    where = conditions(scope, query, status=order not in SECTIONS)
    if order not in SECTIONS:
        go_on_after(where, scope, order, after)
        rows = f"SELECT * FROM task t WHERE {where} ORDER BY {SORT[order]} LIMIT {row_limit(first)}"
        return rows, SORT[order], where.values
    assert today is not None
    begin = begin_of(order, scope, after, today)
    sections = SECTIONS[order]
    queues = scope.allowed(query.queue_ids)
    if order is TaskOrder.WORK and (queues is None or len(queues) > 1):
        sections = WORK_ORDER_OF_MANY_QUEUES
    rows = rows_in_sections(where, query, sections, begin, row_limit(first))
    return rows, "t.part, t.place", where.values


async def count_tasks(scope: Scope, query: TaskQuery) -> int:
    """How many tasks there are in all pages."""
    where = conditions(scope, query)
    sql = f"SELECT COUNT(*) FROM task t WHERE {where}"
    return (await fetch(Number, sql, *where.values))[0].number


async def task_ids(scope: Scope, query: TaskQuery, limit: int) -> list[int]:
    """The ids of at most `limit` tasks of all pages."""
    where = conditions(scope, query)
    sql = f"SELECT t.id FROM task t WHERE {where} ORDER BY t.id LIMIT {limit}"
    return [row.id for row in await fetch(Id, sql, *where.values)]


async def tasks_of_queues(
    scope: Scope, queue_ids: Sequence[int], query: TaskQuery, first: int, after: str | None
) -> dict[int, Page[TaskRow]]:
    """The same page of each queue, in one statement for up to `MAX_SELECTS`. Raises `BadInput`."""
    rows: list[TaskRow] = []
    for begin in range(0, len(queue_ids), MAX_SELECTS):
        shared = conditions(scope, query)
        go_on_after(shared, scope, TaskOrder.DUE, after)
        limit = row_limit(first)
        # A select a queue, each of which reads its own stretch of the index.
        selects = [
            f"""SELECT * FROM (
                SELECT {TASK_COLUMNS} FROM task t
                WHERE {shared} AND t.queue_id = ${shared.value(queue_id)}
                ORDER BY {SORT[TaskOrder.DUE]} LIMIT {limit}) AS queue_{queue_id}"""
            for queue_id in queue_ids[begin : begin + MAX_SELECTS]
        ]
        rows += await fetch(TaskRow, " UNION ALL ".join(selects), *shared.values)
    return {i: page_of([row for row in rows if row.queue_id == i], first, after) for i in queue_ids}


async def tasks_of_patients(
    scope: Scope, patient_ids: Sequence[int], query: TaskQuery, first: int, after: str | None
) -> dict[int, Page[TaskRow]]:
    """The newest tasks of each patient, in one statement. Raises `BadInput`."""
    where = conditions(scope, query)
    where.among("t.patient_id", list(patient_ids))
    go_on_after(where, scope, TaskOrder.CREATED, after)
    sql = f"""
    SELECT {TASK_COLUMNS} FROM (
        SELECT t.*, ROW_NUMBER() OVER (PARTITION BY t.patient_id ORDER BY t.id DESC) AS place
        FROM task t WHERE {where}
    ) t WHERE t.place <= {row_limit(first)} ORDER BY t.id DESC
    """
    rows = await fetch(TaskRow, sql, *where.values)
    return {
        i: page_of([row for row in rows if row.patient_id == i], first, after) for i in patient_ids
    }


async def tasks_by_id(scope: Scope, ids: Sequence[int]) -> list[TaskRow]:
    """The tasks among `ids` that the key allows."""
    where = Conditions.of(scope, "t", "t.queue_id")
    where.among("t.id", list(ids))
    return await fetch(TaskRow, f"SELECT {TASK_COLUMNS} FROM task t WHERE {where}", *where.values)


def ladder_of(queue: QueueRow) -> list[int] | None:
    """The queue's follow-up ladder, in days."""
    return list(read_ladder(queue.follow_up_ladder)) if queue.follow_up_ladder else None


def kinds_of(queue: QueueRow) -> list[str] | None:
    """The kinds of appointments that a queue means, None if all."""
    return json.loads(queue.appointment_kinds) if queue.appointment_kinds else None


def suggested_follow_up(scope: Scope, task: TaskRow, queue: QueueRow, now: datetime) -> date | None:
    """When to call again if a contact is logged now, by the ladder of the task's queue. None on a
    closed task."""
    if not task.is_open:
        return None
    return suggest_follow_up(
        task.contact_count,
        ladder_of(queue) or (),
        today=local_date(now, scope.time_zone),
        last_day=last_day(task.expires_at, scope.time_zone),
    )


def day_bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """The first moment of `day` in `time_zone`, and of the day after it, in UTC."""
    zone = ZoneInfo(time_zone)
    begin, end = (
        datetime.combine(d, time.min, zone).astimezone(UTC) for d in (day, day + timedelta(days=1))
    )
    return begin, end
