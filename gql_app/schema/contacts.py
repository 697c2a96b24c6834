"""Contacts: what is shown of a call, and `undoContact`."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

import strawberry

from gql_app.execution.cost import BYTES
from gql_app.schema.columns import reads
from gql_app.schema.connections import After, Connection, PageInfo, PageSize, id_cursor
from gql_app.schema.context import Info, SharedInfo
from gql_app.schema.enums import ContactOutcome
from gql_app.schema.ids import read_id_of
from gql_app.schema.lazy import LazyTask
from gql_app.schema.links import linked
from gql_app.schema.loaders import Loaders
from gql_app.schema.node import Node
from gql_app.schema.payloads import Payload, UserError
from gql_app.schema.row_loader import PageKey, PageOf, RowLoader, load_page
from gql_app.schema.staff import Staff
from gql_app.schema.texts import checked_key
from gql_app.work.reads.conditions import storable
from gql_app.work.undoing import undo_contact
from models.contact import ContactRow, ContactUndoRow
from models.people import PatientRow
from models.task import TaskRow

UndoReason = Annotated[
    str | None,
    strawberry.argument(
        description="Why, at most 500 characters; needed to undo what somebody else has logged."
    ),
]


@strawberry.type(description="That a contact was undone: it counts nowhere from then on.")
class ContactUndo:
    at: datetime = strawberry.field(description="When it was undone.")
    by = linked("staff", "by_id", Staff, "Who has undone it.")

    @strawberry.field(
        description="Why. Null where nothing was said, and for a key that may not read notes.",
        metadata=reads("reason"),
    )
    def reason(parent: strawberry.Parent[ContactUndoRow], info: SharedInfo) -> str | None:
        return parent.reason if info.context.scope.may_read_notes else None


@strawberry.type(
    description="One call to a patient, as it was logged. It never changes, but it can be undone."
)
class Contact(Node):
    outcome: ContactOutcome
    follow_up: date | None = strawberry.field(description="The follow-up date that was set.")
    follow_up_at: datetime | None = strawberry.field(
        description="When the patient was promised to be called back; null if only a day was set."
    )
    closed_task: bool = strawberry.field(description="Whether it was Log and Close Task.")
    logged_at: datetime

    @strawberry.field(
        description="Whether the patient has called. It is no attempt then.",
        metadata=reads("is_incoming"),
    )
    def incoming(parent: strawberry.Parent[ContactRow]) -> bool:
        return parent.is_incoming

    @strawberry.field(
        description="When the patient was called; mostly when it was logged.",
        metadata=reads("contacted_at", "logged_at"),
    )
    def contacted_at(parent: strawberry.Parent[ContactRow]) -> datetime:
        return parent.made_at

    @strawberry.field(
        description="What the agent noted. Null for a key that may not read notes.",
        metadata=reads("notes") | {BYTES: 200},
    )
    def notes(parent: strawberry.Parent[ContactRow], info: SharedInfo) -> str | None:
        return parent.notes if info.context.scope.may_read_notes else None

    logged_by = linked("staff", "logged_by_id", Staff, "Who logged it.")

    undo = linked(
        "undo", "id", ContactUndo | None, "That it was undone, as is known now; null if it stands."
    )

    task = linked(
        "task",
        "task_id",
        LazyTask | None,
        "The task that it was logged on. Null if it is in a queue now that the key does not allow.",
    )


@strawberry.type
class ContactEdge:
    node: Contact
    cursor: str


@strawberry.type(description="A page of contacts.")
class ContactConnection:
    edges: list[ContactEdge]
    nodes: list[Contact]
    page_info: PageInfo


def contacts_of(pages: Callable[[Loaders], RowLoader[PageKey, PageOf]], description: str) -> Any:
    """A field that shows the contacts of a task, or of a patient: those that `pages` load for its
    id."""

    async def contacts(
        parent: strawberry.Parent[TaskRow | PatientRow],
        info: SharedInfo,
        first: PageSize = 20,
        after: After = None,
    ) -> Connection[ContactRow]:
        key = PageKey(parent.id, first, after)
        return Connection(await load_page(pages(info.context.loaders), key), id_cursor)

    return strawberry.field(
        resolver=contacts,
        graphql_type=ContactConnection,
        description=description,
        metadata=reads("id"),
    )


@strawberry.type(description="What came of undoing a contact.")
class UndoContactPayload:
    task: LazyTask | None = strawberry.field(
        description="The task as it is now, after a refusal too; null if there is none."
    )
    contact: Contact | None = strawberry.field(
        description="The contact, which stays; null if there is none."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=UndoContactPayload,
        description="Undo the last contact of a task: the task is again as before, and the contact"
        " counts nowhere. Who has logged it may for some minutes, which the practice sets;"
        " supervisors may as long as nothing rests on it.",
    )
    async def undo_contact(
        self,
        info: Info,
        contact_id: strawberry.ID,
        reason: UndoReason = None,
        idempotency_key: str | None = None,
    ) -> Payload:
        result = await info.context.make(
            undo_contact,
            read_id_of("Contact", contact_id),
            storable(reason),
            idempotency_key=checked_key(idempotency_key),
        )
        return Payload(result)
