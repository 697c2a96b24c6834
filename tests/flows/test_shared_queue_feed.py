"""`queueFeed` executed once for all who watch alike: each is told what it would be told alone."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from gql_app.access import Viewer, authenticate, create_key
from gql_app.execution.compiled import CompiledExecutor
from gql_app.live import groups
from gql_app.live.feed import Feeds
from gql_app.live.groups import Groups, Result
from gql_app.schema import build_schema, queue_feed
from gql_app.schema.ids import global_id
from gql_app.web.requests import GraphQLRequest
from gql_app.web.streams import Results, Streams
from gql_app.work.board import counts_at, read_board
from gql_app.work.cursors import event_cursor
from gql_app.work.queues import day_bounds, visible_queues
from models.access import Role
from models.contact import Contact
from models.database import opened
from models.event import EventRow, check_resumable, events_after, feed_bounds
from models.lifecycle import TaskStatus, local_date
from models.practice import Queue
from models.task import Task
from tests.flows.dashboard import BEAT, services
from tests.flows.test_slow_clients import slow_client
from tests.office import Office, make_office
from tests.serving import PATIENCE, Server, TestSocket
from tests.web.streams import event_stream, eventually, log_over_http, until_streams

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

QUIET = 0.01
"""Seconds without a message after which the clock is moved."""

SLUGS = (f"maple-{number}" for number in count())
FIGURES = ("open", "notContacted", "inProgress", "dueToday", "overdue", "closedToday")
TASK = "id status followUp version contactCount"
COUNTS = f"seq queue {{ id }} {' '.join(FIGURES)}"
FEED = f"""
subscription Feed($queueIds: [ID!], $after: String) {{
  queueFeed(queueIds: $queueIds, after: $after) {{
    __typename
    ... on QueueSnapshot {{ seq queues {{ queue {{ id }} counts {{ {COUNTS} }}
                                          tasks {{ nodes {{ {TASK} }} }} }} }}
    ... on TaskEvent {{ seq contact {{ notes }} task {{ {TASK} queue {{ id }} }} }}
    ... on QueueCounts {{ {COUNTS} }}
    ... on Heartbeat {{ seq at }}
  }}
}}
"""

Figures = tuple[int, ...]
State = tuple[object, ...]
Message = dict[str, Any]


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
        self.feeds, self.groups = MoodyFeeds(), Groups()
        wired = services(self.feeds, self.office.clock)
        self.office.transitions = wired.transitions
        self.streams = Streams(build_schema(), wired, self.groups)

    async def events(self) -> list[EventRow]:
        """All events, the one numbered `n` at `n - 1`."""
        async with self._reading:
            while more := await events_after(self.office.practice.id, len(self._events), 500):
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


def shown_state(task: Message) -> State:
    return (task["status"], task["followUp"], task["version"], task["contactCount"])


def figures_of(counts: Message) -> Figures:
    return tuple(counts[name] for name in FIGURES)


class Failed(Exception):
    """The stream has ended with errors."""


class Client:
    """A client of `queueFeed` that checks each result against what has truly happened.

    `seq` is the number of its last result: the cursor that it comes back with.
    """

    def __init__(self, practice: Practice, viewer: Viewer, queue_ids: list[int] | None) -> None:
        self.tasks: dict[str, State] = {}
        self.counts: dict[int, Figures] = {}
        self.seq: int | None = None
        self.told: list[int] = []
        self._practice = practice
        self._viewer = viewer
        self._wanted = queue_ids
        self._watched: set[int] = set()
        self._day = date.min
        self._awaited: tuple[int, int] | None = None
        self._results: Results | None = None

    @property
    def is_connected(self) -> bool:
        return self._results is not None

    @property
    def is_up_to_date(self) -> bool:
        """Whether the last that it was told is of today."""
        return self._day == self._practice.office.today

    async def begin_at(self, seq: int) -> None:
        """Have fetched otherwise what there was at event `seq`, to follow from there."""
        self.seq = seq

    async def connect(self) -> None:
        variables: Message = {}
        if self._wanted is not None:
            variables["queueIds"] = [global_id("Queue", queue_id) for queue_id in self._wanted]
        if self.seq is not None:
            variables["after"] = event_cursor(self._viewer.practice_id, self.seq)
        before, self._watched = self._watched, await self._visible()
        if (
            self.seq is not None
        ):  # what a queue holds that was added meanwhile, it fetches otherwise
            self.tasks |= await self._practice.tasks_at(self.seq, self._watched - before)
        self._awaited = None
        self.counts = {}
        request = GraphQLRequest(FEED, variables, None)
        self._results = self._practice.streams.run(self._viewer, request)

    async def break_off(self, *, waiting: bool = False) -> None:
        """Lose the connection: between two results, or while waiting for the next."""
        assert self._results is not None
        if waiting:
            result = asyncio.ensure_future(anext(self._results))
            await asyncio.sleep(0)
            result.cancel()
            await asyncio.wait({result})
        await self._results.aclose()
        self._results = None

    async def next(self) -> Message:
        """The next message, checked."""
        if self._results is None:
            await self.connect()
        assert self._results is not None
        result = asyncio.ensure_future(anext(self._results))
        try:
            async with asyncio.timeout(PATIENCE):
                while not result.done():
                    await asyncio.wait({result}, timeout=QUIET)
                    if not result.done():  # a heartbeat is due only once the clock moves
                        self._practice.office.clock.now += BEAT
        finally:
            result.cancel()
            await asyncio.wait({result})
        return await self._take(result.result())

    async def until(self, condition: Callable[[Message], bool]) -> Message:
        """Read up to the first message of that kind."""
        while not condition(message := await self.next()):
            pass
        return message

    async def read(self, most: int) -> None:
        """At most so many messages, and no more once a heartbeat says that there are none."""
        if not self.is_connected:
            await self.connect()
        for _ in range(most):
            latest = (await feed_bounds(self._viewer.practice_id)).seq
            message = await self.next()
            if message["__typename"] == "Heartbeat" and message["seq"] >= latest:
                break

    async def catch_up(self) -> None:
        """Read all that is still to come, on the day that it is."""
        zone, clock = self._viewer.time_zone, self._practice.office.clock
        latest = (await feed_bounds(self._viewer.practice_id)).seq

        def nothing_more(message: Message) -> bool:
            return (
                message["__typename"] == "Heartbeat"
                and message["seq"] >= latest
                and _day(message["at"], zone) == local_date(clock(), zone)
            )

        await self.until(nothing_more)

    async def compare(self) -> None:
        """What it has put together must be what a fresh snapshot shows."""
        clock = self._practice.office.clock
        board = await read_board(self._viewer, sorted(self._watched), 500, clock())
        assert self.counts == {shown.queue.id: shown.counts[2:] for shown in board.queues}
        fresh = {
            global_id("Task", t.id): (t.status, t.follow_up, t.version, t.contact_count)
            for shown in board.queues
            for t in shown.page.rows
        }
        told = {key: task for key, task in self.tasks.items() if task[0] != "CLOSED"}
        assert told == {
            key: (str(status), follow_up and follow_up.isoformat(), *rest)
            for key, (status, follow_up, *rest) in fresh.items()
        }

    async def _visible(self) -> set[int]:
        return {queue.id for queue in await visible_queues(self._viewer, self._wanted)}

    async def _take(self, result: Result) -> Message:
        answer = json.loads(result.payload)
        if result.last:
            raise Failed(answer)
        assert "errors" not in answer, answer
        message: Message = answer["data"]["queueFeed"]
        assert result.seq == message["seq"]
        assert self.seq is None or result.seq >= self.seq, "older than what was told already"
        assert result.day is not None
        assert result.day >= self._day, "an older day after a newer one"
        self._day = result.day
        match message["__typename"]:
            case "QueueSnapshot":
                await self._take_snapshot(message)
            case "TaskEvent":
                await self._take_event(message)
            case "QueueCounts":
                await self._take_counts(message)
            case "Heartbeat":
                assert self._awaited is None, "a heartbeat between an event and its counts"
                await self._nothing_untold_before(message["seq"] + 1)
                assert _day(message["at"], self._viewer.time_zone) == self._day
        self.seq = result.seq
        return message

    async def _take_snapshot(self, message: Message) -> None:
        assert self.seq is None, "a snapshot for one who came back with a cursor"
        ids = {shown["queue"]["id"] for shown in message["queues"]}
        shown_queues = {i for i in await self._visible() if global_id("Queue", i) in ids}
        assert self._watched <= shown_queues
        self._watched = shown_queues  # one that was added in between may be there, for good then
        for shown in message["queues"]:
            await self._take_counts(shown["counts"] | {"seq": message["seq"]})
        nodes = [task for shown in message["queues"] for task in shown["tasks"]["nodes"]]
        self.tasks = {task["id"]: shown_state(task) for task in nodes}
        there = await self._practice.tasks_at(message["seq"], self._watched)
        assert self.tasks == {key: task for key, task in there.items() if task[0] != "CLOSED"}

    async def _take_event(self, message: Message) -> None:
        assert self._awaited is None, "an event without its counts"
        assert self.seq is not None
        assert message["seq"] > self.seq, "a repeat"
        await self._nothing_untold_before(message["seq"])
        event = (await self._practice.events())[message["seq"] - 1]
        assert event.queue_id in self._watched, "an event of a queue that it does not watch"
        assert (message["task"]["id"], shown_state(message["task"])) == (
            task_key(event),
            state_of(event),
        )
        notes = None
        if self._viewer.may_read_notes and event.contact_id is not None:
            notes = (await Contact.get(id=event.contact_id)).notes
        assert (message["contact"] or {"notes": None})["notes"] == notes
        self.tasks[message["task"]["id"]] = shown_state(message["task"])
        self.told.append(message["seq"])
        self._awaited = (event.queue_id, event.seq)

    async def _take_counts(self, counts: Message) -> None:
        queue_id = {global_id("Queue", i): i for i in self._watched}.get(counts["queue"]["id"])
        assert queue_id is not None, "counts of a queue that it does not watch"
        await self._nothing_untold_before(counts["seq"] + 1)
        if self._awaited is not None:
            assert counts["seq"] == self._awaited[1], "an event without its counts"
            if queue_id == self._awaited[0]:
                self._awaited = None
        truth = await self._practice.figures(queue_id, counts["seq"], self._day)
        assert figures_of(counts) == truth, "counts of another event or day than they claim"
        self.counts[queue_id] = figures_of(counts)

    async def _nothing_untold_before(self, seq: int) -> None:
        """No event of its queues lies between the last that it was told and event `seq`."""
        if self.seq is not None:
            events = (await self._practice.events())[self.seq : seq - 1]
            assert [e.seq for e in events if e.queue_id in self._watched] == [], "a gap"


def _day(moment: str, zone: str) -> date:
    return local_date(datetime.fromisoformat(moment), zone)


def is_a(name: str, seq: int = 0) -> Callable[[Message], bool]:
    return lambda message: message["__typename"] == name and message["seq"] >= seq


def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rings so small that whoever waits a little is behind them, and heartbeats at once."""
    monkeypatch.setattr(queue_feed, "HEARTBEAT", BEAT)
    monkeypatch.setattr(groups, "RING", 3)
    monkeypatch.setattr("gql_app.live.feed.RING", 4)
    monkeypatch.setattr("gql_app.live.feed.BATCH", 2)
    monkeypatch.setattr("gql_app.work.board.BATCH", 2)


