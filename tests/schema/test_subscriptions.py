"""taskStatusChanged: every change of a status, in order, with no gap and no repeat."""

import asyncio
from typing import Any

import pytest

from gql_app.schema.ids import global_id
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from models.database import fetch
from models.event import TaskEvent, TaskEventKind
from models.practice import Practice
from models.task import TASK_COLUMNS, Task, TaskRow
from tests.office import older_id, task_id
from tests.positions import Names
from tests.schema.documents import CREATE_TASK, LOG_CONTACT, STATUS_CHANGED
from tests.serving import Server, TestSocket
from tests.web.streams import log_over_http, until_streams


def cursor(server: Server, seq: int) -> str:
    return event_cursor(server.office.practice.id, Position(seq))


async def next_event(socket: TestSocket) -> dict[str, Any]:
    event: dict[str, Any] = (await socket.next_data())["taskStatusChanged"]
    return event


async def refusal(socket: TestSocket, **given: Any) -> str:
    """The code of the error that a subscription is answered with."""
    await socket.subscribe(STATUS_CHANGED, "refused", **given)
    message = await socket.next()
    assert (message["id"], message["type"]) == ("refused", "error"), message
    code: str = message["payload"][0]["extensions"]["code"]
    return code


async def add_event(server: Server, task: Task, kind: TaskEventKind) -> None:
    """An event with the practice's next number, as a writer of another release would add it."""
    sql = f"SELECT {TASK_COLUMNS} FROM task t WHERE t.id = $1"
    async with server.office.changes.begin(server.office.practice.id) as change:
        (row,) = await fetch(TaskRow, sql, task.id)
        change.record(kind, row, before=row)


async def test_a_change_is_sent_as_it_happens_with_all_that_a_dashboard_shows(
    server: Server,
) -> None:
    task = await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(STATUS_CHANGED)
        await until_streams(server, 1)
        payload = await log_over_http(server, task, notes="No answer at home.")
        assert await next_event(socket) == {
            "cursor": Names(server.office.practice.id, 2),
            "seq": 2,
            "kind": "CONTACT_LOGGED",
            "fromStatus": "OPEN",
            "toStatus": "IN_PROGRESS",
            "closeCause": None,
            "task": {
                "id": task_id(task),
                "status": "IN_PROGRESS",
                "followUp": payload["task"]["followUp"],
                "version": 2,
                "queue": {"name": "Overdue recall"},
                "patient": {"name": "Amber Testwell"},
            },
            "contact": {"outcome": "NO_ANSWER", "notes": "No answer at home."},
            "actor": {"name": "Staff of maple"},
        }


async def test_a_new_task_a_second_contact_and_a_close_are_all_sent(server: Server) -> None:
    async with server.socket() as socket:
        await socket.subscribe(STATUS_CHANGED)
        await until_streams(server, 1)
        given = {
            "queueId": global_id("Queue", server.office.recall.id),
            "patientId": global_id("Patient", server.office.patients[0].id),
            "reason": "Call",
        }
        made = await server.data(CREATE_TASK, "supervisor", input=given)
        task = await Task.get()
        assert made["createTask"]["task"]["id"] == task_id(task)
        await log_over_http(server, task)
        await log_over_http(server, task)
        await log_over_http(server, task, followUp=None, close=True)
        events = [await next_event(socket) for _ in range(4)]
    assert [(event["seq"], event["fromStatus"], event["toStatus"]) for event in events] == [
        (1, None, "OPEN"),
        (2, "OPEN", "IN_PROGRESS"),
        (3, "IN_PROGRESS", "IN_PROGRESS"),
        (4, "IN_PROGRESS", "CLOSED"),
    ]
    assert events[3]["closeCause"] == "CONTACT"


async def test_a_refused_contact_sends_nothing(server: Server) -> None:
    task = await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(STATUS_CHANGED)
        await until_streams(server, 1)
        refused = await server.data(LOG_CONTACT, taskId=task_id(task), outcome="SCHEDULED")
        assert refused["logContact"]["errors"]
        await log_over_http(server, task)
        assert (await next_event(socket))["seq"] == 2


@pytest.mark.parametrize("limits", [(1, 1), (2, 3), (1_000, 500)])
async def test_a_replay_goes_live_with_no_gap_and_no_repeat_while_others_write(
    server: Server, monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int]
) -> None:
    monkeypatch.setattr("gql_app.live.feed.KEPT", limits[0])
    monkeypatch.setattr("gql_app.live.feed.BATCH", limits[1])
    tasks = [await server.office.make_task() for _ in range(12)]

    async def work(mine: list[Task]) -> None:
        for task in mine * 3:
            await log_over_http(server, task)

    async with server.socket() as socket:
        writing = asyncio.gather(*(work(tasks[i::4]) for i in range(4)))
        starts = (0, 3, 7, 12)
        for start in starts:
            await socket.subscribe(STATUS_CHANGED, str(start), after=cursor(server, start))
        seen: dict[str, list[int]] = {str(start): [] for start in starts}
        await writing
        last = 12 + 36
        while any(not seqs or seqs[-1] < last for seqs in seen.values()):
            message = await socket.next()
            assert message["type"] == "next", message
            event = message["payload"]["data"]["taskStatusChanged"]
            seen[message["id"]].append(event["seq"])
        assert seen == {str(start): list(range(start + 1, last + 1)) for start in starts}
        assert socket.messages.empty()


async def test_after_the_last_event_nothing_is_sent_twice(server: Server) -> None:
    task = await server.office.make_task()
    await server.office.log(task)
    async with server.socket() as socket:
        await socket.subscribe(STATUS_CHANGED, after=cursor(server, 2))
        await until_streams(server, 1)
        await log_over_http(server, task)
        assert (await next_event(socket))["seq"] == 3


