"""The audit, for admins: who read or changed which patient's data."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from gql_app.schema.connections import After, Connection, PageInfo, PageSize
from gql_app.schema.context import Info
from gql_app.schema.enums import AuditAction
from gql_app.schema.ids import id_of, read_id_of
from gql_app.schema.links import linked
from gql_app.schema.patients import Patient
from gql_app.schema.staff import Staff
from gql_app.work.reads.audit import AuditQuery, audit_page
from gql_app.work.reads.cursors import audit_cursor
from models.audit import AuditRow

FromDay = Annotated[
    date | None, strawberry.argument(name="from", description="The first date at the practice.")
]
ToDay = Annotated[
    date | None, strawberry.argument(name="to", description="The last date, which counts too.")
]

_PATIENT, _TASK = id_of("Patient"), id_of("Task")


@strawberry.type(
    description="One row of the audit. What was read or delivered has one row for each reader,"
    " address, operation, patient and minute; what was changed has one for each patient and change."
)
class AuditEntry:
    seq: int = strawberry.field(
        description="Its number within the practice, in the order in which rows were written."
    )
    at: datetime = strawberry.field(description="When it happened.")
    action: AuditAction
    operation: str = strawberry.field(
        description="The root fields that were asked for, such as logContact, or the command."
    )
    address: str | None = strawberry.field(
        description="Where it came from. Null if it did not come over a network."
    )
    staff = linked(
        "staff",
        "staff_id",
        Staff | None,
        "Who did it. Null for an operator at the command line, and for what happens by itself.",
    )

    @strawberry.field(description="The number of the key or session that was used.")
    def key(parent: strawberry.Parent[AuditRow]) -> strawberry.ID | None:
        return None if parent.key_id is None else strawberry.ID(str(parent.key_id))

    @strawberry.field(description="Whose data it was. Null if it was about nobody's.")
    def patient_id(parent: strawberry.Parent[AuditRow]) -> strawberry.ID | None:
        return None if parent.patient_id is None else _PATIENT(parent.patient_id)

    patient = linked("patient", "patient_id", Patient | None, "The same patient, as now.")

    @strawberry.field(description="The task that was changed; the first, if there were several.")
    def task_id(parent: strawberry.Parent[AuditRow]) -> strawberry.ID | None:
        return None if parent.task_id is None else _TASK(parent.task_id)

    notes: bool = strawberry.field(
        description="Whether the agents' notes were among what was asked for."
    )
    result: str = strawberry.field(description="OK, or the code of the refusal.")
    detail: str | None = strawberry.field(description="Which key or setting it was.")


@strawberry.type
class AuditEdge:
    node: AuditEntry
    cursor: str


@strawberry.type(description="A page of the audit.")
class AuditConnection:
    edges: list[AuditEdge]
    nodes: list[AuditEntry]
    page_info: PageInfo


@strawberry.type
class Queries:
    @strawberry.field(
        graphql_type=AuditConnection,
        description="For admins whose key is for all queues: the audit, newest first. To read it is"
        " recorded in it.",
    )
    async def audit(
        self,
        info: Info,
        patient_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
        first_day: FromDay = None,
        last_day: ToDay = None,
        first: PageSize = 50,
        after: After = None,
    ) -> Connection[AuditRow]:
        patient = None if patient_id is None else read_id_of("Patient", patient_id)
        staff = None if staff_id is None else read_id_of("Staff", staff_id)
        query = AuditQuery(patient, staff, first_day, last_day)
        page = await audit_page(info.context.viewer, query, first, after)
        info.context.note_read(patient)
        return Connection(page, _cursor_of)


def _cursor_of(row: AuditRow) -> str:
    return audit_cursor(row.practice_id, row.seq)
