"""SQLite: a connection that writes, and two that read meanwhile."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any, cast

import aiosqlite
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError

from models.limits import Busy
from models.sqlite_changes import Change, Changes

CLOSE_SECONDS = 1.0
"""How long what is under way is waited for when the database is closed."""


def refuse_if_locked(error: BaseException | None) -> None:
    """Raise `Busy` if `error`, or what it came from, says that another process has the lock."""
    cause = error
    while cause is not None:  # Tortoise wraps what SQLite says
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF in (
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
        ):
            raise Busy("another process writes to the file") from error
        cause = cause.__cause__ or cause.__context__


class Connected(SqliteClient):
    """Tortoise's client, over a connection that more than one thread may use."""

    _is_closed = False

    async def create_connection(self, with_db: bool) -> None:
        if self._connection:
            return
        if self._is_closed:
            raise OperationalError("the database is closed")
        try:
            connection = await aiosqlite.connect(
                self.filename, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            for pragma, value in self.pragmas.items():
                await connection.execute_fetchall(f"PRAGMA {pragma}={value}")
        except sqlite3.OperationalError as error:
            raise OperationalError(error) from error
        self._connection = connection  # once it is as it should be, and not before
        await self._post_connect()

    async def close(self) -> None:
        self._is_closed = True
        try:  # to close it under a statement would end the process
            async with asyncio.timeout(CLOSE_SECONDS), self._lock:
                pass  # who comes now finds it closed
        except TimeoutError:
            if self._connection is not None:
                await self._connection.interrupt()  # its thread would be waited for
        await super().close()

    async def begin(self, how: str) -> None:
        """Begin a transaction by the statement `how`, in the connection's own thread: another
        process may have to be waited for. Nobody else gets the connection until `end`. Raises
        `Busy` if that process takes too long."""
        await self._lock.acquire()
        try:
            await self.create_connection(with_db=True)
            await self.opened.execute_fetchall(how)
        except BaseException as error:
            await self._roll_back()
            refuse_if_locked(error)
            if isinstance(error, sqlite3.OperationalError):
                raise OperationalError(error) from error
            raise

    async def execute_query(self, query: str, values: list[Any] | None = None) -> Any:
        try:
            return await super().execute_query(query, values)
        except OperationalError as error:
            refuse_if_locked(error)
            raise

    async def end(self, *, commits: bool) -> None:
        """End it, in the connection's own thread: the disk has to be waited for. If it cannot be
        committed, it is rolled back; raises what SQLite says."""
        if not commits:
            await self._roll_back()
            return
        try:
            await self.opened.commit()
        except BaseException:
            await self._roll_back()
            raise
        self._lock.release()

    @property
    def opened(self) -> aiosqlite.Connection:
        return cast("aiosqlite.Connection", self._connection)

    async def _roll_back(self) -> None:
        """Leave nothing open, and let others have the connection then, not before. Whoever was
        cancelled has left the thread at work: this is sent behind, and does not touch what had not
        begun, or is committed by then."""

        async def roll_back() -> None:
            try:
                if self._connection is not None:
                    await self._connection.rollback()
            finally:
                self._lock.release()

        await asyncio.shield(asyncio.create_task(roll_back()))


class Client(Connected):
    """What writes, and beside it a connection for single statements that read and one for
    snapshots. In write-ahead mode readers and the writer do not wait for each other."""

    def __init__(self, file_path: str, **pragmas: Any) -> None:
        super().__init__(file_path, **pragmas)
        self._changes = Changes(self)
        self._reader, self._snapshots = (
            Connected(file_path, **pragmas, query_only="ON") for _ in range(2)
        )

    async def open(self) -> None:
        """Open all: who is cancelled while a first use opens one would leave it locked."""
        for client in (self, self._reader, self._snapshots):
            await client.create_connection(with_db=True)

    async def close(self) -> None:
        await asyncio.gather(self._reader.close(), self._snapshots.close(), super().close())

    async def read(self, sql: str, values: Sequence[object]) -> Sequence[Any]:
        """The records of one statement, in no transaction."""
        records: Sequence[Any] = (await self._reader.execute_query(sql, list(values)))[1]
        return records

    def _in_transaction(self) -> TransactionContext:
        return Change(self._changes)

    def in_snapshot(self) -> TransactionContext:
        """A transaction that only reads."""
        return _Snapshot(self._snapshots)


class _Snapshot(TransactionContext):
    """A transaction on the connection of those that only read."""

    def __init__(self, client: Connected) -> None:
        self._client = client

    async def __aenter__(self) -> TransactionalDBClient:
        await self._client.begin("BEGIN")
        connection = SqliteTransactionWrapper(self._client)
        self._token = get_connections().set(self._client.connection_name, connection)
        return connection

    async def __aexit__(self, *_: object) -> None:
        get_connections().reset(self._token)
        await self._client.end(commits=False)


client_class = Client
"""What Tortoise looks for in the module that a configuration names as its engine."""
