"""What a dashboard shows, true at one event's number, and how each event changes its counts.

Counts are rolled from one event to the next instead of being counted again: an event says where its
task was and where it went, which is all that the counts of a day depend on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from gql_app.access import Scope
from gql_app.work.reads.conditions import Page
from gql_app.work.reads.practices import PracticeRow, find_practice
from gql_app.work.reads.queues import (
    QueueCounts,
    QueueRow,
    queue_counts,
    tasks_of_queues,
    visible_queues,
)
from gql_app.work.reads.task_filter import TaskQuery
from models.chain import Position
from models.database import snapshot
from models.event import EventRow, events_after, feed_bounds, settings_of
from models.follow_up import local_date
from models.lifecycle import TaskStatus
from models.task import TaskRow

BATCH = 500


@dataclass(frozen=True, slots=True)
class QueueOnBoard:
    """A queue with its counts and the first page of its tasks, all at the board's number."""

    queue: QueueRow
    counts: QueueCounts
    page: Page[TaskRow]


@dataclass(frozen=True, slots=True)
class Board:
    """The queues at one place in the practice's history; so often had the practice or its queues
    been changed."""

    practice_id: int
    position: Position
    queues: list[QueueOnBoard]
    settings: int = 0

    @property
    def seq(self) -> int:
        return self.position.seq


class CountedQueues(NamedTuple):
    """The queues that are in use now, with the counts that they had at one place in the practice's
    history; and the practice as it is now."""

    practice: PracticeRow
    queues: list[QueueRow]
    counts: dict[int, QueueCounts]


async def read_board(scope: Scope, ids: Sequence[int] | None, first: int, now: datetime) -> Board:
    """The queues in use that the key allows, of `ids` if given, at one moment."""
    async with snapshot():
        settings = await settings_of(scope.practice_id)
        queues = await visible_queues(scope, ids)
        visible = [queue.id for queue in queues]
        counts = {row.queue_id: row for row in await queue_counts(scope, visible, now)}
        pages = await tasks_of_queues(scope, visible, TaskQuery(), first, None) if visible else {}
        position = (await feed_bounds(scope.practice_id)).last
    on_board = [QueueOnBoard(queue, counts[queue.id], pages[queue.id]) for queue in queues]
    return Board(scope.practice_id, position, on_board, settings)


async def counts_at(
    scope: Scope, ids: Sequence[int] | None, position: Position, now: datetime
) -> CountedQueues:
    """The queues that are in use, of `ids` if given, with the counts that the event at `position`
    left, on the day that `now` is.

    What has happened since is read at the same moment and taken back. Raises `Resync`.
    """
    seq = position.seq
    since: list[EventRow] = []
    async with snapshot():
        practice = await find_practice(scope.practice_id)
        queues = await visible_queues(scope, ids)
        visible = [queue.id for queue in queues]
        counts = {row.queue_id: row for row in await queue_counts(scope, visible, now)}
        while events := await events_after(scope.practice_id, position, BATCH):
            since += events
            position = events[-1].position
    today = local_date(now, scope.time_zone)
    for event in since:
        for queue_id in event.queues:
            if queue_id in counts:
                counts[queue_id] = _moved(counts[queue_id], event, scope, today, -1)
    counts = {queue_id: counts[queue_id]._replace(seq=seq) for queue_id in visible}
    return CountedQueues(practice, queues, counts)


def after_event(counts: QueueCounts, event: EventRow, scope: Scope, today: date) -> QueueCounts:
    """The counts that `event`, on a task that is or was in the queue, leads to."""
    return _moved(counts, event, scope, today, +1)._replace(seq=event.seq)


def _moved(
    counts: QueueCounts, event: EventRow, scope: Scope, today: date, sign: int
) -> QueueCounts:
    was_here = counts.queue_id == event.queues[0]
    is_here = counts.queue_id == event.queue_id
    before = _share(event.from_status if was_here else None, event.from_follow_up, today)
    after = _share(event.to_status if is_here else None, event.follow_up, today)
    closed_at = event.closed_at if event.from_status != event.to_status else None
    # One is closed with this event, or is no longer.
    closed = _is_on(today, closed_at, scope) - _is_on(today, event.from_closed_at, scope)
    waits = int(is_here and event.review_since is not None)
    waited = int(was_here and event.from_review_since is not None)
    moved = (*(b - a for a, b in zip(before, after, strict=True)), closed, waits - waited)
    changes = [sign * change for change in moved]
    figures = zip(counts[2:], changes, strict=True)
    return QueueCounts(counts.queue_id, counts.seq, *(n + change for n, change in figures))


def _is_on(today: date, moment: datetime | None, scope: Scope) -> bool:
    return moment is not None and local_date(moment, scope.time_zone) == today


def _share(status: TaskStatus | None, follow_up: date | None, today: date) -> tuple[int, ...]:
    """What a task in this state adds to: open, not contacted, in progress, due today, overdue."""
    if status is None or not status.is_open:
        return (0, 0, 0, 0, 0)
    return (
        1,
        int(status == TaskStatus.OPEN),
        int(status == TaskStatus.IN_PROGRESS),
        int(follow_up == today),
        int(follow_up is not None and follow_up < today),
    )
