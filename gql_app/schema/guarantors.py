"""Who answers for a patient: `setGuarantor`."""

from typing import Annotated

import strawberry

from gql_app.schema.context import Info
from gql_app.schema.ids import read_id_of
from gql_app.schema.patients import Patient
from gql_app.schema.payloads import UserError, error_row
from gql_app.work.households import GuarantorResult, set_guarantor
from models.household import MAX_MEMBERS


@strawberry.type
class SetGuarantorPayload:
    patient: Patient | None = strawberry.field(
        description="The patient as they are now; null if there is none."
    )
    errors: list[UserError]


class GuarantorSource:
    """The source of a `SetGuarantorPayload`."""

    def __init__(self, result: GuarantorResult) -> None:
        self.patient = result.patient
        self.errors = [error_row(refusal) for refusal in result.refusals]


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=SetGuarantorPayload,
        description="Say who answers for a patient: with all for whom the same patient answers they"
        f" are a household, of at most {MAX_MEMBERS} members. A guarantor has no guarantor, so"
        " there are neither chains nor circles.",
    )
    async def set_guarantor(
        self,
        info: Info,
        patient_id: strawberry.ID,
        guarantor_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="Who answers for the patient, such as a parent; null if nobody else"
                " does: then the patient leaves the household."
            ),
        ] = None,
    ) -> GuarantorSource:
        patient = read_id_of("Patient", patient_id)
        guarantor = None if guarantor_id is None else read_id_of("Patient", guarantor_id)
        return GuarantorSource(await info.context.make(set_guarantor, patient, guarantor))
