"""Fixtures: somebody else at the same database."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import asyncpg
import pytest


@pytest.fixture
def elsewhere(database_url: str) -> Iterator[sqlite3.Connection]:
    """A connection to the same file, such as another process has."""
    file = database_url.removeprefix("sqlite://")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        yield connection


@pytest.fixture
async def outside(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that is none of the pool's."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()