# Snapshot and events, whatever happens between --------------------------------------------------

CLIENTS = ("staff 1", "staff 2", "staff 3", "partner 1", "partner 2", "desk 1", "desk 2")
ONE_QUEUE = ("narrow 1", "narrow 2")

some_client = st.sampled_from(CLIENTS + ONE_QUEUE)
some_task = st.integers(0, 30)


class SharedFeed(RuleBasedStateMachine):
    """Dashboards of several kinds, some alike, over one server that may restart."""

    def __init__(self, runner: asyncio.Runner) -> None:
        super().__init__()
        self._runner = runner
        self.office: Office = self.run(make_office(next(SLUGS)))
        self.practice: Practice = self.run(Practice.make(self.office))
        self.tasks: list[Task] = []
        self.queues = [self.office.recall, self.office.missed]
        self.clients = {name: self._new_client(name) for name in CLIENTS + ONE_QUEUE}
        self.has_failed = False

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self._runner.run(work)
        except BaseException:
            self.has_failed = True
            raise

    def _new_client(self, name: str) -> Client:
        kind = name.split(maxsplit=1)[0]
        office = self.office
        viewers = {"partner": office.partner, "desk": self.practice.limited}
        wanted = [office.missed.id] if kind == "narrow" else None
        return Client(self.practice, viewers.get(kind, office.staff), wanted)

    @initialize()
    def there_are_tasks_and_some_watch(self) -> None:
        for number in range(3):
            self.make_task(number, 0, None)
        for name in ("staff 1", "staff 2", "desk 1"):
            self.a_client_reads_a_little(name, 2)

    @rule(
        queue=st.integers(0, 3),
        due=st.sampled_from([0, 0, 1, 2]),
        expires=st.sampled_from([None, 1, 24]),
    )
    def make_task(self, queue: int, due: int, expires: int | None) -> None:
        given: dict[str, Any] = {"follow_up": self.office.today + timedelta(days=due)}
        if expires is not None:
            given = {"expires_at": self.office.clock() + timedelta(hours=expires)}
        chosen = self.queues[queue % len(self.queues)]
        self.tasks.append(self.run(self.office.make_task(chosen, **given)))

    @rule(task=some_task, days=st.integers(0, 2), close=st.booleans())
    def log(self, task: int, days: int, close: bool) -> None:
        self.run(self._log(task, days, close))

    @rule(
        names=st.lists(some_client, min_size=2, max_size=4, unique=True),
        logged=st.lists(some_task, max_size=4),
        turns=st.sampled_from([0, 1, 3, 7, 15, 30, 60]),
        jump=st.sampled_from(["none", "midnight", "hours"]),
        most=st.integers(1, 6),
    )
    def many_things_happen_while_clients_read(
        self, names: list[str], logged: list[int], turns: int, jump: str, most: int
    ) -> None:
        async def clock_moves() -> None:
            for _ in range(turns):  # of the loop: in the middle of whatever the others do
                await asyncio.sleep(0)
            if jump == "midnight":
                self.practice.to_midnight()
            elif jump == "hours":
                self.office.clock.advance(hours=5)

        async def at_once() -> None:
            async with asyncio.TaskGroup() as together:
                together.create_task(clock_moves())
                for name in names:
                    together.create_task(self.clients[name].read(most))
                for n, task in enumerate(logged):
                    together.create_task(self._log(task, n % 3, n % 3 == 2))

        self.run(at_once())

    @rule(hours=st.sampled_from([1, 13, 24, 60]))
    def time_passes(self, hours: int) -> None:
        self.office.clock.advance(hours=hours)

    @rule()
    def it_is_just_before_midnight(self) -> None:
        self.practice.to_midnight(seconds=-1)

    @rule()
    def it_is_midnight(self) -> None:
        self.practice.to_midnight()

    @rule()
    def expired_tasks_are_closed(self) -> None:
        now = self.office.clock()
        for task in self.tasks:
            if task.expires_at is not None and task.expires_at <= now:
                self.run(self.office.transitions.expire(task.practice_id, task.id))

    @rule()
    def a_queue_is_added(self) -> None:
        if len(self.queues) < 4:
            self.queues.append(self.run(add_queue(self.office, f"Queue {len(self.queues)}")))

    @rule(name=some_client, most=st.integers(1, 5))
    def a_client_reads_a_little(self, name: str, most: int) -> None:
        self.run(self.clients[name].read(most))

    @rule(name=some_client)
    def a_client_catches_up(self, name: str) -> None:
        async def is_right() -> None:
            await self.clients[name].catch_up()
            await self.clients[name].compare()

        self.run(is_right())

    @rule(name=some_client, waiting=st.booleans())
    def a_client_is_cut_off(self, name: str, waiting: bool) -> None:
        if self.clients[name].is_connected:
            self.run(self.clients[name].break_off(waiting=waiting))

    @rule(name=some_client, back=st.none() | st.integers(0, 12))
    def a_client_begins_afresh(self, name: str, back: int | None) -> None:
        """With a snapshot, or so many events ago."""
        self.a_client_is_cut_off(name, waiting=False)
        self.clients[name] = self._new_client(name)
        if back is not None:
            latest = len(self.run(self.practice.events()))
            self.run(self.clients[name].begin_at(max(latest - back, 0)))

    @rule()
    def the_server_restarts(self) -> None:
        for name in self.clients:
            self.a_client_is_cut_off(name, waiting=True)
        self.nothing_runs_for_nobody()
        self.practice.start_server()

    def nothing_runs_for_nobody(self) -> None:
        together, feeds = self.practice.groups, self.practice.feeds
        assert (together.members, together.executions, feeds.followers) == (0, 0, 0)

    def teardown(self) -> None:
        try:
            if not self.has_failed:  # else the comparison would only hide what went wrong
                for name in self.clients:
                    self.a_client_catches_up(name)
        finally:
            self.the_server_restarts()

    async def _log(self, task: int, days: int, close: bool) -> None:
        follow_up = None if close else self.office.today + timedelta(days=days)
        chosen = self.tasks[task % len(self.tasks)]
        await self.office.log(chosen, close=close, follow_up=follow_up, notes=f"note {task}")


