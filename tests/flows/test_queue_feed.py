"""`queueFeed` over a real server: a snapshot, events with the counts they lead to, heartbeats."""

import asyncio
from datetime import timedelta

import pytest

from gql_app.schema.ids import global_id
from models.task import Task
from tests.flows.feed_client import (
    ENDS,
    FEED,
    FRESH,
    Message,
    counts_of,
    create_over_http,
    cursor,
    fresh_counts,
    next_event,
    next_message,
    without_queue,
    without_seq,
)
from tests.positions import Names
from tests.serving import PATIENCE, Server
from tests.web.streams import log_over_http


async def test_the_first_message_is_a_snapshot_of_what_fresh_queries_show(server: Server) -> None:
    office = server.office
    tasks = [await office.make_task() for _ in range(52)]
    await office.log(tasks[0], follow_up=office.today)
    await office.log(tasks[1], close=True)
    await office.make_task(office.missed)
    async with server.socket() as socket:
        await socket.subscribe(FEED)
        snapshot = await next_message(socket, "QueueSnapshot")
    fresh = (await server.data(FRESH))["queues"]
    assert snapshot["queues"] == [
        {"queue": {"id": queue["id"]}, "counts": queue["counts"], "tasks": queue["tasks"]}
        for queue in fresh
    ]
    assert fresh[0]["tasks"]["pageInfo"]["hasNextPage"]
    assert (snapshot["seq"], snapshot["cursor"]) == (55, Names(server.office.practice.id, 55))


async def test_each_event_is_followed_by_the_counts_that_it_leads_to(server: Server) -> None:
    async with server.socket() as socket:
        await socket.subscribe(FEED)
        await next_message(socket, "QueueSnapshot")

        async def told() -> str:
            event, counts = await next_event(socket)
            assert event["seq"] == counts["seq"]
            assert counts["queue"] == event["task"]["queue"]
            fresh = await fresh_counts(server)
            assert without_queue(counts) == fresh[counts["queue"]["id"]]
            status: str = event["task"]["status"]
            return status

        today = server.office.today.isoformat()
        task = await create_over_http(server, followUp=today)
        assert await told() == "OPEN"
        for follow_up in ({}, {"followUp": today}):
            await log_over_http(server, task, **follow_up)
            assert await told() == "IN_PROGRESS"
        await log_over_http(server, task, **ENDS)
        assert await told() == "CLOSED"


async def test_a_heartbeat_brings_the_latest_cursor(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.schema.queue_feed.HEARTBEAT", timedelta(seconds=0.3))
    task = await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(FEED, queueIds=[global_id("Queue", server.office.missed.id)])
        await next_message(socket, "QueueSnapshot")
        assert (await next_message(socket, "Heartbeat"))["cursor"] == Names(
            server.office.practice.id, 1
        )
        await log_over_http(server, task)  # in another queue: nothing else tells of it
        async with asyncio.timeout(5):
            while (beat := await next_message(socket, "Heartbeat"))["seq"] != 2:
                assert beat["seq"] == 1
        assert beat["cursor"] == Names(server.office.practice.id, 2)


async def test_one_who_comes_back_gets_the_counts_at_its_cursor_and_what_came_after_it(
    server: Server,
) -> None:
    tasks = [await server.office.make_task() for _ in range(2)]
    async with server.socket() as stayed:
        await stayed.subscribe(FEED)
        counts = [counts_of(await next_message(stayed, "QueueSnapshot"))]
        for n in range(6):
            await log_over_http(server, tasks[n % 2], **ENDS if n > 3 else {})
        told = [await next_event(stayed) for _ in range(6)]
    for _, row in told:
        counts.append(counts[-1] | {row["queue"]["id"]: without_queue(row)})
    for seen in range(7):
        async with server.socket() as back:
            await back.subscribe(FEED, after=cursor(server, 2 + seen))
            await next_message(back, "QueuesChanged")
            first = [await next_message(back, "QueueCounts") for _ in counts[0]]
            assert [row["seq"] for row in first] == [2 + seen] * 2
            at_cursor = {row["queue"]["id"]: without_queue(row) for row in first}
            assert without_seq(at_cursor) == without_seq(counts[seen])
            assert [await next_event(back) for _ in range(6 - seen)] == told[seen:]


async def test_one_who_came_back_goes_on_live(server: Server) -> None:
    task = await server.office.make_task()
    await server.office.log(task)
    async with server.socket() as socket:
        await socket.subscribe(FEED, after=cursor(server, 1))
        await next_message(socket, "QueuesChanged")
        for _ in range(2):
            assert (await next_message(socket, "QueueCounts"))["seq"] == 1
        assert [message["seq"] for message in await next_event(socket)] == [2, 2]
        await log_over_http(server, task)
        assert [message["seq"] for message in await next_event(socket)] == [3, 3]


async def test_only_the_queues_that_are_asked_for_are_told_of(server: Server) -> None:
    elsewhere = await server.office.make_task(server.office.recall)
    missed = global_id("Queue", server.office.missed.id)
    async with server.socket() as socket:
        await socket.subscribe(FEED, queueIds=[missed])
        snapshot = await next_message(socket, "QueueSnapshot")
        assert [shown["queue"]["id"] for shown in snapshot["queues"]] == [missed]
        await log_over_http(server, elsewhere)
        await create_over_http(server)
        event, counts = await next_event(socket)
        assert (event["seq"], event["task"]["queue"]["id"]) == (3, missed)
        assert (counts["seq"], counts["queue"]["id"]) == (3, missed)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_under_concurrent_writers_the_counts_end_as_fresh_ones(server: Server) -> None:
    office = server.office
    tasks = [await office.make_task((office.recall, office.missed)[n % 2]) for n in range(24)]
    last = 24 * (1 + 3) + 16

    async def work(n: int, task: Task) -> None:
        for _ in range(3):
            await log_over_http(server, task)
        if n % 3:
            await log_over_http(server, task, **ENDS)

    async def watch() -> dict[str, Message]:
        async with server.socket() as socket:
            await socket.subscribe(FEED)
            snapshot = await next_message(socket, "QueueSnapshot")
            joined.put_nowait(snapshot["seq"])
            seq, counts = snapshot["seq"], counts_of(snapshot)
            while seq < last:
                event, row = await next_event(socket)
                assert event["seq"] == row["seq"] == seq + 1
                seq, counts[row["queue"]["id"]] = row["seq"], without_queue(row)
            return counts

    joined: asyncio.Queue[int] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        for n, task in enumerate(tasks):
            group.create_task(work(n, task))
        watchers = []
        for _ in range(6):
            watchers.append(group.create_task(watch()))
            await asyncio.wait_for(joined.get(), PATIENCE)
    fresh = await fresh_counts(server)
    for watcher in watchers:
        assert without_seq(watcher.result()) == without_seq(fresh)
    assert {row["seq"] for row in fresh.values()} == {last}
