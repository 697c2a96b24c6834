"""The state of a task: as it is now, or as it was right after an event.

Both have the same fields. A task has an `id`, under which clients' caches keep it. A snapshot has
none, so that no cache takes a past state for the present one.
"""

from datetime import date, datetime

import strawberry

from gql_app.schema.claims import ClaimSnapshot, claim_of
from gql_app.schema.columns import reads
from gql_app.schema.contacts import Contact
from gql_app.schema.context import SharedInfo
from gql_app.schema.enums import CloseCause, TaskOrigin, TaskPriority, TaskStatus
from gql_app.schema.ids import id_of
from gql_app.schema.links import linked
from gql_app.schema.patients import Patient
from gql_app.schema.queues import Queue
from gql_app.schema.staff import Staff
from models.task import TaskRow

_task_id = id_of("Task")


@strawberry.type
class TaskState:
    """The fields of a task, now and in the past."""

    status: TaskStatus = strawberry.field(description="Where it stands.")
    is_open: bool = strawberry.field(
        description="Whether it is open: OPEN or IN_PROGRESS.", metadata=reads("status")
    )
    status_label: str = strawberry.field(
        description="Open, Open + In Progress, or Closed.", metadata=reads("status")
    )
    origin: TaskOrigin = strawberry.field(description="Who made it.")
    priority: TaskPriority = strawberry.field(description="How urgent it is, beside its dates.")
    reason: str = strawberry.field(description="Why the patient is to be called.")
    follow_up: date | None = strawberry.field(
        description="When to call again, a date at the practice. Null on a closed task."
    )
    follow_up_at: datetime | None = strawberry.field(
        description="When the patient was promised to be called back. Null if only a day is set,"
        " and on a closed task."
    )

    @strawberry.field(
        description="Whether it was told, by a CALL_BACK_DUE event, that it is time to call back.",
        metadata=reads("call_back_told_at"),
    )
    def is_call_back_due(parent: strawberry.Parent[TaskRow]) -> bool:
        return parent.call_back_told_at is not None

    call_back_by = linked(
        "staff",
        "call_back_by_id",
        Staff | None,
        "Who has promised to call back. Null if anyone may, and if nothing was promised.",
    )
    review_since: datetime | None = strawberry.field(
        description="Since when it waits for a supervisor: its patient was called as often as its"
        " queue allows, and claimNextTask does not hand it out. Null if it does not wait."
    )
    expires_at: datetime | None = strawberry.field(
        description="When an automatic task closes by itself."
    )
    version: int = strawberry.field(description="1 when made, one more with each change.")
    contact_count: int = strawberry.field(description="How many contacts have been logged.")
    created_at: datetime = strawberry.field(description="When it was made.")

    @strawberry.field(
        description="By which lists break ties: the task that was made later has the higher number."
        " Null for a partner's key, which could count by it.",
        metadata=reads("id"),
    )
    def number(parent: strawberry.Parent[TaskRow], info: SharedInfo) -> int | None:
        return parent.id if info.context.scope.may_see_who_works else None

    closed_at: datetime | None = strawberry.field(
        description="When it was closed. Null on an open task."
    )
    close_cause: CloseCause | None = strawberry.field(
        description="Why it is closed. Null on an open task."
    )

    queue = linked(
        "queue",
        "queue_id",
        Queue | None,
        "Null only in the event by which a task goes to a queue that the key does not allow.",
    )
    patient = linked("patient", "patient_id", Patient, "Who is to be called.")
    assignee = linked(
        "staff", "assignee_id", Staff | None, "Whose work it is; null if that of all in the queue."
    )
    last_contact = linked(
        "contact",
        ("last_contact_id", "id"),
        Contact | None,
        "The latest contact; null if there is none.",
    )

    closed_by = linked(
        "closer",
        ("closed_at", "id"),
        Staff | None,
        "Who closed it: who logged the contact, withdrew the task or reported the appointment. Null"
        " on an open task, where the clock closed it, and where it was said by an event that is no"
        " longer kept.",
    )

    @strawberry.field(
        description="Why the task was withdrawn. Null for a key that may not read notes.",
        metadata=reads("withdrawn_reason"),
    )
    def withdrawn_reason(parent: strawberry.Parent[TaskRow], info: SharedInfo) -> str | None:
        return parent.withdrawn_reason if info.context.scope.may_read_notes else None


@strawberry.type(
    description="A task as it was right after an event. It has no `id`, so that a client's cache"
    " does not take it for the task as it is now; `version` says which of two states is newer. Its"
    " patient, queue and staff are shown as they are now; a contact never changes."
)
class TaskSnapshot(TaskState):
    @strawberry.field(description="The task's global id, which `task(id:)` takes.")
    def task_id(parent: strawberry.Parent[TaskRow]) -> strawberry.ID:
        return _task_id(parent.id)

    claim = claim_of(ClaimSnapshot | None, "Who was calling then; null if nobody was.")
