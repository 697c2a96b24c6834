"""A practice whose clients share what is executed, and what has truly happened in it."""

import asyncio
from collections import Counter
from datetime import date, timedelta

import pytest

from gql_app.access import Viewer, authenticate
from gql_app.delivery import group
from gql_app.delivery.groups import Groups
from gql_app.delivery.streams import Streams
from gql_app.live.feeds import Feeds
from gql_app.schema import build_schema
from gql_app.schema.ids import global_id
from gql_app.work.queues import create_queue
from gql_app.work.reads.queues import day_bounds
from models.chain import Position
from models.event import EventRow, events_after
from models.follow_up import local_date
from models.lifecycle import TaskStatus
from models.practice import Queue
from models.roles import Role
from tests.flows.dashboard import in_small_steps, services
from tests.office import Office
from tests.support.access import create_key

Figures = tuple[int, ...]
State = tuple[object, ...]


class MoodyFeeds(Feeds):
    """Feeds that can be made to miss their bells."""

    hear = True

    def notice(self, practice_id: int, seq: int) -> None:
        if self.hear:
            super().notice(practice_id, seq)


class Practice:
    """A practice, the one server process over it, and what has truly happened, as events tell."""

    def __init__(self, office: Office, limited: Viewer) -> None:
        self.office = office
        self.limited = limited
        self._events: list[EventRow] = []
        self._reading = asyncio.Lock()
        self.start_server()

    @classmethod
    async def make(cls, office: Office) -> "Practice":
        key = await create_key(office.practice, Role.STAFF, "Desk", queue_ids=[office.missed.id])
        return cls(office, await authenticate(key))

    def start_server(self) -> None:
        self.feeds = MoodyFeeds()
        wired = services(self.feeds, self.office.clock)
        self.groups = Groups(wired.access_log.note)
        self.office.changes = wired.changes
        self.streams = Streams(build_schema(), wired, self.groups)

    async def events(self) -> list[EventRow]:
        """All events, the one numbered `n` at `n - 1`."""
        async with self._reading:
            last = self._events[-1].position if self._events else Position(0)
            while more := await events_after(self.office.practice.id, last, 500):
                last = more[-1].position
                self._events += more
        return self._events

    async def tasks_at(self, seq: int, queue_ids: set[int]) -> dict[str, State]:
        """The tasks of the queues, closed ones too, as event `seq` left them."""
        events = (await self.events())[:seq]
        return {task_key(e): state_of(e) for e in events if e.queue_id in queue_ids}

    async def figures(self, queue_id: int, seq: int, day: date) -> Figures:
        """The counts of a queue as event `seq` left them, seen on `day`."""
        events = [e for e in (await self.events())[:seq] if e.queue_id == queue_id]
        still_open = [e for e in {e.task_id: e for e in events}.values() if e.to_status != "CLOSED"]
        of = Counter(e.to_status for e in still_open)
        due = [e.follow_up for e in still_open if e.follow_up is not None]
        zone = self.office.practice.time_zone
        closes = [e for e in events if e.from_status != e.to_status == TaskStatus.CLOSED]
        return (
            len(still_open),
            of[TaskStatus.OPEN],
            of[TaskStatus.IN_PROGRESS],
            due.count(day),
            sum(follow_up < day for follow_up in due),
            sum(local_date(e.at, zone) == day for e in closes),
            sum(e.review_since is not None for e in still_open),
        )

    def to_midnight(self, **more: float) -> None:
        """Move the clock to the next midnight, or to so much beyond it."""
        midnight = day_bounds(self.office.today, self.office.practice.time_zone)[1]
        self.office.clock.now = midnight + timedelta(**more)


def task_key(event: EventRow) -> str:
    return global_id("Task", event.task_id)


def state_of(event: EventRow) -> State:
    follow_up = event.follow_up and event.follow_up.isoformat()
    return (str(event.to_status), follow_up, event.version, event.contact_count)


async def add_queue(office: Office, name: str) -> Queue:
    made = await office.changes.make_for(office.practice.id, create_queue, {"name": name})
    assert made.queue is not None
    return await Queue.get(id=made.queue.id)


def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rings so small that whoever waits a little is behind them, and heartbeats at once."""
    in_small_steps(monkeypatch)
    monkeypatch.setattr(group, "KEPT", 3)
