"""One call: `logContact`, on a task and on others of its household."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from gql_app.execution.cost import MOST_ROWS
from gql_app.schema.call_backs import FollowUpTime, WhoCallsBack
from gql_app.schema.contacts import Contact
from gql_app.schema.context import Info
from gql_app.schema.enums import ContactOutcome, ContactStatus
from gql_app.schema.ids import read_id_of
from gql_app.schema.lazy import LazyAppointment, LazyTask
from gql_app.schema.moments import checked_moment
from gql_app.schema.payloads import Payload, UserError
from gql_app.schema.texts import checked_key, checked_kind, checked_text
from gql_app.work.calls import MAX_OTHERS, Booking, OtherTask
from gql_app.work.contacts import log_contact
from gql_app.work.reads.conditions import BadInput, storable
from models.call_back import Wish
from models.lifecycle import Attempt
from models.people import MAX_EXTERNAL_ID
from models.text import trimmed

ContactedAt = Annotated[
    datetime | None,
    strawberry.argument(
        description="When the patient was called, if not now; up to 7 days back. A contact made"
        " before an automatic task expired, or before the patient was not to be called any more, is"
        " kept on it though it has closed."
    ),
]
Incoming = Annotated[
    bool,
    strawberry.argument(
        description="Whether the patient has called. It is logged whoever has claimed the patient,"
        " ends that claim, and is no attempt."
    ),
]
SaidStatus = Annotated[
    ContactStatus | None,
    strawberry.argument(
        description="What the patient has said of being called, with close: true; not OK. It holds"
        " from then on, and closes the patient's other open tasks, all in one."
    ),
]


@strawberry.input(
    description="Another task of the patient or household that the same call was about, and what is"
    " logged on it, by the rules that hold for it alone."
)
class OtherTaskInput:
    task_id: strawberry.ID
    outcome: ContactOutcome
    follow_up: date | None = None
    close: bool = False
    notes: str | None = None


@strawberry.input(description="An appointment that was agreed on in a call.")
class AppointmentInput:
    at: datetime
    external_id: str = strawberry.field(
        description="Its id in the booking system, which may record it too, or has done so."
    )
    kind: str | None = strawberry.field(
        default=None,
        description="What it is for, as recordAppointment takes it; at most 100 characters.",
    )


Others = Annotated[
    list[OtherTaskInput] | None,
    strawberry.argument(
        description=f"Other tasks of the patient or household that the call was about, at most"
        f" {MAX_OTHERS}."
        " The call is logged on all of them or on none; refusals name the path, such as"
        ' ["others", "0", "followUp"].'
    ),
]
OfAppointment = Annotated[
    AppointmentInput | None,
    strawberry.argument(
        description="The appointment that was agreed on, with SCHEDULED only. It is recorded as by"
        " recordAppointment, but closes none of the tasks that the call itself names."
    ),
]


@strawberry.type(description="What came of a call on another task of the patient or household.")
class LoggedTask:
    task: LazyTask | None = strawberry.field(
        description="The task as it is now, after a refusal too; null if there is none."
    )
    contact: Contact | None = strawberry.field(description="The contact that was logged on it.")
    late: bool = strawberry.field(
        description="Whether the contact was kept on a task that had closed before it was logged."
    )


@strawberry.type
class LogContactPayload:
    task: LazyTask | None = strawberry.field(
        description="The task as it is now, after a refusal too; null if there is none."
    )
    contact: Contact | None = strawberry.field(description="The contact that was logged.")
    late: bool = strawberry.field(
        description="Whether the contact was kept on a task that had closed before it was logged."
    )
    others: list[LoggedTask] = strawberry.field(
        description="What came of it on the other tasks, in the order in which they were sent.",
        metadata={MOST_ROWS: MAX_OTHERS},
    )
    appointment: LazyAppointment | None = strawberry.field(
        description="The appointment that was recorded."
    )
    closed_tasks: list[LazyTask] = strawberry.field(
        description="The tasks that the appointment has closed, in the queues that the key allows."
    )
    errors: list[UserError]


@strawberry.type
class Mutations:
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
        others: Others = None,
        appointment: OfAppointment = None,
        contact_status: SaidStatus = None,
        follow_up_time: FollowUpTime = None,
        call_back_by: WhoCallsBack = None,
        incoming: Incoming = False,
    ) -> Payload:
        if contact_status is ContactStatus.OK:
            raise BadInput("logContact sets a contact status; setContactStatus lifts one.")
        result = await info.context.make(
            log_contact,
            read_id_of("Task", task_id),
            Attempt(outcome, follow_up, storable(notes), close, contact_status or ContactStatus.OK),
            expected_version=expected_version,
            idempotency_key=checked_key(idempotency_key),
            contacted_at=checked_moment(contacted_at, "contactedAt"),
            others=[_other(each) for each in others or ()],
            call_back=Wish(follow_up_time, call_back_by),
            is_incoming=incoming,
            booking=None if appointment is None else _booking(appointment),
        )
        return Payload(result)


def _other(sent: OtherTaskInput) -> OtherTask:
    attempt = Attempt(sent.outcome, sent.follow_up, storable(sent.notes), sent.close)
    return OtherTask(read_id_of("Task", sent.task_id), attempt)


def _booking(sent: AppointmentInput) -> Booking:
    at = checked_moment(sent.at, "appointment.at")
    assert at is not None
    name = "appointment.externalId"
    external_id = checked_text(trimmed(sent.external_id), name, MAX_EXTERNAL_ID)
    return Booking(at, external_id, checked_kind(sent.kind, "appointment.kind"))
