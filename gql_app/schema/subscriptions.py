"""Subscriptions: follow the practice's feed and hand on what the scope allows."""

from contextlib import aclosing
from typing import Annotated

import strawberry

from gql_app.access import Scope
from gql_app.execution.sharing import SHARED, Shared
from gql_app.schema.context import Info, SharedContext, SharedInfo
from gql_app.schema.events import TaskEvent
from gql_app.schema.feed_types import FeedRow, QueueFeedMessage
from gql_app.schema.ids import read_id_of, read_ids_of
from gql_app.schema.import_jobs import ImportId, follow_import
from gql_app.schema.import_types import ImportJob
from gql_app.schema.items import Item, Items, Start, loaded_afresh
from gql_app.schema.queue_feed import follow_queues
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.cursors import read_event_cursor
from gql_app.work.reads.queues import visible_queues
from models.chain import Position
from models.event import STATUS_KINDS, EventRow
from models.importing import ImportJobRow

QueueIds = Annotated[
    list[strawberry.ID] | None,
    strawberry.argument(description="Which queues; without it, all that the key allows."),
]
StreamAfter = Annotated[
    str | None,
    strawberry.argument(
        description="The cursor of the last event seen: all that came after it is sent first."
    ),
]


@strawberry.type
class Subscription:
    @strawberry.subscription(
        graphql_type=TaskEvent,
        description="Every change of a task's status, in order, with no gap and no repeat.",
        metadata={SHARED: Shared("after")},
    )
    async def task_status_changed(
        parent: strawberry.Parent[Start | None],
        info: SharedInfo,
        queue_ids: QueueIds = None,
        after: StreamAfter = None,
    ) -> Items[EventRow]:
        context, start = info.context, parent or Start()
        wanted = None
        if queue_ids is not None:
            wanted = frozenset(await _wanted_queues(context.scope, queue_ids))
        begin = _position(context.scope, start, after)
        return loaded_afresh(context, _status_changes(context, wanted, begin))

    @strawberry.subscription(
        graphql_type=QueueFeedMessage,
        description="All a dashboard needs: a snapshot, then every event followed by the counts it"
        " leads to, and heartbeats. With `after`, the counts at that cursor come in place of the"
        " snapshot. When the practice or its queues are changed, they are told, with their counts.",
        metadata={SHARED: Shared("after", begins_with_state=True)},
    )
    async def queue_feed(
        parent: strawberry.Parent[Start | None],
        info: SharedInfo,
        queue_ids: QueueIds = None,
        after: StreamAfter = None,
    ) -> Items[FeedRow]:
        context, start = info.context, parent or Start()
        wanted = None
        if queue_ids is not None:
            wanted = await _wanted_queues(context.scope, queue_ids)
        begin = _position(context.scope, start, after)
        items = follow_queues(context, wanted, begin, state_only=start.state_only)
        return loaded_afresh(context, items)

    @strawberry.subscription(
        graphql_type=ImportJob,
        description="For supervisors and admins: an import, now and each time that it has come"
        " further, until it is over.",
    )
    async def import_progress(
        parent: strawberry.Parent[Start | None], info: Info, import_id: ImportId
    ) -> Items[ImportJobRow]:
        return follow_import(info.context, read_id_of("ImportJob", import_id))


async def _status_changes(
    context: SharedContext, wanted: frozenset[int] | None, after: Position | None
) -> Items[EventRow]:
    scope, feeds = context.scope, context.services.feeds
    async with aclosing(feeds.batches(scope.practice_id, after)) as batches:
        async for batch in batches:
            told = [event for event in batch.events if _is_told(scope, wanted, event)]
            for number, event in enumerate(told, 1):
                yield Item(event, event.position, more=number < len(told))


def _is_told(scope: Scope, wanted: frozenset[int] | None, event: EventRow) -> bool:
    if event.kind not in STATUS_KINDS:
        return False
    return scope.sees_queue(event.queue_id) if wanted is None else event.queue_id in wanted


def _position(scope: Scope, start: Start, after: str | None) -> Position | None:
    """Where a stream begins, None for now. Raises `BadInput` if the cursor is not one of ours."""
    cursor = start.cursor or after
    if start.position is not None or cursor is None:
        return start.position
    return read_event_cursor(scope.practice_id, cursor)


async def _wanted_queues(scope: Scope, queue_ids: list[strawberry.ID]) -> list[int]:
    """The queues to watch. Raises `BadInput` for one that is not there or not for this key: a
    stream that stays silent for ever would look like a quiet queue. An archived one may be brought
    back, and who watched it with others comes back for those."""
    ids = read_ids_of("Queue", queue_ids)
    found = [row.id for row in await visible_queues(scope, ids, with_archived=True)]
    if len(found) < len(set(queue_ids)):
        raise BadInput("There is no such queue here.")
    return found
