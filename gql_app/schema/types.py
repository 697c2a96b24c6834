"""The object types. A source is a row of the read side; plain fields are its attributes."""

import hashlib
from datetime import date, datetime
from typing import Annotated, Any

import orjson
import strawberry

from gql_app.access import Viewer as ViewerRow
from gql_app.execution.rows import MOST_ROWS
from gql_app.schema.columns import Columns, reads
from gql_app.schema.connections import Connection
from gql_app.schema.context import Info, SharedInfo
from gql_app.schema.enums import (
    CloseCause,
    ContactOutcome,
    PhoneKind,
    Role,
    TaskEventKind,
    TaskStatus,
)
from gql_app.schema.filters import TaskFilter, task_query
from gql_app.schema.ids import id_of
from gql_app.schema.links import linked
from gql_app.schema.loaders import HasId, PageKey, load_page
from gql_app.schema.task_state import Claim, TaskSnapshot, TaskState, claim_of
from gql_app.work.reads import cursors, history, queues
from gql_app.work.reads.at_work import AtWork
from gql_app.work.reads.finding import TaskQuery
from gql_app.work.reads.next_tasks import claimed_tasks
from gql_app.work.reads.orders import by_due
from models.contact import ContactRow
from models.event import EventRow, feed_bounds
from models.follow_up import local_date
from models.people import PatientRow
from models.phone import Phone as PhoneValue
from models.task import TaskRow

PageSize = Annotated[int, strawberry.argument(description="How many at most, from 0 to 500.")]
After = Annotated[
    str | None, strawberry.argument(description="A cursor: the list goes on after it.")
]


ROWS: dict[str, type[HasId]] = {
    "Contact": ContactRow,
    "Patient": PatientRow,
    "Queue": queues.QueueRow,
    "Staff": history.StaffRow,
    "Task": TaskRow,
}
"""Which rows are shown as which type. Not all types have a row: only those with a global id."""

_ID_OF = {row: id_of(name) for name, row in ROWS.items()}


_LATER = {
    "Queue": Annotated["Queue", strawberry.lazy("gql_app.schema.types")],
    "Patient": Annotated["Patient", strawberry.lazy("gql_app.schema.types")],
    "Task": Annotated["Task", strawberry.lazy("gql_app.schema.types")],
}
"""Types that are defined further down."""


@strawberry.interface(description="Anything with a global id.")
class Node:
    @strawberry.field(metadata=reads("id"))
    def id(parent: strawberry.Parent[Any]) -> strawberry.ID:
        return _ID_OF[type(parent)](parent.id)

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, ROWS[cls.__name__])


@strawberry.type(description="Who acts through a key: a person, or a partner's program.")
class Staff(Node):
    name: str


@strawberry.type(description="One call to a patient, as it was logged. It never changes.")
class Contact(Node):
    outcome: ContactOutcome
    follow_up: date | None = strawberry.field(description="The follow-up date that was set.")
    closed_task: bool = strawberry.field(description="Whether it was Log and Close Task.")
    logged_at: datetime

    @strawberry.field(
        description="When the patient was called; mostly when it was logged.",
        metadata=reads("contacted_at", "logged_at"),
    )
    def contacted_at(parent: strawberry.Parent[ContactRow]) -> datetime:
        return parent.made_at

    @strawberry.field(
        description="What the agent noted. Null for a key that may not read notes.",
        metadata=reads("notes"),
    )
    def notes(parent: strawberry.Parent[ContactRow], info: SharedInfo) -> str | None:
        return parent.notes if info.context.scope.may_read_notes else None

    logged_by = linked("staff", "logged_by_id", Staff, "Who logged it.")

    task = linked(
        "task",
        "task_id",
        _LATER["Task"] | None,
        "The task that it was logged on. Null if it is in a queue now that the key does not allow.",
    )


