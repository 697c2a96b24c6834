"""Patients: who they are, what is known of them, and the list of them."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from gql_app.execution.cost import MOST_ROWS
from gql_app.schema.columns import reads
from gql_app.schema.connections import After, Connection, PageInfo, PageSize, id_cursor
from gql_app.schema.contacts import contacts_of
from gql_app.schema.context import Info, SharedInfo
from gql_app.schema.enums import ContactStatus, PhoneKind, TaskStatus
from gql_app.schema.external_ids import (
    ByExternalId,
    ById,
    ExternalId,
    ExternalIdInput,
    checked_external_id,
    one_of_both,
)
from gql_app.schema.households import household_of
from gql_app.schema.ids import read_id_of
from gql_app.schema.lazy import LazyAppointment, LazyAppointmentConnection, LazyTaskConnection
from gql_app.schema.links import linked
from gql_app.schema.merges import merges_of
from gql_app.schema.node import Node
from gql_app.schema.row_loader import PageKey, load_page
from gql_app.work.reads.conditions import storable
from gql_app.work.reads.external_ids import ExternalId as ExternalIdRow
from gql_app.work.reads.patient_lists import patients_page
from gql_app.work.reads.task_filter import TaskQuery
from models.appointment import AppointmentRow
from models.follow_up import last_day
from models.people import PatientRow
from models.phone import Phone as PhoneValue
from models.task import TaskRow
from models.text import trimmed


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
    is_wrong: bool = strawberry.field(
        description="Whether somebody was told that it is a wrong number (`markWrongNumber`). It is"
        " kept, and not dialled any more."
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
        description="The telephone numbers: the patient's own, if digits were entered for it, then"
        " the others, then those of patients who were merged into this one. Dial the first that is"
        " not wrong.",
        metadata=reads(
            *("phone", "phone_number", "phone_display", "phone_kind"),
            *("more_phones", "other_phones", "wrong_phones"),
        )
        | {MOST_ROWS: 1},
    )
    def phones(parent: strawberry.Parent[PatientRow]) -> list[PhoneValue]:
        return parent.phones

    @strawberry.field(
        description="By whose clocks the patient lives, as far as is known: an IANA name. It is the"
        " zone that the telephone number tells; the practice's, if it tells several or none.",
        metadata=reads("time_zone"),
    )
    def time_zone(parent: strawberry.Parent[PatientRow], info: SharedInfo) -> str:
        return parent.time_zone or info.context.scope.time_zone

    contact_status: ContactStatus = strawberry.field(
        description="Whether the patient may be called. If not, there are no open tasks."
    )

    @strawberry.field(
        description="Why the contact status was set. Null if nobody has said, and for a key that"
        " may not read notes.",
        metadata=reads("contact_status_reason"),
    )
    def contact_status_reason(
        parent: strawberry.Parent[PatientRow], info: SharedInfo
    ) -> str | None:
        return parent.contact_status_reason if info.context.scope.may_read_notes else None

    contact_status_since: datetime | None = strawberry.field(
        description="Since when the patient may not be called, or may again. Null if nobody has"
        " ever said."
    )

    @strawberry.field(
        description="The last day on which the contact status holds, at the practice; null if it"
        " does not end by itself.",
        metadata=reads("contact_status_ends_at"),
    )
    def contact_status_until(
        parent: strawberry.Parent[PatientRow], info: SharedInfo
    ) -> date | None:
        return last_day(parent.contact_status_ends_at, info.context.scope.time_zone)

    language: str | None = strawberry.field(
        description="In which language the patient likes to be called: a tag of BCP 47 such as es"
        " or pt-BR. Null if nobody has said."
    )

    @strawberry.field(
        description="What the caller is to know, such as “call the daughter”. Null if nobody has"
        " said, and for a key that may not read notes.",
        metadata=reads("caller_note"),
    )
    def caller_note(parent: strawberry.Parent[PatientRow], info: SharedInfo) -> str | None:
        return parent.caller_note if info.context.scope.may_read_notes else None

    version: int = strawberry.field(
        description="Grows with each change of the name, a number, the external id, the contact"
        " status, the language, the note for the caller or the guarantor, and with each merge."
        " updatePatient takes it as expectedVersion."
    )

    @strawberry.field(
        graphql_type=list[ExternalId],
        description="How other systems call the patient: by the patient's own external id, and by"
        " those of patients who were merged into this one.",
        metadata=reads("id") | {MOST_ROWS: 1},
    )
    async def external_ids(
        parent: strawberry.Parent[PatientRow], info: SharedInfo
    ) -> list[ExternalIdRow]:
        found = await info.context.loaders.external_ids_of_patient.load(parent.id)
        return [] if found is None else found.ids

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

    @strawberry.field(
        graphql_type=LazyAppointmentConnection,
        description="The patient's appointments, the last recorded first.",
        metadata=reads("id"),
    )
    async def appointments(
        parent: strawberry.Parent[PatientRow],
        info: SharedInfo,
        first: PageSize = 20,
        after: After = None,
    ) -> Connection[AppointmentRow]:
        pages = info.context.loaders.appointments_of_patient
        return Connection(await load_page(pages, PageKey(parent.id, first, after)), id_cursor)

    next_appointment = linked(
        "next_appointment",
        "id",
        LazyAppointment | None,
        "The scheduled appointment that comes next; null if there is none to come.",
    )

    merges = merges_of()

    household = household_of()


@strawberry.type
class PatientEdge:
    node: Patient
    cursor: str


@strawberry.type(description="A page of patients.")
class PatientConnection:
    edges: list[PatientEdge]
    nodes: list[Patient] = strawberry.field(description="The patients without their cursors.")
    page_info: PageInfo


@strawberry.type
class Queries:
    @strawberry.field(
        graphql_type=PatientConnection,
        description="Patients whom the key may see, the newest first. A key for some queues sees"
        " those with a task there, and those whom its holder made.",
    )
    async def patients(
        self,
        info: Info,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Beginnings of words of the name, in any order, accents and capitals"
                " aside; or the first or last digits of a telephone number. At least 2 letters or"
                " digits, and at most 100 characters."
            ),
        ] = None,
        external_id: Annotated[
            ExternalIdInput | None,
            strawberry.argument(description="Only whom another system calls so: one, or nobody."),
        ] = None,
        first: PageSize = 50,
        after: After = None,
    ) -> Connection[PatientRow]:
        typed = trimmed(storable(search) or "") or None
        called = checked_external_id(external_id)
        page = await patients_page(info.context.viewer, typed, called, first, after)
        info.context.loaders.show(page.rows)
        return Connection(page, id_cursor)

    @strawberry.field(
        graphql_type=Patient | None,
        description="The patient with this id, or this external id. For one who was merged into"
        " another patient, that other one.",
    )
    async def patient(
        self, info: Info, id: ById = None, external_id: ByExternalId = None
    ) -> PatientRow | None:
        asked = one_of_both(id, external_id)
        if not isinstance(asked, ExternalIdRow):
            return await info.context.loaders.patient.load(read_id_of("Patient", asked))
        page = await patients_page(info.context.viewer, None, asked, 1, None)
        info.context.loaders.show(page.rows)
        return page.rows[0] if page.rows else None
