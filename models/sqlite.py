"""SQLite: a connection that writes, in transactions that hardly leave the event loop's thread, and
one that reads meanwhile."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from typing import Any, cast

import aiosqlite
from tortoise.backends.base.client import TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
)
from tortoise.exceptions import OperationalError

LONGEST_TURN = 0.005
"""Seconds for which a transaction keeps the event loop at most, but for one statement."""


class Client(SqliteClient):
    """Tortoise's client, with a second connection for what is read outside of transactions. In
    write-ahead mode readers and the writer do not wait for each other."""

    def __init__(self, file_path: str, **pragmas: Any) -> None:
        super().__init__(file_path, **pragmas)
        self.reader = SqliteClient(file_path, **pragmas, query_only="ON")

    async def create_connection(self, with_db: bool) -> None:
        """As Tortoise does it, but for a connection that more than one thread may use."""
        if self._connection:
            return
        self._connection = await aiosqlite.connect(
            self.filename, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        for pragma, value in self.pragmas.items():
            await self._connection.execute_fetchall(f"PRAGMA {pragma}={value}")
        await self._post_connect()

    async def close(self) -> None:
        await self.reader.close()
        await super().close()

    async def read(self, sql: str, values: Sequence[object]) -> Sequence[Any]:
        """The records of one statement, in no transaction."""
        records: Sequence[Any] = (await self.reader.execute_query(sql, list(values)))[1]
        return records

    def _in_transaction(self) -> TransactionContext:
        return SqliteTransactionContext(_Transaction(self), self._lock)

    def in_snapshot(self) -> TransactionContext:
        """A transaction that only reads."""
        return self.reader._in_transaction()  # noqa: SLF001 - as `in_transaction` does


class _Transaction(SqliteTransactionWrapper):
    """Holds the file's write lock from its beginning. A transaction that has read and then wants to
    write fails at once if another process has written meanwhile: there is nothing to wait for."""

    async def begin(self) -> None:
        connection = self._connection
        try:  # in the connection's own thread, for another process may have to be waited for
            begun: Any = connection._execute  # noqa: SLF001 - in one piece
            await begun(_begin, connection._conn)  # noqa: SLF001
        except sqlite3.OperationalError as error:
            raise OperationalError(error) from error
        self._connection = cast("aiosqlite.Connection", _AtOnce(connection))


def _begin(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # whoever began it was cancelled meanwhile
        connection.rollback()
    connection.execute("BEGIN IMMEDIATE")


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
