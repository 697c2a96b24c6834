"""Transactions, and through which connection a task asks the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionContext
from tortoise.connection import get_connections
from tortoise.exceptions import TransactionManagementError
from tortoise.transactions import in_transaction

from models.database import sqlite
from models.database.sqlite import is_sqlite
from models.database.tortoise_private import client_of
from models.limits import Busy

_transaction: ContextVar[BaseDBAsyncClient | None] = ContextVar("transaction", default=None)


def connection() -> BaseDBAsyncClient:
    """What the database is asked through, or the transaction that the task is in. A change asks for
    it a dozen times, so Tortoise's look-up is left out where it is known."""
    known = _transaction.get()
    if known is not None:
        return known
    connections = get_connections()
    return connections.get(next(iter(connections.db_config)))


_first_number: ContextVar[list[int] | None] = ContextVar("first_number", default=None)


@asynccontextmanager
async def transaction() -> AsyncIterator[BaseDBAsyncClient]:
    """A writing transaction; rolled back if the block raises. Raises `Busy`."""
    async with _begun(in_transaction()) as begun:
        before = _first_number.set([])
        try:
            yield begun
        finally:
            _first_number.reset(before)


def first_in_transaction(number: int) -> int:
    """The first number that was given to this function in the transaction that the task is in: what
    is written by several statements of one transaction can be told to belong together."""
    given = _first_number.get()
    if given is None:
        return number
    if not given:
        given.append(number)
    return given[0]


@asynccontextmanager
async def _begun(context: TransactionContext) -> AsyncIterator[BaseDBAsyncClient]:
    """A transaction, but for one thing: where BEGIN fails (the database was restarted, the task was
    cancelled), Tortoise keeps the pool's connection for ever. SQLite's sees to itself."""
    try:
        begun = await context.__aenter__()
    except BaseException:
        if hasattr(context, "token"):  # it had begun: give the connection back
            await context.__aexit__(TransactionManagementError, None, None)
        raise
    before = _transaction.set(begun)
    try:
        try:
            yield begun
        finally:
            _transaction.reset(before)
    except BaseException as error:
        # Where the connection is lost there is nothing to roll back.
        with suppress(asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError, Busy):
            await context.__aexit__(type(error), error, error.__traceback__)
        raise
    else:
        await context.__aexit__(None, None, None)


@asynccontextmanager
async def snapshot(*, is_long: bool = False) -> AsyncIterator[None]:
    """A reading transaction in which every statement sees the same moment; with `is_long` each may
    take as long as a report may. Raises `Busy`."""
    client = connection()
    context = client.in_snapshot() if isinstance(client, sqlite.Client) else in_transaction()
    async with _begun(context) as begun:
        if not is_sqlite(begun):  # READ COMMITTED would show each statement its own moment
            await begun.execute_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            if is_long:
                await give_time(begun)
        yield


async def give_time(transaction: Any) -> None:
    """Let the statements of a transaction of PostgreSQL take as long as a report's."""
    await client_of(transaction).give_time(transaction)
