"""Changes over HTTP, several in flight, with as little work as can be: they are not measured."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterable, Iterable
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import httptools


class Post(NamedTuple):
    """What is to be POSTed to /graphql, and with which key."""

    key: str
    body: str


class Refused(Exception):
    """A change was not carried out."""


class _Connection(asyncio.Protocol):
    """A connection that is kept open; one request at a time."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._answer: asyncio.Future[bytes] | None = None
        self._body = b""
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by class

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("The server hung up."))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        body, self._body = self._body, b""
        assert self._answer is not None
        if status == 200:
            self._answer.set_result(body)
        else:
            self._answer.set_exception(Refused(f"{status} {body.decode()[:300]}"))

    async def post(self, post: Post) -> None:
        """Send it, and wait until it is carried out. Raises `Refused`."""
        body = post.body.encode()
        lines = (
            "POST /graphql HTTP/1.1",
            f"Host: {self._host}",
            f"Authorization: Bearer {post.key}",
            "Content-Type: application/json",
            "Accept: application/json",
            f"Content-Length: {len(body)}",
        )
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write("\r\n".join((*lines, "", "")).encode() + body)
        answer = json.loads(await self._answer)
        if errors := _errors(answer):
            raise Refused(str(errors)[:300])

    def close(self) -> None:
        self._transport.close()


def _errors(answer: dict[str, Any]) -> Any:
    """Errors of the request, or refusals in the payload."""
    payload = (answer.get("data") or {}).get("logContact")
    return answer.get("errors") or (payload["errors"] if isinstance(payload, dict) else None)


async def _connect(url: str) -> _Connection:
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    _, connection = await asyncio.get_running_loop().create_connection(
        lambda: _Connection(address.netloc), address.hostname, address.port
    )
    return connection


async def send(url: str, posts: Iterable[Post], in_flight: int) -> None:
    """Send all, each as soon as one of `in_flight` connections is free."""
    connections = [await _connect(url) for _ in range(in_flight)]
    waiting = iter(posts)

    async def send_next(connection: _Connection) -> None:
        for post in waiting:
            await connection.post(post)

    try:
        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(send_next(connection))
    finally:
        for connection in connections:
            connection.close()


async def send_at_rate(url: str, posts: Iterable[Post], rate: float, in_flight: int) -> None:
    """Send `rate` a second, on time whether or not the ones before are answered yet."""
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    connections = [await _connect(url) for _ in range(in_flight)]
    for connection in connections:
        free.put_nowait(connection)

    async def send_one(post: Post) -> None:
        connection = await free.get()
        await connection.post(post)
        free.put_nowait(connection)

    try:
        async with asyncio.TaskGroup() as group:
            async for post in _paced(posts, rate):
                group.create_task(send_one(post))
    finally:
        for connection in connections:
            connection.close()


async def _paced(posts: Iterable[Post], rate: float) -> AsyncIterable[Post]:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number, post in zip(itertools.count(), posts, strict=False):
        await asyncio.sleep(begun + number / rate - loop.time())
        yield post
