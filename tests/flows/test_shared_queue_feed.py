"""`queueFeed` executed once for all who watch alike, in cases that would seldom come by chance."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from gql_app.access import Viewer
from gql_app.delivery.results import Result, Results
from gql_app.delivery.streams import Streams
from gql_app.schema import queue_feed
from gql_app.work.reads.board import counts_at, read_board
from models.chain import Position
from tests.flows.shared_client import Client, Failed
from tests.flows.shared_practice import Practice, add_queue, small_and_quick
from tests.office import Office, first_task
from tests.serving import PATIENCE
from tests.web.streams import eventually


@pytest.fixture
async def practice(office: Office, monkeypatch: pytest.MonkeyPatch) -> Practice:
    """Two queues, each with a task that is due today."""
    small_and_quick(monkeypatch)
    practice = await Practice.make(office)
    for queue in (office.recall, office.missed):
        await office.make_task(queue, follow_up=office.today)
    return practice


@asynccontextmanager
async def watching(
    practice: Practice,
    viewer: Viewer | None = None,
    *,
    after: int | None = None,
    moods: Sequence[bool] = (),
) -> AsyncIterator[Client]:
    client = Client(practice, viewer or practice.office.staff, None, moods)
    if after is not None:
        await client.begin_at(after)
    try:
        yield client
    finally:
        if client.is_connected:
            await client.break_off()


async def all_right(*clients: Client) -> None:
    for client in clients:
        await client.catch_up()
        await client.compare()


async def join(practice: Practice, *clients: Client) -> None:
    """Have them read until nothing is left to tell and they are all in one group."""
    while practice.groups.executions != 1:
        for client in clients:
            await client.catch_up()


async def has_joined(practice: Practice) -> bool:
    """Whether all who watch the same are in one group, and none executes for itself."""
    return practice.groups.executions == 1


async def _is(truth: bool) -> bool:
    return truth


class Gate:
    """Holds back whoever comes through it first, until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def go_through(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            await self.opened.wait()

    @asynccontextmanager
    async def holding(self, work: Coroutine[Any, Any, Any]) -> AsyncIterator[None]:
        """Have `work` done up to the gate; when the block ends, the rest of it."""
        async with asyncio.timeout(PATIENCE):
            task = asyncio.create_task(work)
            await self.reached.wait()
            yield
            self.opened.set()
            await task


def gate_behind(monkeypatch: pytest.MonkeyPatch, module: str, name: str, function: Any) -> Gate:
    """Hold back the first who has called `function` from `module`."""
    gate = Gate()

    async def gated(*given: Any) -> Any:
        answer = await function(*given)
        await gate.go_through()
        return answer

    monkeypatch.setattr(f"{module}.{name}", gated)
    return gate


QUEUE_FEED = "gql_app.schema.queue_feed"

either_way = pytest.mark.parametrize("moods", [[], [True]], ids=["pulls", "listens"])


async def test_one_that_midnight_overtakes_behind_its_snapshot_is_told_of_the_new_day(
    practice: Practice,
) -> None:
    async with watching(practice) as first, watching(practice) as newcomer:
        await join(practice, first)
        await newcomer.next()
        practice.to_midnight()
        await first.catch_up()  # their group has told of the new day already
        await all_right(newcomer)
        await practice.office.log(await first_task())
        await all_right(first, newcomer)
        assert first.told == newcomer.told == [3]


async def test_one_whose_snapshot_takes_over_midnight_is_told_of_the_new_day_and_each_event_once(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await first_task()
    async with watching(practice) as first, watching(practice) as newcomer:
        await join(practice, first)
        gate = gate_behind(monkeypatch, QUEUE_FEED, "read_board", read_board)
        async with gate.holding(newcomer.next()):
            await practice.office.log(task)
            practice.to_midnight()
            await practice.office.log(task)
            await first.catch_up()
        await all_right(first, newcomer)
        await practice.office.log(task, close=True)
        await all_right(first, newcomer)
        assert first.told == newcomer.told == [3, 4, 5]


@either_way
async def test_one_that_is_ahead_of_its_group_is_not_told_the_new_day_at_an_older_event(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, moods: list[bool]
) -> None:
    async with watching(practice) as first, watching(practice, moods=moods) as newcomer:
        await join(practice, first)
        practice.feeds.hear = False
        await practice.office.log(await first_task())
        with monkeypatch.context() as still:
            still.setattr("tests.flows.shared_client.QUIET", PATIENCE)  # the clock is not moved
            await newcomer.next()
            assert newcomer.seq == 3
            waiting = asyncio.create_task(newcomer.next())
            await eventually(lambda: has_joined(practice))
            practice.to_midnight()
            await waiting
        assert newcomer.is_up_to_date
        practice.feeds.notice_all()
        await all_right(first, newcomer)
        assert (first.told, newcomer.told) == ([3], [])


async def test_one_that_comes_back_over_midnight_is_not_led_back_to_the_day_before(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(practice) as first, watching(practice, after=2) as returned:
        await join(practice, first)
        await practice.office.log(await first_task())
        await first.catch_up()
        gate = gate_behind(monkeypatch, QUEUE_FEED, "counts_at", counts_at)
        async with gate.holding(returned.next()):
            practice.to_midnight()
        await all_right(returned, first)
        assert returned.told == [3]


@either_way
async def test_what_a_group_is_late_to_tell_is_not_told_to_one_whose_snapshot_has_it(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, moods: list[bool]
) -> None:
    gate, stream = Gate(), Streams._stream

    async def late(*given: Any) -> AsyncGenerator[Result, None]:
        async for result in stream(*given):
            if result.position is not None and result.position.seq == 3:
                await gate.go_through()
            yield result

    monkeypatch.setattr(Streams, "_stream", late)
    task = await first_task()
    async with watching(practice) as first, watching(practice, moods=moods) as newcomer:
        await join(practice, first)
        await practice.office.log(task)
        async with gate.holding(newcomer.next()):
            await eventually(lambda: _is(newcomer.seq == 3))
            joining = asyncio.create_task(newcomer.next())
            await eventually(lambda: has_joined(practice))
        await practice.office.log(task)
        await joining
        await all_right(first, newcomer)
        assert (first.told, newcomer.told) == ([3, 4], [4])


async def test_one_far_behind_a_group_that_fails_is_told_nothing_behind_a_gap(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = iter([ConnectionError("The database is away for a moment.")])

    async def counts_once_refused(*given: Any) -> Any:
        for error in fails:
            raise error
        return await counts_at(*given)

    task = await first_task()
    async with watching(practice) as first, watching(practice) as slow:
        await join(practice, first, slow)
        for _ in range(12):
            await practice.office.log(task)
        await first.catch_up()
        await join(practice, first)
        monkeypatch.setattr(queue_feed, "counts_at", counts_once_refused)
        practice.to_midnight()
        for client in (first, slow):
            with pytest.raises(Failed):
                await client.catch_up()
            await client.break_off()
        await all_right(first, slow)
        assert first.told == slow.told == list(range(3, 15))


async def test_what_comes_before_a_failure_is_told_though_more_was_to_follow_at_once(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Streams._stream

    async def broken(results: Results) -> AsyncGenerator[Result, None]:
        begin: Position | None = None
        async with aclosing(results):
            async for result in results:
                yield result
                begin = begin or result.position
                if result.more and result.position != begin:
                    raise ConnectionError("The database is away for a moment.")

    task = await first_task()
    async with watching(practice) as pulls, watching(practice, moods=[True]) as listens:
        with monkeypatch.context() as away:
            away.setattr(Streams, "_stream", lambda *given: broken(stream(*given)))
            await join(practice, pulls, listens)
            await practice.office.log(task)
            for client in (pulls, listens):
                with pytest.raises(Failed):
                    await client.catch_up()
                assert client.told == [3]
                await client.break_off()
        await practice.office.log(task)
        await all_right(pulls, listens)
        assert pulls.told == listens.told == [3, 4]


async def test_all_watch_a_queue_that_was_added_while_their_group_lives(
    practice: Practice,
) -> None:
    office = practice.office
    async with watching(practice) as first, watching(practice) as newcomer:
        await join(practice, first)
        added = await add_queue(office, "Added")
        await office.make_task(added)
        await newcomer.catch_up()
        await office.log(await office.make_task(added, follow_up=office.today))
        await office.log(await first_task())
        await all_right(first, newcomer)
        assert (first.told, newcomer.told) == ([3, 4, 5, 6], [4, 5, 6])
        assert added.id in newcomer.counts
        assert added.id in first.counts
        await first.break_off()
        await all_right(first)
        assert added.id in first.counts


async def test_one_that_falls_behind_is_told_of_a_queue_that_was_added_too(
    practice: Practice,
) -> None:
    office = practice.office
    async with watching(practice) as first, watching(practice) as slow:
        await join(practice, first, slow)
        added = await add_queue(office, "Added")
        for _ in range(12):
            await office.make_task(added)
            await office.make_task()
        await first.catch_up()
        await all_right(slow)
        await office.make_task(added)
        await all_right(first, slow)
        assert first.told == slow.told == list(range(3, 28))


@pytest.mark.parametrize("group_is_told", [False, True])
async def test_a_queue_that_is_added_while_one_begins_is_in_its_feed_for_good(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, *, group_is_told: bool
) -> None:
    async with watching(practice) as first, watching(practice) as newcomer:
        await join(practice, first)
        gate = gate_behind(monkeypatch, QUEUE_FEED, "read_board", read_board)
        async with gate.holding(newcomer.next()):
            added = await add_queue(practice.office, "Added")
            if group_is_told:  # who joins it then stands behind that
                await first.until(lambda message: message["__typename"] == "QueuesChanged")
        await newcomer.catch_up()
        await practice.office.make_task(added)
        await all_right(first, newcomer)
