"""Connections to PostgreSQL that go back to their pool as they came."""

from typing import Any

import asyncpg


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
