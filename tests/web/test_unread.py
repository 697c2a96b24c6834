"""What a client does not read is kept for a while, and not without bound."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.frames import Frame, Opcode

from benchmarks.attacks.lines import Line
from gql_app.schema.ids import global_id
from gql_app.web.frames import FramesProtocol
from gql_app.web.guarded import GuardedProtocol
from gql_app.web.sending import Sender
from gql_app.web.unread import LEAST_READ
from tests.serving import PATIENCE, Server
from tests.web.guards import Guards, guarded, until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Guarded = tuple[Server, Guards]

LONG = f"""query ($id: ID!, $n: Int) {{ task(id: $id) {{ contacts(first: $n) {{ nodes {{
    {" ".join(f"n{n}: notes" for n in range(8))} }} }} }} }}"""
CONTACTS = 10
WHOLE = CONTACTS * 8 * 7_500
"""What `LONG` brings of all contacts is longer than this."""

UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


@pytest.fixture
async def guards(monkeypatch: pytest.MonkeyPatch, database_url: str) -> AsyncIterator[Guarded]:
    async with guarded(monkeypatch, database_url) as both:
        yield both


@asynccontextmanager
async def narrow_line(server: Server, guards: Guards) -> AsyncIterator[Line]:
    """A connection for which the system keeps little, at either end, and that is read by hand."""
    before = set(guards.connections._open)
    client = sockets.socket()
    client.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=client, limit=2_048)
    await until(lambda: set(guards.connections._open) - before)
    for transport in set(guards.connections._open) - before:
        end = transport.get_extra_info("socket")
        end.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, 4_096)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def variables(server: Server, contacts: int) -> dict[str, object]:
    """Those with which `LONG` brings so many contacts."""
    task = await server.office.make_task()
    for number in range(contacts):
        await server.office.log(task, notes=f"{number} " + "x" * 7_500)
    return {"id": global_id("Task", task.id), "n": contacts}


def request(server: Server, given: dict[str, object]) -> bytes:
    body = json.dumps({"query": LONG, "variables": given}).encode()
    return (
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
        % (server.office.keys["staff"].encode(), len(body), body)
    )


async def ask_on_a_socket(client: Line, server: Server, *given: dict[str, object]) -> None:
    """Begin a socket and ask `LONG` on it, with each of the variables."""
    client[1].write(UPGRADE)
    await client[0].readuntil(b"\r\n\r\n")
    payload = {"authorization": server.office.keys["staff"]}
    messages: list[dict[str, object]] = [{"type": "connection_init", "payload": payload}]
    for number, variables in enumerate(given):
        query = {"query": LONG, "variables": variables}
        messages.append({"type": "subscribe", "id": str(number), "payload": query})
    for message in messages:
        frame = Frame(Opcode.TEXT, json.dumps(message).encode())
        client[1].write(frame.serialize(mask=True))


async def left(guards: Guards) -> int:
    """Bytes that the one client who leaves something unread has left."""
    looks = guards.connections._unread._looks
    await until(lambda: len(looks) == 1)
    return next(iter(looks)).get_write_buffer_size()


@pytest.mark.parametrize("contacts", [1, CONTACTS])
async def test_an_answer_that_is_not_read_is_given_up(guards: Guarded, contacts: int) -> None:
    """A short one as well, for which the server would not pause."""
    server, all_ = guards
    given = await variables(server, contacts)
    async with narrow_line(server, all_) as client:
        client[1].write(request(server, given))
        assert await left(all_) > contacts * 25_000
        all_.later()
        await until(lambda: not all_.connections._open)
    assert all_.connections.closed == {"unread": 1}


async def test_a_client_that_reads_slowly_is_waited_for(guards: Guarded) -> None:
    server, all_ = guards
    given = await variables(server, CONTACTS)
    async with narrow_line(server, all_) as client:
        client[1].write(request(server, given))
        got = 0
        for _ in range(3):
            before = await left(all_)
            [transport] = all_.connections._unread._looks
            while transport.get_write_buffer_size() > before - LEAST_READ:
                got += len(await asyncio.wait_for(client[0].read(4_096), PATIENCE))
            all_.later()
        while got < WHOLE:
            got += len(await asyncio.wait_for(client[0].read(65_536), PATIENCE))
    assert not all_.connections.closed


async def test_a_request_is_begun_once_the_answer_before_it_is_read(guards: Guarded) -> None:
    server, all_ = guards
    asked = request(server, await variables(server, CONTACTS))
    async with narrow_line(server, all_) as client:
        client[1].write(asked * 2)
        await left(all_)
        [transport] = all_.connections._unread._looks
        http = transport.get_protocol()
        assert isinstance(http, GuardedProtocol)
        await until(lambda: http._delayed)
        got = 0
        while got < 2 * WHOLE:
            got += len(await asyncio.wait_for(client[0].read(65_536), PATIENCE))
    assert not all_.connections.closed


async def test_all_clients_together_may_leave_so_much_unread(
    guards: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.unread.MOST_UNREAD", WHOLE + WHOLE // 2)
    server, all_ = guards
    given = await variables(server, CONTACTS)
    async with narrow_line(server, all_) as one, narrow_line(server, all_) as other:
        one[1].write(request(server, given))
        await left(all_)
        assert not all_.connections.closed
        other[1].write(request(server, given))
        await until(lambda: all_.connections.closed == {"unread": 1})
        assert await left(all_) < WHOLE


async def test_a_socket_that_does_not_read_an_answer_is_given_up(guards: Guarded) -> None:
    server, all_ = guards
    given = await variables(server, CONTACTS)
    async with narrow_line(server, all_) as client:
        await ask_on_a_socket(client, server, given)
        assert await left(all_) > WHOLE // 2
        all_.later()
        await until(lambda: not all_.connections._open)
    assert all_.connections.closed == {"unread": 1}


async def test_answers_that_are_held_back_count_as_unread(
    guards: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.unread.MOST_UNREAD", 2 * WHOLE)
    server, all_ = guards
    given = await variables(server, CONTACTS)
    async with narrow_line(server, all_) as client:
        await ask_on_a_socket(client, server, *[given] * 4)
        await until(lambda: all_.connections.closed == {"unread": 1})
        await until(lambda: not all_.connections._open)
    assert all_.connections._unread._total == 0


async def test_pongs_that_are_not_read_are_not_kept(
    guards: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    pings, number = 0, 8_000
    handle = FramesProtocol.handle_ping

    def counted(protocol: FramesProtocol) -> None:
        nonlocal pings
        pings += 1
        handle(protocol)

    monkeypatch.setattr(FramesProtocol, "handle_ping", counted)
    server, all_ = guards
    async with narrow_line(server, all_) as client:
        client[1].write(UPGRADE)
        await client[0].readuntil(b"\r\n\r\n")
        client[1].write(Frame(Opcode.PING, b"x" * 100).serialize(mask=True) * number)
        await until(lambda: pings == number)
        assert await left(all_) < 100_000


async def test_answers_that_wait_for_one_client_are_bounded(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.sending.MAX_WAITING", 100)
    may_go_on = asyncio.Event()

    async def send(_: object) -> None:
        await may_go_on.wait()

    sender = Sender(send, None)
    waiting = [asyncio.create_task(sender.tell_in_time("x" * 60)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await sender.tell_in_time("x")
    may_go_on.set()
    await asyncio.gather(*waiting)
    await sender.tell_in_time("x")
