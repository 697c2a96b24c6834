"""A client of a shared `queueFeed` that checks all it is told, whichever way it is told."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from datetime import date, datetime
from itertools import cycle
from typing import Any

from gql_app.access import Viewer
from gql_app.delivery.results import Result, ResultBatch, Results
from gql_app.execution.request import GraphQLRequest
from gql_app.schema.ids import global_id
from gql_app.work.reads.board import read_board
from gql_app.work.reads.cursors import event_cursor
from gql_app.work.reads.queues import visible_queues
from models.chain import Position
from models.contact import Contact
from models.event import feed_bounds
from models.follow_up import local_date
from tests.flows.dashboard import TICK
from tests.flows.shared_practice import Figures, Practice, State, state_of, task_key
from tests.serving import PATIENCE

QUIET = 0.01
"""Seconds without a message after which the clock is moved."""

FULL = 6
"""Results that a client has heard and not read, at which it hears no more."""

FIGURES = (
    *("open", "notContacted", "inProgress", "dueToday", "overdue", "closedToday"),
    "needsReview",
)
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
    ... on QueuesChanged {{ seq queues {{ id }} }}
    ... on Heartbeat {{ seq at }}
  }}
}}
"""

Message = dict[str, Any]


def shown_state(task: Message) -> State:
    return (task["status"], task["followUp"], task["version"], task["contactCount"])


def figures_of(counts: Message) -> Figures:
    return tuple(counts[name] for name in FIGURES)


class Failed(Exception):
    """The stream has ended with errors."""


class Client:
    """A client of `queueFeed` that checks each result against what has truly happened.

    `seq` is the number of its last result: the cursor that it comes back with. With `moods` it
    listens as well, and hears what comes while they are true, one after the other, over and over.
    """

    def __init__(
        self,
        practice: Practice,
        viewer: Viewer,
        queue_ids: list[int] | None,
        moods: Sequence[bool] = (),
    ) -> None:
        self.tasks: dict[str, State] = {}
        self.counts: dict[int, Figures] = {}
        self.position: Position | None = None
        self.told: list[int] = []
        self._practice = practice
        self._viewer = viewer
        self._wanted = queue_ids
        self._watched: set[int] = set()
        self._day = date.min
        self._awaited: tuple[int, int] | None = None
        self.moods = cycle(moods)
        self._listens = bool(moods)
        self._results: Results | None = None
        self._coming: asyncio.Future[Result] | None = None
        self._heard: deque[Result] = deque()
        self._something = asyncio.Event()

    @property
    def seq(self) -> int | None:
        """The event that it has been told of last."""
        return None if self.position is None else self.position.seq

    @property
    def is_connected(self) -> bool:
        return self._results is not None

    @property
    def is_up_to_date(self) -> bool:
        """Whether the last that it was told is of today."""
        return self._day == self._practice.office.today

    async def begin_at(self, seq: int) -> None:
        """Have fetched otherwise what there was at event `seq`, to follow from there."""
        self.position = Position(seq)

    async def connect(self) -> None:
        variables: Message = {}
        if self._wanted is not None:
            variables["queueIds"] = [global_id("Queue", queue_id) for queue_id in self._wanted]
        if self.position is not None:
            variables["after"] = event_cursor(self._viewer.practice_id, self.position)
        before, self._watched = self._watched, await self._visible()
        if self.seq is not None:
            # What a queue holds that was added meanwhile, it fetches otherwise.
            self.tasks |= await self._practice.tasks_at(self.seq, self._watched - before)
        self._awaited = None
        self.counts = {}
        request = GraphQLRequest(FEED, variables, None)
        listener = self._hear if self._listens else None
        self._results = self._practice.streams.run(self._viewer, request, listener=listener)

    async def break_off(self, *, waiting: bool = False) -> None:
        """Lose the connection: between two results, or while waiting for the next."""
        assert self._results is not None
        if waiting:
            self._wait_for_result(self._results)
            await asyncio.sleep(0)
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait({self._coming})
        await self._results.aclose()
        self._results = self._coming = None
        self._heard.clear()

    async def next(self) -> Message:
        """The next message, checked."""
        if self._results is None:
            await self.connect()
        assert self._results is not None
        async with asyncio.timeout(PATIENCE):
            while (result := self._next_result(self._results)) is None:
                try:
                    async with asyncio.timeout(QUIET):
                        await self._something.wait()
                except TimeoutError:  # a heartbeat is due only once the clock moves
                    self._practice.office.clock.now += TICK
        return await self._take(result)

    def _next_result(self, results: Results) -> Result | None:
        """What was heard comes before what has to be pulled: nothing is heard behind that."""
        if self._heard:
            return self._heard.popleft()
        coming = self._wait_for_result(results)
        if coming.done():
            self._coming = None
            return coming.result()
        self._something.clear()
        return None

    def _wait_for_result(self, results: Results) -> asyncio.Future[Result]:
        """What the stream yields next; meanwhile, it may have the client hear something."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(results))
            self._coming.add_done_callback(lambda _: self._something.set())
        return self._coming

    def _hear(self, batch: ResultBatch) -> bool:
        if not next(self.moods) or len(self._heard) >= FULL:
            return False
        self._heard += batch.results
        self._something.set()
        return True

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
        assert result.position is not None
        assert result.position.seq == message["seq"]
        assert self.seq is None or message["seq"] >= self.seq, "older than what was told already"
        assert result.as_of is not None
        assert result.as_of.day >= self._day, "an older day after a newer one"
        self._day = result.as_of.day
        match message["__typename"]:
            case "QueueSnapshot":
                await self._take_snapshot(message)
            case "TaskEvent":
                await self._take_event(message)
            case "QueueCounts":
                await self._take_counts(message)
            case "QueuesChanged":
                await self._take_queues(message)
            case "Heartbeat":
                assert self._awaited is None, "a heartbeat between an event and its counts"
                await self._nothing_untold_before(message["seq"] + 1)
                assert _day(message["at"], self._viewer.time_zone) == self._day
        self.position = result.position
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

    async def _take_queues(self, message: Message) -> None:
        if self._awaited is not None:  # it came back after an event: the counts of all follow
            assert message["seq"] == self._awaited[1], "queues between an event and its counts"
        await self._nothing_untold_before(message["seq"] + 1)
        ids = {queue["id"] for queue in message["queues"]}
        before = self._watched
        self._watched = {i for i in await self._visible() if global_id("Queue", i) in ids}
        assert before <= self._watched
        there = await self._practice.tasks_at(message["seq"], self._watched - before)
        assert there == {}, "a queue that had events before it was told of"

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
