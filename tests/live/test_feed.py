"""Feeds.batches: one ordered walk over the events, for any number of followers at any pace."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from gql_app.live import feed as feed_module
from gql_app.live import feeds as feeds_module
from gql_app.live.feeds import Feeds
from models.chain import Position
from models.event import EventRow, Resync, TaskEvent, events_after, feed_bounds
from models.limits import Busy
from models.practice import Practice
from models.task import Task
from tests.office import Office
from tests.serving import PATIENCE
from tests.web.streams import eventually

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Read = Callable[[int, Position, int], Awaitable[list[EventRow]]]


@pytest.fixture
def feeds(office: Office) -> Feeds:
    """Feeds that hear the bell of the office's changes."""
    feeds = Feeds()
    office.hear = feeds.notice
    return feeds


async def task_with_events(office: Office, number: int) -> Task:
    """A task with so many events."""
    task = await office.make_task()
    for _ in range(number - 1):
        await office.log(task)
    return task


def after_seq(seq: int | None) -> Position | None:
    return None if seq is None else Position(seq)


async def events_of(
    feeds: Feeds, practice_id: int, after: int | None
) -> AsyncGenerator[EventRow, None]:
    """What a follower is given, event by event."""
    async with aclosing(feeds.batches(practice_id, after_seq(after))) as batches:
        async for batch in batches:
            for event in batch.events:
                yield event


@asynccontextmanager
async def following(feeds: Feeds, office: Office, after: int | None) -> AsyncIterator["Follower"]:
    async with aclosing(events_of(feeds, office.practice.id, after)) as events:
        yield Follower(events)


class Follower:
    def __init__(self, events: Any) -> None:
        self._events = events

    async def seqs(self, number: int) -> list[int]:
        """The numbers of the next events."""
        async with asyncio.timeout(PATIENCE):
            return [(await anext(self._events)).seq for _ in range(number)]


async def followers(feeds: Feeds, number: int) -> None:
    async def reached() -> bool:
        return feeds.followers == number

    await eventually(reached)


@pytest.mark.parametrize("ring", [1, 3, 1_000])
@pytest.mark.parametrize("batch", [1, 3, 500])
async def test_every_follower_is_given_every_event_once_and_in_order(
    office: Office, feeds: Feeds, monkeypatch: pytest.MonkeyPatch, ring: int, batch: int
) -> None:
    monkeypatch.setattr(feed_module, "KEPT", ring)
    monkeypatch.setattr(feed_module, "BATCH", batch)
    task = await task_with_events(office, 6)

    async def follow(after: int, pause: int) -> list[int]:
        seqs: list[int] = []
        async with aclosing(events_of(feeds, office.practice.id, after)) as events:
            async for event in events:
                seqs.append(event.seq)
                for _ in range(pause):  # falls behind the others
                    await asyncio.sleep(0)
                if event.seq == 14:
                    break
        return seqs

    async with asyncio.timeout(PATIENCE):
        watching = [
            asyncio.create_task(follow(after, pause))
            for after in (0, 2, 5, 6)
            for pause in (0, 1, 40)
        ]
        for _ in range(8):
            await office.log(task)
        seen = await asyncio.gather(*watching)
    assert seen == [list(range(after + 1, 15)) for after in (0, 2, 5, 6) for _ in range(3)]
    assert feeds.followers == 0


@pytest.mark.parametrize("ring", [1, 3])
@pytest.mark.parametrize("batch", [1, 3])
async def test_a_follower_far_behind_reads_the_table_then_the_ring(
    office: Office, feeds: Feeds, monkeypatch: pytest.MonkeyPatch, ring: int, batch: int
) -> None:
    monkeypatch.setattr(feed_module, "KEPT", ring)
    monkeypatch.setattr(feed_module, "BATCH", batch)
    task = await office.make_task()
    async with following(feeds, office, 0) as slow, following(feeds, office, 1) as quick:
        assert await slow.seqs(1) == [1]
        for seq in range(2, 12):
            await office.log(task)
            assert await quick.seqs(1) == [seq]
        reads: list[int] = []
        read: Read = events_after

        async def watched(practice_id: int, position: Position, limit: int) -> list[EventRow]:
            reads.append(position.seq)
            return await read(practice_id, position, limit)

        monkeypatch.setattr(feed_module, "events_after", watched)
        assert await slow.seqs(10) == list(range(2, 12))
        assert reads
        assert reads[0] == 1
        assert max(reads) < 11 - ring + 1, "what is in the ring is not read again"


