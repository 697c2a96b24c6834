"""Events: each change of a task, and the list of them by which partners catch up."""

from datetime import datetime

import strawberry

from gql_app.execution.whole import WHOLE
from gql_app.schema.connections import After, Connection, PageInfo, PageSize
from gql_app.schema.contacts import Contact
from gql_app.schema.context import Info, SharedInfo
from gql_app.schema.enums import CloseCause, TaskEventKind, TaskStatus
from gql_app.schema.ids import read_ids_of
from gql_app.schema.links import linked
from gql_app.schema.queues import Queue
from gql_app.schema.staff import Staff
from gql_app.schema.task_state import TaskSnapshot
from gql_app.schema.tasks import Task
from gql_app.work.reads.cursors import event_cursor
from gql_app.work.reads.history import events_page
from models.event import EventRow
from models.task import TaskRow


@strawberry.type(description="One change of one task. Events are numbered within the practice.")
class TaskEvent:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, EventRow)

    seq: int = strawberry.field(
        description="The event's number. There are gaps where a key or stream does not show all."
    )
    kind: TaskEventKind
    at: datetime
    from_status: TaskStatus | None
    to_status: TaskStatus
    close_cause: CloseCause | None

    @strawberry.field(
        description="The `seq` of the first event of the same transaction: events that share it are"
        " one change, such as an appointment that closes three tasks."
    )
    def change(parent: strawberry.Parent[EventRow]) -> int:
        return parent.seq if parent.change is None else parent.change

    @strawberry.field(description="Where a stream or list goes on after this event.")
    def cursor(parent: strawberry.Parent[EventRow]) -> str:
        return _cursor_of(parent)

    @strawberry.field(
        graphql_type=TaskSnapshot, description="The task as it was right after this event."
    )
    def snapshot(parent: strawberry.Parent[EventRow]) -> TaskRow:
        return parent.task

    @strawberry.field(
        graphql_type=Task,
        description="The same under the id of the task as it is now.",
        deprecation_reason="A cache that keeps objects by their ids takes this past state for the"
        " present one: use `snapshot`.",
    )
    def task(parent: strawberry.Parent[EventRow]) -> TaskRow:
        return parent.task

    @strawberry.field(
        description="Why the task was postponed or reopened; null for all other kinds, and for a"
        " key that may not read notes."
    )
    def given_reason(parent: strawberry.Parent[EventRow], info: SharedInfo) -> str | None:
        return parent.given_reason if info.context.scope.may_read_notes else None

    from_queue = linked(
        "queue", "from_queue_id", Queue | None, "The queue that the task has left, if it has."
    )
    contact = linked(
        "contact",
        ("contact_id", "task_id"),
        Contact | None,
        "The contact that was logged, or undone.",
    )
    actor = linked("staff", "actor_id", Staff | None, "Who did it; null if it happened by itself.")


@strawberry.type
class TaskEventEdge:
    node: TaskEvent
    cursor: str


@strawberry.type(description="A page of events.")
class TaskEventConnection:
    edges: list[TaskEventEdge]
    nodes: list[TaskEvent]
    page_info: PageInfo


@strawberry.type
class Queries:
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
        info.context.loaders.saw(page.rows)
        return Connection(page, _cursor_of)


def _cursor_of(row: EventRow) -> str:
    return event_cursor(row.practice_id, row.position)
