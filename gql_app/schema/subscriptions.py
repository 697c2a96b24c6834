"""Subscriptions: attach to the practice's feed and hand on what the scope allows."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from gql_app.access import Scope
from gql_app.execution.sharing import SHARED, Shared
from gql_app.schema.context import SharedContext, SharedInfo
from gql_app.schema.feed_types import FeedRow, QueueFeedMessage
from gql_app.schema.ids import read_ids_of
from gql_app.schema.queue_feed import follow_queues
from gql_app.schema.repeating import repeated
from gql_app.schema.types import TaskEvent
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.cursors import read_event_cursor
from gql_app.work.reads.queues import visible_queues
from models.chain import Position
from models.event import STATUS_KINDS, EventRow

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
        self, info: SharedInfo, queue_ids: QueueIds = None, after: StreamAfter = None
    ) -> AsyncGenerator[EventRow, None]:
        context = info.context
        wanted = None
        if queue_ids is not None:
            wanted = frozenset(await _wanted_queues(context.scope, queue_ids))
        return repeated(context, _status_changes(context, wanted, _start(context, after)))

    @strawberry.subscription(
        graphql_type=QueueFeedMessage,
        description="All a dashboard needs: a snapshot, then every event followed by the counts it"
        " leads to, and heartbeats. With `after`, the counts at that cursor come in place of the"
        " snapshot.",
        metadata={SHARED: Shared("after", begins_with_state=True)},
    )
    async def queue_feed(
        self, info: SharedInfo, queue_ids: QueueIds = None, after: StreamAfter = None
    ) -> AsyncGenerator[FeedRow, None]:
        context = info.context
        if queue_ids is None and context.queues is not None:
            wanted = context.queues
        else:
            wanted = await _wanted_queues(context.scope, queue_ids)
        return repeated(context, follow_queues(context, wanted, _start(context, after)))


async def _status_changes(
    context: SharedContext, wanted: frozenset[int] | None, after: Position | None
) -> AsyncGenerator[EventRow, None]:
    scope, feeds = context.scope, context.services.feeds
    async with aclosing(feeds.batches(scope.practice_id, after)) as batches:
        async for batch in batches:
            told = [event for event in batch.events if _is_told(scope, wanted, event)]
            for event in told:
                context.at_event(event.position, more=event is not told[-1])
                yield event
            if context.enough(batch.position, None):
                return


def _is_told(scope: Scope, wanted: frozenset[int] | None, event: EventRow) -> bool:
    if event.kind not in STATUS_KINDS:
        return False
    return scope.sees_queue(event.queue_id) if wanted is None else event.queue_id in wanted


def _start(context: SharedContext, after: str | None) -> Position | None:
    cursor = context.resume_after or after
    return None if cursor is None else read_event_cursor(context.scope.practice_id, cursor)


async def _wanted_queues(scope: Scope, queue_ids: list[strawberry.ID] | None) -> list[int]:
    """The queues to watch. Raises `BadInput` for one that is not there or not for this key: a
    stream that stays silent for ever would look like a quiet queue."""
    ids = read_ids_of("Queue", queue_ids)
    found = [row.id for row in await visible_queues(scope, ids)]
    if queue_ids is not None and len(found) < len(set(queue_ids)):
        raise BadInput("There is no such queue here.")
    return found
