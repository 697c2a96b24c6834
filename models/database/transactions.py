"""Transactions, and the connection that a task uses."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionContext
from tortoise.connection import get_connections
from tortoise.exceptions import TransactionManagementError
from tortoise.transactions import in_transaction

from models.database import sqlite
from models.database.read_apart import reads_apart
from models.database.sqlite import is_sqlite
from models.database.tortoise_private import client_of
from models.limits import Busy

_transaction: ContextVar[BaseDBAsyncClient | None] = ContextVar("transaction", default=None)


def connection() -> BaseDBAsyncClient:
    """Return the transaction that the task is in, or else the database's client. A change calls
    this a dozen times, so Tortoise's slower look-up is only used outside of transactions."""
    known = _transaction.get()
    if known is not None:
        return known
    connections = get_connections()
    return connections.get(next(iter(connections.db_config)))


@asynccontextmanager
async def transaction() -> AsyncIterator[BaseDBAsyncClient]:
    """Begin a transaction that may write. It is rolled back if the block raises. Raises `Busy`."""
    async with _begun(in_transaction()) as begun:
        yield begun


@asynccontextmanager
async def _begun(context: TransactionContext) -> AsyncIterator[BaseDBAsyncClient]:
    """Enter a transaction of Tortoise's, and leave it at the end of the block. If BEGIN fails (the
    database was restarted, or the task was cancelled), Tortoise would not give the connection back
    to its pool, so it is given back here. SQLite's transactions do that themselves."""
    try:
        begun = await context.__aenter__()
    except BaseException:
        if hasattr(context, "token"):  # Tortoise has taken a connection: give it back
            await context.__aexit__(TransactionManagementError, None, None)
        raise
    before = _transaction.set(begun)
    try:
        try:
            yield begun
        finally:
            _transaction.reset(before)
    except BaseException as error:
        # If the connection is lost, there is nothing to roll back.
        with suppress(asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError, Busy):
            await context.__aexit__(type(error), error, error.__traceback__)
        raise
    else:
        await context.__aexit__(None, None, None)


@contextmanager
def reading_apart() -> Iterator[None]:
    """Have the task read where others need not wait for it, and no longer than a statement may
    take: it reads much."""
    token = reads_apart.set(True)
    try:
        yield
    finally:
        reads_apart.reset(token)


@asynccontextmanager
async def snapshot(*, is_long: bool = False) -> AsyncIterator[None]:
    """Begin a transaction that only reads, in which all statements see the same state. With
    `is_long`, each may take as long as a statement of a report. Raises `Busy`."""
    client = connection()
    if isinstance(client, sqlite.Client):
        context = client.in_snapshot(is_long=is_long)
    else:
        context = in_transaction()
    async with _begun(context) as begun:
        if not is_sqlite(begun):  # by default each statement sees the state at its beginning
            await begun.execute_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            if is_long:
                await give_time(begun)
        yield


async def give_time(transaction: Any) -> None:
    """Let the statements of a transaction on PostgreSQL take as long as those of a report."""
    await client_of(transaction).give_time(transaction)
