"""Many dashboards that ask the same: one execution, and each sees every change once."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from gql_app.live import groups
from gql_app.schema import Schema
from tests.office import task_id
from tests.serving import PATIENCE, Server, TestSocket

STREAM = """subscription ($after: String) {
  taskStatusChanged(after: $after) { seq cursor contact { notes } }
}"""
LOG = """mutation ($task: ID!, $notes: String) {
  logContact(taskId: $task, outcome: NO_ANSWER, followUp: "%s", notes: $notes) {
    errors { code }
  }
}"""
WATCHING = 20


async def _log(server: Server, count: int) -> None:
    office = server.office
    task = await office.make_task()
    mutation = LOG % office.today.isoformat()
    for n in range(count):
        await server.data(mutation, task=task_id(task), notes=f"note {n}")


async def _seqs(socket: TestSocket, last: int) -> list[int]:
    seqs: list[int] = []
    while not seqs or seqs[-1] < last:
        seqs.append((await socket.next_data())["taskStatusChanged"]["seq"])
    return seqs


async def test_an_event_is_executed_once_for_all_who_watch_alike(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = 0
    stream = Schema.stream

    async def counting(self: Schema, query: str, **how: object) -> object:
        nonlocal executed
        executed += 1
        return await stream(self, query, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Schema, "stream", counting)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(server.socket()) for _ in range(WATCHING)]
        for socket in sockets:
            await socket.subscribe(STREAM)
        async with asyncio.timeout(PATIENCE):
            while f"callboard_live_streams {WATCHING}.0" not in await _metrics(server):
                await asyncio.sleep(0.02)
        await _log(server, 5)
        for socket in sockets:
            assert await _seqs(socket, 6) == list(range(1, 7))
    assert executed == 1


async def _metrics(server: Server) -> str:
    return (await server.client.get("/metrics")).text


async def test_one_who_comes_back_late_catches_up_and_joins_without_a_gap_or_a_repeat(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "RING", 2)
    start = (await server.data("{ viewer { practice { cursor } } }"))["viewer"]["practice"]
    async with server.socket() as first, server.socket() as late:
        await first.subscribe(STREAM, after=start["cursor"])
        await _log(server, 12)
        assert await _seqs(first, 13) == list(range(1, 14))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_log(server, 6))
            await late.subscribe(STREAM, after=start["cursor"])
            seen = tasks.create_task(_seqs(late, 20))
        assert seen.result() == list(range(1, 21))


async def test_a_partner_never_gets_the_bytes_that_were_made_for_staff(server: Server) -> None:
    keys = server.office.keys
    start = (await server.data("{ viewer { practice { cursor } } }"))["viewer"]["practice"]
    async with server.socket(keys["staff"]) as staff, server.socket(keys["partner"]) as partner:
        for socket in (staff, partner):
            await socket.subscribe(STREAM, after=start["cursor"])
        await _log(server, 1)
        notes = []
        for socket in (staff, partner):
            await socket.next_data()  # the task was made
            contact = (await socket.next_data())["taskStatusChanged"]["contact"]
            notes.append(contact["notes"])
    assert notes == ["note 0", None]
