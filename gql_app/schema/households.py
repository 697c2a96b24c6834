"""Households, as a patient shows them."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from gql_app.execution.cost import MOST_ROWS
from gql_app.schema.columns import reads
from gql_app.schema.context import SharedInfo
from gql_app.schema.links import linked
from gql_app.work.reads.households import Household as HouseholdRow
from models.household import MAX_MEMBERS

if TYPE_CHECKING:
    from gql_app.schema.patients import Patient

LazyPatient: TypeAlias = Annotated["Patient", strawberry.lazy("gql_app.schema.patients")]


@strawberry.type(
    description="Patients for whom one of them answers, such as a mother and her children. They are"
    " called as one: a claim on one covers all, and after a call to one of them all rest."
)
class Household:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, HouseholdRow)

    guarantor = linked(
        "patient",
        "guarantor_id",
        LazyPatient | None,
        "The member who answers for the others. Null if the key may not see that patient.",
    )
    members: list[LazyPatient] = strawberry.field(
        description="The members whom the key may see, this patient among them, the guarantor"
        f" first: at most {MAX_MEMBERS}.",
        metadata={MOST_ROWS: MAX_MEMBERS},
    )


def household_of() -> Any:
    """The field of a patient that shows the household."""

    async def household(parent: strawberry.Parent[Any], info: SharedInfo) -> HouseholdRow | None:
        return await info.context.loaders.household.load(parent.id)

    return strawberry.field(
        resolver=household,
        graphql_type=Household | None,
        description="The patients who share a guarantor with this one. Null if there is nobody else"
        " whom the key may see. A telephone number alone makes no household.",
        metadata=reads("id"),
    )