@strawberry.type(description="A patient to be contacted, for one reason, from one queue.")
class Task(Node, TaskState):
    @strawberry.field(
        description="When to call again, if a contact is logged now, by the queue's follow-up"
        " ladder. Null beyond its end, and where the task will have expired by then.",
        metadata=reads("queue_id", "status", "contact_count", "expires_at"),
    )
    async def suggested_follow_up(
        parent: strawberry.Parent[TaskRow], info: SharedInfo
    ) -> date | None:
        queue = await info.context.loaders.queue.load(parent.queue_id)
        now = info.context.services.clock()
        return (
            None
            if queue is None
            else queues.suggested_follow_up(info.context.scope, parent, queue, now)
        )

    claim = claim_of(Claim | None, "Who is calling now; null if nobody is.")

    @strawberry.field(
        graphql_type=Annotated["ContactConnection", strawberry.lazy("gql_app.schema.types")],
        description="The contacts, latest first.",
        metadata=reads("id"),
    )
    async def contacts(
        parent: strawberry.Parent[TaskRow],
        info: SharedInfo,
        first: PageSize = 20,
        after: After = None,
    ) -> Connection[ContactRow]:
        key = PageKey(parent.id, first, after)
        return Connection(await load_page(info.context.loaders.contacts_of_task, key), id_cursor)


@strawberry.type(description="How much work a queue holds, in the practice's time zone.")
class QueueCounts:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, queues.QueueCounts)

    seq: int = strawberry.field(description="The number of the event that led to these counts.")
    open: int = strawberry.field(description="Tasks still to be worked.")
    not_contacted: int = strawberry.field(description="Of these, nobody has called yet.")
    in_progress: int = strawberry.field(description="Of these, called and to be called again.")
    due_today: int = strawberry.field(description="Follow-ups set for today.")
    overdue: int = strawberry.field(description="Follow-ups set for a day before today.")
    closed_today: int = strawberry.field(description="Tasks closed since midnight.")

    queue = linked("queue", "queue_id", _LATER["Queue"])


@strawberry.type(description="Someone who holds claims in a queue now.")
class StaffAtWork:
    staff = linked("staff", "staff_id", Staff)
    tasks: int = strawberry.field(description="How many of the queue's tasks they hold.")
    until: datetime = strawberry.field(description="When the last of the claims ends by itself.")


@strawberry.type(description="A work list of tasks of one kind.")
class Queue(Node):
    name: str

    counts = linked("counts", "id", QueueCounts)

    @strawberry.field(
        graphql_type=list[StaffAtWork],
        description="Who holds claims here now, by name. Empty for a partner's key.",
    )
    async def staff_at_work(
        parent: strawberry.Parent[queues.QueueRow], info: SharedInfo
    ) -> list[AtWork]:
        found = await info.context.loaders.at_work.load(parent.id)
        return [] if found is None else found.staff

    @strawberry.field(
        description="After how many days to call again, contact by contact. Null if it has none."
    )
    def follow_up_ladder(parent: strawberry.Parent[queues.QueueRow]) -> list[int] | None:
        return queues.ladder_of(parent)

    @strawberry.field(
        graphql_type=Annotated["TaskConnection", strawberry.lazy("gql_app.schema.types")],
        description="The queue's tasks, earliest due first; without a filter, those to be worked.",
    )
    async def tasks(
        parent: strawberry.Parent[queues.QueueRow],
        info: SharedInfo,
        filter: TaskFilter | None = None,
        first: PageSize = 50,
        after: After = None,
    ) -> Connection[TaskRow]:
        key = PageKey(parent.id, first, after, task_query(filter, info.context))
        return Connection(await load_page(info.context.loaders.tasks_of_queue, key), by_due)


@strawberry.type(description="An appointment, as a booking system reported it.")
class Appointment:
    at: datetime
    external_id: str
    patient = linked("patient", "patient_id", _LATER["Patient"])


@strawberry.type(description="A telephone number of a patient.")
class Phone:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, PhoneValue)

    number: str = strawberry.field(
        description="As it is dialled from anywhere, such as +12175550123 (E.164). Only the digits"
        " that were entered, if they are no number of any country."
    )
    extension: str | None = strawberry.field(description="What is dialled once somebody answers.")
    display: str = strawberry.field(
        description="As people of the practice's country write it, with the extension."
    )
    href: str = strawberry.field(description="The link that dials it: tel:+12175550123;ext=45.")
    kind: PhoneKind | None = strawberry.field(
        description="What kind of number it is; null if nobody has said."
    )


