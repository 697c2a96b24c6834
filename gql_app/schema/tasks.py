"""Tasks: what is shown of one, the list of them, and `createTask`."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from gql_app.execution.cost import MOST_ROWS
from gql_app.execution.lookahead import columns_in, names_in
from gql_app.schema.claims import Claim, claim_of
from gql_app.schema.columns import Columns, reads
from gql_app.schema.connections import After, Connection, PageInfo, PageSize
from gql_app.schema.contacts import Contact, contacts_of
from gql_app.schema.context import Context, Info, SharedInfo
from gql_app.schema.enums import TaskOrder, TaskOrigin, TaskPriority
from gql_app.schema.external_ids import ByExternalId, ById, ExternalId, one_of_both
from gql_app.schema.filters import TaskFilter, task_query
from gql_app.schema.ids import read_id_of
from gql_app.schema.moments import checked_moment
from gql_app.schema.node import Node
from gql_app.schema.patients import Patient
from gql_app.schema.payloads import Payload, UserError
from gql_app.schema.postponing import postponements_of_task
from gql_app.schema.task_state import TaskState
from gql_app.schema.texts import checked_key
from gql_app.work.intake import NewTask, create_task
from gql_app.work.reads import queues
from gql_app.work.reads.conditions import storable
from gql_app.work.reads.external_ids import ExternalId as ExternalIdRow
from gql_app.work.reads.external_ids import task_of_external_id
from gql_app.work.reads.orders import SECTIONS, begin_of, cursor_of
from gql_app.work.reads.queues import tasks_page, tasks_page_in_full
from gql_app.work.reopening import reopen_task
from models.contact import ContactRow
from models.follow_up import local_date
from models.people import PatientRow
from models.task import TaskRow

ReopenReason = Annotated[
    str, strawberry.argument(description="Why it is reopened, at most 500 characters.")
]
ReopenDate = Annotated[
    date | None,
    strawberry.argument(
        description="When to call, a date at the practice. A task that was contacted needs it, and"
        " one that has expired, which then lives as long again from that date on."
    ),
]


@strawberry.type(description="A patient to be contacted, for one reason, from one queue.")
class Task(Node, TaskState):
    @strawberry.field(
        description="When to call again, if a contact is logged now, by the queue's follow-up"
        " ladder. Null beyond its end, and where the task will have expired by then.",
        metadata=reads("queue_id", "status", "contact_count", "expires_at"),
    )
    async def suggested_follow_up(
        parent: strawberry.Parent[TaskRow], info: SharedInfo
    ) -> date | None:
        queue = await info.context.loaders.queue.load(parent.queue_id)
        now = info.context.services.clock()
        return (
            None
            if queue is None
            else queues.suggested_follow_up(info.context.scope, parent, queue, now)
        )

    @strawberry.field(
        graphql_type=list[ExternalId],
        description="How other systems call the task: one for now; none if it was not imported.",
        metadata=reads("id") | {MOST_ROWS: 1},
    )
    async def external_ids(
        parent: strawberry.Parent[TaskRow], info: SharedInfo
    ) -> list[ExternalIdRow]:
        found = await info.context.loaders.external_ids_of_task.load(parent.id)
        return [] if found is None else found.ids

    claim = claim_of(Claim | None, "Who is calling now; null if nobody is.")

    contacts = contacts_of(lambda loaders: loaders.contacts_of_task, "The contacts, latest first.")

    postponements = postponements_of_task()


COLUMNS_OF_TASKS = Columns([(Task, TaskRow), (Patient, PatientRow), (Contact, ContactRow)])
"""What a list of tasks reads, with their patients and last contacts."""


@strawberry.type
class TaskEdge:
    node: Task
    cursor: str


@strawberry.type(description="A page of tasks.")
class TaskConnection:
    edges: list[TaskEdge]
    nodes: list[Task] = strawberry.field(description="The tasks without their cursors.")
    page_info: PageInfo


@strawberry.input(description="A task to be made.")
class CreateTaskInput:
    queue_id: strawberry.ID
    patient_id: strawberry.ID
    reason: str = strawberry.field(description="Why to call, at most 500 characters.")
    origin: TaskOrigin = TaskOrigin.MANUAL
    follow_up: date | None = strawberry.field(
        default=None, description="When to call first, a date at the practice."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="When an AUTOMATIC task closes by itself, with its offset."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Send it again with the same key: the task is made once."
    )
    priority: TaskPriority = TaskPriority.NORMAL


@strawberry.type
class CreateTaskPayload:
    task: Task | None
    errors: list[UserError]


@strawberry.type(description="What came of reopening a task.")
class ReopenTaskPayload:
    task: Task | None = strawberry.field(
        description="The task as it is now, after a refusal too; null if there is none."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type
class Queries:
    @strawberry.field(
        graphql_type=TaskConnection,
        description="Tasks; without a status filter, open ones.",
    )
    async def tasks(
        self,
        info: Info,
        filter: TaskFilter | None = None,
        order_by: TaskOrder = TaskOrder.DUE,
        first: PageSize = 50,
        after: After = None,
    ) -> Connection[TaskRow]:
        viewer, query = info.context.viewer, task_query(filter, info.context)
        day = _first_day(info.context, order_by, after)
        by_contact = order_by is TaskOrder.LAST_CONTACTED  # its cursors say when that was
        if not by_contact and not names_in(info) >= {"patient", "lastContact"}:
            alone = await tasks_page(viewer, query, order_by, first, after, day)
            info.context.loaders.saw(alone.rows)
            return Connection(alone, cursor_of(order_by, {}, day))
        columns = columns_in(info, COLUMNS_OF_TASKS.read_by)
        page = await tasks_page_in_full(viewer, query, order_by, first, after, columns, day)
        info.context.loaders.add_page(page)
        contacted = {t.id: c and c.made_at for t, c in page.pairs()} if by_contact else {}
        return Connection(page.tasks, cursor_of(order_by, contacted, day))

    @strawberry.field(
        graphql_type=Task | None, description="The task with this id, or this external id."
    )
    async def task(
        self, info: Info, id: ById = None, external_id: ByExternalId = None
    ) -> TaskRow | None:
        asked = one_of_both(id, external_id)
        if not isinstance(asked, ExternalIdRow):
            return await info.context.loaders.task.load(read_id_of("Task", asked))
        task_id = await task_of_external_id(info.context.viewer, asked)
        return None if task_id is None else await info.context.loaders.task.load(task_id)


def _first_day(context: Context, order: TaskOrder, after: str | None) -> date | None:
    """The day of the list's first page, if its order hangs on the day: later pages keep to it."""
    if order not in SECTIONS:
        return None
    today = local_date(context.services.clock(), context.viewer.time_zone)
    return begin_of(order, context.viewer, after, today).day


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=CreateTaskPayload, description="Make a task in a queue for a patient."
    )
    async def create_task(self, info: Info, input: CreateTaskInput) -> Payload:
        new = NewTask(
            queue_id=read_id_of("Queue", input.queue_id),
            patient_id=read_id_of("Patient", input.patient_id),
            reason=storable(input.reason) or "",
            origin=input.origin,
            follow_up=input.follow_up,
            expires_at=checked_moment(input.expires_at, "expiresAt"),
            idempotency_key=checked_key(input.idempotency_key),
            priority=input.priority,
        )
        result = await info.context.make(create_task, new)
        return Payload(result, fields_under="input")

    @strawberry.mutation(
        graphql_type=ReopenTaskPayload,
        description="Open a closed task again: in progress if it was contacted, else as a new one."
        " For supervisors.",
    )
    async def reopen_task(
        self,
        info: Info,
        task_id: strawberry.ID,
        reason: ReopenReason,
        follow_up: ReopenDate = None,
        idempotency_key: str | None = None,
    ) -> Payload:
        result = await info.context.make(
            reopen_task,
            read_id_of("Task", task_id),
            storable(reason) or "",
            follow_up,
            idempotency_key=checked_key(idempotency_key),
        )
        return Payload(result)
