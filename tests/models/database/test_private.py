"""What Callboard takes from the private parts of its database libraries is still there.

A test that fails here after an upgrade says which name has moved.
"""

import asyncio
import inspect
import sqlite3
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
import pytest
from tortoise import Tortoise
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionContext, TransactionContextPooled
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps

import models
from models.database import opened, transaction, transactions
from models.database.aiosqlite_private import raw_connection, thread_of
from models.database.asyncpg_private import (
    connections_of,
    has_open_connection,
    is_lost,
    socket_of,
    terminate_idle,
)
from models.database.postgres_connections import Connection
from models.database.tortoise_private import client_of, connection_of
from models.limits import NO_LIMITS

OVERRIDDEN = {
    AsyncpgDBClient: ["_close", "create_pool"],
    SqliteClient: ["_in_transaction", "_post_connect", "create_connection", "acquire_connection"],
    SqliteTransactionWrapper: ["savepoint", "release_savepoint", "savepoint_rollback"],
    TransactionContext: ["__aenter__", "__aexit__"],
    MigrationExecutor: ["_project_state", "_full_plan"],
    State: ["clone", "reload_model", "reload_models"],
    StateApps: ["get_model", "split_reference", "_init_relations"],
    asyncpg.Pool: ["_acquire", "release"],
    asyncpg.Connection: ["fetch", "fetchrow", "execute", "terminate", "get_reset_query"],
}
"""What our classes override, or call on themselves."""


def test_what_is_overridden_is_there_to_be_overridden() -> None:
    missing = [
        f"{owner.__name__}.{name}"
        for owner, names in OVERRIDDEN.items()
        for name in names
        if not callable(getattr(owner, name, None))
    ]
    assert missing == []
    assert "_enable_global_fallback" in inspect.signature(Tortoise.init).parameters
    assert "token" in TransactionContextPooled.__slots__


def test_private_attributes_are_read_in_the_sealed_modules_only() -> None:
    files = Path(models.__file__).parent.rglob("*.py")
    assert [file.name for file in files if "SLF001" in file.read_text()] == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_pool_of_asyncpg_is_as_we_read_it(database_url: str) -> None:
    pool = await asyncpg.create_pool(database_url, min_size=0, max_size=2)
    async with pool:
        assert (connections_of(pool), has_open_connection(pool)) == ([], False)
        connection = await pool.acquire()
        assert await connection.fetchval("SELECT 1") == 1
        assert len(connections_of(pool)) == 1
        assert (has_open_connection(pool), is_lost(connection)) == (False, False)
        assert socket_of(connection).fileno() > 0

        terminate_idle(pool)
        assert not connection.is_closed(), "it is in use"
        await pool.release(connection)
        assert (has_open_connection(pool), is_lost(connection)) == (True, True)
        terminate_idle(pool)
        assert not has_open_connection(pool)


async def test_a_connection_of_aiosqlite_is_as_we_read_it() -> None:
    connection = aiosqlite.connect(":memory:")
    thread_of(connection).daemon = True
    async with connection:
        assert thread_of(connection).is_alive()
        assert isinstance(raw_connection(connection), sqlite3.Connection)
    await asyncio.to_thread(thread_of(connection).join, 5)
    assert not thread_of(connection).is_alive()


async def test_a_transaction_of_tortoise_is_as_we_read_it(database_url: str) -> None:
    async with opened(database_url, NO_LIMITS):
        client = transactions.connection()
        async with transaction() as begun:
            assert isinstance(begun, TransactionWrapper | SqliteTransactionWrapper)
            assert client_of(begun) is client
            connection: Any = connection_of(begun)
            if isinstance(begun, TransactionWrapper):
                assert isinstance(connection._con, Connection)
            else:
                assert connection is begun._connection
