"""The tables of reports: activity, the queues as they stand, the audit."""

from collections.abc import AsyncGenerator, Mapping
from datetime import date, datetime, timedelta
from itertools import chain
from typing import NamedTuple

from gql_app import opaque
from gql_app.access import Viewer
from gql_app.work.exports.tables import Column, ExportQuery, Table, Window, columns_of
from gql_app.work.reads.audit import AuditQuery, audit_rows
from gql_app.work.reads.history import staff_by_id
from gql_app.work.reads.queues import queue_counts, visible_queues
from gql_app.work.reports.activity import Figures, StaffActivity, read_activity
from gql_app.work.reports.buckets import MOST_DAYS, BucketSize, bucket_bounds
from models.audit import AuditAction, AuditRow
from models.follow_up import local_date
from models.lifecycle import CloseCause, ContactOutcome

YEAR = MOST_DAYS[BucketSize.DAY]
"""How many days are told one by one; more of them are told by weeks."""

_COUNTS = (
    *(f"contacts_{outcome.lower()}" for outcome in ContactOutcome),
    "contacts",
    "tasks_opened",
    *(f"closed_{cause.lower()}" for cause in CloseCause),
    "tasks_closed",
    "expired_untouched",
)
_MEDIANS = ("median_attempts_to_scheduled", "median_hours_to_scheduled")
_ACTIVITY = (
    Column("by", str),
    Column("name", str),
    Column("begin", date),
    Column("last", date),
    *(Column(name, int) for name in _COUNTS),
    *(Column(name, float) for name in _MEDIANS),
)


async def _activity(viewer: Viewer, query: ExportQuery) -> AsyncGenerator[Window, None]:
    """A row for each day (or week), queue and member of staff, and one for all."""
    first, last, size = _period(viewer, query)
    activity = await read_activity(viewer, first, last, size, query.tasks.queue_ids)
    day, dates = timedelta(days=1), (first, last)
    buckets = (
        (size.value, None, begin.date(), end.date() - day, *_figures(figures))
        for begin, end, figures in activity.buckets
    )
    queues = (
        ("QUEUE", queue.name, *dates, *_figures(figures)) for queue, figures in activity.by_queue
    )
    staff = (("STAFF", person.staff.name, *dates, *_own(person)) for person in activity.by_staff)
    total = ("TOTAL", None, *dates, *_figures(activity.total))
    yield Window([*chain(buckets, queues, staff), total])


def check_period(viewer: Viewer, query: ExportQuery) -> None:
    """Raises `BadInput` if the activity of so long a time cannot be told."""
    bucket_bounds(*_period(viewer, query), viewer.time_zone)


def _period(viewer: Viewer, query: ExportQuery) -> tuple[date, date, BucketSize]:
    """From when to when activity is told, and by what. Without dates it is the year until today."""
    last = query.last or local_date(query.now, viewer.time_zone)
    first = query.first or last - timedelta(days=YEAR - 1)
    return first, last, BucketSize.DAY if (last - first).days < YEAR else BucketSize.WEEK


def _figures(figures: Figures) -> tuple[object, ...]:
    contacts, opened, closed, *rest = figures
    return (*contacts, contacts.total, opened, *closed, closed.total, *rest)


def _own(person: StaffActivity) -> tuple[object, ...]:
    """What is counted of one person: only their contacts close tasks."""
    closed = [person.tasks_closed if cause is CloseCause.CONTACT else None for cause in CloseCause]
    contacts = person.contacts
    return (*contacts, contacts.total, None, *closed, person.tasks_closed, None, None, None)


class QueueLine(NamedTuple):
    """A queue as it stands."""

    queue: str
    open: int
    not_contacted: int
    in_progress: int
    due_today: int
    overdue: int
    closed_today: int
    needs_review: int


async def _queues(viewer: Viewer, query: ExportQuery) -> AsyncGenerator[Window, None]:
    """The queues that the key allows, as the board shows them now."""
    queues = await visible_queues(viewer, query.tasks.queue_ids)
    counts = await queue_counts(viewer, [queue.id for queue in queues], query.now)
    by_queue = {each.queue_id: each for each in counts}
    yield Window([(queue.name, *by_queue[queue.id][2:]) for queue in queues])


class AuditLine(NamedTuple):
    """A row of the audit. Patients and tasks are named by the ids that clients see."""

    seq: int
    at: datetime
    action: AuditAction
    operation: str
    result: str
    staff: str | None
    key: int | None
    address: str | None
    patient: str | None
    task: str | None
    notes: bool
    detail: str | None


async def _audit(viewer: Viewer, query: ExportQuery) -> AsyncGenerator[Window, None]:
    """The audit, oldest first."""
    asked = AuditQuery(query.patient_id, query.staff_id, query.first, query.last)
    through = query.through or 0
    names: dict[int, str] = {}
    async for rows in audit_rows(viewer, asked, through):
        new = {row.staff_id for row in rows if row.staff_id is not None} - names.keys()
        if new:
            names |= {staff.id: staff.name for staff in await staff_by_id(viewer, sorted(new))}
        yield Window([_audit_line(row, names) for row in rows])


_PATIENT, _TASK = opaque.numbers("Patient"), opaque.numbers("Task")


def _audit_line(row: AuditRow, names: Mapping[int, str]) -> AuditLine:
    return AuditLine(
        row.seq,
        row.at,
        row.action,
        row.operation,
        row.result,
        None if row.staff_id is None else names.get(row.staff_id),
        row.key_id,
        row.address,
        None if row.patient_id is None else _PATIENT(row.patient_id),
        None if row.task_id is None else _TASK(row.task_id),
        row.notes,
        row.detail,
    )


ACTIVITY = Table("activity", _ACTIVITY, _activity, options=frozenset({"queues", "first", "last"}))
QUEUES = Table("queues", columns_of(QueueLine), _queues, options=frozenset({"queues"}))
AUDIT = Table(
    "audit",
    columns_of(AuditLine),
    _audit,
    options=frozenset({"first", "last", "patient_id", "staff_id"}),
)
