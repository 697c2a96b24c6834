"""SQLite: one connection that writes, and four that read at the same time."""

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

from models.database.aiosqlite_private import raw_connection, thread_of
from models.database.read_apart import reads_apart
from models.database.sqlite_commits import GroupCommit, GroupedTransaction
from models.database.sqlite_files import Files, says
from models.database.sqlite_time import TimeLimit, refuse_if_interrupted
from models.limits import NO_LIMITS, Busy, Limits

CLOSE_SECONDS = 1.0
"""How long closing waits for a statement that is under way."""


MEMORY = ":memory:"
"""The path of a database in memory."""

LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def is_sqlite(connection: BaseDBAsyncClient) -> bool:
    """Whether it is a connection to SQLite."""
    return bool(connection.capabilities.dialect == "sqlite")


def refuse_if_locked(error: BaseException | None) -> None:
    """Raise `Busy` if `error` or one of its causes says that another process holds the lock."""
    if says(error, LOCKED):
        raise Busy("another process writes to the file") from error


class Connected(SqliteClient):
    """Tortoise's client with a connection that more than one thread may use."""

    _is_closed = False
    time: TimeLimit | None = None
    """How long its statements may run."""

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
            # SQLite opens its files with the first statement that reads.
            await connection.execute_fetchall("SELECT 1 FROM sqlite_master LIMIT 1")
        except BaseException:
            await connection.close()
            raise
        if self.time is not None:
            self.time.watch(raw_connection(connection))
        self._connection = connection  # only now, when it is set up
        await self._post_connect()

    async def close(self) -> None:
        await self.settle()
        await super().close()

    async def settle(self) -> None:
        """Accept no more statements, and wait for the one that is under way."""
        self._is_closed = True
        try:  # closing it under a running statement would crash the process
            async with asyncio.timeout(CLOSE_SECONDS), self._lock:
                pass  # those who come now find it closed
        except TimeoutError:
            if self._connection is not None:
                await self._connection.interrupt()  # otherwise closing would wait for it

    def leave_open(self) -> None:
        """Accept no more statements, and never close the connection, not even when it is freed."""
        self._is_closed = True
        if self._connection is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
            self._connection = None

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        return _Statement(self._lock, self)

    async def begin(self, how: str) -> None:
        """Begin a transaction with the statement `how`. It runs in the connection's own thread,
        because it may have to wait for another process. Nobody else gets the connection until
        `end`. Raises `Busy` if the other process takes too long, and `DatabaseLost`."""
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
            refuse_if_interrupted(error)
            raise

    async def give_up(self) -> None:
        """End the statement that is under way, and wait until its thread has seen it."""
        if self.time is None:
            return
        self.time.end_now()
        if self._connection is not None:
            await asyncio.shield(self._connection.execute_fetchall("SELECT 1"))

    async def end(self, *, commits: bool) -> None:
        """End the transaction, in the connection's own thread, because a commit waits for the disk.
        If it cannot be committed, roll it back and raise SQLite's error. Raises `DatabaseLost` if
        the file was replaced meanwhile: what was committed to it is not in the database."""
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
        """Roll back what is open, and only then give the connection to others. If the task was
        cancelled, the thread may still be at its statement; the rollback comes after it, and does
        nothing if no transaction had begun or it is committed by then."""

        async def roll_back() -> None:
            try:
                if self._connection is not None:
                    await self._connection.rollback()
            finally:
                self._lock.release()

        await asyncio.shield(asyncio.create_task(roll_back()))


class _Statement(ConnectionWrapper[Any]):
    """The connection for a single statement. If the connection cannot be opened, Tortoise's own
    class keeps the lock for ever, and everybody after it waits; this one releases the lock."""

    client: Connected

    async def __aenter__(self) -> Any:
        self.client.files.refuse_if_lost()
        await self._lock.acquire()
        try:
            await self.ensure_connection()
        except BaseException:
            self._lock.release()
            raise
        if self.client.time is not None:
            self.client.time.begin()
        return self.connection

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        try:
            if exc_type is asyncio.CancelledError:
                await self.client.give_up()
        finally:
            self._lock.release()
        self.client.files.refuse_if_damaged(exc_val)
        if isinstance(self.client, Client):  # it may have written
            self.client.files.check()


class Client(Connected):
    """The client that writes. It has a connection for single statements that read, and one for
    snapshots; and of both another one, with a time limit, for those who read much. In write-ahead
    mode, readers and the writer do not wait for each other."""

    def __init__(self, file_path: str, limits: Limits = NO_LIMITS, **pragmas: Any) -> None:
        super().__init__(file_path, Files(file_path), **pragmas)
        self._group = GroupCommit(self)
        self._wait = limits.wait
        self._readers = self._reader, self._snapshots, self._apart, self._reports = tuple(
            Connected(file_path, self.files, **pragmas, query_only="ON") for _ in range(4)
        )
        self._apart.time = TimeLimit(limits.statement)
        self._reports.time = TimeLimit(limits.report)

    async def open(self) -> None:
        """Open all connections, and watch their files from then on. Raises what SQLite
        raises."""
        await self.create_connection(with_db=True)
        self.files.watch()
        for client in self._readers:
            await client.create_connection(with_db=True)
        self.files.check()

    async def close(self) -> None:
        if not self.files.may_be_closed():
            for client in (self, *self._readers):
                client.leave_open()
            return
        await asyncio.gather(*(c.settle() for c in (*self._readers, self)))
        # One after the other: only the last connection copies SQLite's log into the file. If two
        # close at the same moment, each takes the other for one that stays.
        for client in self._readers:
            await client.close()
        await super().close()
        self.files.release()

    async def read(self, sql: str, values: Sequence[object]) -> Sequence[Any]:
        """Return the records of one statement outside a transaction."""
        reader = self._apart if reads_apart.get() else self._reader
        records: Sequence[Any] = (await reader.execute_query(sql, list(values)))[1]
        return records

    def _in_transaction(self) -> TransactionContext:
        return GroupedTransaction(self._group)

    def in_snapshot(self, *, is_long: bool = False) -> TransactionContext:
        """A transaction that only reads."""
        return _Snapshot(self._reports, self._wait) if is_long else _Snapshot(self._snapshots)


class _SnapshotConnection(SqliteTransactionWrapper):
    async def execute_query(self, query: str, values: list[Any] | None = None) -> Any:
        try:
            return await super().execute_query(query, values)
        except OperationalError as error:
            refuse_if_interrupted(error)
            raise


class _Snapshot(TransactionContext):
    """A transaction on a connection for snapshots, for which it waits up to `wait` seconds."""

    def __init__(self, client: Connected, wait: float = 0) -> None:
        self._client = client
        self._wait = wait

    async def __aenter__(self) -> TransactionalDBClient:
        try:
            async with asyncio.timeout(self._wait or None):
                await self._client.begin("BEGIN")
        except TimeoutError as error:
            raise Busy("another report runs") from error
        if self._client.time is not None:
            self._client.time.begin()
        connection = _SnapshotConnection(self._client)
        self._token = get_connections().set(self._client.connection_name, connection)
        return connection

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        get_connections().reset(self._token)
        if exc_type is not None and self._client.time is not None:
            self._client.time.end_now()  # the statement that may still run
        await self._client.end(commits=False)
        self._client.files.refuse_if_damaged(exc_val)


client_class = Client
"""What Tortoise looks for in the module that a configuration names as its engine."""
