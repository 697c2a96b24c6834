"""Changes are sent as they are meant, and one that is not carried out is noticed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.posting import Post, Refused, send, send_at_rate
from benchmarks.practices import prepare
from benchmarks.sides import Callboard, Stock
from models.roles import Role

DONE = '{"data":{"logContact":{"errors":[]}}}'
ROLES = [Role.STAFF, Role.SUPERVISOR, Role.PARTNER]
POSTS = [Post(f"key-{n % 2}", json.dumps({"n": n})) for n in range(20)]


class Server:
    """Answers every POST with the same, and keeps what it was sent."""

    def __init__(self, answer: str, status: str) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(answer)}\r\n\r\n"
        self.answer = (head + answer).encode()
        self.url = ""
        self.sent: list[tuple[str, int]] = []


class Connection(asyncio.Protocol):
    """A client's connection; a request comes in one piece or in several."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._request = b""
        self._transport: Any

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._request += data
        head, _, body = self._request.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        if len(body) == int(headers["Content-Length"]):
            self._request = b""
            self._server.sent.append((headers["Authorization"], json.loads(body)["n"]))
            self._transport.write(self._server.answer)


@asynccontextmanager
async def _answering(answer: str = DONE, status: str = "200 OK") -> AsyncIterator[Server]:
    server = Server(answer, status)
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: Connection(server), "127.0.0.1", 0) as listening:
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server


@pytest.mark.parametrize("in_flight", [1, 4, 30])
async def test_each_change_is_sent_once(in_flight: int) -> None:
    async with _answering() as server:
        await send(server.url, POSTS, in_flight)
    assert sorted(server.sent, key=lambda one: one[1]) == [
        (f"Bearer key-{n % 2}", n) for n in range(20)
    ]


async def test_each_change_is_sent_once_at_a_rate() -> None:
    async with _answering() as server:
        await send_at_rate(server.url, POSTS, rate=1_000, in_flight=3)
    assert sorted(n for _, n in server.sent) == list(range(20))


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ('{"data":{"logContact":{"errors":[{"code":"TASK_CLOSED"}]}}}', "200 OK", "TASK_CLOSED"),
        ('{"data":null,"errors":[{"message":"masked"}]}', "200 OK", "masked"),
        ('{"errors":[]}', "503 Service Unavailable", "503"),
    ],
)
async def test_a_change_that_is_not_carried_out_is_noticed(
    answer: str, status: str, said: str
) -> None:
    async with _answering(answer, status) as server:
        with pytest.raises(ExceptionGroup) as caught:
            await send(server.url, POSTS, in_flight=1)
    assert caught.group_contains(Refused, match=said)
    assert len(server.sent) == 1


async def test_sockets_are_spread_over_all_keys(tmp_path: Path) -> None:
    peer = Stock(tmp_path, practices=7, roles=ROLES)
    sockets = dict(peer.sockets(1_000))
    assert sorted(sockets) == sorted(f"{n}-{role}" for n in range(7) for role in ROLES)
    assert sum(sockets.values()) == 1_000
    assert set(sockets.values()) == {47, 48}


async def test_callboards_changes_are_contacts_on_tasks_that_are_there(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path / 'one.sqlite3'}"
    samples = await prepare(url, practices=2, tasks=3)
    side = Callboard(tmp_path, samples, [Role.STAFF], url)
    try:
        await side.ready()
        posts = [side.change(practice, number) for number in range(5) for practice in range(2)]
        await send(side.url, posts, in_flight=4)
    finally:
        side.end()
