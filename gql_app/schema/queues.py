"""Queues: their work, their counts, and who is at work in them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from gql_app.execution.cost import BYTES, MOST_ROWS
from gql_app.schema.connections import After, Connection, PageSize
from gql_app.schema.context import Info, SharedInfo
from gql_app.schema.filters import TaskFilter, task_query
from gql_app.schema.ids import GlobalId, read_id_of
from gql_app.schema.lazy import LazyTaskConnection
from gql_app.schema.links import linked
from gql_app.schema.node import Node
from gql_app.schema.row_loader import PageKey, load_page
from gql_app.schema.staff import Staff
from gql_app.work.reads.at_work import AtWork
from gql_app.work.reads.orders import by_due
from gql_app.work.reads.queues import QueueCounts as CountsRow
from gql_app.work.reads.queues import QueueRow, kinds_of, ladder_of, visible_queues
from models.task import TaskRow


@strawberry.type(description="How much work a queue holds, in the practice's time zone.")
class QueueCounts:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, CountsRow)

    seq: int = strawberry.field(description="The number of the event that led to these counts.")
    open: int = strawberry.field(description="Open tasks.")
    not_contacted: int = strawberry.field(description="Of these, nobody has called yet.")
    in_progress: int = strawberry.field(description="Of these, called and to be called again.")
    due_today: int = strawberry.field(description="Follow-ups set for today.")
    overdue: int = strawberry.field(description="Follow-ups set for a day before today.")
    closed_today: int = strawberry.field(description="Tasks closed since midnight.")
    needs_review: int = strawberry.field(
        description="Of the open tasks, those that wait for a supervisor: their patients were"
        " called as often as the queue allows."
    )

    queue = linked("queue", "queue_id", "Queue")


@strawberry.type(description="Someone who holds claims in a queue now.")
class StaffAtWork:
    staff = linked("staff", "staff_id", Staff)
    tasks: int = strawberry.field(description="How many of the queue's tasks they hold.")
    until: datetime = strawberry.field(description="When the last of the claims ends by itself.")


@strawberry.type(description="A work list of tasks of one kind.")
class Queue(Node):
    name: str

    counts = linked("counts", "id", QueueCounts)

    @strawberry.field(
        graphql_type=list[StaffAtWork],
        description="Who holds claims here now, by name. Empty for a partner's key.",
    )
    async def staff_at_work(parent: strawberry.Parent[QueueRow], info: SharedInfo) -> list[AtWork]:
        found = await info.context.loaders.at_work.load(parent.id)
        return [] if found is None else found.staff

    @strawberry.field(
        description="After how many days to call again, contact by contact. Null if it has none."
    )
    def follow_up_ladder(parent: strawberry.Parent[QueueRow]) -> list[int] | None:
        return ladder_of(parent)

    position: int = strawberry.field(description="Its place in the list of queues: 0 is the first.")
    automatic_life_days: int | None = strawberry.field(
        description="After how many days an automatic task expires that does not say so itself."
    )
    closes_on_appointment: bool = strawberry.field(
        description="Whether automatic tasks close when their patient has an appointment."
    )

    @strawberry.field(
        description="The kinds of appointments that close its tasks, or make one when they are"
        " missed; null if all do.",
        metadata={MOST_ROWS: 1},
    )
    def appointment_kinds(parent: strawberry.Parent[QueueRow]) -> list[str] | None:
        return kinds_of(parent)

    missed_appointments: bool = strawberry.field(
        description="Whether an appointment that is missed makes an automatic task here."
    )
    max_attempts: int | None = strawberry.field(
        description="How often a patient is to be called at most for one task. Calls of the"
        " patient's do not count, and neither does what was undone."
    )
    closes_at_max_attempts: bool = strawberry.field(
        description="Whether a task closes with the last attempt (MAX_ATTEMPTS). Otherwise it waits"
        " for a supervisor."
    )
    archived_at: datetime | None = strawberry.field(
        description="When it was archived. It has no open tasks then, and takes no new ones."
    )

    @strawberry.field(description="What the caller says, in Markdown.", metadata={BYTES: 1_000})
    async def script(parent: strawberry.Parent[QueueRow], info: SharedInfo) -> str | None:
        found = await info.context.loaders.script.load(parent.id)
        return None if found is None else found.script

    @strawberry.field(
        graphql_type=LazyTaskConnection,
        description="The queue's tasks, earliest due first; without a filter, those to be worked.",
    )
    async def tasks(
        parent: strawberry.Parent[QueueRow],
        info: SharedInfo,
        filter: TaskFilter | None = None,
        first: PageSize = 50,
        after: After = None,
    ) -> Connection[TaskRow]:
        key = PageKey(parent.id, first, after, task_query(filter, info.context))
        return Connection(await load_page(info.context.loaders.tasks_of_queue, key), by_due)


@strawberry.type
class Queries:
    @strawberry.field(graphql_type=list[Queue], description="The queues that the key allows.")
    async def queues(
        self,
        info: Info,
        include_archived: Annotated[
            bool, strawberry.argument(description="Also those that are archived.")
        ] = False,
    ) -> list[QueueRow]:
        return await visible_queues(info.context.viewer, with_archived=include_archived)

    @strawberry.field(graphql_type=Queue | None)
    async def queue(self, info: Info, id: GlobalId) -> QueueRow | None:
        return await info.context.loaders.queue.load(read_id_of("Queue", id))


async def queues_shown(info: Info, queue_ids: Sequence[int] | None) -> list[QueueRow] | None:
    """The queues that a key or a person is limited to, None if to none."""
    if queue_ids is None:
        return None
    found = await info.context.loaders.queue.load_many(queue_ids)
    return [queue for queue_id in queue_ids if (queue := found.get(queue_id)) is not None]
