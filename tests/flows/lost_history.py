"""What drills of a lost history share: clients of all transports, and what they have to be told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from gql_app.work.upkeep.verifying import verify
from tests.flows.feed_client import FEED, counts_of, fresh_counts, next_message, without_seq
from tests.serving import PATIENCE, Server, TestSocket
from tests.web.streams import event_stream, until_streams

CHANGES = """subscription ($after: String) {
  taskStatusChanged(after: $after) { seq cursor task { id } contact { notes } }
}"""
EVENTS = "query ($after: String) { events(after: $after) { nodes { seq cursor } } }"


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


async def equals_what_is_there(server: Server) -> None:
    async with server.socket() as socket:
        await socket.subscribe(FEED)
        snapshot = await next_message(socket, "QueueSnapshot")
    assert without_seq(counts_of(snapshot)) == without_seq(await fresh_counts(server))
    assert (await verify(server.office.practice.id)).changed_at is None


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


class Poller:
    """A client that asks for `events` after its cursor now and then."""

    def __init__(self, server: Server, cursor: str) -> None:
        self._server = server
        self._cursor = cursor

    async def poll(self) -> list[int] | str:
        """The numbers of the events that are new, or the code of the error."""
        answer = await self._server.execute(EVENTS, after=self._cursor)
        if "errors" in answer:
            return await code(answer)
        events = answer["data"]["events"]["nodes"]
        self._cursor = events[-1]["cursor"]
        return [event["seq"] for event in events]