@strawberry.type(description="A person whom the practice contacts.")
class Patient(Node):
    name: str

    shown_phone: str = strawberry.field(
        name="phone",
        description="The telephone number as people of the practice's country write it, with its"
        " extension. To dial it, use `phones`.",
        metadata=reads("phone", "phone_display"),
    )

    @strawberry.field(
        graphql_type=list[Phone],
        description="The telephone numbers: one for now; none if no digits were entered.",
        metadata=reads("phone", "phone_number", "phone_display") | {MOST_ROWS: 1},
    )
    def phones(parent: strawberry.Parent[PatientRow]) -> list[PhoneValue]:
        return parent.phones

    @strawberry.field(
        graphql_type=Annotated["TaskConnection", strawberry.lazy("gql_app.schema.types")],
        description="The patient's tasks in the queues that the key allows, newest first.",
        metadata=reads("id"),
    )
    async def tasks(
        parent: strawberry.Parent[PatientRow],
        info: SharedInfo,
        status: Annotated[
            list[TaskStatus] | None,
            strawberry.argument(description="Of these alone; without it all, open and closed."),
        ] = None,
        first: PageSize = 20,
        after: After = None,
    ) -> Connection[TaskRow]:
        query = TaskQuery(status=tuple(TaskStatus if status is None else dict.fromkeys(status)))
        key = PageKey(parent.id, first, after, query)
        return Connection(await load_page(info.context.loaders.tasks_of_patient, key), id_cursor)

    @strawberry.field(
        graphql_type=Annotated["ContactConnection", strawberry.lazy("gql_app.schema.types")],
        description="The contacts on all of the patient's tasks in the queues that the key allows,"
        " latest first.",
        metadata=reads("id"),
    )
    async def contacts(
        parent: strawberry.Parent[PatientRow],
        info: SharedInfo,
        first: PageSize = 20,
        after: After = None,
    ) -> Connection[ContactRow]:
        key = PageKey(parent.id, first, after)
        return Connection(await load_page(info.context.loaders.contacts_of_patient, key), id_cursor)


COLUMNS_OF_TASKS = Columns([(Task, TaskRow), (Patient, PatientRow), (Contact, ContactRow)])
"""What a list of tasks reads, with their patients and last contacts."""


@strawberry.type(description="One change of one task. Events are numbered within the practice.")
class TaskEvent:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, EventRow)

    seq: int = strawberry.field(
        description="The event's number. A key or stream that does not show all has holes."
    )
    kind: TaskEventKind
    at: datetime
    from_status: TaskStatus | None
    to_status: TaskStatus
    close_cause: CloseCause | None

    @strawberry.field(
        description="The `seq` of the first event of the same transaction: events that share it are"
        " one change, such as an appointment that closes three tasks."
    )
    def change(parent: strawberry.Parent[EventRow]) -> int:
        return parent.seq if parent.change is None else parent.change

    @strawberry.field(description="Where a stream or list goes on after this event.")
    def cursor(parent: strawberry.Parent[EventRow]) -> str:
        return event_cursor(parent)

    @strawberry.field(
        graphql_type=TaskSnapshot, description="The task as it was right after this event."
    )
    def snapshot(parent: strawberry.Parent[EventRow]) -> TaskRow:
        return parent.task

    @strawberry.field(
        graphql_type=Task,
        description="The same under the id of the task as it is now.",
        deprecation_reason="A cache that keeps objects by their ids takes what was for what is: use"
        " `snapshot`.",
    )
    def task(parent: strawberry.Parent[EventRow]) -> TaskRow:
        return parent.task

    from_queue = linked(
        "queue", "from_queue_id", Queue | None, "The queue that the task has left, if it has."
    )
    contact = linked(
        "contact", ("contact_id", "task_id"), Contact | None, "The contact that was logged."
    )
    actor = linked("staff", "actor_id", Staff | None, "Who did it; null for the clock.")


