"""Mutations: unpack the form, call the transition service, translate its outcome."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from gql_app.schema.context import Info
from gql_app.schema.enums import ContactOutcome, TaskOrigin
from gql_app.schema.errors import UserError, error_row
from gql_app.schema.ids import read_id_of, read_ids_of
from gql_app.schema.imports import ImportTasksPayload, import_tasks
from gql_app.schema.moments import checked_moment
from gql_app.schema.types import Appointment, Contact, Task
from gql_app.work.appointments import MAX_EXTERNAL_ID, NewAppointment
from gql_app.work.intake import NewTask
from gql_app.work.outcomes import ChangeResult
from gql_app.work.reads.conditions import BadInput, storable
from models.appointment import AppointmentRow
from models.lifecycle import Attempt
from models.task import MAX_CLAIM_ID, TaskRow
from models.text import trimmed

MAX_IDEMPOTENCY_KEY = 200

ContactedAt = Annotated[
    datetime | None,
    strawberry.argument(
        description="When the patient was called, if not now; up to 7 days back. A contact made"
        " before an automatic task expired is kept on it though it has closed."
    ),
]


NewClaimId = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="The id that the claim gets: random text of your choice, up to 100 characters."
        " With it you can give the claim back though no answer came. Without it the server chooses."
    ),
]
ClaimIdToKeep = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="The id of the claim that you hold, to renew it: if it has ended meanwhile the"
        " answer is `CLAIM_LOST`. An id of your choice that was not used before (random, up to 100"
        " characters) begins a new claim. Without it the claim is new too, under a random id."
    ),
]
ClaimIdToEnd = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="Release only this claim: nothing happens if it has ended, or another has taken"
        " its place."
    ),
]


@strawberry.type
class LogContactPayload:
    task: Task | None = strawberry.field(
        description="The task as it is now, after a refusal too; null if there is none."
    )
    contact: Contact | None = strawberry.field(description="The contact that was logged.")
    late: bool = strawberry.field(
        description="Whether the contact was kept on a task that had expired before it was logged."
    )
    errors: list[UserError]


@strawberry.type
class ClaimTaskPayload:
    task: Task | None = strawberry.field(
        description="The task as it is now; null if there is none, or none is free."
    )
    errors: list[UserError]


@strawberry.type
class RecordAppointmentPayload:
    appointment: Appointment | None
    closed_tasks: list[Task] = strawberry.field(
        description="The tasks that it has made needless, in the queues that the key allows."
    )
    errors: list[UserError]


@strawberry.type
class CreateTaskPayload:
    task: Task | None
    errors: list[UserError]


@strawberry.input(description="A task to be made.")
class CreateTaskInput:
    queue_id: strawberry.ID
    patient_id: strawberry.ID
    reason: str = strawberry.field(description="Why to call, at most 500 characters.")
    origin: TaskOrigin = TaskOrigin.MANUAL
    follow_up: date | None = strawberry.field(
        default=None, description="When to call first, a date at the practice."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="When an AUTOMATIC task closes by itself, with its offset."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Send it again with the same key: the task is made once."
    )


class Payload:
    """A payload's source: an outcome in the schema's words."""

    def __init__(self, outcome: ChangeResult, fields_under: str | None = None) -> None:
        self.task = outcome.task
        self.contact = outcome.contact
        self.late = outcome.late
        self.errors = [
            error_row(refusal, *(() if fields_under is None else (fields_under,)))
            for refusal in outcome.refusals
        ]


class AppointmentPayload(Payload):
    """The source of a `RecordAppointmentPayload`."""

    def __init__(
        self, appointment: AppointmentRow | None, outcome: ChangeResult, closed: list[TaskRow]
    ) -> None:
        super().__init__(outcome)
        self.appointment = appointment
        self.closed_tasks = closed


@strawberry.type
class Mutation:
    @strawberry.mutation(
        graphql_type=LogContactPayload,
        description="Log a contact: with a follow-up date the task stays open, in progress (Log"
        " Contact); with close: true it is closed (Log and Close Task).",
    )
    async def log_contact(
        self,
        info: Info,
        task_id: strawberry.ID,
        outcome: ContactOutcome,
        follow_up: date | None = None,
        notes: str | None = None,
        close: bool = False,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
        contacted_at: ContactedAt = None,
    ) -> Payload:
        result = await info.context.services.transitions.log_contact(
            info.context.viewer,
            read_id_of("Task", task_id),
            Attempt(outcome, follow_up, storable(notes), close),
            expected_version=expected_version,
            idempotency_key=_checked_key(idempotency_key),
            contacted_at=checked_moment(contacted_at, "contactedAt"),
        )
        return Payload(result)

    @strawberry.mutation(
        graphql_type=ClaimTaskPayload,
        description="Claim the most urgent free task: overdue follow-ups first, then due today,"
        " then never contacted, then by expiry; never one whose follow-up is still to come.",
    )
    async def claim_next_task(
        self,
        info: Info,
        queue_ids: list[strawberry.ID] | None = None,
        claim_id: NewClaimId = None,
    ) -> Payload:
        ids, claims = read_ids_of("Queue", queue_ids), info.context.services.claims
        return Payload(await claims.claim_next(info.context.viewer, ids, _checked_claim(claim_id)))

    @strawberry.mutation(
        graphql_type=ClaimTaskPayload,
        description="Claim a task's patient, or renew the claim: nobody else can log a contact"
        " until it ends. One person's new claim takes the place of the same person's older one.",
    )
    async def claim_task(
        self, info: Info, task_id: strawberry.ID, claim_id: ClaimIdToKeep = None
    ) -> Payload:
        row_id, claims = read_id_of("Task", task_id), info.context.services.claims
        return Payload(await claims.claim(info.context.viewer, row_id, _checked_claim(claim_id)))

    @strawberry.mutation(
        graphql_type=ClaimTaskPayload,
        description="Give a claimed patient back. Supervisors may release others' claims. With a"
        " claimId alone, the patient is released whom you hold under it, if there is one.",
    )
    async def release_task(
        self,
        info: Info,
        task_id: strawberry.ID | None = None,
        claim_id: ClaimIdToEnd = None,
    ) -> Payload:
        viewer, claims = info.context.viewer, info.context.services.claims
        claim = _checked_claim(claim_id)
        if task_id is not None:
            return Payload(await claims.release(viewer, read_id_of("Task", task_id), claim))
        if claim is None:
            raise BadInput("releaseTask takes a taskId, a claimId, or both.")
        return Payload(await claims.release_own(viewer, claim))

    @strawberry.mutation(
        graphql_type=CreateTaskPayload, description="Make a task in a queue for a patient."
    )
    async def create_task(self, info: Info, input: CreateTaskInput) -> Payload:
        new = NewTask(
            queue_id=read_id_of("Queue", input.queue_id),
            patient_id=read_id_of("Patient", input.patient_id),
            reason=storable(input.reason) or "",
            origin=input.origin,
            follow_up=input.follow_up,
            expires_at=checked_moment(input.expires_at, "expiresAt"),
            idempotency_key=_checked_key(input.idempotency_key),
        )
        result = await info.context.services.transitions.create_task(info.context.viewer, new)
        return Payload(result, fields_under="input")

    import_tasks = strawberry.mutation(
        import_tasks,
        graphql_type=ImportTasksPayload,
        description="Bring up to 1,000 tasks into a queue, with their patients: a result a row."
        " Sent again, nothing is doubled.",
    )

    @strawberry.mutation(
        graphql_type=RecordAppointmentPayload,
        description="Record an appointment: the patient's open automatic tasks close, where their"
        " queue says so and the key allows it. With the same externalId again, it is moved.",
    )
    async def record_appointment(
        self, info: Info, patient_id: strawberry.ID, at: datetime, external_id: str
    ) -> AppointmentPayload:
        external_id = trimmed(external_id)
        if not 0 < len(external_id) <= MAX_EXTERNAL_ID:
            raise BadInput(f"externalId has 1 to {MAX_EXTERNAL_ID} characters.")
        moment, stored = checked_moment(at, "at"), storable(external_id)
        assert moment is not None
        assert stored is not None
        new = NewAppointment(read_id_of("Patient", patient_id) or 0, moment, stored)
        transitions = info.context.services.transitions
        return AppointmentPayload(*await transitions.record_appointment(info.context.viewer, new))


def _checked_claim(claim_id: str | None) -> str | None:
    if claim_id is not None and not 0 < len(claim_id) <= MAX_CLAIM_ID:
        raise BadInput(f"claimId has 1 to {MAX_CLAIM_ID} characters.")
    return storable(claim_id)


def _checked_key(key: str | None) -> str | None:
    if key is not None and not 0 < len(key) <= MAX_IDEMPOTENCY_KEY:
        raise BadInput(f"idempotencyKey has 1 to {MAX_IDEMPOTENCY_KEY} characters.")
    return storable(key)