async def add_queue(office: Office, name: str) -> Queue:
    now = office.clock()
    return await Queue.create(practice_id=office.practice.id, name=name, position=9, created_at=now)


@pytest.mark.parametrize(
    ("database_url", "examples"), [("sqlite", 50), ("postgres", 6)], indirect=["database_url"]
)
def test_each_who_shares_a_feed_is_told_all_once_in_order_and_right(
    database_url: str, examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_and_quick(monkeypatch)
    with asyncio.Runner() as runner:
        database = AsyncExitStack()
        runner.run(database.enter_async_context(opened(database_url)))
        try:
            run_state_machine_as_test(
                lambda: SharedFeed(runner),
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=40,
                    deadline=None,
                    # Tasks of the loop take turns as they like: a failure need not come again.
                    phases=[Phase.generate],
                ),
            )
        finally:
            runner.run(database.aclose())


# What would seldom happen by chance ------------------------------------------------------------


@pytest.fixture
async def practice(office: Office, monkeypatch: pytest.MonkeyPatch) -> Practice:
    """Two queues, each with a task that is due today."""
    small_and_quick(monkeypatch)
    practice = await Practice.make(office)
    for queue in (office.recall, office.missed):
        await office.make_task(queue, follow_up=office.today)
    return practice


@asynccontextmanager
async def watching(
    practice: Practice, viewer: Viewer | None = None, *, after: int | None = None
) -> AsyncIterator[Client]:
    client = Client(practice, viewer or practice.office.staff, None)
    if after is not None:
        await client.begin_at(after)
    try:
        yield client
    finally:
        if client.is_connected:
            await client.break_off()


