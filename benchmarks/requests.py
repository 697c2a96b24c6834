"""A process that puts a load of HTTP requests on a server: as many clients as the order names, each
on a connection of its own, one request at a time.

Reads one JSON object from standard input, see `Order`, and writes one, see `Taken`. It is a process
of its own and does little for a request, so that what is measured is the server.
"""

import asyncio
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from itertools import count, cycle, islice
from subprocess import PIPE
from typing import Any, cast

import httptools
import orjson
import uvloop

PATIENCE = 30.0
"""Seconds after which an answer that has not come is given up."""


@dataclass(frozen=True)
class Order:
    """What to send: `clients` has the headers and the JSON bodies of each, which are sent in turn;
    until `seconds` have passed or `requests` are answered. `warm_up` seconds of it go before."""

    port: int
    clients: list[dict[str, Any]]
    seconds: float | None = None
    requests: int | None = None
    warm_up: float = 0.0
    path: str = "/graphql"
    host: str = "127.0.0.1"


@dataclass(frozen=True)
class Taken:
    """What came of it. Times are milliseconds. `first` is the first answer, so that somebody can
    look whether it was the right one, and `wrong` the first that counts as an error."""

    requests: int
    errors: int
    per_second: float
    p50: float
    p99: float
    first: Any
    wrong: str | None


@dataclass
class Tally:
    """What the clients have counted so far."""

    times: list[float] = field(default_factory=list)
    errors: int = 0
    first: bytes | None = None
    wrong: str | None = None

    def note(self, seconds: float, status: int, body: bytes) -> None:
        self.times.append(seconds)
        if self.first is None:
            self.first = body
        if status != 200 or has_errors(body):
            self.errors += 1
            self.wrong = self.wrong or f"{status} {body[:500].decode(errors='replace')}"


class Connection(asyncio.Protocol):
    """One connection, which carries one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; returns the status and the body of the answer. Raises `OSError`."""
        assert self._transport is not None
        if self._transport.is_closing():
            raise ConnectionResetError("closed between two requests")
        self._parser = httptools.HttpResponseParser(self)
        self._body = []
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        if self._parser is not None:
            self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        assert self._parser is not None
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), b"".join(self._body)))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed before the answer"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def has_errors(body: bytes) -> bool:
    """Whether anything in the body has errors: the request, or the payload of a mutation."""
    if b'"errors"' not in body:
        return False
    try:
        return _any_errors(orjson.loads(body))
    except orjson.JSONDecodeError:
        return True


def _any_errors(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value.get("errors")) or any(_any_errors(item) for item in value.values())
    return isinstance(value, list) and any(_any_errors(item) for item in value)


def encoded(order: Order, headers: dict[str, str], body: Any) -> bytes:
    content = orjson.dumps(body)
    lines = [
        f"POST {order.path} HTTP/1.1",
        f"Host: {order.host}:{order.port}",
        "Content-Type: application/json",
        "Accept: application/json",
        f"Content-Length: {len(content)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def run(order: Order) -> Taken:
    """Carry out the order."""
    bodies = [
        cycle([encoded(order, client["headers"], body) for body in client["bodies"]])
        for client in order.clients
    ]
    if order.warm_up:
        await _load(order, bodies, seconds=order.warm_up)
    begun = time.perf_counter()
    tally = await _load(order, bodies, order.seconds, order.requests)
    seconds = time.perf_counter() - begun
    percentiles = statistics.quantiles(tally.times, n=100)
    return Taken(
        requests=len(tally.times),
        errors=tally.errors,
        per_second=len(tally.times) / seconds,
        p50=percentiles[49] * 1_000,
        p99=percentiles[98] * 1_000,
        first=_readable(tally.first),
        wrong=tally.wrong,
    )


async def carried_out(order: Order) -> Taken:
    """What comes of the order in a process of its own. Raises `RuntimeError`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.requests", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    output, said = await process.communicate(json.dumps(asdict(order)).encode())
    if process.returncode:
        raise RuntimeError(f"the load could not be put on: {said.decode()[-500:]}")
    return Taken(**json.loads(output))


async def _load(
    order: Order, bodies: list[Any], seconds: float | None = None, requests: int | None = None
) -> Tally:
    tally = Tally()
    deadline = None if seconds is None else time.perf_counter() + seconds
    turns = count() if requests is None else islice(count(), requests)  # shared by the clients
    await asyncio.gather(*(_client(order, each, turns, deadline, tally) for each in bodies))
    return tally


async def _client(
    order: Order, bodies: Any, turns: Any, deadline: float | None, tally: Tally
) -> None:
    connection = await _connected(order)
    for _ in turns:
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                status, body = await connection.exchange(next(bodies))
        except (OSError, httptools.HttpParserError) as error:  # a time-out is an OSError
            status, body = 0, repr(error).encode()
            connection.close()
            connection = await _connected(order)
        now = time.perf_counter()
        tally.note(now - begun, status, body)
        if deadline is not None and now >= deadline:
            break
    connection.close()


async def _connected(order: Order) -> Connection:
    loop = asyncio.get_running_loop()
    return (await loop.create_connection(Connection, order.host, order.port))[1]


def _readable(body: bytes | None) -> Any:
    try:
        return orjson.loads(body or b"null")
    except orjson.JSONDecodeError:
        return repr(body)


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(run(Order(**json.load(sys.stdin)))))), flush=True)
