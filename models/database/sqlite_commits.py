"""SQLite: changes run in the event loop's thread and are committed together (group commit)."""

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
"""How many seconds a change may keep the event loop before it lets other tasks run. A single
statement may take longer."""

GIVEN_UP = "SQLite has given the transaction up"


class Writer(Protocol):
    """What `GroupCommit` needs of the client that writes."""

    files: Files
    pragmas: dict[str, Any]

    @property
    def opened(self) -> aiosqlite.Connection: ...

    async def begin(self, how: str) -> None: ...

    async def end(self, *, commits: bool) -> None: ...


class GroupCommit:
    """Changes that run one after the other in one transaction of SQLite's.

    Waiting for the disk takes longer than a change does. So a change that is done waits until those
    that are in line have had their turns; then all of them are committed, and wait for the disk
    once.

    The transaction takes the file's write lock when it begins. If it began by reading, its first
    write would fail at once if another process had written meanwhile.
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
        """Wait for a turn, but no longer than SQLite waits for its lock. If another process keeps
        the lock, those at the end of the line would otherwise wait as long as all before them
        together."""
        if not self._turn.locked():
            await self._turn.acquire()
            return
        try:
            async with asyncio.timeout(int(self._client.pragmas["busy_timeout"]) / 1_000):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Busy("the turn to write did not come in time") from error

    async def commit(self) -> None:
        """End the turn, and wait until the change is committed. Raises `OperationalError` if it
        cannot be committed. If the task is cancelled here, the change is committed nevertheless."""
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
        """Undo what was done in this turn, and nothing else. The turn may have failed because of
        what an earlier change did, so wait until that is committed: then the caller can read it."""
        committing = self._committing
        try:
            if committing is not None and self._is_open:
                self._at_once("ROLLBACK TO change")
                self._at_once("RELEASE change")
        except BaseException:
            self._at_once("ROLLBACK")  # nothing is committed, rather than half a change
            raise
        finally:
            await self._leave()
        if committing is not None:
            await asyncio.wait({committing})

    async def _leave(self) -> None:
        """End the turn, and the transaction too if there is no other change in it."""
        try:
            if self._is_begun and self._committing is None:
                self._is_begun = False
                await self._client.end(commits=False)
        finally:
            self._turn.release()

    async def _commit(self) -> Exception | None:
        """Commit, after the turns of all who are in line now. Returns the error if that fails."""
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
        """Return the records of a statement. Tortoise's own method would take longer than most
        statements do. Raises the same errors as that."""
        self.log.debug("%s: %s", sql, values)
        return await self._at_once.execute_fetchall(sql, values)


class GroupedTransaction(TransactionContext):
    """Tortoise's transaction: one turn of `group`."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group

    async def __aenter__(self) -> TransactionalDBClient:
        connection = await self._group.begin()
        self._token = get_connections().set(connection.connection_name, connection)
        return connection

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        get_connections().reset(self._token)
        if exc_type is None:
            await self._group.commit()
        else:
            await self._group.roll_back()
            self._group.files.refuse_if_damaged(exc_val)


class _AtOnce:
    """A connection that runs its statements in the event loop's thread, because handing one to
    another thread and back takes ten times as long. It has the methods that Tortoise calls within a
    transaction, and none that would end the transaction for others."""

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
        """For Tortoise's table of migrations. A script of several statements is refused, because
        sqlite3 would commit before it runs one."""
        await self.execute(statement)

    async def execute_insert(self, sql: str, values: Any = ()) -> tuple[int | None]:
        await self._check()
        return (self._raw.execute(sql, values or ()).lastrowid,)

    async def executemany(self, sql: str, values: Sequence[Any]) -> None:
        await self._check()
        self._raw.executemany(sql, values)

    async def _check(self) -> None:
        """Let other tasks run if the turn has lasted too long, and raise if the transaction is
        gone. SQLite ends a transaction by itself if the disk is full or fails. Then none of its
        changes may count as committed, and nothing may be written outside of it."""
        if time.monotonic() > self._turn_ends:
            await asyncio.sleep(0)
            self._turn_ends = time.monotonic() + LONGEST_TURN
        if not self._raw.in_transaction:
            raise OperationalError(GIVEN_UP)
