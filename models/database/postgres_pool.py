"""PostgreSQL: the pool of connections, in which nobody waits for ever."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg

from models.database.asyncpg_private import (
    connections_of,
    has_open_connection,
    is_lost,
    terminate_idle,
)
from models.database.postgres_connections import GIVE_BACK_SECONDS
from models.limits import Busy


class Pool(asyncpg.Pool):  # type: ignore[misc]  # asyncpg has no types
    """A pool in which nobody waits for a connection longer than `wait` seconds. A connection that
    goes back while a statement on it does not end is closed, and `on_silence` is called."""

    def __init__(self, wait: float, on_silence: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._wait = wait or None
        self._on_silence = on_silence

    async def _acquire(self, timeout: float | None) -> Any:  # noqa: ASYNC109 - asyncpg's
        try:
            if has_open_connection(self):
                return await super()._acquire(None)
            async with asyncio.timeout(self._wait if timeout is None else timeout):
                return await super()._acquire(None)
        except TimeoutError as error:
            raise Busy("no connection was free in time") from error
        except asyncpg.TooManyConnectionsError as error:
            raise Busy("the database takes no more connections") from error

    async def release(self, connection: Any) -> None:
        """Take a connection back. If a statement on it was cancelled, wait for its end, which does
        not come if the other end of the connection is gone."""
        is_in_order = not is_lost(connection) and not connection.is_cut_off
        try:
            await super().release(connection, timeout=None if is_in_order else GIVE_BACK_SECONDS)
        except TimeoutError:
            self._on_silence()
        except (asyncpg.InterfaceError, Busy):
            pass  # it was lost meanwhile

    def close_silent(self) -> bool:
        """Close the connections whose statements were not answered in time. Returns whether there
        were any."""
        silent = [con for con in connections_of(self) if con.close_if_silent()]
        return bool(silent)

    def close_idle(self) -> None:
        """Close the connections that nobody uses now."""
        terminate_idle(self)
