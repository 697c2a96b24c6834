"""A practice that is locked does not keep the upkeep of others waiting."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from gql_app.work.upkeep.expiry import sweep
from gql_app.work.upkeep.retention import prune
from models.database import opened
from models.event import TaskEvent
from models.limits import Limits
from models.task import Task
from tests.office import Office, make_office

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)

HOUR = timedelta(hours=1)


@pytest.fixture
async def offices(database_url: str) -> AsyncIterator[list[Office]]:
    """Two practices, of which somebody keeps the first one's row locked."""
    async with opened(database_url, Limits(wait=0.2)):
        offices = [await make_office(slug) for slug in ("maple", "elm")]
        for office in offices:
            for hours in (1, 2):
                await office.make_task(expires_at=office.clock() + hours * HOUR)
        outside = await asyncpg.connect(database_url)
        async with outside.transaction():
            first = offices[0].practice.id
            await outside.execute("SELECT 1 FROM practice WHERE id = $1 FOR UPDATE", first)
            yield offices
        await outside.close()


async def test_a_sweep_passes_a_locked_practice_over(offices: list[Office]) -> None:
    locked, other = offices
    locked.clock.advance(hours=3)
    assert await sweep(locked.changes, locked.clock()) == 2
    closed = await Task.filter(status="CLOSED")
    assert {task.practice_id for task in closed} == {other.practice.id}


async def test_pruning_passes_a_locked_practice_over(
    offices: list[Office], caplog: pytest.LogCaptureFixture
) -> None:
    locked, other = offices
    assert await prune(HOUR, locked.clock() + 2 * HOUR) == 2
    assert not await TaskEvent.filter(practice_id=other.practice.id)
    assert f"practice {locked.practice.id} is busy, not pruned" in caplog.text
