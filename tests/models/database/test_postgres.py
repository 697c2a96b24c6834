"""PostgreSQL: readers and transactions leave each other connections; none is lost or spoiled."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import asyncpg
import pytest
from tortoise.exceptions import OperationalError

from models.database import fetch, opened, snapshot, transaction, transactions
from models.database.postgres import CONNECTIONS
from models.limits import Limits
from tests.brokers import until
from tests.serving import PATIENCE

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)

PATIENT = Limits(statement=PATIENCE, wait=PATIENCE)
READERS = CONNECTIONS // 2
MANY = 10 * CONNECTIONS

# It ends when nobody holds the lock alone any more.
HELD_UP = "SELECT pg_backend_pid() WHERE pg_advisory_xact_lock_shared(1) IS NOT NULL"
AT_IT = "SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND query = $1"
OPEN = """
SELECT COUNT(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


class Number(NamedTuple):
    number: int


@pytest.mark.parametrize("maxsize", [None, 2, 6])
async def test_half_of_the_connections_are_for_transactions_however_many_read(
    database_url: str, outside: asyncpg.Connection, maxsize: int | None
) -> None:
    async with opened(with_options(database_url, maxsize=maxsize), PATIENT):
        allowed = maxsize or CONNECTIONS
        assert len(await _backends_at_once(outside, allowed)) == allowed
        assert await outside.fetchval(OPEN) == allowed


async def test_many_can_read_while_transactions_have_their_half(database_url: str) -> None:
    held, may_end = asyncio.Barrier(CONNECTIONS - READERS + 1), asyncio.Event()

    async def hold() -> None:
        async with transaction():
            await held.wait()
            await may_end.wait()

    async with (
        opened(database_url, PATIENT),
        asyncio.timeout(PATIENCE),
        asyncio.TaskGroup() as group,
    ):
        for _ in range(CONNECTIONS - READERS):
            group.create_task(hold())
        await held.wait()
        reads = [fetch(Number, "SELECT $1::bigint FROM pg_sleep(0.01)", n) for n in range(MANY)]
        assert await asyncio.gather(*reads) == [[(n,)] for n in range(MANY)]
        may_end.set()


async def test_one_connection_is_enough(database_url: str) -> None:
    async def count() -> list[Number]:
        async with transaction():
            return await fetch(Number, "SELECT COUNT(*) FROM practice")

    async with opened(with_options(database_url, maxsize=1), PATIENT), asyncio.timeout(PATIENCE):
        reads = [fetch(Number, "SELECT $1::bigint", n) for n in range(MANY)]
        assert await asyncio.gather(*reads) == [[(n,)] for n in range(MANY)]
        assert await count() == await fetch(Number, "SELECT COUNT(*) FROM practice") == [(0,)]
        assert await count() == [(0,)]


async def test_the_end_does_not_wait_longer_than_the_statements_that_are_under_way(
    database_url: str, outside: asyncpg.Connection
) -> None:
    await outside.execute("SELECT pg_advisory_lock(1)")
    async with asyncio.timeout(PATIENCE / 2), asyncio.TaskGroup() as group:
        async with opened(database_url, PATIENT):
            reads = [group.create_task(fetch(Number, HELD_UP)) for _ in range(READERS)]
            while await outside.fetchval(AT_IT, HELD_UP) < READERS:
                await asyncio.sleep(0)
            group.create_task(outside.execute("SELECT pg_advisory_unlock(1)"))
        assert all(read.done() for read in reads)


@pytest.mark.parametrize("statement", ["SELECT 1 / 0", "SELECT nothing"])
async def test_a_statement_that_fails_costs_no_connection(
    database_url: str, outside: asyncpg.Connection, statement: str
) -> None:
    async with opened(database_url, PATIENT), asyncio.timeout(PATIENCE):
        for _ in range(MANY):
            with pytest.raises(OperationalError):
                await fetch(Number, statement)
            assert await fetch(Number, "SELECT 1") == [(1,)]
        assert len(await _backends_at_once(outside, CONNECTIONS)) == CONNECTIONS


async def test_a_statement_that_is_cancelled_costs_no_connection(
    database_url: str, outside: asyncpg.Connection
) -> None:
    endless = "SELECT 1 FROM pg_sleep(3600)"
    async with opened(database_url, PATIENT), asyncio.timeout(2 * PATIENCE):
        for _ in range(10):
            reads = [asyncio.create_task(fetch(Number, endless)) for _ in range(2 * READERS)]
            while await outside.fetchval(AT_IT, endless) < READERS:
                await asyncio.sleep(0)
            for read in reads:
                read.cancel()
            await asyncio.wait(reads)
            assert all(read.cancelled() for read in reads)
            assert await fetch(Number, "SELECT 1") == [(1,)]
        assert len(await _backends_at_once(outside, CONNECTIONS)) == CONNECTIONS


async def test_a_statement_that_is_cancelled_leaves_no_transaction_behind(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = asyncpg.Connection._get_statement

    async def prepare_and_be_cancelled(*given: Any, **options: Any) -> Any:
        await prepare(*given, **options)
        raise asyncio.CancelledError

    async with opened(with_options(database_url, maxsize=1), PATIENT), asyncio.timeout(PATIENCE):
        monkeypatch.setattr(asyncpg.Connection, "_get_statement", prepare_and_be_cancelled)
        cancelled = asyncio.create_task(fetch(Number, "SELECT id FROM patient"))
        await asyncio.wait({cancelled})
        assert cancelled.cancelled()
        monkeypatch.undo()
        async with snapshot():  # it cannot begin within a transaction
            assert await fetch(Number, "SELECT COUNT(*) FROM practice") == [(0,)]


async def test_a_reader_that_was_lost_while_it_was_idle_is_replaced(
    database_url: str, outside: asyncpg.Connection
) -> None:
    async with opened(database_url, PATIENT), asyncio.timeout(PATIENCE):
        seen: set[int] = set()
        for _ in range(2 * CONNECTIONS):
            ((pid,),) = await fetch(Number, "SELECT pg_backend_pid()")
            assert pid not in seen
            seen.add(pid)
            client: Any = transactions.connection()
            (reader,) = client._readers
            assert await outside.fetchval("SELECT pg_terminate_backend($1)", pid)
            await until(partial(_is_lost, reader))
        assert len(await _backends_at_once(outside, CONNECTIONS)) == CONNECTIONS


def with_options(url: str, **options: int | None) -> str:
    """The address with those of the options that are given."""
    given = "&".join(f"{name}={value}" for name, value in options.items() if value)
    return f"{url}{'&' if '?' in url else '?'}{given}" if given else url


def _is_lost(reader: Any) -> bool:
    with suppress(asyncpg.InterfaceError):  # it says so if it was lost
        return bool(reader.is_closed())
    return True


async def _backends_at_once(outside: asyncpg.Connection, connections: int) -> set[int]:
    """The backends that transactions have, as many as there may be, and readers, of whom there are
    more, at one moment."""
    readers, pid = connections // 2, "SELECT pg_backend_pid()"
    met = asyncio.Barrier(connections - readers)

    async def meet() -> list[Number]:
        async with transaction(), met:
            return await fetch(Number, pid)

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        await outside.execute("SELECT pg_advisory_lock(1)")
        reads = [group.create_task(fetch(Number, HELD_UP)) for _ in range(4 * connections)]
        while await outside.fetchval(AT_IT, HELD_UP) < readers:
            await asyncio.sleep(0)
        transactions = [group.create_task(meet()) for _ in range(connections - readers)]
        await asyncio.gather(*transactions)
        await outside.execute("SELECT pg_advisory_unlock(1)")
    return {row.number for act in (*reads, *transactions) for row in act.result()}
