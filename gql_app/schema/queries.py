"""Queries: unpack the arguments, call the read side, hand back rows."""

from functools import partial
from typing import Annotated, Any

import strawberry

from gql_app.access import Viewer as ViewerRow
from gql_app.execution.lookahead import columns_in, names_in
from gql_app.execution.whole import WHOLE
from gql_app.schema.activity import Activity, FirstDay, LastDay
from gql_app.schema.connections import Connection
from gql_app.schema.context import Info
from gql_app.schema.enums import TaskOrder
from gql_app.schema.filters import TaskFilter, task_query
from gql_app.schema.ids import read_id, read_id_of, read_ids_of
from gql_app.schema.loaders import HasId, Rows
from gql_app.schema.types import (
    COLUMNS_OF_TASKS,
    After,
    Node,
    PageSize,
    Patient,
    Queue,
    Task,
    TaskConnection,
    TaskEventConnection,
    Viewer,
    event_cursor,
)
from gql_app.work.patients import PatientRow
from gql_app.work.reads.history import colleagues_by_id, events_page
from gql_app.work.reads.orders import SECTIONS, begin_of, cursor_of
from gql_app.work.reads.queues import QueueRow, tasks_page, tasks_page_in_full, visible_queues
from gql_app.work.reports.activity import Activity as ActivityRow
from gql_app.work.reports.activity import read_activity
from gql_app.work.reports.buckets import BucketSize
from models.event import EventRow
from models.lifecycle import local_date
from models.task import TaskRow

GlobalId = Annotated[strawberry.ID, strawberry.argument(description="A global id.")]


@strawberry.type
class Query:
    @strawberry.field(graphql_type=Viewer, description="The holder of the key.")
    def viewer(self, info: Info) -> ViewerRow:
        return info.context.viewer

    @strawberry.field(graphql_type=list[Queue], description="The queues that the key allows.")
    async def queues(self, info: Info) -> list[QueueRow]:
        return await visible_queues(info.context.viewer)

    @strawberry.field(graphql_type=Queue | None)
    async def queue(self, info: Info, id: GlobalId) -> QueueRow | None:
        row_id = read_id_of("Queue", id)
        return None if row_id is None else await info.context.loaders.queue.load(row_id)

    @strawberry.field(
        graphql_type=TaskConnection,
        description="Tasks; without a status filter, those still to be worked.",
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
        day = None
        if order_by in SECTIONS:
            today = local_date(info.context.services.clock(), viewer.time_zone)
            day = begin_of(order_by, viewer, after, today).day
        by_contact = order_by is TaskOrder.LAST_CONTACTED  # its cursors say when that was
        names = names_in(info)
        if not by_contact and not names >= {"patient", "lastContact"}:
            alone = await tasks_page(viewer, query, order_by, first, after, day)
            return Connection(alone, cursor_of(order_by, {}, day))
        columns = columns_in(info, COLUMNS_OF_TASKS.read_by)
        page = await tasks_page_in_full(viewer, query, order_by, first, after, columns, day)
        loaders = info.context.loaders
        loaders.patient.add(page.patients)
        loaders.contact.known |= {
            (contact.id, task.id): contact for task, contact in page.pairs() if contact is not None
        }
        contacted = {t.id: c and c.made_at for t, c in page.pairs()} if by_contact else {}
        return Connection(page.tasks, cursor_of(order_by, contacted, day))

    @strawberry.field(graphql_type=Task | None)
    async def task(self, info: Info, id: GlobalId) -> TaskRow | None:
        row_id = read_id_of("Task", id)
        return None if row_id is None else await info.context.loaders.task.load(row_id)

    @strawberry.field(graphql_type=Patient | None)
    async def patient(self, info: Info, id: GlobalId) -> PatientRow | None:
        row_id = read_id_of("Patient", id)
        return None if row_id is None else await info.context.loaders.patient.load(row_id)

    @strawberry.field(
        graphql_type=TaskEventConnection,
        description="The events after a cursor, oldest first: how partners catch up.",
        metadata={WHOLE: True},  # an event is shown with its cursor, and is not asked for again
    )
    async def events(
        self,
        info: Info,
        after: After = None,
        first: PageSize = 100,
        queue_ids: list[strawberry.ID] | None = None,
    ) -> Connection[EventRow]:
        page = await events_page(info.context.viewer, first, after, read_ids_of("Queue", queue_ids))
        return Connection(page, event_cursor)

    @strawberry.field(
        graphql_type=Activity,
        description="For supervisors: what was done from one date through another, at most 31 days"
        " by HOUR, 366 by DAY, five years by WEEK (from Monday).",
    )
    async def activity(
        self,
        info: Info,
        first: FirstDay,
        last: LastDay,
        bucket: BucketSize = BucketSize.DAY,
        queue_ids: list[strawberry.ID] | None = None,
    ) -> ActivityRow:
        viewer, queues = info.context.viewer, read_ids_of("Queue", queue_ids)
        return await read_activity(viewer, first, last, bucket, queues)

    @strawberry.field(graphql_type=Node | None, description="Anything by its global id.")
    async def node(self, info: Info, id: GlobalId) -> HasId | None:
        type_name, row_id = read_id(id)
        loaders = info.context.loaders
        by_type: dict[str, Rows[int, Any]] = {
            "Task": loaders.task,
            "Queue": loaders.queue,
            "Patient": loaders.patient,
            "Contact": loaders.contact_by_id,
            "Staff": Rows(partial(colleagues_by_id, info.context.viewer)),
        }
        loader = by_type.get(type_name)
        return None if loader is None or row_id is None else await loader.load(row_id)
