"""PostgreSQL: connections that go back to their pool as they came, and some that only read."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.exceptions import OperationalError

CONNECTIONS = 10
"""What a process opens at most, unless the URL says otherwise (`maxsize`). Half of them read."""

GIVE_BACK_SECONDS = 2.0
"""How long the pool waits for a statement on a connection that goes back."""


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """Knows whether a statement has not come to its end.

    asyncpg prepares a statement in one message and carries it out in the next, which is the one
    that ends the round. If the caller is cancelled in between, the server is left in a transaction
    that nobody has begun, and whoever gets the connection next is in it.
    """

    is_cut_off = False

    async def fetch(self, *given: Any, **options: Any) -> Any:
        return await self._noting(super().fetch(*given, **options))

    async def fetchrow(self, *given: Any, **options: Any) -> Any:
        return await self._noting(super().fetchrow(*given, **options))

    async def execute(self, *given: Any, **options: Any) -> Any:
        return await self._noting(super().execute(*given, **options))

    async def _noting(self, statement: Any) -> Any:
        try:
            return await statement
        except BaseException:
            self.is_cut_off = True
            raise


async def leave_as_it_is(connection: Connection) -> None:
    """For a connection that goes back. asyncpg would clear its session each time, a second round
    trip for each first one; ours never change their session. One that was cut off is cleared."""
    if connection.is_cut_off:
        await connection.execute(connection.get_reset_query())
        connection.is_cut_off = False


class Client(AsyncpgDBClient):
    """Tortoise's client, which keeps some of the pool's connections for single statements that
    read: to take one from the pool and give it back costs as much as the statement itself."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("maxsize", CONNECTIONS)
        super().__init__(**options, connection_class=Connection, reset=leave_as_it_is)
        self._free = asyncio.Semaphore(self.pool_maxsize // 2)
        self._readers: list[Any] = []
        self._is_closing = False

    async def read(self, sql: str, values: Sequence[object]) -> list[Any]:
        """The records of one statement, in no transaction."""
        records: list[Any]
        if self.pool_maxsize < 2:  # a connection that is kept would be missing elsewhere
            return list((await self.execute_query(sql, list(values)))[1])
        async with self._free:
            reader = await self._reader()
            try:
                records = await reader.fetch(sql, *values)
            except BaseException as error:
                await self._give_back(reader)  # which sees to it that nothing is left over
                if isinstance(error, asyncpg.SyntaxOrAccessError | asyncpg.DataError):
                    raise OperationalError(error) from error
                raise
            if self._is_closing:
                await self._give_back(reader)
            else:
                self._readers.append(reader)
        return records

    async def _reader(self) -> Any:
        while self._readers:
            reader = self._readers.pop()
            # One that was lost meanwhile has gone back to the pool by itself, and raises.
            with suppress(asyncpg.InterfaceError):
                if not reader.is_closed():
                    return reader
                await self._give_back(reader)
        await self.acquire_connection().ensure_connection()
        assert self._pool is not None
        return await self._pool.acquire()

    async def _give_back(self, reader: Any) -> None:
        """The pool waits until a statement that was cancelled has come to its end. A connection
        that is half open never says so: it is cut off."""
        with suppress(TimeoutError, asyncpg.InterfaceError):
            if self._pool is not None:
                await self._pool.release(reader, timeout=GIVE_BACK_SECONDS)

    async def _close(self) -> None:
        self._is_closing = True
        while self._readers:
            await self._give_back(self._readers.pop())
        await super()._close()


client_class = Client
"""What Tortoise looks for in the module that a configuration names as its engine."""
