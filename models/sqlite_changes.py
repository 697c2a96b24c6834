"""SQLite: changes that are made in the event loop's thread, and committed together."""

import asyncio
import sqlite3
import time
from typing import TYPE_CHECKING, Any, cast

import aiosqlite
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError

if TYPE_CHECKING:
    from models.sqlite import Connected

LONGEST_TURN = 0.005
"""Seconds for which a change keeps the event loop at most, but for one statement."""

GIVEN_UP = "the transaction was given up"


class Changes:
    """Changes that come one after the other in one transaction. To wait for the disk takes longer
    than a change: one that is done waits for those that have been waiting for their turn, and then
    the disk is waited for once.

    The transaction holds the file's write lock from its beginning. One that has read and then wants
    to write fails at once if another process has written meanwhile: there is nothing to wait for.
    """

    def __init__(self, client: "Connected") -> None:
        self._client = client
        self._turn = asyncio.Lock()
        self._is_begun = False
        self._committing: asyncio.Task[None] | None = None

    async def begin(self) -> TransactionalDBClient:
        """Wait for one's turn, until `commit` or `roll_back`."""
        await self._turn.acquire()
        try:
            if not self._is_begun:
                await self._client.begin("BEGIN IMMEDIATE")
                self._is_begun = True
            if not self._is_open:
                raise OperationalError(GIVEN_UP)
            self._at_once("SAVEPOINT change")
            connection = SqliteTransactionWrapper(self._client)
            at_once = cast("aiosqlite.Connection", _AtOnce(self._client.opened))
            connection._connection = at_once  # noqa: SLF001 - as Tortoise hands it over
        except BaseException:
            self._turn.release()
            raise
        return connection

    async def commit(self) -> None:
        """Commit what was done in this turn, and what all do who are waiting for theirs."""
        try:
            self._at_once("RELEASE change")
        except BaseException:
            await self.roll_back()
            raise
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())
        self._turn.release()
        await asyncio.shield(self._committing)

    async def roll_back(self) -> None:
        """Undo what was done in this turn, and nothing else. That may have failed for what another
        did before it, so it is over when that is committed: whoever looks then can see why."""
        committing = self._committing
        try:
            if committing is None:  # there is nothing else
                self._is_begun = False
                await self._client.end(commits=False)
            elif self._is_open:
                self._at_once("ROLLBACK TO change")
                self._at_once("RELEASE change")
        finally:
            self._turn.release()
        if committing is not None:
            await asyncio.wait({committing})

    async def _commit(self) -> None:
        async with self._turn:  # behind all who are waiting for theirs now
            self._is_begun, self._committing = False, None
            is_open = self._is_open
            await self._client.end(commits=is_open)
        if not is_open:
            raise OperationalError(GIVEN_UP)

    @property
    def _is_open(self) -> bool:
        """SQLite gives a transaction up by itself where a disk is full or fails: then none of its
        changes may pass for committed, and no other may begin one without their knowing."""
        return self._client.opened.in_transaction

    def _at_once(self, statement: str) -> None:
        self._client.opened._conn.execute(statement)  # noqa: SLF001 - as Tortoise does


class Change(TransactionContext):
    """Tortoise's transaction: one turn of `changes`."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def __aenter__(self) -> TransactionalDBClient:
        connection = await self._changes.begin()
        self._token = get_connections().set(connection.connection_name, connection)
        return connection

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        get_connections().reset(self._token)
        if exc_type is None:
            await self._changes.commit()
        else:
            await self._changes.roll_back()


class _AtOnce:
    """A connection whose statements are carried out in the thread of the event loop: to hand one to
    another thread and take its result back is ten times the work. All that Tortoise asks of a
    connection besides is handed over."""

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