@strawberry.type(description="The practice that the key belongs to.")
class Practice:
    time_zone: str = strawberry.field(description="An IANA name, such as America/Chicago.")

    @strawberry.field(
        description="The time by the server's clock, for those who cannot trust their own."
    )
    def now(parent: strawberry.Parent[ViewerRow], info: Info) -> datetime:
        return info.context.services.clock()

    @strawberry.field(description="Today's date at the practice.")
    def today(parent: strawberry.Parent[ViewerRow], info: Info) -> date:
        return local_date(info.context.services.clock(), parent.time_zone)

    @strawberry.field(description="How long a claim lasts that is not renewed, in seconds.")
    def claim_seconds(parent: strawberry.Parent[ViewerRow], info: Info) -> int:
        return int(info.context.services.lease.total_seconds())

    @strawberry.field(description="Where a stream that begins now goes on from.")
    async def cursor(parent: strawberry.Parent[ViewerRow]) -> str:
        bounds = await feed_bounds(parent.practice_id)
        return cursors.event_cursor(parent.practice_id, bounds.last)


@strawberry.type(description="The holder of the key, and what the key may do.")
class Viewer:
    @strawberry.field(
        description="Stands for who you are and what you may do. Sent as the header"
        " X-Callboard-Viewer it keeps a request from being carried out as somebody else."
    )
    def id(parent: strawberry.Parent[ViewerRow]) -> strawberry.ID:
        return viewer_id(parent)

    staff = linked("staff", "staff_id", Staff, "Whose name stands by what is done with the key.")
    name: str
    role: Role
    may_read_notes: bool
    may_log_contacts: bool
    may_create_tasks: bool
    may_import: bool
    expires_at: datetime | None

    @strawberry.field(graphql_type=Practice)
    def practice(parent: strawberry.Parent[ViewerRow]) -> ViewerRow:
        return parent

    @strawberry.field(graphql_type=list[Queue], description="The queues that the key allows.")
    async def queues(parent: strawberry.Parent[ViewerRow]) -> list[queues.QueueRow]:
        return await queues.visible_queues(parent)

    @strawberry.field(
        graphql_type=list[Task], description="The tasks that the viewer has claimed, by their end."
    )
    async def claimed(parent: strawberry.Parent[ViewerRow], info: Info) -> list[TaskRow]:
        return await claimed_tasks(parent, info.context.services.clock())


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class TaskEdge:
    node: Task
    cursor: str


@strawberry.type(description="A page of tasks.")
class TaskConnection:
    edges: list[TaskEdge]
    nodes: list[Task] = strawberry.field(description="The tasks without their cursors.")
    page_info: PageInfo


@strawberry.type
class ContactEdge:
    node: Contact
    cursor: str


@strawberry.type(description="A page of contacts.")
class ContactConnection:
    edges: list[ContactEdge]
    nodes: list[Contact]
    page_info: PageInfo


@strawberry.type
class TaskEventEdge:
    node: TaskEvent
    cursor: str


@strawberry.type(description="A page of events.")
class TaskEventConnection:
    edges: list[TaskEventEdge]
    nodes: list[TaskEvent]
    page_info: PageInfo


def viewer_id(viewer: ViewerRow) -> strawberry.ID:
    """Stands for who the viewer is and what they may do, by whichever key or session."""
    queues = None if viewer.queue_ids is None else sorted(viewer.queue_ids)
    same = [viewer.practice_id, viewer.staff_id, viewer.role, queues, viewer.may_create_tasks]
    return strawberry.ID(hashlib.sha256(orjson.dumps(same)).hexdigest()[:32])


def id_cursor(row: TaskRow | ContactRow) -> str:
    return cursors.id_cursor(row.practice_id, row.id)


def event_cursor(row: EventRow) -> str:
    return cursors.event_cursor(row.practice_id, row.position)
