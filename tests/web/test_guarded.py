"""What a client may send before it has shown who it is, and how long it may take."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from benchmarks.attacks.lines import Line, line, status
from gql_app.web.guarded import (
    LEAST_SENT,
    MAX_HANDSHAKE_LINE,
    MAX_HEAD,
    MAX_HEADER_LINES,
    MAX_PIPELINED,
)
from tests.serving import PATIENCE, Server
from tests.web.guards import Guards, guarded, until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Guarded = tuple[Server, Guards]

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
POST = (
    b"POST /session HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: application/json\r\n"
)
CHUNKED = b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def guards(monkeypatch: pytest.MonkeyPatch, database_url: str) -> AsyncIterator[Guarded]:
    async with guarded(monkeypatch, database_url) as both:
        yield both


async def told(server: Server, *pieces: bytes) -> int:
    """The status of the answer to what is sent."""
    async with line(server.port) as client:
        client[1].write(b"".join(pieces))
        return await answer(client)


async def answer(client: Line) -> int:
    return await asyncio.wait_for(status(client[0]), PATIENCE)


async def is_closed(client: Line) -> bool:
    """Wait for the end of a connection."""
    try:
        return not await asyncio.wait_for(client[0].read(), PATIENCE)
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    ("begin", "most", "answer"),
    [(GET, MAX_HEAD - 100, 200), (UPGRADE, MAX_HANDSHAKE_LINE - len("X: "), 101)],
)
async def test_a_header_may_be_so_long_and_no_longer(
    guards: Guarded, begin: bytes, most: int, answer: int
) -> None:
    server, _ = guards
    assert await told(server, begin, b"X: ", b"a" * most, b"\r\n\r\n") == answer
    assert await told(server, begin, b"X: ", b"a" * (most + 100), b"\r\n\r\n") == 431
    assert await told(server, begin, b"X: ", b"a" * MAX_HEAD) == 431  # it has no end


async def test_a_handshake_that_cannot_be_read_is_answered(guards: Guarded) -> None:
    server, all_ = guards
    assert await told(server, UPGRADE, b"Content-Length: 5\r\n\r\n") == 400
    await until(lambda: not all_.connections._open)


async def test_a_socket_that_shows_no_key_in_time_is_closed(guards: Guarded) -> None:
    server, all_ = guards
    async with server.socket(init=False) as socket:
        await until(lambda: all_.connections.unproven)
        all_.later()
        assert (await socket.closed())[0] == 1006
    async with server.socket():
        all_.later()
        assert all_.connections.proven == 1


async def test_a_client_that_goes_on_sending_gets_its_answer(
    guards: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.guarded.LINGER_SECONDS", 60)
    server, all_ = guards
    async with line(server.port) as client:
        client[1].transport.pause_reading()  # type: ignore[attr-defined]
        client[1].write(GET + b"X: " + b"a" * MAX_HEAD)
        await until(lambda: all_.connections.closed["head"])
        for _ in range(10):
            client[1].write(b"a" * 10_000)
            await asyncio.sleep(0.01)
        client[1].transport.resume_reading()  # type: ignore[attr-defined]
        assert await answer(client) == 431


async def test_there_may_be_so_many_header_lines_and_no_more(guards: Guarded) -> None:
    server, _ = guards
    assert await told(server, GET, b"X: y\r\n" * (MAX_HEADER_LINES - 1), b"\r\n") == 200
    assert await told(server, GET, b"X: y\r\n" * MAX_HEADER_LINES, b"\r\n") == 431


async def test_an_address_may_be_so_long_and_no_longer(guards: Guarded) -> None:
    server, _ = guards
    assert await told(server, b"GET /", b"a" * 30_000, b" HTTP/1.1\r\nHost: x\r\n\r\n") == 404
    assert await told(server, b"GET /", b"a" * MAX_HEAD) == 431


@pytest.mark.parametrize("rest", [b"1;", b"1\r\na\r\n0\r\nX: "])
async def test_what_a_body_in_chunks_brings_besides_has_the_same_limit(
    guards: Guarded, rest: bytes
) -> None:
    """It is the extension of a chunk, or the trailers after the last one."""
    server, _ = guards
    async with line(server.port) as client:
        client[1].write(CHUNKED + rest)
        assert await answer(client) == 405
        client[1].write(b"a" * (MAX_HEAD + 1))
        assert b"HTTP/1.1 431" in await asyncio.wait_for(client[0].read(), PATIENCE)


async def test_requests_that_come_in_one_piece_are_counted_each_for_itself(
    guards: Guarded,
) -> None:
    server, _ = guards
    request = GET + b"X: " + b"a" * 20_000 + b"\r\n\r\n"
    async with line(server.port) as client:
        client[1].write(request * 3 + GET)
        for _ in range(3):
            assert await answer(client) == 200
            await client[0].readuntil(b"ok\n")
        client[1].write(b"\r\n")
        assert await answer(client) == 200


async def test_requests_that_wait_for_an_answer_are_bounded(guards: Guarded) -> None:
    server, _ = guards
    request = GET + b"\r\n"
    async with line(server.port) as client:
        client[1].write(request * (MAX_PIPELINED + 1))
        for _ in range(MAX_PIPELINED + 1):
            assert await answer(client) == 200
            await client[0].readuntil(b"ok\n")
    assert await told(server, request * (MAX_PIPELINED + 2)) == 429


async def test_a_connection_that_says_nothing_is_closed(guards: Guarded) -> None:
    server, all_ = guards
    async with line(server.port) as client:
        await all_.got(0)
        all_.later()
        assert await is_closed(client)
    assert all_.connections.closed == {"slow": 1}


@pytest.mark.parametrize("begin", [b"G", GET, GET + b"X: ", POST + b"Content-Length: 9\r\n\r\n{"])
async def test_a_request_that_does_not_come_whole_in_time_is_told_so(
    guards: Guarded, begin: bytes
) -> None:
    server, all_ = guards
    async with line(server.port) as client:
        client[1].write(begin)
        await all_.got(len(begin))
        all_.later()
        assert await answer(client) == 408
        await is_closed(client)
    assert all_.connections.unproven == 0


async def test_what_is_no_request_does_not_keep_a_connection_open(guards: Guarded) -> None:
    server, all_ = guards
    async with line(server.port) as client:
        client[1].write(GET + b"\r\n")
        await client[0].readuntil(b"ok\n")
        client[1].write(b"\r\n")
        await all_.got(2)
        all_.later()
        assert await is_closed(client)


async def test_a_client_with_a_key_may_take_longer_at_a_fair_rate(guards: Guarded) -> None:
    server, all_ = guards
    body = json.dumps({"query": "{ viewer { role } }"}).encode() + b" " * 4 * LEAST_SENT
    key = server.office.keys["staff"].encode()
    head = POST.replace(b"/session", b"/graphql") + b"Authorization: Bearer " + key + b"\r\n"
    head += b"Content-Length: %d\r\n\r\n" % len(body)
    async with line(server.port) as client:
        client[1].write(head)
        await all_.got(len(head))
        await until(lambda: all_.connections.proven)
        for begin in (0, LEAST_SENT):
            client[1].write(body[begin : begin + LEAST_SENT])
            await all_.got(LEAST_SENT + (0 if begin else len(head)))
            all_.later()
        client[1].write(body[2 * LEAST_SENT :])
        assert await answer(client) == 200
    async with line(server.port) as client:
        client[1].write(head + body[:100])
        await all_.got(len(head) + 100)
        all_.later()
        assert await answer(client) == 408
