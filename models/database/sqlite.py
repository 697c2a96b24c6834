"""SQLite: a connection that writes, and two that read meanwhile."""

import asyncio
import ctypes
import sqlite3
from collections.abc import Sequence
from typing import Any, cast

import aiosqlite
from tortoise.backends.base.client import (
    BaseDBAsyncClient,
    ConnectionWrapper,
    TransactionalDBClient,
    TransactionContext,
)
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError

from models.database.aiosqlite_private import thread_of
from models.database.sqlite_changes import Change, Changes
from models.database.sqlite_files import Files, says
from models.limits import Busy

CLOSE_SECONDS = 1.0
"""How long what is under way is waited for when the database is closed."""


MEMORY = ":memory:"
"""The path of a database that is in no file."""

LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def is_sqlite(connection: BaseDBAsyncClient) -> bool:
    return bool(connection.capabilities.dialect == "sqlite")


def refuse_if_locked(error: BaseException | None) -> None:
    """Raise `Busy` if `error`, or what it came from, says that another process has the lock."""
    if says(error, LOCKED):
        raise Busy("another process writes to the file") from error


class Connected(SqliteClient):
    """Tortoise's client, over a connection that more than one thread may use."""

    _is_closed = False

    def __init__(self, file_path: str, files: Files, **pragmas: Any) -> None:
        super().__init__(file_path, **pragmas)
        self.files = files

    async def create_connection(self, with_db: bool) -> None:
        if self._connection:
            return
        if self._is_closed:
            raise OperationalError("the database is closed")
        connection = aiosqlite.connect(self.filename, isolation_level=None, check_same_thread=False)
        thread = thread_of(connection)
        thread.daemon = True  # a connection that is left open does not keep the process
        try:
            await connection
        except BaseException:  # the thread would call a loop that may be closed by then
            await asyncio.to_thread(thread.join)
            raise
        try:
            connection.row_factory = sqlite3.Row
            for pragma, value in self.pragmas.items():
                await connection.execute_fetchall(f"PRAGMA {pragma}={value}")
            # The files are opened by the first statement that reads, and not before.
            await connection.execute_fetchall("SELECT 1 FROM sqlite_master LIMIT 1")
        except BaseException:
            await connection.close()
            raise
        self._connection = connection  # once it is as it should be, and not before
        await self._post_connect()

    async def close(self) -> None:
        await self.settle()
        await super().close()

    async def settle(self) -> None:
        """Let nobody begin anything more, and wait for what is under way."""
        self._is_closed = True
        try:  # to close it under a statement would end the process
            async with asyncio.timeout(CLOSE_SECONDS), self._lock:
                pass  # who comes now finds it closed
        except TimeoutError:
            if self._connection is not None:
                await self._connection.interrupt()  # its thread would be waited for

    def leave_open(self) -> None:
        """Let nobody use it, and have it closed by nobody, not even when it is freed."""
        self._is_closed = True
        if self._connection is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
            self._connection = None

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        return _Statement(self._lock, self)

    async def begin(self, how: str) -> None:
        """Begin a transaction by the statement `how`, in the connection's own thread: another
        process may have to be waited for. Nobody else gets the connection until `end`. Raises
        `Busy` if that process takes too long, `DatabaseLost`."""
        await self._lock.acquire()
        try:
            self.files.refuse_if_lost()
            await self.create_connection(with_db=True)
            await self.opened.execute_fetchall(how)
        except BaseException as error:
            await self._roll_back()
            self.files.refuse_if_damaged(error)
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
        committed, it is rolled back; raises what SQLite says. Raises `DatabaseLost` if it went into
        a file that was replaced meanwhile: nobody may take it for kept."""
        if not commits:
            await self._roll_back()
            return
        try:
            self.files.check()
            await self.opened.commit()
            self.files.check()
        except BaseException as error:
            await self._roll_back()
            self.files.refuse_if_damaged(error)
            raise
        self._lock.release()

    @property
    def opened(self) -> aiosqlite.Connection:
        return cast("aiosqlite.Connection", self._connection)

    async def _roll_back(self) -> None:
        """Leave nothing open, and only then let others have the connection. A task that was
        cancelled leaves the thread at work: this comes after it, and touches nothing that had not
        begun or is committed by then."""

        async def roll_back() -> None:
            try:
                if self._connection is not None:
                    await self._connection.rollback()
            finally:
                self._lock.release()

        await asyncio.shield(asyncio.create_task(roll_back()))


class _Statement(ConnectionWrapper[Any]):
    """A statement by itself. Where Tortoise's keeps the lock for ever if the connection cannot be
    opened, and everybody after it waits, this one gives it back."""

    client: Connected

    async def __aenter__(self) -> Any:
        self.client.files.refuse_if_lost()
        await self._lock.acquire()
        try:
            await self.ensure_connection()
        except BaseException:
            self._lock.release()
            raise
        return self.connection

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        self._lock.release()
        self.client.files.refuse_if_damaged(exc_val)
        if isinstance(self.client, Client):  # it may have written
            self.client.files.check()


class Client(Connected):
    """What writes, and beside it a connection for single statements that read and one for
    snapshots. In write-ahead mode readers and the writer do not wait for each other."""

    def __init__(self, file_path: str, **pragmas: Any) -> None:
        super().__init__(file_path, Files(file_path), **pragmas)
        self._changes = Changes(self)
        self._reader, self._snapshots = (
            Connected(file_path, self.files, **pragmas, query_only="ON") for _ in range(2)
        )

    async def open(self) -> None:
        """Open all, and watch their files from then on. Raises what SQLite says."""
        await self.create_connection(with_db=True)
        self.files.watch()
        for client in (self._reader, self._snapshots):
            await client.create_connection(with_db=True)
        self.files.check()

    async def close(self) -> None:
        if not self.files.may_be_closed():
            for client in (self, self._reader, self._snapshots):
                client.leave_open()
            return
        await asyncio.gather(*(c.settle() for c in (self._reader, self._snapshots, self)))
        # One after the other: only the last to close copies SQLite's log into the file, and of two
        # that close at the same moment each takes the other for one that stays.
        await self._reader.close()
        await self._snapshots.close()
        await super().close()
        self.files.release()

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

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        get_connections().reset(self._token)
        await self._client.end(commits=False)
        self._client.files.refuse_if_damaged(exc_val)


client_class = Client
"""What Tortoise looks for in the module that a configuration names as its engine."""
