"""External ids: how other systems call patients and tasks."""

from typing import Annotated

import strawberry

from gql_app.schema.texts import checked_text
from gql_app.work.imports.rows import MAX_SOURCE
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.external_ids import ExternalId as ExternalIdRow
from models.people import MAX_EXTERNAL_ID
from models.text import trimmed


@strawberry.type(description="How another system calls a patient or a task.")
class ExternalId:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, ExternalIdRow)

    source: str = strawberry.field(description="The other system, as its imports name it.")
    id: str = strawberry.field(description="What the patient or the task is called there.")


@strawberry.input(description="How another system calls a patient or a task.")
class ExternalIdInput:
    source: str = strawberry.field(
        description="The other system, as its imports name it; at most 100 characters."
    )
    id: str = strawberry.field(
        description="What the patient or the task is called there; at most 200 characters."
    )


ById = Annotated[strawberry.ID | None, strawberry.argument(description="A global id.")]
ByExternalId = Annotated[
    ExternalIdInput | None,
    strawberry.argument(description="How another system calls it; in place of the id."),
]


def checked_external_id(given: ExternalIdInput | None) -> ExternalIdRow | None:
    """The external id that a client sent, if it did. Raises `BadInput`."""
    if given is None:
        return None
    return ExternalIdRow(
        checked_text(trimmed(given.source), "externalId.source", MAX_SOURCE),
        checked_text(trimmed(given.id), "externalId.id", MAX_EXTERNAL_ID),
    )


def one_of_both(
    row_id: strawberry.ID | None, external_id: ExternalIdInput | None
) -> strawberry.ID | ExternalIdRow:
    """Whichever of the two was given. Raises `BadInput` unless it is exactly one."""
    called = checked_external_id(external_id)
    if row_id is not None and called is None:
        return row_id
    if called is not None and row_id is None:
        return called
    raise BadInput("Give an id or an externalId: one of the two.")
