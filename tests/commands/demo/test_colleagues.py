"""The colleagues of a lively demo: what they do to the queues, and what they leave."""

import asyncio
from datetime import timedelta
from threading import Event, Thread

import pytest

from gql_app.commands.demo import colleagues
from gql_app.commands.demo.colleagues import LEFT, Colleague, Pauses
from models.contact import Contact
from models.event import TaskEvent, TaskEventKind
from models.task import Task
from tests.serving import PATIENCE, Server

AT_ONCE = Pauses(first=(0, 0), call=(0, 0), rest=(0, 0), trouble=(0, 0))

COUNTS = "{ queues { name counts { notContacted dueToday overdue } staffAtWork { tasks } } }"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def colleague(server: Server) -> Colleague:
    return Colleague(("127.0.0.1", server.port), server.office.keys["staff"], 1, AT_ONCE)


async def test_they_log_contacts_and_leave_the_last_due_tasks(server: Server) -> None:
    office = server.office
    for number in range(LEFT + 3):
        await office.make_task(patient=office.patients[number % 3])
    for number in range(LEFT):
        await office.make_task(office.missed, patient=office.patients[number % 3])
    somebody = colleague(server)
    for _ in range(6):
        await asyncio.to_thread(somebody.call_next, Event())
    assert await Contact.all().count() == 3
    for queue in (await server.data(COUNTS))["queues"]:
        assert sum(queue["counts"].values()) == LEFT, queue
        assert queue["staffAtWork"] == []


async def test_a_task_on_which_they_can_log_nothing_is_released(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(colleagues, "CLOSES", 0)
    office = server.office
    for _ in range(LEFT + 1):  # gone before any follow-up date
        await office.make_task(expires_at=office.clock() + timedelta(minutes=5))
    await asyncio.to_thread(colleague(server).call_next, Event())
    assert await Contact.all().count() == 0
    kinds = set(await TaskEvent.all().values_list("kind", flat=True))
    assert {TaskEventKind.CLAIMED, TaskEventKind.RELEASED} <= kinds
    assert not await Task.filter(claimed_by_id__not_isnull=True).exists()


async def test_a_server_that_cannot_answer_is_tried_again_until_they_are_stopped(
    server: Server,
) -> None:
    answers = [b"", b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", b"HTTP/1.1 200 OK\r\n\r\n{}"]
    asked = asyncio.Semaphore(0)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answers.pop() if answers else b"nonsense")
        writer.close()
        asked.release()

    stopped = Event()
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        address = other.sockets[0].getsockname()
        thread = Thread(target=Colleague(address, "key", 1, AT_ONCE).work, args=(stopped,))
        thread.start()
        async with asyncio.timeout(PATIENCE):
            for _ in range(8):
                await asked.acquire()
        assert thread.is_alive()
        stopped.set()
        await asyncio.to_thread(thread.join, PATIENCE)
    assert not thread.is_alive()
