"""PostgreSQL: connections that go back to their pool as they came, and some that only read.

Nothing waits for ever here: not for a statement, a lock, a free connection or an answer from the
network. A connection whose other end is silent is cut off, and those that are idle beside it too.
"""

import asyncio
import logging
import math
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.exceptions import OperationalError

from models.limits import Busy, Limits

log = logging.getLogger(__name__)

CONNECTIONS = 16
"""What a process opens at most, unless the URL says otherwise (`maxsize`). Half of them read."""

CONNECT_SECONDS = 5.0
GIVE_BACK_SECONDS = 2.0
"""How long the pool waits for a statement on a connection that goes back."""

CLOSE_SECONDS = 1.0
"""How long statements that are under way are waited for at the end."""

GRACE_SECONDS = 1.0
"""The server itself ends a statement that takes too long. If it has not said so by then, it does
not answer at all."""

LOOK_SECONDS = 0.5
"""How often the connections are looked at. A timer for each statement would cost more."""

_BUSY = {
    asyncpg.LockNotAvailableError: "a lock was not free in time",
    asyncpg.QueryCanceledError: "a statement took too long",
    asyncpg.DeadlockDetectedError: "two transactions waited for each other",
}


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """Knows whether a statement has not come to its end, and cuts itself off in the silence.

    asyncpg prepares a statement in one message and carries it out in the next, which is the one
    that ends the round. If the caller is cancelled in between, the server is left in a transaction
    that nobody has begun, and the next user of the connection is in it.
    """

    is_cut_off = False
    allowed: float = math.inf
    """Seconds for a statement, until the connection goes back."""

    waits_since: float | None = None
    is_silent = False
    usual = math.inf
    clock: Callable[[], float]

    async def fetch(self, sql: str, *given: Any, **options: Any) -> Any:
        return await self._noting(super().fetch, sql, given, options)

    async def fetchrow(self, sql: str, *given: Any, **options: Any) -> Any:
        return await self._noting(super().fetchrow, sql, given, options)

    async def execute(self, sql: str, *given: Any, **options: Any) -> Any:
        return await self._noting(super().execute, sql, given, options)

    async def _noting(
        self,
        act: Callable[..., Awaitable[Any]],
        sql: str,
        given: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        if self.is_cut_off and sql.startswith("ROLLBACK"):
            options["timeout"] = GIVE_BACK_SECONDS  # for what was cancelled to come to its end
        self.waits_since = self.clock()
        try:
            return await act(sql, *given, **options)
        except BaseException as error:
            self.is_cut_off = True
            if self.is_silent and not sql.startswith("COMMIT"):  # that may have been committed
                raise Busy("the database did not answer") from error
            if reason := _BUSY.get(type(error)):
                raise Busy(reason) from error
            raise
        finally:
            self.waits_since = None

    def give_up_silence(self) -> bool:
        """Cut the connection off if its statement has not been answered in time. Says so."""
        if self.waits_since is None or self.clock() - self.waits_since <= self.allowed:
            return False
        self.is_silent = True
        self.terminate()
        return True

    def allow(self, seconds: float) -> None:
        """Let statements take so long from here on, until the connection goes back."""
        self.allowed = seconds


async def leave_as_it_is(connection: Connection) -> None:
    """For a connection that goes back. asyncpg would clear its session each time, a second round
    trip for each first one; ours never change their session. One that was cut off is cleared."""
    connection.allowed = connection.usual
    if connection.is_cut_off:
        await connection.execute(connection.get_reset_query(), timeout=GIVE_BACK_SECONDS)
        connection.is_cut_off = False


class Pool(asyncpg.Pool):  # type: ignore[misc]
    """Lets nobody wait for a connection longer than `wait` seconds, and cuts off what does not come
    back in order."""

    def __init__(self, wait: float, on_silence: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._wait = wait or None
        self._on_silence = on_silence

    async def _acquire(self, timeout: float | None) -> Any:  # noqa: ASYNC109 - asyncpg's
        try:
            if self._has_one():
                return await super()._acquire(None)
            async with asyncio.timeout(self._wait if timeout is None else timeout):
                return await super()._acquire(None)
        except TimeoutError as error:
            raise Busy("no connection was free in time") from error
        except asyncpg.TooManyConnectionsError as error:
            raise Busy("the database takes no more connections") from error

    async def release(self, connection: Any) -> None:
        """Take a connection back. Waits until a statement that was cancelled has come to its end;
        the end of one that is half open never comes."""
        is_in_order = connection._con is not None and not connection.is_cut_off  # noqa: SLF001
        try:
            await super().release(connection, timeout=None if is_in_order else GIVE_BACK_SECONDS)
        except TimeoutError:
            self._on_silence()
        except (asyncpg.InterfaceError, Busy):
            pass  # it was lost meanwhile

    def _has_one(self) -> bool:
        """Whether a connection can be had at once."""
        free = self._queue._queue  # noqa: SLF001 - the next one is its last
        return bool(free) and free[-1].is_connected()

    def give_up_silence(self) -> bool:
        """Cut the connections off whose statements have not been answered in time. Says whether
        there were any."""
        opened = [holder._con for holder in self._holders]  # noqa: SLF001
        silent = [con for con in opened if con is not None and con.give_up_silence()]
        return bool(silent)

    def drop_idle(self) -> None:
        """Cut off the connections that nobody uses now."""
        for holder in self._holders:
            if holder.is_idle():
                holder.terminate()


class Client(AsyncpgDBClient):
    """Tortoise's client, which keeps some of the pool's connections for single statements that
    read: to take one from the pool and give it back costs as much as the statement itself."""

    _pool: Pool | None

    def __init__(self, limits: Limits, **options: Any) -> None:
        options.setdefault("maxsize", CONNECTIONS)
        options.setdefault("minsize", 0)  # to open none in a line that all wait in
        options.setdefault("timeout", CONNECT_SECONDS)
        super().__init__(**options, connection_class=Connection)
        self._limits = limits
        self._takes_limits = True
        self._free = asyncio.Semaphore(self.pool_maxsize // 2)
        self._readers: list[Any] = []
        self._is_closing = False
        self._looking: asyncio.TimerHandle | None = None

    async def create_pool(self, **options: Any) -> Pool:
        usual = {"max_queries": 50_000, "max_inactive_connection_lifetime": 300.0, "setup": None}
        made = {
            "record_class": asyncpg.Record,
            "connect": self._connect,
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
        if pool.give_up_silence():
            self._distrust()
        self._looking = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look, pool)

    async def _connect(self, **options: Any) -> Connection:
        """A connection on which the server keeps the limits too. PgBouncer refuses settings that
        it does not know; then those of the role hold, and the client's."""
        given = options.pop("server_settings") or {}
        limits = _server_limits(self._limits) if self._takes_limits else {}
        try:
            connection: Connection = await asyncpg.connect(
                **options, server_settings={**limits, **given}
            )
        except asyncpg.ProtocolViolationError as error:
            if not limits or "unsupported startup parameter" not in str(error):
                raise
            self._takes_limits = False
            log.warning(
                "the pooler before the database refuses time limits; set them for the role: %s",
                ", ".join(limits),
            )
            connection = await asyncpg.connect(**options, server_settings=given)
        connection.clock = asyncio.get_running_loop().time
        connection.allowed = connection.usual = _with_grace(self._limits.statement)
        _notice_silence(connection, self._limits.silence)
        return connection

    def _distrust(self) -> None:
        """A connection was silent: most likely all are, that were open then."""
        log.warning("a connection to the database is silent; idle ones are opened anew")
        while self._readers:
            with suppress(asyncpg.InterfaceError):
                self._readers.pop().terminate()
        if self._pool is not None:
            self._pool.drop_idle()

    async def give_time(self, connection: Any) -> None:
        """Let the statements of a transaction take as long as those of a report."""
        await connection.execute_script(f"SET LOCAL statement_timeout = {_ms(self._limits.report)}")
        connection._connection.allow(_with_grace(self._limits.report))  # noqa: SLF001

    async def keep_no_statements(self) -> None:
        """Open the pool anew, without prepared statements that outlive a transaction: PgBouncer
        may give the next one to another of its connections."""
        self.extra["statement_cache_size"] = 0
        await super()._close()
        await self.acquire_connection().ensure_connection()

    async def read(self, sql: str, values: Sequence[object]) -> list[Any]:
        """The records of one statement, in no transaction."""
        records: list[Any]
        if self.pool_maxsize < 2:  # a connection that is kept would be missing elsewhere
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
                await self._give_back(reader)  # which sees to it that nothing is left over
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
            # One that was lost meanwhile has gone back to the pool by itself, and raises.
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
            with suppress(TimeoutError):  # closing a pool ends what is left when it is cancelled
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._pool.close()
            self._pool = None


def _server_limits(limits: Limits) -> dict[str, str]:
    return {
        "statement_timeout": _ms(limits.statement),
        "lock_timeout": _ms(limits.wait),
        "idle_in_transaction_session_timeout": _ms(limits.idle),
    }


def _ms(seconds: float) -> str:
    return str(round(seconds * 1_000))


def _with_grace(seconds: float) -> float:
    return seconds + GRACE_SECONDS if seconds else math.inf


def _notice_silence(connection: Any, seconds: float) -> None:
    """Have the kernel end a connection whose other end confirms nothing for so long."""
    tcp = connection._transport.get_extra_info("socket")  # noqa: SLF001 - there is no other way
    if not seconds or tcp is None or tcp.family not in (socket.AF_INET, socket.AF_INET6):
        return
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    pause = max(1, int(seconds / 3))
    for option, value in (
        ("TCP_KEEPIDLE", pause),
        ("TCP_KEEPINTVL", pause),
        ("TCP_KEEPCNT", 2),
        ("TCP_USER_TIMEOUT", int(seconds * 1_000)),
    ):
        if hasattr(socket, option):  # not each platform has them all
            tcp.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


client_class = Client
"""What Tortoise looks for in the module that a configuration names as its engine."""
