"""The tables that can be exported: their columns, and their rows a window at a time.

A window has at most `WINDOW` rows, found by their ids, which never change. So an export needs the
same memory however many rows there are, and has each row once, as it is when its window is read.
What is made after the export has begun is not in it.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import date, datetime
from enum import Enum
from typing import NamedTuple, get_args, get_type_hints

from gql_app import opaque
from gql_app.access import Viewer
from gql_app.work.reads.conditions import Conditions
from gql_app.work.reads.queues import day_bounds
from gql_app.work.reads.task_filter import TaskQuery, conditions
from models.contact import stands
from models.contact_status import ContactStatus
from models.database import Id, Row, fetch, reading_apart
from models.lifecycle import CloseCause, ContactOutcome, TaskOrigin, TaskStatus
from models.priority import TaskPriority

WINDOW = 1_000

EVERY_TASK = TaskQuery(status=tuple(TaskStatus))


class ExportQuery(NamedTuple):
    """What of a table: the tasks that the filter lets through, or rows of the audit of a patient or
    one of the staff, up to number `through`; from one date at the practice through another. `now`
    is the moment of the export."""

    now: datetime
    tasks: TaskQuery = EVERY_TASK
    first: date | None = None
    last: date | None = None
    patient_id: int | None = None
    staff_id: int | None = None
    through: int | None = None


class Column(NamedTuple):
    """A column; its values are of type `kind`, or None."""

    name: str
    kind: type


class Window(NamedTuple):
    """Some rows of a table, and whose data is in them."""

    rows: Sequence[Sequence[object]]
    patients: frozenset[int] = frozenset()


class Table(NamedTuple):
    """A table; `has_notes` says whether it shows what was noted of calls, and `options` what can be
    asked of it: parts of an `ExportQuery`, or `queues`, which are those of its tasks alone."""

    name: str
    columns: Sequence[Column]
    read: Callable[[Viewer, ExportQuery], AsyncGenerator[Window, None]]
    has_notes: bool = False
    options: frozenset[str] = frozenset({"tasks", "first", "last"})


class TaskLine(NamedTuple):
    """A task as it is exported. What can be imported has the names that an import knows."""

    id: int
    source: str | None
    external_id: str | None
    queue: str
    patient_id: int
    patient_external_id: str | None
    name: str
    phone: str
    contact_status: ContactStatus
    reason: str
    status: TaskStatus
    origin: TaskOrigin
    follow_up: date | None
    expires_at: datetime | None
    assignee: str | None
    contact_count: int
    last_outcome: ContactOutcome | None
    last_contacted_at: datetime | None
    created_at: datetime
    closed_at: datetime | None
    close_cause: CloseCause | None
    withdrawn_reason: str | None
    priority: str


class ContactLine(NamedTuple):
    """A contact as it is exported."""

    id: int
    task_id: int
    queue: str
    patient_id: int
    name: str
    phone: str
    reason: str
    outcome: ContactOutcome
    contacted_at: datetime
    logged_at: datetime
    logged_by: str
    follow_up: date | None
    closed_task: bool
    notes: str | None


PHONE = "COALESCE(p.phone_display, p.phone)"
CONTACTED = "COALESCE(c.contacted_at, c.logged_at)"
"""As in its index."""

_NAMES = " ".join(f"WHEN {priority:d} THEN '{priority.name}'" for priority in TaskPriority)

_OF_TASK = {
    "queue": "q.name",
    "patient_external_id": "p.external_id",
    "name": "p.name",
    "phone": PHONE,
    "contact_status": "p.contact_status",
    "assignee": "s.name",
    "priority": f"CASE t.priority {_NAMES} END",
}
_OF_CONTACT = {
    "queue": "q.name",
    "patient_id": "t.patient_id",
    "name": "p.name",
    "phone": PHONE,
    "reason": "t.reason",
    "contacted_at": CONTACTED,
    "logged_by": "s.name",
}
_JOINED = """
JOIN patient p ON p.practice_id = t.practice_id AND p.id = t.patient_id
JOIN queue q ON q.practice_id = t.practice_id AND q.id = t.queue_id
"""
_FROM_TASKS = f"""FROM task t {_JOINED}
LEFT JOIN staff s ON s.practice_id = t.practice_id AND s.id = t.assignee_id"""
_FROM_CONTACTS = f"""FROM contact c
JOIN task t ON t.practice_id = c.practice_id AND t.id = c.task_id {_JOINED}
JOIN staff s ON s.practice_id = c.practice_id AND s.id = c.logged_by_id"""

IDS = {"id": "", "task_id": "Task", "patient_id": "Patient"}
"""Columns with numbers of rows, which leave as the ids that clients see, and of what type they are;
an `id` is of the table's own."""


