"""Appointments, as booking systems report them and agents agree on them: what is shown of one, and
`recordAppointment`, `cancelAppointment`, `setAppointmentStatus`."""

from datetime import datetime
from typing import Annotated

import strawberry

from gql_app.execution.cost import MOST_ROWS
from gql_app.schema.connections import PageInfo
from gql_app.schema.context import Info
from gql_app.schema.enums import AppointmentStatus
from gql_app.schema.ids import read_id_of
from gql_app.schema.links import linked
from gql_app.schema.moments import checked_moment
from gql_app.schema.node import Node
from gql_app.schema.patients import Patient
from gql_app.schema.payloads import UserError, error_row
from gql_app.schema.staff import Staff
from gql_app.schema.tasks import Task
from gql_app.schema.texts import checked_kind, checked_text
from gql_app.work.appointment_changes import Named, set_appointment_status
from gql_app.work.appointments import NewAppointment, RecordedAppointment, record_appointment
from gql_app.work.contact_status import MOST_SHOWN
from gql_app.work.reads.conditions import BadInput
from models.people import MAX_EXTERNAL_ID
from models.text import trimmed

Kind = Annotated[
    str | None,
    strawberry.argument(
        description="What it is for, as you call it, such as Cleaning; at most 100 characters."
        " Queues may name the kinds that close their tasks. Left out, it stays as it was."
    ),
]
ById = Annotated[strawberry.ID | None, strawberry.argument(description="Its global id.")]
ByName = Annotated[
    str | None,
    strawberry.argument(description="Its id in the booking system; in place of the global id."),
]
_BOUND = f", in the queues that the key allows; at most {MOST_SHOWN}."


@strawberry.type(
    description="An appointment, as a booking system reported it, or as it was agreed on in a call."
)
class Appointment(Node):
    at: datetime
    external_id: str
    patient = linked("patient", "patient_id", Patient)
    status: AppointmentStatus
    kind: str | None = strawberry.field(
        description="What it is for, as the booking system calls it; null if it has not said."
    )
    recorded_at: datetime = strawberry.field(description="When it was recorded first.")
    recorded_by = linked("staff", "recorded_by_id", Staff, "Who recorded it first.")
    ended_at: datetime | None = strawberry.field(
        description="When it was said to be cancelled, completed or missed; null while scheduled."
    )
    ended_by = linked("staff", "ended_by_id", Staff | None, "Who said so.")


@strawberry.type
class AppointmentEdge:
    node: Appointment
    cursor: str


@strawberry.type(description="A page of appointments.")
class AppointmentConnection:
    edges: list[AppointmentEdge]
    nodes: list[Appointment] = strawberry.field(
        description="The appointments without their cursors."
    )
    page_info: PageInfo


@strawberry.type
class RecordAppointmentPayload:
    appointment: Appointment | None
    closed_tasks: list[Task] = strawberry.field(
        description="The tasks that it has closed, in the queues that the key allows."
    )
    errors: list[UserError]


@strawberry.type(description="What came of a change of an appointment.")
class AppointmentPayload:
    appointment: Appointment | None = strawberry.field(
        description="The appointment as it is now, after a refusal too; null if there is none."
    )
    reopened_tasks: list[Task] = strawberry.field(
        description="The tasks that it had closed and that are open again, as they were" + _BOUND,
        metadata={MOST_ROWS: MOST_SHOWN},
    )
    created_tasks: list[Task] = strawberry.field(
        description="The tasks that were made because it was missed.",
        metadata={MOST_ROWS: MOST_SHOWN},
    )
    closed_tasks: list[Task] = strawberry.field(
        description="The tasks that it has closed, scheduled again" + _BOUND,
        metadata={MOST_ROWS: MOST_SHOWN},
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


class AppointmentSource:
    """The source of both payloads."""

    def __init__(self, recorded: RecordedAppointment) -> None:
        self.appointment = recorded.appointment
        self.closed_tasks = recorded.closed
        self.reopened_tasks = recorded.reopened[:MOST_SHOWN]
        self.created_tasks = recorded.created[:MOST_SHOWN]
        self.errors = [error_row(refusal) for refusal in recorded.refusals]


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=RecordAppointmentPayload,
        description="Record an appointment: the patient's open automatic tasks close, where their"
        " queue says so and the key allows it. With the same externalId again, it is moved, as long"
        " as it is scheduled.",
    )
    async def record_appointment(
        self,
        info: Info,
        patient_id: strawberry.ID,
        at: datetime,
        external_id: str,
        kind: Kind = None,
    ) -> AppointmentSource:
        external_id = checked_text(trimmed(external_id), "externalId", MAX_EXTERNAL_ID)
        moment = checked_moment(at, "at")
        assert moment is not None
        patient = read_id_of("Patient", patient_id)
        new = NewAppointment(patient, moment, external_id, checked_kind(kind, "kind"))
        return AppointmentSource(await info.context.make(record_appointment, new))

    @strawberry.mutation(
        graphql_type=AppointmentPayload,
        description="Cancel a scheduled appointment. The tasks that it has closed are open again,"
        " as they were, but for those that have expired meanwhile, or that something else keeps"
        " closed. The same as setAppointmentStatus with CANCELLED.",
    )
    async def cancel_appointment(
        self, info: Info, id: ById = None, external_id: ByName = None
    ) -> AppointmentSource:
        return await _set_status(info, _named(id, external_id), AppointmentStatus.CANCELLED)

    @strawberry.mutation(
        graphql_type=AppointmentPayload,
        description="Say what has become of an appointment. Only a scheduled one is cancelled,"
        " completed or missed; SCHEDULED takes that back. A missed one makes a task in the queues"
        " that are set for it.",
    )
    async def set_appointment_status(
        self,
        info: Info,
        status: AppointmentStatus,
        id: ById = None,
        external_id: ByName = None,
    ) -> AppointmentSource:
        return await _set_status(info, _named(id, external_id), status)


async def _set_status(info: Info, named: Named, status: AppointmentStatus) -> AppointmentSource:
    result = await info.context.make(set_appointment_status, named, status)
    info.context.loaders.saw([*result.closed, *result.reopened, *result.created])
    return AppointmentSource(result)


def _named(row_id: strawberry.ID | None, external_id: str | None) -> Named:
    """Which appointment is meant. Raises `BadInput` unless it is named in exactly one way."""
    if row_id is not None and external_id is None:
        return Named(id=read_id_of("Appointment", row_id))
    if external_id is not None and row_id is None:
        called = checked_text(trimmed(external_id), "externalId", MAX_EXTERNAL_ID)
        return Named(external_id=called)
    raise BadInput("Give an id or an externalId: one of the two.")
