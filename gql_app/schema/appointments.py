"""Appointments, as a booking system reports them: `recordAppointment`."""

from datetime import datetime

import strawberry

from gql_app.schema.connections import PageInfo
from gql_app.schema.context import Info
from gql_app.schema.ids import read_id_of
from gql_app.schema.links import linked
from gql_app.schema.moments import checked_moment
from gql_app.schema.patients import Patient
from gql_app.schema.payloads import UserError, error_row
from gql_app.schema.tasks import Task
from gql_app.schema.texts import checked_text
from gql_app.work.appointments import NewAppointment, RecordedAppointment, record_appointment
from models.people import MAX_EXTERNAL_ID
from models.text import trimmed


@strawberry.type(description="An appointment, as a booking system reported it.")
class Appointment:
    at: datetime
    external_id: str
    patient = linked("patient", "patient_id", Patient)


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


class AppointmentPayload:
    """The source of a `RecordAppointmentPayload`."""

    def __init__(self, recorded: RecordedAppointment) -> None:
        self.appointment = recorded.appointment
        self.closed_tasks = recorded.closed
        self.errors = [error_row(refusal) for refusal in recorded.refusals]


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=RecordAppointmentPayload,
        description="Record an appointment: the patient's open automatic tasks close, where their"
        " queue says so and the key allows it. With the same externalId again, it is moved.",
    )
    async def record_appointment(
        self, info: Info, patient_id: strawberry.ID, at: datetime, external_id: str
    ) -> AppointmentPayload:
        external_id = checked_text(trimmed(external_id), "externalId", MAX_EXTERNAL_ID)
        moment = checked_moment(at, "at")
        assert moment is not None
        new = NewAppointment(read_id_of("Patient", patient_id), moment, external_id)
        return AppointmentPayload(await info.context.make(record_appointment, new))
