"""SQLite: a connection that writes, in transactions that hardly leave the event loop's thread, and
two that read meanwhile."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from typing import Any, cast

import aiosqlite
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError

LONGEST_TURN = 0.005
"""Seconds for which a transaction keeps the event loop at most, but for one statement."""


class _Connected(SqliteClient):
    """Tortoise's client, over a connection that more than one thread may use."""

    async def create_connection(self, with_db: bool) -> None:
        if self._connection:
            return
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


class Client(_Connected):
    """What writes, and beside it a connection for single statements that read and one for
    snapshots. In write-ahead mode readers and the writer do not wait for each other."""

    def __init__(self, file_path: str, **pragmas: Any) -> None:
        super().__init__(file_path, **pragmas)
        self._reader, self._snapshots = (
            _Connected(file_path, **pragmas, query_only="ON") for _ in range(2)
        )

    async def open(self) -> None:
        """Open all: who is cancelled while a first use opens one would leave it locked."""
        for client in (self, self._reader, self._snapshots):
            await client.create_connection(with_db=True)

    async def close(self) -> None:
        await self._reader.close()
        await self._snapshots.close()
        await super().close()

    async def read(self, sql: str, values: Sequence[object]) -> Sequence[Any]:
        """The records of one statement, in no transaction."""
        records: Sequence[Any] = (await self._reader.execute_query(sql, list(values)))[1]
        return records

    def _in_transaction(self) -> TransactionContext:
        return _Context(self, _Transaction(self))

    def in_snapshot(self) -> TransactionContext:
        """A transaction that only reads."""
        return _Context(self._snapshots, SqliteTransactionWrapper(self._snapshots))


class _Context(TransactionContext):
    """Tortoise's transaction on the client's one connection, but for how it ends. Whoever is
    cancelled while it begins or commits leaves the thread at work on it, so a roll-back is sent
    behind: what had not begun, or is committed by then, it does not touch."""

    def __init__(self, client: SqliteClient, connection: SqliteTransactionWrapper) -> None:
        self._client = client
        self._lock = client._lock  # noqa: SLF001 - as Tortoise hands it over
        self.connection = connection
        self.connection_name = connection.connection_name

    async def ensure_connection(self) -> None:
        await self._client.create_connection(with_db=True)
        self.connection._connection = self._open  # noqa: SLF001

    async def __aenter__(self) -> TransactionalDBClient:
        await self._lock.acquire()
        try:
            await self.ensure_connection()
            await self.connection.begin()
        except BaseException:
            await self._end(rolls_back=True)
            raise
        self._token = get_connections().set(self.connection_name, self.connection)
        return self.connection

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        get_connections().reset(self._token)
        is_committed = False
        try:
            if exc_type is None:
                await self.connection.commit()
                is_committed = True
        finally:
            await self._end(rolls_back=not is_committed)

    async def _end(self, *, rolls_back: bool) -> None:
        try:
            if rolls_back and self._client._connection is not None:  # noqa: SLF001
                await asyncio.shield(asyncio.create_task(self._open.rollback()))
        finally:
            self._lock.release()

    @property
    def _open(self) -> aiosqlite.Connection:
        return cast("aiosqlite.Connection", self._client._connection)  # noqa: SLF001


class _Transaction(SqliteTransactionWrapper):
    """Holds the file's write lock from its beginning. A transaction that has read and then wants to
    write fails at once if another process has written meanwhile: there is nothing to wait for."""

    async def begin(self) -> None:
        connection = self._connection
        try:  # in the connection's own thread, for another process may have to be waited for
            await connection.execute_fetchall("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise OperationalError(error) from error
        self._connection = cast("aiosqlite.Connection", _AtOnce(connection))


class _AtOnce:
    """A connection whose statements are carried out in the thread of the event loop: to hand one to
    another thread and take its result back is ten times the work. What may wait for the disk, the
    commit, is handed over; so is all that Tortoise asks of a connection besides."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._raw = connection._conn  # noqa: SLF001 - as Tortoise does
        self._turn_ends = time.monotonic() + LONGEST_TURN

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute_fetchall(self, sql: str, values: Any = None) -> list[sqlite3.Row]:
        if time.monotonic() > self._turn_ends:
            await asyncio.sleep(0)
            self._turn_ends = time.monotonic() + LONGEST_TURN
        return self._raw.execute(sql, values or ()).fetchall()


client_class = Client
"""What Tortoise looks for in the module that a configuration names as its engine."""
