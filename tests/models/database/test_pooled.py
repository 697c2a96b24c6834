"""PostgreSQL behind a pooler that gives each transaction another connection, such as PgBouncer."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from gql_app.live.lines import POOLED, PostgresLine
from models.database import fetch, migrate, opened, snapshot
from tests.models.database.test_migrations import Name
from tests.office import make_office
from tests.pooler import pooler

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
async def pooled_url(database_url: str) -> AsyncIterator[str]:
    async with pooler(database_url) as url:
        yield url


async def test_the_pooler_loses_prepared_statements(pooled_url: str) -> None:
    connection = await asyncpg.connect(pooled_url)
    try:
        await connection.fetch("SELECT 1")
        with pytest.raises(asyncpg.InvalidSQLStatementNameError):
            await connection.fetch("SELECT 1")
    finally:
        await connection.close()


async def test_all_works_behind_it_without_a_parameter(pooled_url: str) -> None:
    await migrate(pooled_url)
    async with opened(pooled_url):
        office = await make_office()
        task = await office.make_task()
        for _ in range(3):
            outcomes = await asyncio.gather(*(office.log(task) for _ in range(4)))
            assert [outcome.refusals for outcome in outcomes] == [()] * 4
            async with snapshot():
                assert await fetch(Name, "SELECT name FROM queue WHERE id > $1", 0)


async def test_a_bus_that_goes_through_it_says_so(
    pooled_url: str, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    for url, said in ((database_url, []), (pooled_url, [POOLED])):
        caplog.clear()
        line = await PostgresLine.open(url, lambda _: None)
        await line.close()
        assert caplog.messages == said
