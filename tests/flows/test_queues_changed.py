"""Who watches learns at once of a new queue, of another name and of an archived queue: each before
the first event that needs it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gql_app.live.feeds import Feeds
from gql_app.schema.context import Context
from gql_app.schema.feed_types import QueuesRow
from gql_app.schema.ids import global_id
from gql_app.schema.queue_feed import follow_queues
from gql_app.work.archiving import archive_queue
from gql_app.work.changes import Changes
from gql_app.work.practices import update_practice
from gql_app.work.queues import create_queue, update_queue
from gql_app.work.reads.board import Board
from gql_app.work.reads.queues import QueueCounts
from models.event import SETTINGS, EventRow
from models.practice import Practice
from models.roles import Role
from tests.flows.dashboard import services
from tests.flows.feed_client import (
    FEED,
    Message,
    create_over_http,
    next_event,
    next_message,
)
from tests.flows.test_shared_queue_feed_served import executed
from tests.office import Office
from tests.schema.test_practices import ARCHIVE, CREATE, UPDATE, UPDATE_PRACTICE, changed
from tests.serving import PATIENCE, Server, TestSocket
from tests.support.access import create_key

LIVE = FEED.replace(
    "... on Heartbeat",
    """... on QueuesChanged { cursor seq practice { name timeZone } queues { id name script } }
    ... on Heartbeat""",
)
__all__ = ["executed"]  # a fixture

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def next_queues(socket: TestSocket) -> tuple[Message, list[str]]:
    """The practice and the names of its queues, once they were changed; their counts follow."""
    told = await next_message(socket, "QueuesChanged")
    for queue in told["queues"]:
        assert (await next_message(socket, "QueueCounts"))["queue"]["id"] == queue["id"]
    return told, [queue["name"] for queue in told["queues"]]


async def test_a_dashboard_is_told_of_a_new_a_renamed_and_an_archived_queue(server: Server) -> None:
    await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(LIVE)
        await next_message(socket, "QueueSnapshot")
        made = (await changed(server, CREATE, name="Plans", position=0))["queue"]
        told, names = await next_queues(socket)
        assert names == ["Plans", "Overdue recall", "Missed appointments"]
        assert told["seq"] == 1
        await create_over_http(server, queueId=made["id"])
        event, counts = await next_event(socket)
        assert event["task"]["queue"] == counts["queue"] == {"id": made["id"]}
        assert (event["seq"], counts["open"]) == (2, 1)
        await changed(server, UPDATE, id=made["id"], name="Treatment plans", script="Hi")
        told, names = await next_queues(socket)
        assert names == ["Treatment plans", "Overdue recall", "Missed appointments"]
        assert told["queues"][0]["script"] == "Hi"
        await changed(server, UPDATE_PRACTICE, name="Acorn")
        told, _ = await next_queues(socket)
        assert told["practice"] == {"name": "Acorn", "timeZone": "America/Chicago"}
        missed = global_id("Queue", server.office.missed.id)
        await changed(server, ARCHIVE, id=made["id"], moveTo=missed)
        event = await next_message(socket, "TaskEvent")
        assert event["kind"] == "REASSIGNED"
        left, came = [await next_message(socket, "QueueCounts") for _ in range(2)]
        assert (left["open"], came["open"]) == (0, 1)
        _, names = await next_queues(socket)
        assert names == ["Overdue recall", "Missed appointments"]


@on_sqlite
async def test_a_client_that_does_not_know_the_message_goes_on(server: Server) -> None:
    async with server.socket() as socket:
        await socket.subscribe(FEED)
        await next_message(socket, "QueueSnapshot")
        made = (await changed(server, CREATE, name="Plans"))["queue"]
        assert await next_message(socket, "QueuesChanged") == {}
        for _ in range(3):
            await next_message(socket, "QueueCounts")
        await create_over_http(server, queueId=made["id"])
        event, _ = await next_event(socket)
        assert event["seq"] == 1


@on_sqlite
async def test_who_comes_back_is_told_the_queues_whatever_was_told_before(server: Server) -> None:
    for _ in range(2):
        await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(LIVE)
        before = (await next_message(socket, "QueueSnapshot"))["cursor"]
    await changed(server, CREATE, name="Plans")
    await create_over_http(server)
    async with server.socket() as socket:
        await socket.subscribe(LIVE, after=before)
        _, names = await next_queues(socket)
        assert names == ["Overdue recall", "Missed appointments", "Plans"]
        event, _ = await next_event(socket)
        after = event["cursor"]
    async with server.socket() as socket:
        await socket.subscribe(LIVE, after=after)
        assert (await next_queues(socket))[1] == names


@on_sqlite
async def test_who_comes_back_for_an_archived_queue_goes_on_with_the_others(
    server: Server,
) -> None:
    office = server.office
    ids = [global_id("Queue", queue.id) for queue in (office.recall, office.missed)]
    async with server.socket() as socket:
        await socket.subscribe(LIVE, queueIds=ids)
        cursor = (await next_message(socket, "QueueSnapshot"))["cursor"]
    await changed(server, ARCHIVE, id=ids[1])
    async with server.socket() as socket:
        await socket.subscribe(LIVE, queueIds=ids, after=cursor)
        _, names = await next_queues(socket)
        assert names == ["Overdue recall"]
        await create_over_http(server, queueId=ids[0])
        await next_event(socket)


@on_sqlite
async def test_all_who_ask_the_same_are_told_by_one_execution(
    server: Server, executed: list[object]
) -> None:
    async with server.socket() as first, server.socket() as second:
        await first.subscribe(LIVE)
        await next_message(first, "QueueSnapshot")
        await changed(server, CREATE, name="Plans")
        await next_queues(first)
        await second.subscribe(LIVE)
        assert len((await next_message(second, "QueueSnapshot"))["queues"]) == 3
        executed.clear()
        await create_over_http(server)
        for socket in (first, second):
            event, _ = await next_event(socket)
            assert event["seq"] == 1
    assert [type(row) for row in executed] == [EventRow, QueueCounts]


@on_sqlite
async def test_a_limited_key_is_told_of_its_own_queues_alone(server: Server) -> None:
    office = server.office
    key = await create_key(office.practice, Role.STAFF, "Desk", queue_ids=[office.recall.id])
    async with server.socket(key) as socket:
        await socket.subscribe(LIVE)
        await next_message(socket, "QueueSnapshot")
        await changed(server, CREATE, name="Plans")
        _, names = await next_queues(socket)
        assert names == ["Overdue recall"]


class Watch:
    """A stream over the open database whose server may miss the ring of a change of settings."""

    def __init__(self, office: Office) -> None:
        self.office, self.feeds = office, Feeds()
        self.services = services(self.feeds, office.clock)
        self.deaf = Changes(self._ring_of_events, office.clock)
        self.stream = follow_queues(Context(office.staff, self.services), None, None)

    def _ring_of_events(self, practice_id: int, seq: int) -> None:
        if seq != SETTINGS:
            self.feeds.notice(practice_id, seq)

    async def next(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            return (await anext(self.stream)).row


@pytest.fixture
async def watch(office: Office) -> AsyncIterator[Watch]:
    watch = Watch(office)
    yield watch
    await watch.stream.aclose()


@on_sqlite
async def test_a_new_queue_is_told_before_its_first_event_though_its_ring_was_lost(
    watch: Watch,
) -> None:
    office = watch.office
    assert isinstance(await watch.next(), Board)
    office.changes = watch.deaf
    first = await office.make_task()
    assert isinstance(await watch.next(), EventRow)
    assert isinstance(await watch.next(), QueueCounts)
    made = await watch.deaf.make_for(office.practice.id, create_queue, {"name": "Plans"})
    assert made.queue is not None
    await office.log(first)
    await office.make_task(made.queue, patient=office.patients[1])  # type: ignore[arg-type]
    rows = [await watch.next() for _ in range(8)]
    kinds = [type(row).__name__ for row in rows]
    events = [row for row in rows if isinstance(row, EventRow)]
    queues = next(row for row in rows if isinstance(row, QueuesRow))
    assert [event.seq for event in events] == [2, 3]
    assert kinds.index("QueuesRow") < rows.index(events[1])
    assert [queue.name for queue in queues.queues][-1] == "Plans"
    last = rows[-1]
    assert isinstance(last, QueueCounts)
    assert (last.queue_id, last.seq, last.open) == (made.queue.id, 3, 1)


@on_sqlite
async def test_a_lost_ring_is_made_up_for_by_the_next_poll(watch: Watch) -> None:
    office = watch.office
    await watch.next()
    await watch.deaf.make_for(office.practice.id, update_practice, {"name": "Acorn"})
    watch.feeds.notice_all()
    told = await watch.next()
    assert isinstance(told, QueuesRow)
    assert told.practice.name == "Acorn"


@on_sqlite
async def test_an_archived_queue_leaves_after_its_last_events(watch: Watch) -> None:
    office = watch.office
    await office.make_task(office.missed)
    await watch.next()
    await archive_queue(watch.services.changes, office.admin, office.missed.id)
    event = await watch.next()
    assert isinstance(event, EventRow)
    assert (await watch.next()).open == 0
    told = await watch.next()
    assert isinstance(told, QueuesRow)
    assert (told.position.seq, [q.name for q in told.queues]) == (event.seq, ["Overdue recall"])


async def test_a_refused_change_tells_nobody(office: Office) -> None:
    before = await Practice.get(id=office.practice.id)
    given = {"follow_up_ladder": [7, 1]}
    await office.changes.make_for(office.practice.id, update_queue, office.recall.id, given)
    await office.changes.make_for(office.practice.id, update_practice, {"region": "UK"})
    assert office.rings == []
    assert (await Practice.get(id=office.practice.id)).settings == before.settings
