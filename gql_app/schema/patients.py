"""Patients: their telephone numbers, their tasks and contacts."""

from typing import Annotated

import strawberry

from gql_app.execution.cost import MOST_ROWS
from gql_app.schema.columns import reads
from gql_app.schema.connections import After, Connection, PageSize, id_cursor
from gql_app.schema.contacts import contacts_of
from gql_app.schema.context import Info, SharedInfo
from gql_app.schema.enums import PhoneKind, TaskStatus
from gql_app.schema.ids import GlobalId, read_id_of
from gql_app.schema.lazy import LazyTaskConnection
from gql_app.schema.node import Node
from gql_app.schema.row_loader import PageKey, load_page
from gql_app.work.reads.task_filter import TaskQuery
from models.people import PatientRow
from models.phone import Phone as PhoneValue
from models.task import TaskRow


@strawberry.type(description="A telephone number of a patient.")
class Phone:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, PhoneValue)

    number: str = strawberry.field(
        description="As it is dialled from anywhere, such as +12175550123 (E.164). Only the digits"
        " that were entered, if they are no number of any country."
    )
    extension: str | None = strawberry.field(description="What is dialled once somebody answers.")
    display: str = strawberry.field(
        description="As people of the practice's country write it, with the extension."
    )
    href: str = strawberry.field(description="The link that dials it: tel:+12175550123;ext=45.")
    kind: PhoneKind | None = strawberry.field(
        description="What kind of number it is; null if nobody has said."
    )


@strawberry.type(description="A person whom the practice contacts.")
class Patient(Node):
    name: str

    shown_phone: str = strawberry.field(
        name="phone",
        description="The telephone number as people of the practice's country write it, with its"
        " extension. To dial it, use `phones`.",
        metadata=reads("phone", "phone_display"),
    )

    @strawberry.field(
        graphql_type=list[Phone],
        description="The telephone numbers: one for now; none if no digits were entered.",
        metadata=reads("phone", "phone_number", "phone_display") | {MOST_ROWS: 1},
    )
    def phones(parent: strawberry.Parent[PatientRow]) -> list[PhoneValue]:
        return parent.phones

    @strawberry.field(
        graphql_type=LazyTaskConnection,
        description="The patient's tasks in the queues that the key allows, newest first.",
        metadata=reads("id"),
    )
    async def tasks(
        parent: strawberry.Parent[PatientRow],
        info: SharedInfo,
        status: Annotated[
            list[TaskStatus] | None,
            strawberry.argument(description="Of these alone; without it all, open and closed."),
        ] = None,
        first: PageSize = 20,
        after: After = None,
    ) -> Connection[TaskRow]:
        query = TaskQuery(status=tuple(TaskStatus if status is None else dict.fromkeys(status)))
        key = PageKey(parent.id, first, after, query)
        return Connection(await load_page(info.context.loaders.tasks_of_patient, key), id_cursor)

    contacts = contacts_of(
        lambda loaders: loaders.contacts_of_patient,
        "The contacts on all of the patient's tasks in the queues that the key allows,"
        " latest first.",
    )


@strawberry.type
class Queries:
    @strawberry.field(graphql_type=Patient | None)
    async def patient(self, info: Info, id: GlobalId) -> PatientRow | None:
        return await info.context.loaders.patient.load(read_id_of("Patient", id))
