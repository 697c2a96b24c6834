"""SQLite: readers do not wait for writers, and a transaction does not hold up the event loop."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tortoise.exceptions import OperationalError

from models.database import (
    fetch,
    opened,
    snapshot,
    sqlite_commits,
    transaction,
    transactions,
    write,
)
from models.limits import Busy
from tests.brokers import until
from tests.office import Office
from tests.serving import PATIENCE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OLD, NEW = "Maple Dental", "Maple and Birch Dental"


class Name(NamedTuple):
    name: str


@pytest.fixture
async def turns() -> AsyncIterator[list[int]]:
    """How often the event loop has come round, in a list of one."""
    taken = [0]

    async def go_round() -> None:
        while True:
            taken[0] += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(go_round())
    yield taken
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_who_reads_does_not_wait_for_a_transaction_and_sees_what_was_before_it(
    office: Office,
) -> None:
    written, may_end = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(PATIENCE):
        writing = asyncio.create_task(rename(written, may_end))
        await written.wait()
        assert await name() == OLD
        may_end.set()
        await writing
        assert await name() == NEW


async def test_a_snapshot_waits_for_no_transaction_and_sees_one_moment(office: Office) -> None:
    written, may_end = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(PATIENCE):
        writing = asyncio.create_task(rename(written, may_end))
        await written.wait()
        async with snapshot():
            assert await name() == OLD
            may_end.set()
            await writing
            assert await name() == OLD
        assert await name() == NEW


async def test_what_reads_cannot_write(office: Office) -> None:
    with pytest.raises(OperationalError, match="readonly"):
        await fetch(Name, "UPDATE practice SET name = $1 RETURNING name", NEW)
    with pytest.raises(OperationalError, match="readonly"):
        async with snapshot():
            await write("UPDATE practice SET name = $1", NEW)
    assert await name() == OLD


async def test_a_long_transaction_lets_the_event_loop_go_on(
    office: Office, turns: list[int]
) -> None:
    async with transaction():
        before, limit = turns[0], time.monotonic() + PATIENCE
        while turns[0] < before + 10 and time.monotonic() < limit:
            await name()
        assert turns[0] >= before + 10


async def test_a_short_transaction_has_the_event_loop_to_itself_between_its_ends(
    office: Office, turns: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_commits, "LONGEST_TURN", PATIENCE)
    async with transaction():
        before = turns[0]
        for _ in range(20):
            await write("UPDATE practice SET name = $1", NEW)
            assert await name() == NEW
        assert turns[0] == before


async def test_a_transaction_that_waits_to_begin_lets_the_event_loop_go_on(
    office: Office, turns: list[int], elsewhere: sqlite3.Connection
) -> None:
    elsewhere.execute("BEGIN IMMEDIATE")
    renaming = await waiting_to_begin()
    before = turns[0]
    await until(lambda: turns[0] > before + 100)
    assert not renaming.done()
    elsewhere.execute("COMMIT")
    await asyncio.wait_for(renaming, PATIENCE)
    assert await name() == NEW


async def test_a_transaction_fails_that_has_waited_too_long_and_the_next_one_begins(
    office: Office, elsewhere: sqlite3.Connection
) -> None:
    await write("PRAGMA busy_timeout = 50")
    elsewhere.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(PATIENCE):
        for _ in range(2):
            with pytest.raises(Busy):
                await rename()
            assert await name() == OLD
        elsewhere.execute("COMMIT")
        await rename()
    assert elsewhere.execute("SELECT name FROM practice").fetchall() == [(NEW,)]


async def test_a_transaction_that_is_cancelled_while_it_waits_to_begin_is_not_in_the_way(
    office: Office, elsewhere: sqlite3.Connection
) -> None:
    elsewhere.execute("BEGIN IMMEDIATE")
    renaming = await waiting_to_begin()
    renaming.cancel()
    elsewhere.execute("COMMIT")  # so that it begins, though nobody waits for it any more
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait({renaming})
        assert renaming.cancelled()
        assert await name() == OLD
        await rename()
    assert await name() == NEW


async def test_the_database_is_closed_when_the_transaction_has_ended_and_none_begins_any_more(
    office: Office, elsewhere: sqlite3.Connection, turns: list[int]
) -> None:
    written, may_end = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(PATIENCE):
        client: Any = transactions.connection()
        writing = asyncio.create_task(rename(written, may_end))
        await written.wait()
        ending = asyncio.create_task(client.close())
        before = turns[0]
        await until(lambda: turns[0] > before + 100)
        assert not ending.done()
        may_end.set()
        await asyncio.gather(writing, ending)
        with pytest.raises(OperationalError, match="closed"):
            await rename()
    assert elsewhere.execute("SELECT name FROM practice").fetchall() == [(NEW,)]


async def name() -> str:
    return (await fetch(Name, "SELECT name FROM practice"))[0].name


async def rename(
    written: asyncio.Event | None = None, may_end: asyncio.Event | None = None
) -> None:
    """Rename the practice, in a transaction that ends when it may."""
    async with transaction():
        await write("UPDATE practice SET name = $1", NEW)
        if written and may_end:
            written.set()
            await may_end.wait()


async def traced() -> list[str]:
    """The statements that the writing connection carries out from now on."""
    carried_out: list[str] = []
    client: Any = transactions.connection()
    await client._connection.set_trace_callback(carried_out.append)
    return carried_out


async def waiting_to_begin() -> asyncio.Task[None]:
    """A renaming that the connection's thread is about to begin, and cannot."""
    carried_out = await traced()
    renaming = asyncio.create_task(rename())
    await until(lambda: "BEGIN IMMEDIATE" in carried_out)
    return renaming


async def test_what_was_written_is_in_the_file_itself_once_it_is_closed(database_url: str) -> None:
    path = Path(database_url.removeprefix("sqlite://"))
    for _ in range(20):  # the order in which connections close was left to chance
        async with opened(database_url):
            await write("UPDATE practice SET name = name")
        assert not path.with_name(path.name + "-wal").exists()
