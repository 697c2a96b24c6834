"""Lines: the connections that carry short texts between processes, by PostgreSQL or by Redis.

A line is open or it is lost. It never reconnects by itself: its owner has to know that it was lost,
because what others sent meanwhile is lost too.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

import asyncpg
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from models.wires import read_wire

log = logging.getLogger(__name__)

CHANNEL = "callboard"
"""The only channel. Whatever is sent on it reaches every line, the sender's too."""

QUIET_SECONDS = 10.0
"""A line is tested when nothing has come for so long: the peer may have gone silently."""

LIMIT_SECONDS = 5.0
"""How long any answer may take before the line counts as lost."""

BACKEND = "SELECT pg_backend_pid()"

POOLED = (
    "the bus goes through a pooler such as PgBouncer: unless that pools by session, nothing is"
    " heard of other processes; let CALLBOARD_BUS_URL name the database server itself"
)

Hear = Callable[[str], None]
"""Called with each text from the bus. Must not block or raise."""


class LineLost(Exception):
    """The connection has ended."""


class Line(Protocol):
    """An open connection. Each text that comes in goes to the `Hear` that it was opened with."""

    async def send(self, text: str) -> None:
        """Send one text (ASCII, under 8,000 bytes: the limit of NOTIFY). Raises if it cannot, after
        at most `LIMIT_SECONDS`. May be called while another call is under way."""

    async def watch(self) -> None:
        """Wait until the line is lost, then raise what ended it. Never returns. A line that failed
        to send is lost too, after at most `QUIET_SECONDS`."""

    async def close(self) -> None:
        """Close the connection, lost or not. Never raises."""


class PostgresLine:
    """LISTEN and NOTIFY on a connection of their own.

    A pool would take the connection back, and then nothing listens. NOTIFY in a transaction that
    writes would make all writers of the database wait for each other: it takes a lock at commit.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._one_at_a_time = asyncio.Lock()
        self._lost = asyncio.Event()
        connection.add_termination_listener(lambda _: self._lost.set())

    @classmethod
    async def open(cls, url: str, hear: Hear) -> "PostgresLine":
        """Connect to the database at `url` and listen. Raises what asyncpg raises."""
        wire = read_wire(url)
        connection = await asyncpg.connect(
            wire.url,
            ssl=wire.for_postgres(),
            timeout=LIMIT_SECONDS,
            server_settings={"application_name": "callboard bus"},
            statement_cache_size=0,  # PgBouncer may have no other way
        )
        line = cls(connection)
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                if connection.get_server_pid() != await connection.fetchval(BACKEND):
                    log.warning(POOLED)
                await connection.add_listener(CHANNEL, lambda *given: hear(given[-1]))
        except BaseException:
            connection.terminate()
            raise
        return line

    async def send(self, text: str) -> None:
        await self._execute("SELECT pg_notify($1, $2)", CHANNEL, text)

    async def watch(self) -> None:
        while True:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._lost.wait()
            except TimeoutError:
                await self._execute("SELECT 1")
            else:
                raise LineLost

    async def close(self) -> None:
        try:
            await self._connection.close(timeout=1)
        except Exception:  # it may be lost already; either way nothing is left of it
            self._connection.terminate()

    async def _execute(self, statement: str, *values: str) -> None:
        try:
            # The wait for one's turn counts: a connection refuses a second operation meanwhile.
            async with asyncio.timeout(LIMIT_SECONDS), self._one_at_a_time:
                await self._connection.execute(statement, *values)
        except BaseException:
            # What the server made of it is unknown, and the next answer might be this one's.
            self._connection.terminate()
            raise


class RedisLine:
    """One connection that is subscribed, and one that publishes."""

    def __init__(self, client: Redis, subscription: PubSub, hear: Hear) -> None:
        self._client = client
        self._subscription = subscription
        self._hear = hear
        self._failed = False

    @classmethod
    async def open(cls, url: str, hear: Hear) -> "RedisLine":
        """Connect to Redis at `url` (redis:// or rediss://) and subscribe. Raises what redis-py
        raises."""
        wire = read_wire(url)
        client: Redis = Redis.from_url(
            wire.url,
            **wire.for_redis(),
            socket_timeout=LIMIT_SECONDS,
            socket_connect_timeout=LIMIT_SECONDS,
            protocol=2,
            # By itself redis-py would connect again and say nothing of what it has missed.
            retry=Retry(NoBackoff(), 0, supported_errors=()),
        )
        line = cls(client, client.pubsub(), hear)
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                await line._subscribe()
        except BaseException:
            await line.close()
            raise
        return line

    async def send(self, text: str) -> None:
        before = _cancellations()  # the last rings are sent by a task that is to end already
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                await self._client.publish(CHANNEL, text)
        except Exception:
            self._failed = True
            raise
        if _cancellations() > before:
            raise asyncio.CancelledError

    async def watch(self) -> None:
        while not self._failed:
            if await self._receive(QUIET_SECONDS):
                continue
            async with asyncio.timeout(LIMIT_SECONDS):
                await self._subscription.ping()
            if not await self._receive(LIMIT_SECONDS):
                break
        raise LineLost

    async def close(self) -> None:
        for part in (self._subscription, self._client):
            try:
                async with asyncio.timeout(1):
                    await part.aclose()
            except Exception:  # noqa: S110 - it may be lost already
                pass

    async def _subscribe(self) -> None:
        await self._subscription.subscribe(CHANNEL)
        # Only the server's word for it means that the next text will be heard.
        while await self._receive(LIMIT_SECONDS) != "subscribe":
            pass

    async def _receive(self, seconds: float) -> str | None:
        """Take in what comes next; its type, or None if nothing came."""
        message = await self._subscription.get_message(timeout=seconds)
        if _cancellations():
            raise asyncio.CancelledError
        if message is None:
            return None
        kind: str = message["type"]
        if kind == "message":
            self._hear(message["data"].decode("ascii", "replace"))
        return kind


def _cancellations() -> int:
    """How often this task was told to end. redis-py swallows that while it connects, and the task
    would go on for ever."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()
