"""`queueFeed` over a real server: a snapshot, events with the counts they lead to, heartbeats."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gql_app.schema.ids import global_id
from gql_app.work.cursors import event_cursor
from models.task import Task
from tests.schema.documents import CREATE_TASK
from tests.serving import Server, TestSocket
from tests.web.streams import log_over_http

FIGURES = "seq open notContacted inProgress dueToday overdue closedToday"
TASK = "id status followUp version contactCount"
PAGE = f"edges {{ cursor node {{ {TASK} }} }} pageInfo {{ hasNextPage endCursor }}"

FRESH = f"{{ queues {{ id counts {{ {FIGURES} }} tasks {{ {PAGE} }} }} }}"

FEED = f"""
subscription Feed($queueIds: [ID!], $after: String) {{
  queueFeed(queueIds: $queueIds, after: $after) {{
    __typename
    ... on QueueSnapshot {{
      cursor seq queues {{ queue {{ id }} counts {{ {FIGURES} }} tasks {{ {PAGE} }} }}
    }}
    ... on TaskEvent {{ cursor seq kind task {{ {TASK} queue {{ id }} }} }}
    ... on QueueCounts {{ {FIGURES} queue {{ id }} }}
    ... on Heartbeat {{ cursor seq at }}
  }}
}}
"""

Message = dict[str, Any]


async def next_message(socket: TestSocket, expected: str) -> Message:
    message: Message = (await socket.next_data())["queueFeed"]
    assert message.pop("__typename") == expected, message
    return message


async def next_event(socket: TestSocket) -> tuple[Message, Message]:
    """The next event, and the counts that come right behind it."""
    return await next_message(socket, "TaskEvent"), await next_message(socket, "QueueCounts")


async def fresh_counts(server: Server) -> dict[str, Message]:
    return {queue["id"]: queue["counts"] for queue in (await server.data(FRESH))["queues"]}


async def create_over_http(server: Server, **given: Any) -> Task:
    office = server.office
    new = {
        "queueId": global_id("Queue", office.missed.id),
        "patientId": global_id("Patient", office.patients[0].id),
        "reason": "Missed the cleaning",
    }
    payload = (await server.data(CREATE_TASK, "supervisor", input=new | given))["createTask"]
    assert not payload["errors"], payload
    return await Task.all().order_by("-id").first()  # type: ignore[return-value]


def cursor(server: Server, seq: int) -> str:
    return event_cursor(server.office.practice.id, seq)


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
    assert (snapshot["seq"], snapshot["cursor"]) == (55, cursor(server, 55))


async def test_each_event_is_followed_by_the_counts_that_it_leads_to(server: Server) -> None:
    today = server.office.today.isoformat()
    async with server.socket() as socket:
        await socket.subscribe(FEED)
        await next_message(socket, "QueueSnapshot")
        task = await create_over_http(server, followUp=today)
        changes = ({}, {"followUp": today}, {"close": True, "followUp": None})
        statuses = []
        for change in (None, *changes):
            if change is not None:
                await log_over_http(server, task, **change)
            event, counts = await next_event(socket)
            assert event["seq"] == counts["seq"]
            queue = counts.pop("queue")
            assert queue == event["task"]["queue"]
            assert counts == (await fresh_counts(server))[queue["id"]]
            statuses.append(event["task"]["status"])
    assert statuses == ["OPEN", "IN_PROGRESS", "IN_PROGRESS", "CLOSED"]


async def test_a_heartbeat_brings_the_latest_cursor(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.schema.queue_feed.HEARTBEAT", timedelta(seconds=0.3))
    task = await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(FEED, queueIds=[global_id("Queue", server.office.missed.id)])
        await next_message(socket, "QueueSnapshot")
        assert (await next_message(socket, "Heartbeat"))["cursor"] == cursor(server, 1)
        await log_over_http(server, task)  # in another queue: nothing else tells of it
        async with asyncio.timeout(5):
            while (beat := await next_message(socket, "Heartbeat"))["seq"] != 2:
                assert beat["seq"] == 1
        assert beat["cursor"] == cursor(server, 2)


async def test_one_who_comes_back_gets_the_counts_at_its_cursor_and_what_came_after_it(
    server: Server,
) -> None:
    tasks = [await server.office.make_task() for _ in range(2)]
    async with server.socket() as stayed:
        await stayed.subscribe(FEED)
        snapshot = await next_message(stayed, "QueueSnapshot")
        counts = [{q["queue"]["id"]: q["counts"] for q in snapshot["queues"]}]
        for n in range(6):
            await log_over_http(server, tasks[n % 2], **ENDS if n > 3 else {})
        told = [await next_event(stayed) for _ in range(6)]
        for _, after_event in told:
            counts.append(counts[-1] | {after_event["queue"]["id"]: without_queue(after_event)})
        for seen in range(7):
            async with server.socket() as back:
                await back.subscribe(FEED, after=cursor(server, 2 + seen))
                first = [await next_message(back, "QueueCounts") for _ in counts[0]]
                assert [row["seq"] for row in first] == [2 + seen] * 2
                assert figures(first) == figures(
                    {**row, "queue": {"id": queue}} for queue, row in counts[seen].items()
                )
                assert [await next_event(back) for _ in range(6 - seen)] == told[seen:]


ENDS = {"close": True, "followUp": None}


def without_queue(counts: Message) -> Message:
    return {name: value for name, value in counts.items() if name != "queue"}


def figures(rows: Any) -> dict[str, Message]:
    """The figures of each queue without the number of the event that led to them."""
    return {row["queue"]["id"]: without_queue(row) | {"seq": 0} for row in rows}


async def test_one_who_came_back_goes_on_live(server: Server) -> None:
    task = await server.office.make_task()
    await server.office.log(task)
    async with server.socket() as socket:
        await socket.subscribe(FEED, after=cursor(server, 1))
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

    async def work(n: int, task: Task) -> None:
        for _ in range(3):
            await log_over_http(server, task)
        if n % 3:
            await log_over_http(server, task, **ENDS)

    async def watch(last: "asyncio.Future[int]") -> dict[str, Message]:
        async with server.socket() as socket:
            await socket.subscribe(FEED)
            snapshot = await next_message(socket, "QueueSnapshot")
            counts = {q["queue"]["id"]: q["counts"] for q in snapshot["queues"]}
            joined.put_nowait(snapshot["seq"])
            seq = snapshot["seq"]
            while not last.done() or seq < last.result():
                event, row = await next_event(socket)
                assert event["seq"] == row["seq"] == seq + 1
                seq, counts[row["queue"]["id"]] = row["seq"], without_queue(row)
            return counts

    joined: asyncio.Queue[int] = asyncio.Queue()
    last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        writers = [group.create_task(work(n, task)) for n, task in enumerate(tasks)]
        watchers = []
        for _ in range(6):
            watchers.append(group.create_task(watch(last)))
            await asyncio.wait_for(joined.get(), 10)
        await asyncio.wait(writers)
        await create_over_http(server)  # for those that wait for the next event
        fresh = await fresh_counts(server)
        last.set_result(next(iter(fresh.values()))["seq"])
    for watcher in watchers:
        told = {queue: row | {"seq": 0} for queue, row in watcher.result().items()}
        assert told == {queue: row | {"seq": 0} for queue, row in fresh.items()}
