"""Contact status: `setContactStatus`, and what a patient shows of it."""

from datetime import date
from typing import Annotated

import strawberry

from gql_app.execution.cost import MOST_ROWS
from gql_app.schema.context import Info
from gql_app.schema.enums import ContactStatus
from gql_app.schema.ids import read_id_of
from gql_app.schema.patients import Patient
from gql_app.schema.payloads import UserError, error_row
from gql_app.schema.tasks import Task
from gql_app.work.contact_status import MOST_SHOWN, NewStatus, StatusResult, set_contact_status
from gql_app.work.reads.conditions import storable

_BOUND = f" In the queues that the key allows, at most {MOST_SHOWN}."


@strawberry.type
class SetContactStatusPayload:
    patient: Patient | None = strawberry.field(
        description="The patient as they are now, after a refusal too."
    )
    closed: list[Task] = strawberry.field(
        description="The open tasks that were closed by it." + _BOUND,
        metadata={MOST_ROWS: MOST_SHOWN},
    )
    offered: list[Task] = strawberry.field(
        description="After OK: the tasks that the status before had closed. They stay closed until"
        " somebody reopens them." + _BOUND,
        metadata={MOST_ROWS: MOST_SHOWN},
    )
    errors: list[UserError]


class StatusSource:
    """The source of a `SetContactStatusPayload`."""

    def __init__(self, result: StatusResult) -> None:
        self.patient = result.patient
        self.closed = list(result.closed)
        self.offered = list(result.offered)
        self.errors = [error_row(refusal) for refusal in result.refusals]


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=SetContactStatusPayload,
        description="Say whether a patient may be called. Anything but OK closes the patient's open"
        " tasks in all queues, with the cause DO_NOT_CONTACT, and keeps new ones from being made."
        " OK lifts that, for supervisors and admins; so does any status that is milder or ends"
        " sooner than the one before.",
    )
    async def set_contact_status(
        self,
        info: Info,
        patient_id: strawberry.ID,
        status: ContactStatus,
        reason: Annotated[
            str | None,
            strawberry.argument(
                description="Why, for staff to read; at most 500 characters. Not shown to keys that"
                " may not read notes."
            ),
        ] = None,
        until: Annotated[
            date | None,
            strawberry.argument(
                description="The last day, at the practice, on which DO_NOT_CONTACT or INACTIVE"
                " holds. Without it, it holds until it is lifted."
            ),
        ] = None,
    ) -> StatusSource:
        new = NewStatus(status, storable(reason), until)
        result = await info.context.make(set_contact_status, read_id_of("Patient", patient_id), new)
        info.context.loaders.saw([*result.closed, *result.offered])
        return StatusSource(result)
