"""SQLite: changes that are made in the event loop's thread, and committed together (a group
commit)."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from typing import Any, Protocol, cast

import aiosqlite
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionWrapper,
    translate_exceptions,
)
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError

from models.database.aiosqlite_private import raw_connection
from models.database.sqlite_files import Files
from models.limits import Busy

LONGEST_TURN = 0.005
"""Seconds for which a change keeps the event loop at most, but for one statement."""

GIVEN_UP = "SQLite has given the transaction up"


class Writer(Protocol):
    """What changes need of the client that writes."""

    files: Files
    pragmas: dict[str, Any]

    @property
    def opened(self) -> aiosqlite.Connection: ...

    async def begin(self, how: str) -> None: ...

    async def end(self, *, commits: bool) -> None: ...


class Changes:
    """Changes that come one after the other in one transaction. To wait for the disk takes longer
    than a change: one that is done waits for those that have been waiting for their turn, and then
    the disk is waited for once.

    The transaction holds the file's write lock from its beginning. One that has read and then wants
    to write fails at once if another process has written meanwhile: there is nothing to wait for.
    """

    def __init__(self, client: Writer) -> None:
        self._client = client
        self.files = client.files
        self._turn = asyncio.Lock()
        self._is_begun = False
        self._committing: asyncio.Task[Exception | None] | None = None

    async def begin(self) -> TransactionalDBClient:
        """Wait for a turn, which lasts until `commit` or `roll_back`. Raises `Busy` if others write
        for too long, `OperationalError` if the transaction is lost."""
        await self._take_turn()
        try:
            if not self._is_begun:
                await self._client.begin("BEGIN IMMEDIATE")
                self._is_begun = True
            at_once = _AtOnce(self._client.opened)
            await at_once.execute_fetchall("SAVEPOINT change")
        except BaseException:
            await self._leave()
            raise
        return Turn(self._client, at_once)

    async def _take_turn(self) -> None:
        """As long as SQLite itself would wait: behind a process that keeps the lock, each in the
        line would otherwise wait for all before it too."""
        if not self._turn.locked():
            await self._turn.acquire()
            return
        try:
            async with asyncio.timeout(int(self._client.pragmas["busy_timeout"]) / 1_000):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Busy("the turn to write did not come in time") from error

    async def commit(self) -> None:
        """Let the others have their turns, and wait until all is committed. Raises
        `OperationalError` if it cannot be. If the task is cancelled here, the change is committed
        all the same."""
        try:
            self._at_once("RELEASE change")
        except BaseException:
            await self.roll_back()
            raise
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())
        self._turn.release()
        if error := await asyncio.shield(self._committing):
            self.files.refuse_if_lost()
            raise OperationalError(error) from error

    async def roll_back(self) -> None:
        """Undo what was done in this turn, and nothing else. That may have failed for what another
        did before it, so it is over when that is committed: the caller can see why then."""
        committing = self._committing
        try:
            if committing is not None and self._is_open:
                self._at_once("ROLLBACK TO change")
                self._at_once("RELEASE change")
        except BaseException:
            self._at_once("ROLLBACK")  # all hear of it: half a change must not be committed
            raise
        finally:
            await self._leave()
        if committing is not None:
            await asyncio.wait({committing})

    async def _leave(self) -> None:
        """End the turn, and the transaction with it if nobody else has a part in it."""
        try:
            if self._is_begun and self._committing is None:
                self._is_begun = False
                await self._client.end(commits=False)
        finally:
            self._turn.release()

    async def _commit(self) -> Exception | None:
        """Commit, behind all who are waiting for their turn now. Gives what has gone wrong."""
        async with self._turn:
            is_open = self._is_open
            self._is_begun, self._committing = False, None
            try:
                await self._client.end(commits=is_open)
            except Exception as error:
                return error
        return None if is_open else OperationalError(GIVEN_UP)

    @property
    def _is_open(self) -> bool:
        return self._client.opened.in_transaction

    def _at_once(self, statement: str) -> None:
        raw_connection(self._client.opened).execute(statement)


class Turn(SqliteTransactionWrapper):
    """The connection of a change while it has its turn."""

    def __init__(self, client: Writer, at_once: "_AtOnce") -> None:
        super().__init__(cast("SqliteClient", client))
        self._connection = cast("aiosqlite.Connection", at_once)
        self._at_once = at_once

    @translate_exceptions
    async def records(self, sql: str, values: Sequence[object]) -> list[sqlite3.Row]:
        """What a statement gives, without Tortoise's way to it, which takes longer than most
        statements. Raises what Tortoise raises."""
        self.log.debug("%s: %s", sql, values)
        return await self._at_once.execute_fetchall(sql, values)


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
            self._changes.files.refuse_if_damaged(exc_val)


class _AtOnce:
    """A connection whose statements are carried out in the thread of the event loop: to hand one to
    another thread and take its result back is ten times the work. It has what Tortoise asks for in
    a transaction, and nothing that would end it for others."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._raw = raw_connection(connection)
        self._turn_ends = time.monotonic() + LONGEST_TURN

    @property
    def total_changes(self) -> int:
        return self._raw.total_changes

    async def execute_fetchall(self, sql: str, values: Any = ()) -> list[sqlite3.Row]:
        await self._check()
        return self._raw.execute(sql, values or ()).fetchall()

    async def execute(self, statement: str) -> None:
        """For Tortoise's savepoints."""
        await self._check()
        self._raw.execute(statement)

    async def executescript(self, statement: str) -> None:
        """For Tortoise's table of migrations. A script of several statements is refused: sqlite3
        would commit before it."""
        await self.execute(statement)

    async def execute_insert(self, sql: str, values: Any = ()) -> tuple[int | None]:
        await self._check()
        return (self._raw.execute(sql, values or ()).lastrowid,)

    async def executemany(self, sql: str, values: Sequence[Any]) -> None:
        await self._check()
        self._raw.executemany(sql, values)

    async def _check(self) -> None:
        """SQLite gives a transaction up by itself where a disk is full or fails. Then none of its
        changes may pass for committed, and nothing may be written outside of it."""
        if time.monotonic() > self._turn_ends:
            await asyncio.sleep(0)
            self._turn_ends = time.monotonic() + LONGEST_TURN
        if not self._raw.in_transaction:
            raise OperationalError(GIVEN_UP)
