"""SQLite: damage that a statement finds, and a database that is closed, are told at once."""

import asyncio
import os
from pathlib import Path
from typing import NamedTuple

import pytest
from tortoise.exceptions import OperationalError

from models.database import fetch, opened, snapshot, transaction, transactions, write
from models.database.probe import can_read, can_write
from models.database.sqlite_files import DatabaseLost
from models.practice import Queue
from tests.office import Office
from tests.serving import PATIENCE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Name(NamedTuple):
    name: str


def spoil(file: Path) -> None:
    """Overwrite the file as a failing disk would: nothing else of it changes."""
    before = file.stat()
    with file.open("r+b") as content:
        content.write(os.urandom(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("way", ["a read", "a snapshot", "a change", "the models"])
async def test_damage_that_a_statement_finds_ends_all_reading_and_writing(
    database_url: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(database_url):
        spoil(Path(database_url.removeprefix("sqlite://")))
        for _ in range(3):
            with pytest.raises(DatabaseLost):
                await ask(way)
        with pytest.raises(DatabaseLost):
            await ask("a change")
        for step in (can_read, can_write):
            with pytest.raises(DatabaseLost):
                await step()
    assert [message.partition(":")[0].rpartition(" is ")[2] for message in caplog.messages] == [
        "damaged"
    ]


async def test_nobody_waits_for_a_database_that_is_closed(office: Office) -> None:
    await transactions.connection().close()
    async with asyncio.timeout(PATIENCE):
        for way in ("a read", "a snapshot", "a change", "the models") * 2:
            with pytest.raises(OperationalError, match="closed"):
                await ask(way)


async def ask(way: str) -> None:
    match way:
        case "a read":
            await fetch(Name, "SELECT name FROM queue")
        case "a snapshot":
            async with snapshot():
                await fetch(Name, "SELECT name FROM queue")
        case "a change":
            async with transaction():
                await write("UPDATE queue SET name = $1", "Recall")
        case "the models":
            await Queue.all()
