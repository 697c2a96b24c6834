"""SQLite: who is cancelled at the beginning or end of a transaction leaves nothing behind."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from gql_app.access import SESSION, Unauthenticated, authenticate
from models.database import opened, snapshot, transaction, write
from tests.brokers import until
from tests.models.database.test_sqlite import name, rename, waiting_to_begin
from tests.office import Office
from tests.serving import PATIENCE
from tests.support.access import sign_in, sign_out

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TURNS = 15
"""After so many turns of the event loop a transaction has come to its end."""

Begin = Callable[[], AbstractAsyncContextManager[Any]]


async def test_other_processes_can_write_after_a_begin_was_cancelled(
    office: Office, elsewhere: sqlite3.Connection
) -> None:
    await _begin_is_cancelled(elsewhere)
    async with asyncio.timeout(PATIENCE):
        await write("PRAGMA optimize")  # in the connection's thread: behind what was cancelled
    elsewhere.execute("PRAGMA busy_timeout = 0")
    elsewhere.execute("UPDATE practice SET name = 'Written elsewhere'")
    assert await name() == "Written elsewhere"


async def test_what_is_written_right_after_a_begin_was_cancelled_stays(
    office: Office, elsewhere: sqlite3.Connection
) -> None:
    token = (await sign_in(office.keys["staff"])).token
    viewer = await authenticate(token, SESSION)
    await _begin_is_cancelled(elsewhere)
    async with asyncio.timeout(PATIENCE):
        await sign_out(viewer)
        await rename()
    with pytest.raises(Unauthenticated):
        await authenticate(token, SESSION)


async def test_a_snapshot_that_was_cancelled_leaves_readers_in_the_present(office: Office) -> None:
    for turns in range(TURNS):
        async with asyncio.timeout(PATIENCE):
            await _cancel_after(turns, snapshot)
            await name()
            async with transaction():
                await write("UPDATE practice SET name = $1", f"After {turns} turns")
            assert await name() == f"After {turns} turns"


@pytest.mark.parametrize("begin", [transaction, snapshot])
async def test_the_first_transaction_may_be_cancelled(database_url: str, begin: Begin) -> None:
    threads = threading.active_count()
    for turns in range(TURNS):
        async with opened(database_url), asyncio.timeout(PATIENCE):
            await _cancel_after(turns, begin)
            async with begin():
                pass
    await until(lambda: threading.active_count() <= threads)  # a connection has one


async def _begin_is_cancelled(elsewhere: sqlite3.Connection) -> None:
    """A transaction is cancelled while its BEGIN waits for another process."""
    elsewhere.execute("BEGIN IMMEDIATE")
    renaming = await waiting_to_begin()
    renaming.cancel()
    elsewhere.execute("COMMIT")
    await asyncio.wait({renaming})
    assert renaming.cancelled()


async def _cancel_after(turns: int, begin: Begin) -> None:
    async def begin_and_end() -> None:
        async with begin():
            pass

    task = asyncio.create_task(begin_and_end())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
