"""PostgreSQL: Tortoise's client over our own pool, and connections that only read beside it.

Nothing waits for ever here: not for a statement, a lock, a free connection or an answer from the
network. If the other end of one connection does not answer, it is closed, and so are the idle ones.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.exceptions import OperationalError

from models.database.postgres_connections import (
    Connection,
    Connector,
    leave_as_it_is,
    milliseconds,
    with_grace,
)
from models.database.postgres_pool import Pool
from models.database.read_apart import reads_apart
from models.database.tortoise_private import connection_of
from models.limits import Busy, Limits

log = logging.getLogger(__name__)

CONNECTIONS = 16
"""The most connections that a process opens, unless the URL says otherwise (`maxsize`). Half of
them are for single statements that read."""

CONNECT_SECONDS = 5.0

CLOSE_SECONDS = 1.0
"""How long closing waits for statements that are under way."""

LOOK_SECONDS = 0.5
"""How often the connections are looked at. A timer for each statement would cost more."""


class Client(AsyncpgDBClient):
    """Tortoise's client, which keeps some of the pool's connections for single statements that
    read: taking one from the pool and giving it back costs as much as the statement itself."""

    _pool: Pool | None

    def __init__(self, limits: Limits, **options: Any) -> None:
        options.setdefault("maxsize", CONNECTIONS)
        options.setdefault(
            "minsize", 0
        )  # opening some first would make all callers wait for all of them
        options.setdefault("timeout", CONNECT_SECONDS)
        super().__init__(**options, connection_class=Connection)
        self._limits = limits
        self._connector = Connector(limits)
        self._free = asyncio.Semaphore(self.pool_maxsize // 2)
        self._apart = asyncio.Semaphore(max(1, self.pool_maxsize // 8))
        self._readers: list[Any] = []
        self._is_closing = False
        self._looking: asyncio.TimerHandle | None = None

    @property
    def pool(self) -> Pool | None:
        """The pool, None before it is opened and after it is closed."""
        return self._pool

    async def create_pool(self, **options: Any) -> Pool:
        usual = {"max_queries": 50_000, "max_inactive_connection_lifetime": 300.0, "setup": None}
        made = {
            "record_class": asyncpg.Record,
            "connect": self._connector.connect,
            "init": None,
            "reset": leave_as_it_is,
        }
        pool = Pool(self._limits.wait, self._distrust, **usual | options | made)
        await pool
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look, pool)
        return pool

    def _look(self, pool: Pool) -> None:
        if pool.close_silent():
            self._distrust()
        self._looking = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look, pool)

    def _distrust(self) -> None:
        """Close the idle connections after one was silent: most likely they all are."""
        log.warning("a connection to the database is silent; idle ones are opened anew")
        while self._readers:
            with suppress(asyncpg.InterfaceError):
                self._readers.pop().terminate()
        if self._pool is not None:
            self._pool.close_idle()

    async def give_time(self, transaction: Any) -> None:
        """Let the statements of a transaction take as long as those of a report."""
        limit = milliseconds(self._limits.report)
        await transaction.execute_script(f"SET LOCAL statement_timeout = {limit}")
        connection_of(transaction).allow(with_grace(self._limits.report))

    async def keep_no_statements(self) -> None:
        """Open the pool again without a cache of prepared statements: PgBouncer may run the next
        transaction on another of its connections, which does not know them."""
        self.extra["statement_cache_size"] = 0
        await super()._close()
        await self.acquire_connection().ensure_connection()

    async def read(self, sql: str, values: Sequence[object]) -> list[Any]:
        """Return the records of one statement outside a transaction. Those who read much have some
        of the connections, so that others need not wait for them."""
        if not reads_apart.get():
            return await self._read(sql, values)
        async with self._apart:
            return await self._read(sql, values)

    async def _read(self, sql: str, values: Sequence[object]) -> list[Any]:
        records: list[Any]
        if self.pool_maxsize < 2:  # one that is kept for reading would leave none for the rest
            return list((await self.execute_query(sql, list(values)))[1])
        if self._free.locked():
            await self._wait_until_free()
        else:
            await self._free.acquire()
        try:
            reader = await self._reader()
            try:
                records = await reader.fetch(sql, *values)
            except BaseException as error:
                await self._give_back(reader)  # the pool resets it
                if isinstance(error, asyncpg.SyntaxOrAccessError | asyncpg.DataError):
                    raise OperationalError(error) from error
                raise
            if self._is_closing:
                await self._give_back(reader)
            else:
                self._readers.append(reader)
        finally:
            self._free.release()
        return records

    async def _wait_until_free(self) -> None:
        try:
            async with asyncio.timeout(self._limits.wait or None):
                await self._free.acquire()
        except TimeoutError as error:
            raise Busy("too many wait to read") from error

    async def _reader(self) -> Any:
        while self._readers:
            reader = self._readers.pop()
            # A reader that was lost meanwhile has left the pool by itself, and raises.
            with suppress(asyncpg.InterfaceError):
                if not reader.is_closed():
                    return reader
                await self._give_back(reader)
        await self.acquire_connection().ensure_connection()
        assert self._pool is not None
        return await self._pool.acquire()

    async def _give_back(self, reader: Any) -> None:
        if self._pool is not None:
            await self._pool.release(reader)

    async def _close(self) -> None:
        self._is_closing = True
        while self._readers:
            await self._give_back(self._readers.pop())
        if self._looking is not None:
            self._looking.cancel()
        if self._pool is not None:
            with suppress(TimeoutError):  # a close() that is cancelled terminates what is left
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._pool.close()
            self._pool = None


client_class = Client
"""What Tortoise looks for in the module that a configuration names as its engine."""
