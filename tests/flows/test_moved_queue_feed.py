"""`queueFeed` when tasks move between queues: both hear of it, with the counts of both."""

from contextlib import AsyncExitStack

from gql_app.schema.ids import global_id
from gql_app.work.moves import reassign_tasks
from models.practice import Queue
from models.roles import Role
from tests.flows.feed_client import (
    FEED,
    Message,
    counts_of,
    cursor,
    fresh_counts,
    next_event,
    next_message,
    without_queue,
)
from tests.office import task_id
from tests.serving import Server, TestSocket
from tests.support.access import create_key
from tests.web.streams import log_over_http

MOVE = """mutation ($input: ReassignTasksInput!) { reassignTasks(input: $input) { changed } }"""


async def limited_key(server: Server, queue: Queue) -> str:
    return await create_key(server.office.practice, Role.STAFF, queue.name, queue_ids=[queue.id])


async def watching(server: Server, open_: AsyncExitStack, queue: Queue) -> TestSocket:
    """A dashboard whose key allows one queue."""
    socket = await open_.enter_async_context(server.socket(await limited_key(server, queue)))
    await socket.subscribe(FEED)
    await next_message(socket, "QueueSnapshot")
    return socket


async def counts_are_fresh(server: Server, *told: Message) -> None:
    fresh = await fresh_counts(server)
    for counts in told:
        assert without_queue(counts) == fresh[counts["queue"]["id"]] | {"seq": counts["seq"]}


async def test_a_move_is_told_to_those_who_watch_either_queue(server: Server) -> None:
    office = server.office
    task, _ = await office.make_task(), await office.make_task()
    await office.log(task, follow_up=office.today)
    recall, missed = (global_id("Queue", queue.id) for queue in (office.recall, office.missed))
    async with AsyncExitStack() as open_:
        all_ = await open_.enter_async_context(server.socket())
        await all_.subscribe(FEED)
        await next_message(all_, "QueueSnapshot")
        old, new = [await watching(server, open_, q) for q in (office.recall, office.missed)]

        moving = {"ids": [task_id(task)], "toQueueId": missed}
        await server.data(MOVE, "supervisor", input=moving)

        left, left_counts = await next_event(old)
        came, came_counts = await next_event(new)
        event, from_counts = await next_event(all_)
        to_counts = await next_message(all_, "QueueCounts")
        assert {e["seq"] for e in (left, came, event)} == {4}
        assert {e["kind"] for e in (left, came, event)} == {"REASSIGNED"}
        assert (left["task"]["id"], left["task"]["queue"]) == (task_id(task), None)
        assert came["task"]["queue"] == event["task"]["queue"] == {"id": missed}
        assert (left_counts, came_counts) == (from_counts, to_counts)
        assert (from_counts["queue"]["id"], from_counts["open"]) == (recall, 1)
        assert (to_counts["queue"]["id"], to_counts["open"], to_counts["dueToday"]) == (
            missed,
            1,
            1,
        )
        await counts_are_fresh(server, from_counts, to_counts)

        # From now on it is the new queue's alone.
        await log_over_http(server, task)
        _, counts = await next_event(new)
        await counts_are_fresh(server, counts)
        await old.send({"type": "ping"})
        assert await old.next() == {"type": "pong"}


async def test_one_who_was_away_is_told_of_the_move_on_coming_back(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    await office.log(task)
    await reassign_tasks(office.changes, office.supervisor, [task.id], to_queue_id=office.missed.id)
    for queue, seqs in ((office.recall, [2, 3]), (office.missed, [3])):
        key = await limited_key(server, queue)
        async with server.socket(key) as socket:
            await socket.subscribe(FEED, after=cursor(server, 1))
            await next_message(socket, "QueuesChanged")
            before = await next_message(socket, "QueueCounts")
            assert (before["seq"], before["open"]) == (1, int(queue == office.recall))
            for seq in seqs:
                event, counts = await next_event(socket)
                assert event["seq"] == counts["seq"] == seq
            await counts_are_fresh(server, counts)
            # Come back once more, behind the move: there is nothing left to tell.
            await socket.subscribe(FEED, "again", after=event["cursor"])
            await next_message(socket, "QueuesChanged")
            assert without_queue(await next_message(socket, "QueueCounts")) == without_queue(counts)


async def test_a_task_that_is_given_to_somebody_changes_no_counts(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(FEED)
        snapshot = await next_message(socket, "QueueSnapshot")
        staff = global_id("Staff", office.staff.staff_id)
        moving = {"ids": [task_id(task)], "toStaffId": staff}
        await server.data(MOVE, "supervisor", input=moving)
        event, counts = await next_event(socket)
    assert event["kind"] == "REASSIGNED"
    before = counts_of(snapshot)[counts["queue"]["id"]]
    assert without_queue(counts) == before | {"seq": 2}