async def test_one_who_follows_from_now_on_is_given_nothing_older(
    office: Office, feeds: Feeds
) -> None:
    task = await task_with_events(office, 3)
    async with following(feeds, office, None) as now:
        first = asyncio.create_task(now.seqs(1))
        await followers(feeds, 1)
        await office.log(task)
        assert await first == [4]


@sqlite_only
async def test_a_slow_follower_keeps_nobody_waiting(office: Office, feeds: Feeds) -> None:
    task = await office.make_task()
    async with following(feeds, office, 0) as slow, following(feeds, office, 0) as quick:
        assert await slow.seqs(1) == [1]
        for _ in range(20):
            await office.log(task)
        assert await quick.seqs(21) == list(range(1, 22))
        assert await slow.seqs(20) == list(range(2, 22))


async def test_a_lost_bell_is_made_up_for_by_reading_every_feed(
    office: Office, feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle: list[bool] = []
    read: Read = events_after

    async def watched(practice_id: int, position: Position, limit: int) -> list[EventRow]:
        events = await read(practice_id, position, limit)
        idle.append(not events)
        return events

    monkeypatch.setattr(feed_module, "events_after", watched)
    task = await office.make_task()
    async with following(feeds, office, 1) as follower:
        waiting = asyncio.create_task(follower.seqs(1))

        async def at_rest() -> bool:
            return idle[-1:] == [True]

        await eventually(at_rest)
        office.hear = None
        await office.log(task)
        assert idle == [True], "nobody rang, so nothing was read"
        feeds.notice_all()
        assert await waiting == [2]


@sqlite_only
async def test_polling_reads_every_feed_now_and_then(office: Office, feeds: Feeds) -> None:
    office.hear = None
    task = await office.make_task()
    polling = asyncio.create_task(feeds.keep_polling(0.01))
    async with following(feeds, office, 1) as follower:
        for seq in (2, 3):
            await office.log(task)
            assert await follower.seqs(1) == [seq]
    polling.cancel()
    await asyncio.wait([polling])


async def test_a_bell_that_rings_while_a_feed_opens_is_heard(
    office: Office, feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await office.make_task()
    bounds = feed_bounds

    async def overtaken(practice_id: int) -> Any:
        found = await bounds(practice_id)
        if not feeds.followers:
            await office.log(task)
        return found

    monkeypatch.setattr(feeds_module, "feed_bounds", overtaken)
    async with following(feeds, office, None) as follower:
        assert await follower.seqs(1) == [2]


@sqlite_only
async def test_a_database_that_fails_while_a_feed_is_read_is_asked_again(
    office: Office,
    feeds: Feeds,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(feed_module, "RETRY_SECONDS", 0.01)
    read: Read = events_after
    failures = iter([ConnectionError("secret"), OSError("secret")])

    async def failing(practice_id: int, position: Position, limit: int) -> list[EventRow]:
        if (failure := next(failures, None)) is not None:
            raise failure
        return await read(practice_id, position, limit)

    task = await office.make_task()
    monkeypatch.setattr(feed_module, "events_after", failing)
    async with following(feeds, office, 1) as follower:
        waiting = asyncio.create_task(follower.seqs(1))
        await followers(feeds, 1)
        await office.log(task)
        assert await waiting == [2]
    assert next(failures, None) is None
    assert "ConnectionError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_feed_is_closed_once_nobody_follows_it_and_opened_anew(
    office: Office, feeds: Feeds
) -> None:
    task = await office.make_task()
    before = asyncio.all_tasks()
    for seq in (2, 3):
        async with following(feeds, office, seq - 1) as one:
            async with following(feeds, office, seq - 1) as two:
                await office.log(task)
                assert await one.seqs(1) == await two.seqs(1) == [seq]
                assert feeds.followers == 2
            assert feeds.followers == 1
            assert feeds._feeds
        assert not feeds._feeds
        assert feeds.followers == 0
        assert asyncio.all_tasks() == before, "its reader has ended"


class Stuck:
    """Reads of the table by feeds that do not come back, and that take a cancellation slowly."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = asyncio.Event()
        self.lets_go = asyncio.Event()
        monkeypatch.setattr(feed_module, "events_after", self)

    async def __call__(self, *_: object) -> list[EventRow]:
        self.reads.set()
        try:
            await asyncio.Event().wait()
        finally:
            await self.lets_go.wait()
        raise AssertionError


@sqlite_only
async def test_one_who_asks_a_feed_that_closes_meanwhile_is_answered_by_the_table(
    office: Office, feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    await task_with_events(office, 2)
    stuck = Stuck(monkeypatch)
    stuck.lets_go.set()
    async with following(feeds, office, None) as follower:
        last = asyncio.create_task(follower.seqs(1))
        await stuck.reads.wait()
        checks = [
            asyncio.create_task(feeds.check(office.practice.id, Position(seq))) for seq in (2, 7)
        ]
        await asyncio.sleep(0)
        last.cancel()
        await asyncio.wait({last})
    async with asyncio.timeout(PATIENCE):
        await checks[0]
        with pytest.raises(Resync):
            await checks[1]


@sqlite_only
async def test_one_who_closes_a_feed_can_be_cancelled_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = Stuck(monkeypatch)
    feed = feed_module.Feed(office.practice.id, Position(0), lambda _feed, _why: None)
    feed.notice()
    await stuck.reads.wait()
    closing = asyncio.create_task(feed.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing}, timeout=PATIENCE)
    assert closing.cancelled()
    stuck.lets_go.set()
    await feed.close()


async def prune(office: Office, through: int) -> None:
    await Practice.filter(id=office.practice.id).update(pruned_through=through)
    await TaskEvent.filter(practice_id=office.practice.id, seq__lte=through).delete()


@pytest.mark.parametrize("after", [0, 2, 6, 100])
async def test_a_place_before_what_is_kept_or_beyond_the_last_event_must_resync(
    office: Office, feeds: Feeds, after: int
) -> None:
    await task_with_events(office, 5)
    await prune(office, 3)
    async with following(feeds, office, after) as follower:
        with pytest.raises(Resync):
            await follower.seqs(1)
    assert feeds.followers == 0


async def test_a_follower_that_retention_overtakes_must_resync(
    office: Office, feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "KEPT", 1)
    monkeypatch.setattr(feed_module, "BATCH", 1)
    await task_with_events(office, 5)
    async with following(feeds, office, 0) as follower:
        assert await follower.seqs(2) == [1, 2]
        await prune(office, 4)
        with pytest.raises(Resync):
            await follower.seqs(2)


@sqlite_only
async def test_practices_do_not_hear_each_other(office: Office, feeds: Feeds) -> None:
    other = await Practice.create(
        slug="elm", name="Elm", time_zone="UTC", created_at=office.clock(), seq=0
    )
    async with (
        aclosing(events_of(feeds, other.id, 0)) as events,
        following(feeds, office, 0) as here,
    ):
        silent = asyncio.create_task(anext(events))
        await office.make_task()
        assert await here.seqs(1) == [1]
        assert not silent.done()
        silent.cancel()
        await asyncio.wait([silent])


@sqlite_only
async def test_a_feed_that_cannot_find_out_where_it_begins_says_busy_in_time(
    office: Office, feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: int) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(feeds_module, "OPEN_SECONDS", 0.02)
    monkeypatch.setattr(feeds_module, "feed_bounds", never)
    async with following(feeds, office, None) as follower:
        with pytest.raises(Busy):
            await follower.seqs(1)