def columns_of(line: type[NamedTuple]) -> tuple[Column, ...]:
    """The columns of a kind of line."""
    columns = []
    for name, hint in get_type_hints(line).items():
        (kind,) = [option for option in get_args(hint) or (hint,) if option is not type(None)]
        is_text = name in IDS or issubclass(kind, Enum)
        columns.append(Column(name, str if is_text else kind))
    return tuple(columns)


async def _tasks(viewer: Viewer, query: ExportQuery) -> AsyncGenerator[Window, None]:
    where = conditions(viewer, query.tasks)
    within(where, viewer, query, "t.created_at")
    sql = f"SELECT {_select(TaskLine, 't', _OF_TASK)} {_FROM_TASKS}"
    async for lines in _lines("task", TaskLine, sql, where):
        yield _window(lines, "Task")


async def _contacts(viewer: Viewer, query: ExportQuery) -> AsyncGenerator[Window, None]:
    where = conditions(viewer, query.tasks)
    within(where, viewer, query, CONTACTED)
    where.add(stands("c"))
    sql = f"SELECT {_select(ContactLine, 'c', _OF_CONTACT)} {_FROM_CONTACTS}"
    async for lines in _lines("contact", ContactLine, sql, where):
        yield _window(lines, "Contact")


TASKS = Table("tasks", columns_of(TaskLine), _tasks)
"""Tasks, by when they were made."""

CONTACTS = Table("contacts", columns_of(ContactLine), _contacts, has_notes=True)
"""Contacts on tasks, by when they were logged, but for those that were undone. The dates are those
of the calls."""


def within(where: Conditions, viewer: Viewer, query: ExportQuery, moment: str) -> None:
    """Let only rows through whose `moment` is on the dates of the query."""
    if query.first is not None:
        begin = day_bounds(query.first, viewer.time_zone)[0]
        where.add(f"{moment} >= ${where.value(begin)}")
    if query.last is not None:
        end = day_bounds(query.last, viewer.time_zone)[1]
        where.add(f"{moment} < ${where.value(end)}")


def _select(line: type[NamedTuple], table: str, otherwise: dict[str, str]) -> str:
    return ", ".join(otherwise.get(column, f"{table}.{column}") for column in line._fields)


async def _lines(
    table: str, line: type[Row], sql: str, where: Conditions
) -> AsyncGenerator[list[Row], None]:
    """The lines of a table that `where` lets through, by id. A window is looked for first, by the
    primary key alone: what the database thinks of the conditions cannot make it sort all rows for
    each."""
    (practice_id, *_), name = where.values, table[0]
    newest = f"SELECT COALESCE(MAX(id), 0) FROM {table} WHERE practice_id = $1"
    ends = f"""SELECT id FROM {table} WHERE practice_id = $1 AND id > $2 AND id <= $3
    ORDER BY id LIMIT 1 OFFSET {WINDOW - 1}"""
    begin, end = where.value(0), where.value(0)
    sql = f"""{sql} WHERE {where} AND {name}.practice_id = $1
    AND {name}.id > ${begin} AND {name}.id <= ${end} ORDER BY {name}.id"""
    (through,) = await _fetched(Id, newest, practice_id)
    after = 0
    while after < through.id:
        found = await _fetched(Id, ends, practice_id, after, through.id)
        until = found[0].id if found else through.id
        where.values[begin - 1], where.values[end - 1] = after, until
        yield await _fetched(line, sql, *where.values)
        after = until


async def _fetched(row: type[Row], sql: str, *values: object) -> list[Row]:
    with reading_apart():
        return await fetch(row, sql, *values)


def _window(lines: Sequence[NamedTuple], type_name: str) -> Window:
    if not lines:
        return Window([])
    fields = lines[0]._fields
    ids = [
        (fields.index(column), opaque.numbers(of or type_name))
        for column, of in IDS.items()
        if column in fields
    ]
    patient = fields.index("patient_id")
    rows = []
    for line in lines:
        row = list(line)
        for place, id_of in ids:
            row[place] = id_of(row[place])
        rows.append(row)
    return Window(rows, frozenset(line[patient] for line in lines))
