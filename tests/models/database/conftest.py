"""Fixtures: another process, as it were, at the same SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest


@pytest.fixture
def elsewhere(database_url: str) -> Iterator[sqlite3.Connection]:
    """A connection to the same file, such as another process has."""
    file = database_url.removeprefix("sqlite://")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        yield connection