async def all_right(*clients: Client) -> None:
    for client in clients:
        await client.catch_up()
        await client.compare()


async def join(practice: Practice, *clients: Client) -> None:
    """Have them read until nothing is left to tell and they are all in one group."""
    while practice.groups.executions != 1:
        for client in clients:
            await client.catch_up()


async def has_joined(practice: Practice) -> bool:
    """Whether all who watch the same are in one group, and none executes for itself."""
    return practice.groups.executions == 1


async def _is(truth: bool) -> bool:
    return truth


class Gate:
    """Holds back whoever comes through it first, until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def go_through(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            await self.opened.wait()

    @asynccontextmanager
    async def holding(self, work: Coroutine[Any, Any, Any]) -> AsyncIterator[None]:
        """Have `work` done up to the gate; when the block ends, the rest of it."""
        async with asyncio.timeout(PATIENCE):
            task = asyncio.create_task(work)
            await self.reached.wait()
            yield
            self.opened.set()
            await task


def gate_behind(monkeypatch: pytest.MonkeyPatch, module: str, name: str, function: Any) -> Gate:
    """Hold back the first who has called `function` from `module`."""
    gate = Gate()

    async def gated(*given: Any) -> Any:
        answer = await function(*given)
        await gate.go_through()
        return answer

    monkeypatch.setattr(f"{module}.{name}", gated)
    return gate


QUEUE_FEED = "gql_app.schema.queue_feed"


async def test_one_that_midnight_overtakes_behind_its_snapshot_is_told_of_the_new_day(
    practice: Practice,
) -> None:
    async with watching(practice) as first, watching(practice) as newcomer:
        await join(practice, first)
        await newcomer.next()
        practice.to_midnight()
        await first.catch_up()  # their group has told of the new day already
        await all_right(newcomer)
        await practice.office.log(await Task.first())
        await all_right(first, newcomer)
        assert first.told == newcomer.told == [3]


async def test_one_whose_snapshot_takes_over_midnight_is_told_of_the_new_day_and_each_event_once(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await Task.first()
    async with watching(practice) as first, watching(practice) as newcomer:
        await join(practice, first)
        gate = gate_behind(monkeypatch, QUEUE_FEED, "read_board", read_board)
        async with gate.holding(newcomer.next()):
            await practice.office.log(task)
            practice.to_midnight()
            await practice.office.log(task)
            await first.catch_up()
        await all_right(first, newcomer)
        await practice.office.log(task, close=True)
        await all_right(first, newcomer)
        assert first.told == newcomer.told == [3, 4, 5]


async def test_one_that_is_ahead_of_its_group_is_not_told_the_new_day_at_an_older_event(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(practice) as first, watching(practice) as newcomer:
        await join(practice, first)
        practice.feeds.hear = False
        await practice.office.log(await Task.first())
        with monkeypatch.context() as still:
            still.setattr(f"{__name__}.QUIET", PATIENCE)  # the clock is not moved
            await newcomer.next()
            assert newcomer.seq == 3
            waiting = asyncio.create_task(newcomer.next())
            await eventually(lambda: has_joined(practice))
            practice.to_midnight()
            await waiting
        assert newcomer.is_up_to_date
        practice.feeds.notice_all()
        await all_right(first, newcomer)
        assert (first.told, newcomer.told) == ([3], [])


async def test_one_that_comes_back_over_midnight_is_not_led_back_to_the_day_before(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(practice) as first, watching(practice, after=2) as returned:
        await join(practice, first)
        await practice.office.log(await Task.first())
        await first.catch_up()
        gate = gate_behind(monkeypatch, QUEUE_FEED, "check_resumable", check_resumable)
        async with gate.holding(returned.next()):
            practice.to_midnight()
        await all_right(returned, first)
        assert returned.told == [3]


async def test_what_a_group_is_late_to_tell_is_not_told_to_one_whose_snapshot_has_it(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, guarded = Gate(), Streams._guarded

    async def late(self: Streams, results: Results) -> AsyncGenerator[Result, None]:
        async for result in guarded(self, results):
            if result.seq == 3:
                await gate.go_through()
            yield result

    monkeypatch.setattr(Streams, "_guarded", late)
    task = await Task.first()
    async with watching(practice) as first, watching(practice) as newcomer:
        await join(practice, first)
        await practice.office.log(task)
        async with gate.holding(newcomer.next()):
            await eventually(lambda: _is(newcomer.seq == 3))
            joining = asyncio.create_task(newcomer.next())
            await eventually(lambda: has_joined(practice))
        await practice.office.log(task)
        await joining
        await all_right(first, newcomer)
        assert (first.told, newcomer.told) == ([3, 4], [4])


async def test_one_far_behind_a_group_that_fails_is_told_nothing_behind_a_gap(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = iter([ConnectionError("The database is away for a moment.")])

    async def counts_once_refused(*given: Any) -> Any:
        for error in fails:
            raise error
        return await counts_at(*given)

    task = await Task.first()
    async with watching(practice) as first, watching(practice) as slow:
        await join(practice, first, slow)
        for _ in range(12):
            await practice.office.log(task)
        await first.catch_up()
        await join(practice, first)
        monkeypatch.setattr(queue_feed, "counts_at", counts_once_refused)
        practice.to_midnight()
        for client in (first, slow):
            with pytest.raises(Failed):
                await client.catch_up()
            await client.break_off()
        await all_right(first, slow)
        assert first.told == slow.told == list(range(3, 15))


async def test_a_newcomer_watches_a_queue_that_was_added_while_a_group_lives(
    practice: Practice,
) -> None:
    office = practice.office
    async with watching(practice) as first, watching(practice) as newcomer:
        await join(practice, first)
        added = await add_queue(office, "Added")
        await office.make_task(added)
        await newcomer.catch_up()
        await office.log(await office.make_task(added, follow_up=office.today))
        await office.log(await Task.first())
        await all_right(first, newcomer)
        assert (first.told, newcomer.told) == ([6], [4, 5, 6])
        assert added.id in newcomer.counts
        await first.break_off()
        await all_right(first)
        assert added.id in first.counts


async def test_one_that_falls_behind_is_told_of_no_queue_that_its_group_does_not_watch(
    practice: Practice,
) -> None:
    office = practice.office
    async with watching(practice) as first, watching(practice) as slow:
        await join(practice, first, slow)
        added = await add_queue(office, "Added")
        for _ in range(12):
            await office.make_task(added)
            await office.make_task()
        await first.catch_up()
        await all_right(slow)
        await office.make_task(added)
        await all_right(first, slow)
        assert first.told == slow.told == list(range(4, 27, 2))


async def test_a_queue_that_is_added_while_one_begins_is_in_its_feed_for_good_or_not_at_all(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(practice) as first, watching(practice) as newcomer:
        await join(practice, first)
        gate = gate_behind(monkeypatch, "gql_app.web.streams", "visible_queues", visible_queues)
        async with gate.holding(newcomer.next()):
            added = await add_queue(practice.office, "Added")
        await newcomer.catch_up()
        await practice.office.make_task(added)
        await all_right(first, newcomer)


# Over a real server ----------------------------------------------------------------------------

WATCHING = 12

WIDE = f"""
subscription Wide($after: String) {{
  queueFeed(after: $after) {{
    __typename
    ... on TaskEvent {{ seq contact {{ {" ".join(f"n{n}: notes" for n in range(8))} }} }}
    ... on QueueCounts {{ seq }}
    ... on QueueSnapshot {{ cursor }}
  }}
}}
"""


class RawSocket(TestSocket):
    """Keeps each message as the text that came."""

    async def _read(self) -> None:
        async for text in self.connection:
            self.messages.put_nowait(text)  # type: ignore[arg-type]

    async def next(self) -> Any:
        text: Any = await super().next()
        return json.loads(text) if '"connection_ack"' in text else text


@asynccontextmanager
async def raw_socket(server: Server, key: str | None = None) -> AsyncIterator[RawSocket]:
    url, protocols = f"ws://127.0.0.1:{server.port}/graphql", [Subprotocol("graphql-transport-ws")]
    async with connect(url, subprotocols=protocols) as line, RawSocket(line) as socket:
        await socket.init(key or server.office.keys["staff"])
        yield socket


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The payloads that streams have executed, one after the other."""
    payloads: list[object] = []
    build = CompiledExecutor.build_per_event_executor

    def counting(self: CompiledExecutor, payload: object) -> Any:
        payloads.append(payload)
        return build(self, payload)

    monkeypatch.setattr(CompiledExecutor, "build_per_event_executor", counting)
    return payloads


