"""PostgreSQL makes a plan for a page once and keeps it: to plan takes longer than to read."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from benchmarks.dataset import Office, fill
from gql_app.access import authenticate
from gql_app.work.reads.orders import TaskOrder
from gql_app.work.reads.queues import tasks_page, tasks_page_in_full
from gql_app.work.reads.task_filter import TaskQuery
from models.chain import Position
from models.database import fetch, opened
from models.event import events_after, feed_bounds
from models.follow_up import local_date
from models.lifecycle import TaskStatus
from tests.models.database.test_postgres import with_options
from tests.office import Clock

MADE = 24_000
"""How many tasks the large practice has; each of the others has a sixteenth of them."""

TIMES = 10
"""PostgreSQL looks at what is bound five times, to see what a plan for it alone would save."""

QUESTIONS = (TaskQuery(), TaskQuery(status=tuple(TaskStatus)))

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


class Prepared(NamedTuple):
    """A statement as the connection knows it, and how often a plan that was kept served it."""

    statement: str
    kept: int


@pytest.fixture
async def large(database_url: str) -> AsyncIterator[Office]:
    """The large practice: what is known of it is not true of most. One connection reads, so that
    it knows all that has been read."""
    offices = await fill(database_url, MADE)
    async with opened(with_options(database_url, maxsize=2)):
        yield offices[0]


async def test_the_plan_of_a_page_of_tasks_is_kept(large: Office) -> None:
    viewer = await authenticate(large.key)
    today = local_date(Clock()(), viewer.time_zone)
    for query in QUESTIONS:
        for order in TaskOrder:
            for _ in range(TIMES):
                await tasks_page(viewer, query, order, 50, None, today)
                await tasks_page_in_full(viewer, query, order, 50, None, today=today)
    await _assert_kept("%FROM task t WHERE%", 2 * len(QUESTIONS) * len(TaskOrder))


async def test_the_plan_of_the_events_behind_a_number_is_kept(large: Office) -> None:
    last = (await feed_bounds(large.practice_id)).seq
    for number in range(TIMES):
        assert len(await events_after(large.practice_id, Position(last - number), 100)) == number
    await _assert_kept("%FROM task_event e%", 1)


async def _assert_kept(like: str, statements: int) -> None:
    """So many statements are like that, and the plan of each was kept."""
    sql = "SELECT statement, generic_plans FROM pg_prepared_statements WHERE statement LIKE $1"
    known = await fetch(Prepared, sql, like)
    assert len(known) == statements
    assert [prepared.statement for prepared in known if not prepared.kept] == []
