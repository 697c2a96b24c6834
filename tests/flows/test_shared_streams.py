"""Many dashboards that ask the same: one execution, and each sees every change once."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gql_app.access import Scope
from gql_app.delivery import group
from gql_app.execution.memory import Schema
from gql_app.schema.context import Context, SharedContext
from models.practice import Queue
from tests.office import task_id
from tests.serving import PATIENCE, Server, TestSocket
from tests.web.streams import EventStream, event_stream, until_streams

STREAM = """subscription ($after: String) {
  taskStatusChanged(after: $after) { seq cursor contact { notes } }
}"""
FEED = "subscription ($after: String) { queueFeed(after: $after) { __typename } }"
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


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The documents of which a stream has been begun, one after the other."""
    documents: list[str] = []
    stream = Schema.stream

    async def counting(self: Schema, query: str, **how: object) -> object:
        documents.append(query)
        return await stream(self, query, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Schema, "stream", counting)
    return documents


async def test_an_event_is_executed_once_for_all_who_watch_alike(
    server: Server, executed: list[str]
) -> None:
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
    assert executed == [STREAM]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_whoever_shares_is_served_without_being_known(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[SharedContext] = []
    stream = Schema.stream

    async def noting(self: Schema, query: str, **how: Any) -> object:
        given.append(how["context_value"])
        return await stream(self, query, **how)

    monkeypatch.setattr(Schema, "stream", noting)
    start = (await server.data("{ viewer { practice { cursor } } }"))["viewer"]["practice"]
    async with server.socket() as first, server.socket() as late:
        await first.subscribe(FEED)
        await first.next_data()
        await late.subscribe(FEED, after=start["cursor"])  # catches up for itself alone
        await late.next_data()
        await late.subscribe(STREAM, "2")
        await until_streams(server, 3)
        assert {type(context) for context in given} == {SharedContext}
        assert {type(context.scope) for context in given} == {Scope}
        assert len(given) >= 4, "two groups, and two that began by themselves"
    async with server.socket() as alone:
        await alone.subscribe("{ viewer { name } }")
        assert (await alone.next_data())["viewer"]["name"] == "Staff of maple"
    assert type(given[-1]) is Context


async def _metrics(server: Server) -> str:
    return (await server.metrics()).text


async def test_one_who_comes_back_late_catches_up_and_joins_without_a_gap_or_a_repeat(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "KEPT", 2)
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


async def _changes(stream: EventStream, last: int) -> list[tuple[str, str]]:
    """The id and the data of each event up to number `last`."""
    changes: list[tuple[str, str]] = []
    while not changes or f'"seq":{last},' not in changes[-1][1]:
        event = await stream.event()
        assert event["event"] == "next", event
        changes.append((event["id"], event["data"]))
    return changes


async def test_a_socket_and_an_event_stream_of_the_same_document_are_executed_once(
    server: Server, executed: list[str]
) -> None:
    async with server.socket() as socket, event_stream(server, STREAM) as stream:
        await socket.subscribe(STREAM)
        await until_streams(server, 2)
        await _log(server, 3)
        changes = [json.loads(data)["data"] for _, data in await _changes(stream, 4)]
        assert changes == [await socket.next_data() for _ in range(4)]
    assert executed == [STREAM]


async def test_last_event_id_goes_on_in_the_shared_stream_without_a_gap_or_a_repeat(
    server: Server, executed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "KEPT", 6)
    async with server.socket() as socket:
        await socket.subscribe(STREAM)
        await until_streams(server, 1)
        async with event_stream(server, STREAM) as stream:
            await until_streams(server, 2)
            await _log(server, 2)
            seen = await _changes(stream, 3)
        for missed in (2, 19):  # what the group remembers, and more than that
            await _log(server, missed)
            last = seen[-1][0]
            async with event_stream(server, STREAM, last_event_id=last) as stream:
                await until_streams(server, 2)
                reached = len(seen) + missed + 1
                seen += await _changes(stream, reached)
                await _log(server, 1)
                seen += await _changes(stream, reached + 2)
            assert executed == [STREAM] * (1 if missed == 2 else 2)
        told = [json.loads(data)["data"]["taskStatusChanged"] for _, data in seen]
        assert [change["seq"] for change in told] == list(range(1, len(seen) + 1))
        assert [change["cursor"] for change in told] == [place for place, _ in seen]
        assert await _seqs(socket, len(seen)) == list(range(1, len(seen) + 1))


async def test_a_stream_of_all_queues_tells_of_one_that_is_added_while_it_runs(
    server: Server, executed: list[str]
) -> None:
    office = server.office
    document = "subscription { taskStatusChanged { seq task { queue { name } } } }"
    async with server.socket() as early, server.socket() as late:
        await early.subscribe(document)
        await until_streams(server, 1)
        added = await Queue.create(
            practice_id=office.practice.id, name="Added", position=9, created_at=office.clock()
        )
        await late.subscribe(document)
        await until_streams(server, 2)
        task = await office.make_task(added)
        await server.data(LOG % office.today.isoformat(), task=task_id(task))
        for socket in (early, late):
            for seq in (1, 2):
                change = (await socket.next_data())["taskStatusChanged"]
                assert change == {"seq": seq, "task": {"queue": {"name": "Added"}}}
    assert executed == [document]


async def test_a_cursor_that_the_document_requires_serves_as_well_as_an_optional_one(
    server: Server,
) -> None:
    start = (await server.data("{ viewer { practice { cursor } } }"))["viewer"]["practice"]
    required = STREAM.replace("$after: String", "$after: String!")
    async with server.socket() as socket:
        await socket.subscribe(required, after=start["cursor"])
        await _log(server, 2)
        assert await _seqs(socket, 3) == [1, 2, 3]
