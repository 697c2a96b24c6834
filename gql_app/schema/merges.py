"""Merges of patients, as a patient shows them."""

from datetime import datetime
from typing import Any

import strawberry

from gql_app.execution.cost import MOST_ROWS
from gql_app.schema.columns import reads
from gql_app.schema.context import SharedInfo
from gql_app.schema.ids import global_id
from gql_app.schema.links import linked
from gql_app.schema.staff import Staff
from gql_app.work.reads.patient_lists import GonePatient
from models.merge import MergeRow


@strawberry.type(description="A patient who was merged into another one, and is called so still.")
class MergedPatient:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, GonePatient)

    @strawberry.field(
        description="The id, which goes on to answer, with the patient who is there now."
    )
    def id(parent: strawberry.Parent[GonePatient]) -> strawberry.ID:
        return global_id("Patient", parent.id)

    name: str
    phone: str = strawberry.field(description="The telephone number, as people read it.")


@strawberry.type(description="A merge of two patients who are one person. It can be undone.")
class PatientMerge:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, MergeRow)

    @strawberry.field(description="What unmergePatients takes.")
    def id(parent: strawberry.Parent[MergeRow]) -> strawberry.ID:
        return global_id("PatientMerge", parent.id)

    at: datetime
    by = linked("staff", "by_id", Staff, "Who merged them.")
    merged = linked("gone_patient", "merged_id", MergedPatient, "Who was merged away.")
    tasks: int = strawberry.field(description="How many tasks went over.")
    appointments: int = strawberry.field(description="How many appointments went over.")


def merges_of() -> Any:
    """The field of a patient that shows who was merged into them."""

    async def merges(parent: strawberry.Parent[Any], info: SharedInfo) -> list[MergeRow]:
        found = await info.context.loaders.merges.load(parent.id)
        return [] if found is None else found.merges

    return strawberry.field(
        resolver=merges,
        graphql_type=list[PatientMerge],
        description="Who was merged into this patient, the latest merge first.",
        metadata=reads("id") | {MOST_ROWS: 1},
    )
