"""A database that was restored to an earlier state: whoever saw what is gone is told to start
afresh, and nobody else notices anything."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from gql_app.work.upkeep.verifying import verify
from models.contact import Contact
from models.task import Task
from tests.backups import Backup
from tests.flows.feed_client import FEED, counts_of, fresh_counts, next_message, without_seq
from tests.serving import PATIENCE, Server, TestSocket, serving
from tests.web.streams import event_stream, log_over_http, until_streams

CHANGES = """subscription ($after: String) {
  taskStatusChanged(after: $after) { seq cursor task { id } contact { notes } }
}"""
EVENTS = "query ($after: String) { events(after: $after) { nodes { seq cursor } } }"

KEPT, LOST, AFTERWARDS = 3, 5, 3
"""Events before the backup, those that are lost, and those that are made after the restore."""


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gql_app.app.POLL_SECONDS", 0.2)


@pytest.fixture
async def backup(database_url: str) -> AsyncIterator[Backup]:
    backup = Backup(database_url)
    yield backup
    await backup.drop()


async def cursors(server: Server) -> list[str]:
    """Those of all events, which the `events` query gives."""
    return [event["cursor"] for event in (await server.data(EVENTS))["events"]["nodes"]]


async def code(answer: Any) -> str:
    error = (answer["payload"] if "payload" in answer else answer["errors"])[0]
    found: str = error["extensions"]["code"]
    return found


async def all_refuse(server: Server, after: str) -> None:
    """Every way to go on from a cursor says that it leads nowhere."""
    for query in (CHANGES, FEED):
        async with server.socket() as socket:
            await socket.subscribe(query, after=after)
            assert await code(await socket.next()) == "RESYNC_REQUIRED"
        async with event_stream(server, query, after=after) as stream:
            assert await code(await stream.result()) == "RESYNC_REQUIRED"
        async with event_stream(server, query, last_event_id=after) as stream:
            assert await code(await stream.result()) == "RESYNC_REQUIRED"
    assert await code(await server.execute(EVENTS, after=after)) == "RESYNC_REQUIRED"


async def goes_on(server: Server, after: str, expected: list[int]) -> None:
    """One whose cursor is from before what was lost gets all that is there now."""
    async with server.socket() as socket, event_stream(server, CHANGES, after=after) as stream:
        await socket.subscribe(CHANGES, after=after)
        for seq in expected:
            told = (await socket.next_data())["taskStatusChanged"]
            assert told == (await stream.result())["data"]["taskStatusChanged"]
            contact = (await Contact.filter(task_id__not=0).order_by("id"))[seq - 2]
            assert (told["seq"], told["contact"]) == (seq, {"notes": contact.notes})


async def equals_what_is_there(server: Server) -> None:
    async with server.socket() as socket:
        await socket.subscribe(FEED)
        snapshot = await next_message(socket, "QueueSnapshot")
    assert without_seq(counts_of(snapshot)) == without_seq(await fresh_counts(server))
    assert (await verify(server.office.practice.id)).changed_at is None


async def log(server: Server, task: Task, number: int, words: str) -> None:
    for n in range(number):
        await log_over_http(server, task, notes=f"{words} {n}")


@asynccontextmanager
async def watching(server: Server) -> AsyncIterator[list[Any]]:
    """Two who share a group, a feed and an event stream."""
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(server.socket()) for _ in range(3)]
        for socket, query in zip(sockets, (CHANGES, CHANGES, FEED), strict=True):
            await socket.subscribe(query)
        await next_message(sockets[2], "QueueSnapshot")
        stream = await stack.enter_async_context(event_stream(server, CHANGES))
        await until_streams(server, 4)
        yield [*sockets, stream]


async def resync_of(client: Any) -> list[int]:
    """What a client is told until it is told to start afresh: the events' numbers."""
    seqs: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await client.next() if isinstance(client, TestSocket) else None
            payload = await client.result() if answer is None else answer["payload"]
            if answer is not None and answer["type"] == "error":
                assert await code(answer) == "RESYNC_REQUIRED"
                return seqs
            if "errors" in payload:
                assert await code(payload) == "RESYNC_REQUIRED"
                return seqs
            row = next(iter(payload["data"].values()))
            if "cursor" in row:
                seqs.append(row["seq"])


async def test_restored_with_the_server_stopped(database_url: str, backup: Backup) -> None:
    async with serving(database_url) as server:
        office = server.office
        task = await office.make_task()
        await log(server, task, KEPT - 1, "kept")
        kept = await cursors(server)
    await backup.take()
    async with serving(database_url, office) as server:
        await log(server, task, LOST, "lost")
        lost = (await cursors(server))[KEPT:]
    await backup.restore()
    async with serving(database_url, office) as server:
        await all_refuse(server, lost[-1])
        await log(server, task, AFTERWARDS, "afterwards")
        for after in lost:  # there are other events under these numbers now, and none beyond
            assert await code(await server.execute(EVENTS, after=after)) == "RESYNC_REQUIRED"
        await all_refuse(server, lost[0])
        await goes_on(server, kept[0], list(range(2, KEPT + AFTERWARDS + 1)))
        await goes_on(server, kept[-1], list(range(KEPT + 1, KEPT + AFTERWARDS + 1)))
        await equals_what_is_there(server)


@pytest.mark.parametrize("afterwards", [0, AFTERWARDS, LOST + 4], ids=["none", "fewer", "more"])
async def test_restored_under_a_running_server(
    database_url: str,
    backup: Backup,
    caplog: pytest.LogCaptureFixture,
    afterwards: int,
) -> None:
    async with serving(database_url) as server:
        office = server.office
        task = await office.make_task()
        other = await office.make_task()
        await log(server, task, KEPT - 2, "kept")
        kept = await cursors(server)
        await backup.take()
        async with watching(server) as watchers:
            await log(server, task, LOST, "lost")
            lost = (await cursors(server))[KEPT:]
            await backup.restore()
            await log(server, other, afterwards, "afterwards")
            for watcher in watchers:
                seqs = await resync_of(watcher)
                assert seqs == list(range(KEPT + 1, KEPT + LOST + 1)), "or of the other history"
        await all_refuse(server, lost[-1])
        after = list(range(KEPT + 1, KEPT + afterwards + 1))
        async with server.socket() as socket:
            await socket.subscribe(CHANGES, after=kept[-1])
            for seq in after:
                told = (await socket.next_data())["taskStatusChanged"]
                assert told["seq"] == seq
                assert told["contact"]["notes"].startswith("afterwards"), "of another history"
        await equals_what_is_there(server)
        metrics = (await server.client.get("/metrics")).text
    assert "callboard_histories_changed_total 1.0" in metrics
    said = [r for r in caplog.records if "is gone, or is another one now" in r.getMessage()]
    assert [r.levelno for r in said] == [logging.ERROR]