async def text_of(socket: RawSocket, name: str, seq: int) -> str:
    """The payload of the next event `seq`, without what is around it."""
    begin = f'{{"id":"{name}","type":"next","payload":'
    while f'"TaskEvent","seq":{seq},' not in (text := await socket.next()):
        pass
    assert text.startswith(begin)
    assert text.endswith("}")
    payload: str = text.removeprefix(begin).removesuffix("}")
    return payload


async def test_an_event_is_executed_once_and_sent_alike_to_every_socket_and_event_stream(
    server: Server, executed: list[object]
) -> None:
    task = await server.office.make_task()
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(raw_socket(server)) for _ in range(WATCHING)]
        streams = [await stack.enter_async_context(event_stream(server, FEED)) for _ in range(3)]
        for n, socket in enumerate(sockets):
            await socket.subscribe(FEED, f"feed {n}")
            assert "QueueSnapshot" in await socket.next()
        for stream in streams:
            assert "QueueSnapshot" in (await stream.event())["data"]

        async def told(seq: int) -> set[str]:
            payloads = {await text_of(s, f"feed {n}", seq) for n, s in enumerate(sockets)}
            for stream in streams:
                while f'"seq":{seq},' not in (event := await stream.event())["data"]:
                    pass
                payloads.add(event["data"])
                assert f'"seq":{seq},' in (await stream.event())["data"]  # the counts
            return payloads

        await log_over_http(server, task)  # from here on, the group has told of the day
        assert len(await told(2)) == 1
        await log_over_http(server, task)
        assert len(await told(3)) == 1
        executed.clear()
        await log_over_http(server, task, notes="once")
        [payload] = await told(4)
        assert json.loads(payload)["data"]["queueFeed"]["task"]["version"] == 4
    # The mutation is no stream: what was executed is the event and the counts that it leads to.
    assert [type(row).__name__ for row in executed] == ["EventRow", "QueueCounts"]


