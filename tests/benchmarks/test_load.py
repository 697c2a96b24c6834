"""The load of watching sockets counts truly: it notices a message too few and one too many."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from benchmarks import crowd as crowds
from benchmarks.crowd import Lost, crowd
from benchmarks.load import Load, Watcher, frame

NEXT = '{"id":"1","type":"next","payload":{"data":{"at":"%s"}}}'
LONG_AGO = timedelta(seconds=100)


class Feed:
    """A server that accepts the load's sockets and sends what the test says."""

    def __init__(self) -> None:
        self.url = ""
        self.sockets: list[ServerConnection] = []
        self.keys: list[str] = []
        self.queries: list[str] = []

    async def serve(self, socket: ServerConnection) -> None:
        async for text in socket:
            message = json.loads(text)
            match message["type"]:
                case "connection_init":
                    self.keys.append(message["payload"]["authorization"])
                    await socket.send('{"type":"connection_ack"}')
                case "subscribe":
                    self.queries.append(message["payload"]["query"])
                    self.sockets.append(socket)
                case "ping":
                    await socket.send('{"type":"pong"}')

    async def send(self, times: int = 1, text: str = NEXT) -> None:
        for _ in range(times):
            for socket in self.sockets:
                await socket.send(text)


@pytest.fixture
async def feed() -> AsyncIterator[Feed]:
    async with _serving() as feed:
        yield feed


@asynccontextmanager
async def _serving() -> AsyncIterator[Feed]:
    feed = Feed()
    protocols = [Subprotocol("graphql-transport-ws")]
    async with serve(feed.serve, "127.0.0.1", 0, subprotocols=protocols) as server:
        feed.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield feed


async def _connected(feed: Feed, sockets: int = 4, **order: Any) -> Load:
    load = Load()
    groups = [{"key": "one", "sockets": sockets - 1}, {"key": "two", "sockets": 1}]
    query = "subscription { taskStatusChanged { at } }" + " " * 200  # a frame of the longer kind
    order = {"url": f"{feed.url}/graphql", "query": query, "groups": groups, **order}
    answer = await load.connect(order)
    assert answer["trouble"] == []
    assert len(feed.sockets) == sockets
    return load


async def _received(load: Load, expect: int, within: float = 10) -> dict[str, Any]:
    return await load.receive({"expect": expect, "within": within})


async def test_all_keys_are_used_and_all_sockets_subscribe(feed: Feed) -> None:
    await _connected(feed)
    assert sorted(feed.keys) == ["Bearer one", "Bearer one", "Bearer one", "Bearer two"]
    assert all(query.startswith("subscription { taskStatusChanged") for query in feed.queries)


async def test_every_message_is_counted_once(feed: Feed) -> None:
    load = await _connected(feed)
    for times in (3, 5):
        await feed.send(times)
        answer = await _received(load, times)
        assert (answer["missing"], answer["beyond"], answer["trouble"]) == (0, 0, [])


async def test_a_message_too_few_is_noticed(feed: Feed) -> None:
    load = await _connected(feed)
    await feed.send(2)
    await feed.sockets[0].send(NEXT)
    answer = await _received(load, 3, within=0.5)
    assert (answer["missing"], answer["beyond"]) == (3, 0)


async def test_a_message_too_many_is_noticed(feed: Feed) -> None:
    load = await _connected(feed)
    await feed.send(2)
    await feed.sockets[0].send(NEXT)
    answer = await _received(load, 2)
    assert (answer["missing"], answer["beyond"]) == (0, 1)


async def test_one_too_few_is_not_made_up_for_by_one_too_many_elsewhere(feed: Feed) -> None:
    load = await _connected(feed)
    await feed.send(2)
    for _ in range(2):
        await feed.sockets[0].send(NEXT)
    for socket in feed.sockets[2:]:
        await socket.send(NEXT)
    answer = await _received(load, 3, within=0.5)
    assert (answer["missing"], answer["beyond"]) == (1, 1)


