"""PostgreSQL: one connection, how it is opened, and how long its statements may take."""

import asyncio
import logging
import math
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from models.database.asyncpg_private import socket_of
from models.limits import Busy, Limits

log = logging.getLogger(__name__)

GIVE_BACK_SECONDS = 2.0
"""How long the pool waits for a statement on a connection that goes back."""

GRACE_SECONDS = 1.0
"""The server itself ends a statement that takes too long. If the server has not said so after this
much longer, it does not answer at all."""

_BUSY = {
    asyncpg.LockNotAvailableError: "a lock was not free in time",
    asyncpg.QueryCanceledError: "a statement took too long",
    asyncpg.DeadlockDetectedError: "two transactions waited for each other",
}


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that notes whether a statement was cut off, and that can be closed when the
    server does not answer.

    asyncpg prepares a statement in one message and carries it out in the next, which is the one
    that ends the round. If the caller is cancelled in between, the server stays in a transaction
    that nobody began, and the next user of the connection would be in it.
    """

    is_cut_off = False
    """Whether a statement has ended in an error or a cancellation."""

    allowed: float = math.inf
    """Seconds for a statement, until the connection goes back to the pool."""

    usual = math.inf
    """What `allowed` is set to when the connection goes back."""

    waits_since: float | None = None
    """When the statement that is under way was sent, by `clock`; None if there is none."""

    is_silent = False
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
            options["timeout"] = GIVE_BACK_SECONDS  # for the cancelled statement to end
        self.waits_since = self.clock()
        try:
            return await act(sql, *given, **options)
        except BaseException as error:
            self.is_cut_off = True
            if self.is_silent and not sql.startswith("COMMIT"):  # a commit may have succeeded
                raise Busy("the database did not answer") from error
            if reason := _BUSY.get(type(error)):
                raise Busy(reason) from error
            raise
        finally:
            self.waits_since = None

    def close_if_silent(self) -> bool:
        """Close the connection if its statement was not answered in time. Returns whether it was
        closed."""
        if self.waits_since is None or self.clock() - self.waits_since <= self.allowed:
            return False
        self.is_silent = True
        self.terminate()
        return True

    def allow(self, seconds: float) -> None:
        """Let statements take this long, until the connection goes back to the pool."""
        self.allowed = seconds


async def leave_as_it_is(connection: Connection) -> None:
    """Prepare a connection to go back to the pool. asyncpg would reset the session each time, which
    costs a round trip; our statements never change the session, so only a connection that was cut
    off is reset."""
    connection.allowed = connection.usual
    if connection.is_cut_off:
        await connection.execute(connection.get_reset_query(), timeout=GIVE_BACK_SECONDS)
        connection.is_cut_off = False


class Connector:
    """Opens connections that keep the limits, on our side and on the server's."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._server_limits = {
            "statement_timeout": milliseconds(limits.statement),
            "lock_timeout": milliseconds(limits.wait),
            "idle_in_transaction_session_timeout": milliseconds(limits.idle),
        }

    async def connect(self, **options: Any) -> Connection:
        """Open a connection. PgBouncer refuses settings that it does not know; from then on only
        the limits of the role and those on our side hold."""
        given = options.pop("server_settings") or {}
        limits = self._server_limits
        try:
            connection = await asyncpg.connect(**options, server_settings={**limits, **given})
        except asyncpg.ProtocolViolationError as error:
            if not limits or "unsupported startup parameter" not in str(error):
                raise
            self._server_limits = {}
            log.warning(
                "the pooler before the database refuses time limits; set them for the role: %s",
                ", ".join(limits),
            )
            connection = await asyncpg.connect(**options, server_settings=given)
        opened: Connection = connection
        opened.clock = asyncio.get_running_loop().time
        opened.allowed = opened.usual = with_grace(self._limits.statement)
        _notice_silence(opened, self._limits.silence)
        return opened


def milliseconds(seconds: float) -> str:
    """A limit as PostgreSQL's settings have it."""
    return str(round(seconds * 1_000))


def with_grace(seconds: float) -> float:
    """How long our side waits for a statement that the server ends after `seconds`."""
    return seconds + GRACE_SECONDS if seconds else math.inf


def _notice_silence(connection: Connection, seconds: float) -> None:
    """Have the kernel end a connection if the other end confirms nothing for `seconds`."""
    tcp = socket_of(connection)
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
        if hasattr(socket, option):  # not every platform has all of them
            tcp.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