async def test_what_is_executed_for_staff_reaches_no_partner_and_no_key_of_other_queues(
    server: Server,
) -> None:
    office = server.office
    tasks = [await office.make_task(queue) for queue in (office.recall, office.missed)]
    desk = await create_key(office.practice, Role.STAFF, "Desk", queue_ids=[office.missed.id])
    keys = {"staff": office.keys["staff"], "partner": office.keys["partner"], "desk": desk}
    document = """subscription { queueFeed {
      __typename ... on TaskEvent { seq contact { notes } } ... on QueueCounts { seq }
    } }"""
    texts: dict[str, list[str]] = {name: [] for name in (*keys, "staff too")}
    async with AsyncExitStack() as stack:
        sockets = {}
        for name in texts:
            key = keys[name.split()[0]]
            sockets[name] = await stack.enter_async_context(raw_socket(server, key))
            await sockets[name].subscribe(document)
            assert "QueueSnapshot" in await sockets[name].next()
        for _ in range(3):  # the first have them all join
            for task in tasks:
                await log_over_http(server, task, notes="Private.")
        for name, socket in sockets.items():
            while len(texts[name]) < 2 or '"QueueCounts","seq":8}' not in texts[name][-1]:
                texts[name].append(await socket.next())
    events = {name: [text for text in came if "TaskEvent" in text] for name, came in texts.items()}
    assert {name: len(came) for name, came in events.items()} == {
        "staff": 6,
        "partner": 6,
        "desk": 3,
        "staff too": 6,
    }
    assert events["staff"] == events["staff too"]
    assert all("Private." in text for text in events["staff"] + events["desk"])
    assert all('"notes":null' in text for text in events["partner"])
    assert [json.loads(text)["payload"]["data"]["queueFeed"]["seq"] for text in events["desk"]] == [
        4,
        6,
        8,
    ]


