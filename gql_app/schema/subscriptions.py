"""Subscriptions: attach to the practice's feed and hand on what the viewer may see."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from gql_app.access import Viewer
from gql_app.schema.context import Context, Info
from gql_app.schema.ids import read_ids_of
from gql_app.schema.types import TaskEvent, event_cursor
from gql_app.work.cursors import read_event_cursor
from gql_app.work.queues import visible_queues
from gql_app.work.reading import BadInput
from models.event import STATUS_KINDS, EventRow

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
    )
    async def task_status_changed(
        self,
        info: Info,
        queue_ids: list[strawberry.ID] | None = None,
        after: StreamAfter = None,
    ) -> AsyncGenerator[EventRow, None]:
        context = info.context
        wanted = await _wanted_queues(context.viewer, queue_ids)
        cursor = context.resume_after or after
        seq = None if cursor is None else read_event_cursor(context.viewer.practice_id, cursor)
        return _status_changes(context, wanted, seq)


async def _status_changes(
    context: Context, wanted: frozenset[int] | None, after: int | None
) -> AsyncGenerator[EventRow, None]:
    async for event in context.services.feeds.follow(context.viewer.practice_id, after):
        if event.kind in STATUS_KINDS and (wanted is None or event.queue_id in wanted):
            context.at_event(event_cursor(event))
            yield event


async def _wanted_queues(
    viewer: Viewer, queue_ids: list[strawberry.ID] | None
) -> frozenset[int] | None:
    """The queues to watch, None for all. Raises `BadInput` for one that is not there or not for
    this key: a stream that stays silent for ever would look like a quiet queue."""
    ids = read_ids_of("Queue", queue_ids)
    if ids is None:
        return viewer.queue_ids
    found = frozenset(row.id for row in await visible_queues(viewer, ids))
    if len(found) < len(set(queue_ids or ())):
        raise BadInput("There is no such queue here.")
    return found
