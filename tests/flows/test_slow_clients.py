"""A client that does not read is let go with its cursor, and nobody waits for it."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gql_app.work.reads.cursors import event_cursor, read_event_cursor
from models.access import AccessKey
from models.chain import Position
from models.roles import Role
from models.task import Task
from tests.positions import Names
from tests.serving import PATIENCE, Server
from tests.support.access import create_key, revoke_key
from tests.web.streams import EventStream, log_over_http, until_streams

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

EVENTS = 150

SMALL_BUFFER = (sockets.SOL_SOCKET, sockets.SO_RCVBUF, 256 * 1024)
"""Set by hand, so that the system does not let it grow."""

# The notes are sent eight times over: all events together do not fit into the system's buffers.
WIDE = f"""
subscription Wide($after: String) {{
  taskStatusChanged(after: $after) {{
    seq cursor contact {{ {" ".join(f"n{n}: notes" for n in range(8))} }}
  }}
}}
"""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("endpoint", "sending"):
        monkeypatch.setattr(f"gql_app.web.{module}.SLOW_SECONDS", 0.5)


async def events_with_long_notes(server: Server) -> Task:
    """A task with all its events, more than a connection holds."""
    task = await server.office.make_task()
    for n in range(EVENTS - 1):
        await server.office.log(task, notes=f"{n} " + "x" * 9_000)
    return task


class SlowClient:
    """A WebSocket that takes from the line only what `next` asks for."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: dict[str, Any]) -> None:
        await self.connection.send(json.dumps(message))

    async def subscribe(self, after: str) -> None:
        payload = {"query": WIDE, "variables": {"after": after}}
        await self.send({"id": "1", "type": "subscribe", "payload": payload})

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def events(self, seqs: list[int], until: int) -> dict[str, Any]:
        """Add to `seqs` as events come; return what comes that is none, or event `until`."""
        while (message := await self.next())["type"] == "next":
            event: dict[str, Any] = message["payload"]["data"]["taskStatusChanged"]
            seqs.append(event["seq"])
            if event["seq"] == until:
                return event
        return message


@asynccontextmanager
async def slow_client(server: Server, key: str | None = None) -> AsyncIterator[SlowClient]:
    line = sockets.socket()
    line.setsockopt(*SMALL_BUFFER)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", server.port))
    async with connect(
        f"ws://127.0.0.1:{server.port}/graphql",
        sock=line,
        subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
        max_queue=1,
        ping_interval=None,
    ) as connection:
        client = SlowClient(connection)
        payload = {"authorization": f"Bearer {key or server.office.keys['staff']}"}
        await client.send({"type": "connection_init", "payload": payload})
        assert (await client.next())["type"] == "connection_ack"
        yield client
        connection.transport.abort()  # a close would wait for what has not been read


async def test_a_socket_that_is_not_read_is_told_to_resync_and_resumes_without_loss(
    server: Server,
) -> None:
    task = await events_with_long_notes(server)
    practice = server.office.practice.id
    async with slow_client(server) as slow:
        await slow.subscribe(event_cursor(practice, Position(0)))
        await until_streams(server, 1)
        await until_streams(server, 0)  # let go, while it still has not read a thing
        seqs: list[int] = []
        message = await slow.events(seqs, EVENTS)
        assert (message["id"], message["type"]) == ("1", "error")
        extensions = message["payload"][0]["extensions"]
        assert extensions["code"] == "RESYNC_REQUIRED"
        assert extensions["cursor"] == Names(practice, seqs[-1])
        await slow.subscribe(extensions["cursor"])
        await slow.events(seqs, EVENTS)
        await log_over_http(server, task)
        await slow.events(seqs, EVENTS + 1)
    assert seqs == list(range(1, EVENTS + 2))


async def test_other_sockets_do_not_wait_for_one_that_is_not_read(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.sending.SLOW_SECONDS", 60)
    task = await events_with_long_notes(server)
    start = event_cursor(server.office.practice.id, Position(0))
    async with slow_client(server) as slow, server.socket() as other:
        await slow.subscribe(start)
        await until_streams(server, 1)
        await other.subscribe(WIDE, after=start)
        seqs = [(await other.next_data())["taskStatusChanged"]["seq"] for _ in range(EVENTS)]
        assert seqs == list(range(1, EVENTS + 1))
        await log_over_http(server, task)
        assert (await other.next_data())["taskStatusChanged"]["seq"] == EVENTS + 1
        await until_streams(server, 2)  # the slow one has been waited for all the while


async def test_a_revoked_key_ends_the_stream_of_a_socket_that_is_not_read(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.sending.SLOW_SECONDS", 60)
    await events_with_long_notes(server)
    practice = server.office.practice
    key = await create_key(practice, Role.STAFF, "Desk")
    async with slow_client(server, key) as slow:
        await slow.subscribe(event_cursor(practice.id, Position(0)))
        await until_streams(server, 1)
        await revoke_key(practice, (await AccessKey.get(staff__name="Desk")).id)
        await until_streams(server, 0)
        with pytest.raises(ConnectionClosed) as closed:
            await slow.events([], EVENTS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


async def test_an_event_stream_that_is_not_read_breaks_off_and_resumes_without_loss(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    await events_with_long_notes(server)
    practice = server.office.practice.id
    seqs: list[int] = []
    last = event_cursor(practice, Position(0))
    transport = httpx.AsyncHTTPTransport(socket_options=[SMALL_BUFFER])
    async with httpx.AsyncClient(transport=transport, timeout=PATIENCE) as client:
        for waits in (True, False):
            headers = {
                "accept": "text/event-stream",
                "authorization": f"Bearer {server.office.keys['staff']}",
                "last-event-id": last,
            }
            async with client.stream(
                "POST", f"{server.url}/graphql", json={"query": WIDE}, headers=headers
            ) as response:
                if waits:
                    await until_streams(server, 1)
                    await until_streams(server, 0)  # let go
                stream = EventStream(response)
                while not seqs or seqs[-1] != EVENTS:
                    try:
                        event = await stream.event()
                    except (httpx.RemoteProtocolError, EOFError):
                        break
                    assert event["event"] == "next", "to complete is to say that no more will come"
                    last = event["id"]
                    seqs.append(read_event_cursor(practice, last).seq)
            assert (seqs[-1] < EVENTS) == waits
    assert seqs == list(range(1, EVENTS + 1))
    assert [record for record in caplog.records if record.name == "asyncio"] == []