@on_sqlite
async def test_one_that_does_not_read_is_let_go_with_its_cursor_while_the_others_go_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.socket.SLOW_SECONDS", 0.5)
    task = await server.office.make_task()
    last = 150
    async with slow_client(server) as slow, server.socket() as other:
        payload = {"query": WIDE}
        await slow.send({"id": "1", "type": "subscribe", "payload": payload})
        assert (await slow.next())["type"] == "next"
        await other.subscribe(WIDE)
        await other.next_data()
        seqs = []
        for n in range(2, last + 1):
            await log_over_http(server, task, notes=f"{n} " + "x" * 9_000)
            for kind in ("TaskEvent", "QueueCounts"):
                message = (await other.next_data())["queueFeed"]
                if n == 2 and message["__typename"] == "QueueCounts" and kind == "TaskEvent":
                    message = (await other.next_data())["queueFeed"]
                assert (message["__typename"], message["seq"]) == (kind, n)

        async def read_on() -> dict[str, Any]:
            while (message := await slow.next())["type"] == "next":
                row = message["payload"]["data"]["queueFeed"]
                if row["__typename"] == "TaskEvent":
                    seqs.append(row["seq"])
                if row["__typename"] == "QueueCounts" and row["seq"] == last:
                    break
            return message

        await until_streams(server, 1)
        message = await read_on()
        assert message["type"] == "error"
        extensions = message["payload"][0]["extensions"]
        assert extensions["code"] == "RESYNC_REQUIRED"
        assert extensions["cursor"] == event_cursor(server.office.practice.id, seqs[-1])
        payload["variables"] = {"after": extensions["cursor"]}  # type: ignore[assignment]
        await slow.send({"id": "1", "type": "subscribe", "payload": payload})
        assert (await read_on())["type"] == "next"
    assert seqs == list(range(2, last + 1))
