"""What there is to know of a task at one moment: as it is now, or as it was right after an event.

Both have the same fields by the same names. A task has an `id`, under which clients' caches keep
it; a snapshot has none, so that they never take what was for what is.
"""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from gql_app.schema.columns import reads
from gql_app.schema.context import SharedInfo
from gql_app.schema.enums import CloseCause, TaskOrigin, TaskStatus
from gql_app.schema.ids import id_of
from gql_app.schema.links import linked
from models.task import TaskRow

if TYPE_CHECKING:
    from gql_app.schema.types import Contact, Patient, Queue, Staff

_TYPES = "gql_app.schema.types"
_Contact = Annotated["Contact", strawberry.lazy(_TYPES)]
_Patient = Annotated["Patient", strawberry.lazy(_TYPES)]
_Queue = Annotated["Queue", strawberry.lazy(_TYPES)]
_Staff = Annotated["Staff", strawberry.lazy(_TYPES)]

_task_id = id_of("Task")


@strawberry.type
class ClaimState:
    """The fields of a claim, now and in the past."""

    by = linked("staff", "claimed_by_id", _Staff, "Who is calling.")

    @strawberry.field(description="When it ends by itself, if it is not renewed.")
    def until(parent: strawberry.Parent[TaskRow]) -> datetime:
        assert parent.claimed_until is not None
        return parent.claimed_until


@strawberry.type(
    description="Who is calling a patient now. It stands on every open task of the patient, in all"
    " queues, until a contact is logged, it is released, or its time is up."
)
class Claim(ClaimState):
    @strawberry.field(
        description="Stands for this claim: another each time that the patient is claimed anew, the"
        " same while it is renewed, and on all tasks that it covers."
    )
    def id(parent: strawberry.Parent[TaskRow]) -> strawberry.ID:
        return _claim_id(parent)


@strawberry.type(
    description="Who was calling a patient right after an event, and until when as far as was known"
    " then."
)
class ClaimSnapshot(ClaimState):
    @strawberry.field(description="The `Claim.id` that it had.")
    def claim_id(parent: strawberry.Parent[TaskRow]) -> strawberry.ID:
        return _claim_id(parent)


def _claim_id(task: TaskRow) -> strawberry.ID:
    assert task.claim is not None
    return strawberry.ID(task.claim)


def claim_of(graphql_type: object, description: str) -> Any:
    """A task's field that shows its claim, if it has one."""

    def claim(parent: strawberry.Parent[TaskRow]) -> TaskRow | None:
        return None if parent.claimed_by_id is None else parent

    return strawberry.field(
        resolver=claim,
        graphql_type=graphql_type,
        description=description,
        metadata=reads("claimed_by_id", "claimed_until", "claim_id", "patient_id"),
    )


@strawberry.type
class TaskState:
    """The fields of a task, now and in the past."""

    status: TaskStatus = strawberry.field(description="Where it stands.")
    is_open: bool = strawberry.field(
        description="Whether it is still to be worked.", metadata=reads("status")
    )
    status_label: str = strawberry.field(
        description="Open, Open + In Progress, or Closed.", metadata=reads("status")
    )
    origin: TaskOrigin = strawberry.field(description="Who made it.")
    reason: str = strawberry.field(description="Why the patient is to be called.")
    follow_up: date | None = strawberry.field(
        description="When to call again, a date at the practice. Null on a closed task."
    )
    expires_at: datetime | None = strawberry.field(
        description="When an automatic task closes by itself."
    )
    version: int = strawberry.field(description="1 when made, one more with each change.")
    contact_count: int = strawberry.field(description="How many contacts have been logged.")
    created_at: datetime = strawberry.field(description="When it was made.")
    closed_at: datetime | None = strawberry.field(
        description="When it was closed. Null on an open task."
    )
    close_cause: CloseCause | None = strawberry.field(
        description="Why it is closed. Null on an open task."
    )

    queue = linked(
        "queue",
        "queue_id",
        _Queue | None,
        "Null only in the event by which a task goes to a queue that the key does not allow.",
    )
    patient = linked("patient", "patient_id", _Patient, "Who is to be called.")
    assignee = linked(
        "staff", "assignee_id", _Staff | None, "Whose work it is; null if that of all in the queue."
    )
    last_contact = linked(
        "contact",
        ("last_contact_id", "id"),
        _Contact | None,
        "The latest contact; null if there is none.",
    )

    closed_by = linked(
        "closer",
        ("closed_at", "id"),
        _Staff | None,
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
