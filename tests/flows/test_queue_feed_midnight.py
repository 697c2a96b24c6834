"""At the practice's midnight counts change without an event: dashboards are told all the same."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta

import pytest

from gql_app.live.feeds import Feeds
from gql_app.schema.context import Context, Services
from gql_app.schema.feed_types import FeedRow, QueuesRow
from gql_app.schema.queue_feed import follow_queues
from gql_app.work.contacts import log_contact
from gql_app.work.reads.board import Board
from gql_app.work.reads.queues import QueueCounts, day_bounds, queue_counts
from models.chain import Position
from models.event import EventRow
from models.lifecycle import Attempt, ContactOutcome
from tests.flows.dashboard import BEAT, Dashboard, services
from tests.office import Office, first_task, make_office
from tests.serving import PATIENCE

SHORTLY = timedelta(seconds=0.3)

ZONES = ["America/Chicago", "Asia/Kolkata"]


def running_from(moment: datetime) -> Callable[[], datetime]:
    """A clock that shows `moment` now, and goes."""
    began = time.monotonic()
    return lambda: moment + timedelta(seconds=time.monotonic() - began)


async def shortly_before_midnight(office: Office) -> Services:
    """A server over a practice with two follow-ups for today, one for tomorrow, one task closed."""
    midnight = day_bounds(office.today, office.practice.time_zone)[1]
    office.clock.now = midnight - timedelta(minutes=5)
    for days in (0, 0, 1):
        await office.make_task(follow_up=office.today + timedelta(days=days))
    await office.log(await office.make_task(), close=True)
    return services(Feeds(), running_from(midnight - SHORTLY))


@asynccontextmanager
async def watching(
    office: Office, server: Services, after: Position | None = None
) -> AsyncIterator[Callable[[], Awaitable[FeedRow]]]:
    """The recall queue as the staff sees it; yields what gives the next row."""
    context = Context(office.staff, server)
    async with aclosing(follow_queues(context, [office.recall.id], after)) as items:

        async def next_row() -> FeedRow:
            async with asyncio.timeout(PATIENCE):
                return (await anext(items)).row

        yield next_row


async def fresh(office: Office, server: Services) -> QueueCounts:
    (counts,) = await queue_counts(office.staff, [office.recall.id], server.clock())
    return counts


@pytest.mark.parametrize("zone", ZONES)
async def test_at_midnight_the_counts_are_sent_anew_with_no_event(
    office: Office, zone: str
) -> None:
    office = await make_office("oak", zone)
    server = await shortly_before_midnight(office)
    async with watching(office, server) as next_row:
        board = await next_row()
        assert isinstance(board, Board)
        before = board.queues[0].counts
        assert (before.due_today, before.overdue, before.closed_today) == (2, 0, 1)
        after = await next_row()
        assert isinstance(after, QueueCounts)
        assert (after.due_today, after.overdue, after.closed_today) == (1, 2, 0)
        assert (after.seq, after.open) == (before.seq, before.open) == (5, 3)
        assert after == await fresh(office, server)


async def test_events_of_the_new_day_lead_on_from_the_new_counts(office: Office) -> None:
    server = await shortly_before_midnight(office)
    async with watching(office, server) as next_row:
        for expected in (Board, QueueCounts):
            assert isinstance(await next_row(), expected)
        attempt = Attempt(ContactOutcome.SCHEDULED, follow_up=None, notes=None, close=True)
        await server.changes.make(office.staff, log_contact, (await first_task()).id, attempt)
        assert isinstance(await next_row(), EventRow)
        counts = await next_row()
    assert counts == await fresh(office, server)
    assert (counts.seq, counts[2:]) == (6, (2, 2, 0, 1, 1, 1, 0))


async def test_one_who_comes_back_after_midnight_gets_the_counts_of_the_new_day(
    office: Office,
) -> None:
    server = await shortly_before_midnight(office)
    async with watching(office, server) as next_row:
        board = await next_row()
        assert isinstance(board, Board)
        assert isinstance(await next_row(), QueueCounts)  # it is past midnight now
    async with watching(office, server, after=board.position) as next_row:
        assert isinstance(await next_row(), QueuesRow)
        assert await next_row() == await fresh(office, server)


async def test_a_slow_reader_that_stops_over_midnight_ends_up_right(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.schema.queue_feed.HEARTBEAT", BEAT)
    server = services(Feeds(), office.clock)
    office.changes = server.changes
    task = await office.make_task(follow_up=office.today)
    dashboard = Dashboard(office.staff, [office.recall.id], office.clock)
    dashboard.connect(server)
    await dashboard.read(1)
    await office.log(task, follow_up=office.today)
    await dashboard.read(1)  # the event, not yet its counts
    office.clock.advance(days=1)
    await office.log(task, close=True)
    await dashboard.catch_up()
    await dashboard.compare()
    await dashboard.break_off()