async def test_the_cursor_of_each_event_resumes_right_behind_it(server: Server) -> None:
    task = await server.office.make_task()
    for _ in range(4):
        await server.office.log(task)
    place = cursor(server, 0)
    for seq in range(1, 6):
        async with server.socket() as socket:
            await socket.subscribe(STATUS_CHANGED, after=place)
            event = await next_event(socket)
            assert event["seq"] == seq
            place = event["cursor"]


async def test_a_replayed_event_shows_the_task_as_it_was_then(server: Server) -> None:
    task = await server.office.make_task()
    await server.office.log(task)
    await server.office.log(task, close=True)
    async with server.socket() as socket:
        await socket.subscribe(STATUS_CHANGED, after=cursor(server, 0))
        events = [await next_event(socket) for _ in range(3)]
    shown = [(event["task"]["status"], event["task"]["version"]) for event in events]
    assert shown == [("OPEN", 1), ("IN_PROGRESS", 2), ("CLOSED", 3)]
    assert [event["task"]["followUp"] is None for event in events] == [True, False, True]


async def test_queue_ids_narrow_the_stream_and_its_seqs_have_holes(server: Server) -> None:
    office = server.office
    recall, missed = await office.make_task(office.recall), await office.make_task(office.missed)
    async with server.socket() as socket:
        queue = global_id("Queue", office.missed.id)
        await socket.subscribe(STATUS_CHANGED, queueIds=[queue], after=cursor(server, 0))
        await until_streams(server, 1)
        for task in (recall, missed, recall, missed):
            await log_over_http(server, task)
        events = [await next_event(socket) for _ in range(3)]
        assert [event["seq"] for event in events] == [2, 4, 6]
        assert {event["task"]["queue"]["name"] for event in events} == {"Missed appointments"}
        assert socket.messages.empty()


async def test_a_queue_that_is_not_there_is_refused_rather_than_silent(server: Server) -> None:
    here = global_id("Queue", server.office.recall.id)
    async with server.socket() as socket:
        for ids in (
            [global_id("Queue", 999_999)],
            [here, older_id("Queue", 10**30)],
            [global_id("Task", 1)],
            ["garbage"],
        ):
            assert await refusal(socket, queueIds=ids) == "BAD_USER_INPUT"
        await socket.subscribe(STATUS_CHANGED, queueIds=[here, here])
        await until_streams(server, 1)


async def test_a_garbage_cursor_is_refused(server: Server) -> None:
    async with server.socket() as socket:
        for garbage in ("", "garbage", "ü", cursor(server, 1)[:-4], "x" * 10_000):
            assert await refusal(socket, after=garbage) == "BAD_USER_INPUT"
    await until_streams(server, 0)


async def test_a_cursor_of_the_future_must_resync(server: Server) -> None:
    await server.office.make_task()
    async with server.socket() as socket:
        assert await refusal(socket, after=cursor(server, 2)) == "RESYNC_REQUIRED"
        assert await refusal(socket, after=cursor(server, 10**17)) == "RESYNC_REQUIRED"
        await socket.subscribe(STATUS_CHANGED, after=cursor(server, 0))
        assert (await next_event(socket))["seq"] == 1
    await until_streams(server, 0)


@pytest.mark.parametrize("others", [0, 1])
async def test_a_cursor_of_a_pruned_past_must_resync(server: Server, others: int) -> None:
    office = server.office
    task = await office.make_task()
    for _ in range(4):
        await office.log(task)
    await Practice.filter(id=office.practice.id).update(pruned_through=3)
    await TaskEvent.filter(practice_id=office.practice.id, seq__lte=3).delete()
    async with server.socket() as socket:
        for number in range(others):
            await socket.subscribe(STATUS_CHANGED, f"other {number}")
        await until_streams(server, others)
        for seq in (0, 2):
            assert await refusal(socket, after=cursor(server, seq)) == "RESYNC_REQUIRED"
        await socket.subscribe(STATUS_CHANGED, after=cursor(server, 3))
        assert [(await next_event(socket))["seq"] for _ in range(2)] == [4, 5]


async def test_what_does_not_touch_a_status_is_not_sent(server: Server) -> None:
    task = await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(STATUS_CHANGED, after=cursor(server, 1))
        await until_streams(server, 1)
        for kind in (TaskEventKind.CLAIMED, TaskEventKind.RELEASED, TaskEventKind.REASSIGNED):
            await add_event(server, task, kind)
        await log_over_http(server, task)
        assert (await next_event(socket))["seq"] == 5
        await socket.subscribe(STATUS_CHANGED, "replay", after=cursor(server, 1))
        assert (await next_event(socket))["seq"] == 5
        kinds = await server.data("{ events { nodes { kind } } }")
        assert len(kinds["events"]["nodes"]) == 5, "the list of events has them all"


async def test_all_who_watch_are_sent_every_change(server: Server) -> None:
    task = await server.office.make_task()
    async with server.socket() as one, server.socket() as two:
        for socket in (one, two):
            for name in "ab":
                await socket.subscribe(STATUS_CHANGED, name)
        await until_streams(server, 4)
        for _ in range(3):
            await log_over_http(server, task)
        for socket in (one, two):
            seen: dict[str, list[int]] = {"a": [], "b": []}
            for _ in range(6):
                message = await socket.next()
                seen[message["id"]].append(message["payload"]["data"]["taskStatusChanged"]["seq"])
            assert seen == {"a": [2, 3, 4], "b": [2, 3, 4]}
