"""Fixtures: somebody else at the same database, and one without tables."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from tests.conftest import BOTH, with_database


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


@pytest.fixture(params=BOTH)
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a database of each kind without tables."""
    if request.param == "sqlite":
        yield f"sqlite://{tmp_path / 'callboard.sqlite3'}"
        return
    server = request.getfixturevalue("postgres_url")
    name = f"callboard_empty_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield with_database(server, name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
