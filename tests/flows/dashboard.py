"""A dashboard without a screen: it puts together what `queueFeed` tells it, and checks each row."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import pytest

from gql_app.access import Viewer
from gql_app.live.feeds import Feeds
from gql_app.schema.context import Context, Services
from gql_app.schema.feed_types import FeedRow, HeartbeatRow
from gql_app.schema.items import Items
from gql_app.schema.queue_feed import follow_queues
from gql_app.work.changes import Changes
from gql_app.work.reads.board import Board, read_board
from gql_app.work.reads.queues import QueueCounts, tasks_by_id
from models.chain import Position
from models.event import EventRow, feed_bounds
from models.lifecycle import TaskStatus
from models.priority import TaskPriority
from models.task import TaskRow
from tests.office import Clock

LIMIT = 5.0
"""Seconds within which a row must come that is due."""

BEAT = timedelta(milliseconds=5)
"""For `queue_feed.HEARTBEAT`: also how soon a stream sees that the clock was moved."""

TICK = BEAT + timedelta(milliseconds=1)
"""By what a test moves the clock for a heartbeat: seconds that have passed are no exact numbers."""


def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have feeds keep so little that a dashboard which waits a little has to be served from the
    table, and read and beat often."""
    monkeypatch.setattr("gql_app.schema.queue_feed.HEARTBEAT", BEAT)
    monkeypatch.setattr("gql_app.live.feed.KEPT", 4)
    monkeypatch.setattr("gql_app.live.feed.BATCH", 2)
    monkeypatch.setattr("gql_app.work.reads.board.BATCH", 2)


class State(NamedTuple):
    """What a client shows of a task."""

    queue_id: int
    status: TaskStatus
    follow_up: date | None
    version: int
    contact_count: int
    follow_up_at: datetime | None
    call_back_by_id: int | None
    call_back_told_at: datetime | None
    review_since: datetime | None
    priority: TaskPriority


Figures = tuple[int, ...]


def services(feeds: Feeds, clock: Callable[[], datetime]) -> Services:
    """What the schema reaches in one server process whose bell is the feeds' own. Time passes by
    the clock alone."""
    changes = Changes(feeds.notice, clock)
    return Services(changes, feeds, clock, passed=lambda: clock().timestamp())


def state(task: TaskRow) -> State:
    return State._make(getattr(task, name) for name in State._fields)


def figures(counts: QueueCounts) -> Figures:
    return counts[2:]


class Dashboard:
    """What one client of `queueFeed` knows. `seq` is that of the last cursor it was given."""

    def __init__(self, viewer: Viewer, wanted: Sequence[int], clock: Clock) -> None:
        self.tasks: dict[int, State] = {}
        self.counts: dict[int, Figures] = {}
        self.position: Position | None = None
        self._viewer = viewer
        self._wanted = wanted
        self._clock = clock
        self._items: Items[FeedRow] | None = None
        self._awaited: list[tuple[int, int]] = []

    @property
    def seq(self) -> int | None:
        return None if self.position is None else self.position.seq

    @property
    def is_connected(self) -> bool:
        return self._items is not None

    def connect(self, server: Services) -> None:
        """Begin with a snapshot, or go on behind the last cursor."""
        self._awaited = []
        self._items = follow_queues(Context(self._viewer, server), self._wanted, self.position)

    async def break_off(self, *, waiting: bool = False) -> None:
        """Lose the connection: between two rows, or while the server is `waiting` for the next."""
        assert self._items is not None
        if waiting:
            row = asyncio.ensure_future(anext(self._items))
            await asyncio.sleep(0)
            row.cancel()
            await asyncio.wait({row})
        await self._items.aclose()
        self._items = None

    async def next_row(self) -> FeedRow:
        assert self._items is not None
        async with asyncio.timeout(LIMIT):
            row = (await anext(self._items)).row
        self._take(row)
        return row

    async def read(self, most: int) -> list[FeedRow]:
        """At most so many rows, and none to wait for: a heartbeat says that no more is to come."""
        latest = (await feed_bounds(self._viewer.practice_id)).seq
        rows: list[FeedRow] = []
        async with asyncio.timeout(LIMIT):
            while len(rows) < most and not (rows and _is_beat(rows[-1], latest)):
                self._clock.now += TICK  # so that a heartbeat follows what there is to tell
                rows.append(await self.next_row())
        return rows

    async def catch_up(self) -> None:
        """Read all that is still to come."""
        await self.read(100_000)

    async def compare(self) -> None:
        """What it has put together must be what a fresh snapshot shows."""
        board = await read_board(self._viewer, self._wanted, 500, self._clock())
        assert self.counts == {shown.queue.id: figures(shown.counts) for shown in board.queues}
        fresh = {row.id: state(row) for shown in board.queues for row in shown.page.rows}
        told = {row.id: state(row) for row in await tasks_by_id(self._viewer, list(self.tasks))}
        assert self.tasks == told
        assert fresh.items() <= self.tasks.items()

    def _take(self, row: FeedRow) -> None:
        match row:
            case Board():
                assert self.seq is None, "a snapshot for one who came back with a cursor"
                self.counts = {shown.queue.id: figures(shown.counts) for shown in row.queues}
                pages = (shown.page.rows for shown in row.queues)
                self.tasks = {task.id: state(task) for page in pages for task in page}
                self.position = row.position
            case EventRow():
                self._take_event(row)
            case QueueCounts():
                if self._awaited:
                    assert self._awaited.pop(0) == (row.queue_id, row.seq)
                assert self.seq is not None
                assert row.seq >= self.seq
                self.counts[row.queue_id] = figures(row)
                self._check_counts(row)
            case HeartbeatRow():
                assert not self._awaited, "a heartbeat between an event and its counts"
                assert self.seq is not None
                assert row.seq >= self.seq
                self.position = row.position

    def _take_event(self, event: EventRow) -> None:
        assert not self._awaited, "an event without its counts"
        touched = [queue_id for queue_id in event.queues if queue_id in self._wanted]
        assert touched
        assert self.seq is not None
        assert event.seq > self.seq
        known = self.tasks.get(event.task_id)
        if known is not None:
            assert event.version == known.version + 1, "a gap or a repeat"
        elif event.version > 1 and event.from_status != TaskStatus.CLOSED:
            assert event.from_queue_id is not None, "a gap"
            assert event.from_queue_id not in self._wanted, "a gap"
        if event.queue_id in self._wanted:
            self.tasks[event.task_id] = state(event.task)
        else:
            del self.tasks[event.task_id]
        self.position = event.position
        self._awaited = [(queue_id, event.seq) for queue_id in touched]

    def _check_counts(self, counts: QueueCounts) -> None:
        """They are of the same moment as the tasks that it knows."""
        here = [task[1] for task in self.tasks.values() if task[0] == counts.queue_id]
        open_, in_progress = (here.count(s) for s in (TaskStatus.OPEN, TaskStatus.IN_PROGRESS))
        assert figures(counts)[:3] == (open_ + in_progress, open_, in_progress)
        assert 0 <= counts.due_today + counts.overdue <= counts.open
        assert min(counts.due_today, counts.overdue, counts.closed_today) >= 0


def _is_beat(row: FeedRow, latest: int) -> bool:
    return isinstance(row, HeartbeatRow) and row.seq >= latest