async def test_pings_of_both_kinds_are_answered_and_not_counted(feed: Feed) -> None:
    load = await _connected(feed)
    async with asyncio.timeout(10):
        await (await feed.sockets[0].ping())
    await feed.send(1, '{"type":"ping"}')
    await feed.send(1)
    answer = await _received(load, 1)
    assert (answer["beyond"], answer["trouble"]) == (0, [])


async def test_an_error_is_trouble(feed: Feed) -> None:
    load = await _connected(feed)
    await feed.sockets[0].send('{"id":"1","type":"error","payload":[{"message":"RESYNC"}]}')
    assert "RESYNC" in (await _received(load, 1))["trouble"][0]


async def test_a_close_is_trouble(feed: Feed) -> None:
    load = await _connected(feed)
    await feed.sockets[0].close(4403, "Forbidden")
    assert "4403 Forbidden" in (await _received(load, 1))["trouble"][0]


async def test_a_refused_handshake_is_trouble() -> None:
    async with _answering_with(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as port:
        url = f"http://127.0.0.1:{port}/graphql"
        groups = [{"key": "one", "sockets": 1}]
        answer = await Load().connect({"url": url, "query": "", "groups": groups})
    assert "403 Forbidden" in answer["trouble"][0]


@asynccontextmanager
async def _answering_with(answer: bytes) -> AsyncIterator[int]:
    class Answering(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            transport.write(answer)
            transport.close()

    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_sockets_that_hear_nothing_are_silent(feed: Feed) -> None:
    load = await _connected(feed)
    await feed.sockets[0].send(NEXT)
    assert (await load.wake({"within": 0.3}))["silent"] == 3
    await feed.send(1)
    assert (await load.wake({"within": 10}))["silent"] == 0
    await feed.send(2)  # from here on each is to have the same again
    answer = await _received(load, 2)
    assert (answer["missing"], answer["beyond"]) == (0, 0)


async def test_delays_run_from_the_moment_in_the_message(feed: Feed) -> None:
    load = await _connected(feed, time_key="at")
    await feed.send(2, NEXT % (datetime.now(UTC) - LONG_AGO).isoformat())
    answer = await _received(load, 2)
    assert 100_000 <= answer["median"] <= answer["p99"] <= answer["max"] < 200_000


class Ears:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1_000, 1_000_000])
async def test_frames_are_counted_however_they_are_cut(piece: int) -> None:
    sizes = [0, 1, 60, 61, 62, 200, 65_400, 66_000]  # around the borders of the three headers
    texts = [f'{{"type":"next","x":"{"y" * size}"}}'.encode() for size in sizes]
    sent = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b"".join(map(_from_server, texts))
    load = Load()
    watcher = Watcher(load, b"GET", b"INIT")
    ears = Ears()
    watcher.connection_made(ears)  # type: ignore[arg-type]
    for at in range(0, len(sent), piece):
        watcher.data_received(sent[at : at + piece])
    assert watcher.received == load.received == len(sizes)
    assert load.trouble == []
    assert ears.written == b"GETINIT"


def _from_server(text: bytes) -> bytes:
    size = len(text)
    if size < 126:
        return bytes([0x81, size]) + text
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2) + text
    return b"\x81\x7f" + size.to_bytes(8) + text


def test_a_client_masks_its_frames() -> None:
    sent = frame(b"hello")
    assert sent[:2] == bytes([0x81, 0x80 | 5])
    assert bytes(byte ^ sent[2 + n % 4] for n, byte in enumerate(sent[6:])) == b"hello"


async def test_a_benchmark_stops_when_its_process_of_sockets_misses_one(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowds, "PATIENCE", 0.5)
    change: Callable[[], Any] = feed.send
    async with crowd() as dashboards:
        await dashboards.connect(feed.url, [("one", 3)], change)
        await feed.send(5)
        await dashboards.receive(5)
        await feed.sockets[0].send(NEXT)
        with pytest.raises(Lost, match="2 missing"):
            await dashboards.receive(1)
