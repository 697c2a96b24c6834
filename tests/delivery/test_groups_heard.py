"""Listeners are called with each batch of a group; one that does not take it reads it by itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import TypeVar

import pytest

from gql_app.delivery.group import Group
from gql_app.delivery.results import Result, ResultBatch, Results, Stop
from gql_app.schema.items import AsOf
from models.chain import Position
from tests.delivery.source import LIMIT, SOMEBODY, Source, seqs, some_groups

TODAY, TOMORROW = AsOf(date(2026, 3, 1), 0), AsOf(date(2026, 3, 2), 0)
END = Result(None, "the end", last=True)
T = TypeVar("T")


class Ear:
    """Takes batches for as long as it is `willing`, and keeps each."""

    def __init__(self) -> None:
        self.willing = True
        self.batches: list[ResultBatch] = []
        self.then: Callable[[], object] = lambda: None

    def __call__(self, batch: ResultBatch) -> bool:
        self.then()
        if self.willing:
            self.batches.append(batch)
        return self.willing

    @property
    def heard(self) -> list[list[int]]:
        return [seqs(batch.results) for batch in self.batches]


@asynccontextmanager
async def listening(group: Group, hear: Ear, place: int = 0) -> AsyncIterator[asyncio.Task[Stop]]:
    """One who listens from `place` on, for as long as the block lasts."""
    task = asyncio.create_task(group.listen(place, hear, SOMEBODY))
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def ends(awaited: Awaitable[T]) -> T:
    return await asyncio.wait_for(awaited, LIMIT)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def group(source: Source) -> AsyncIterator[Group]:
    async with some_groups().join("key", source.here, source.stream) as group:
        yield group


async def tell(source: Source, *results: Result) -> None:
    """Have the group told, and wait until it has told all."""
    for result in results:
        source.queue.put_nowait(result)
    async with asyncio.timeout(LIMIT):
        await source.queue.join()


def result(seq: int, as_of: AsOf | None = None, *, more: bool = False) -> Result:
    return Result(Position(seq), f"result {seq}", as_of, more=more)


async def test_one_who_listens_hears_all_that_comes_from_where_it_stands(
    source: Source, group: Group
) -> None:
    ear = Ear()
    await tell(source, result(11))
    async with listening(group, ear, 1) as task:
        await tell(source, result(12), result(12), result(13))
        assert ear.heard == [[12], [12], [13]]
        assert not task.done()
    assert await group.at(1) == [told for batch in ear.batches for told in batch.results]


async def test_all_who_listen_hear_the_same_batches_so_that_they_are_encoded_once(
    source: Source, group: Group
) -> None:
    first, second = Ear(), Ear()
    async with listening(group, first), listening(group, second):
        await tell(source, result(11), result(12))
    assert [id(batch) for batch in first.batches] == [id(batch) for batch in second.batches]
    assert first.batches[0].encoded is not first.batches[1].encoded


async def test_one_who_refuses_reads_the_same_where_it_stopped_and_can_listen_again(
    source: Source, group: Group
) -> None:
    ear = Ear()
    async with listening(group, ear) as task:
        await tell(source, result(11, TODAY))
        ear.willing = False
        await tell(source, result(12, TOMORROW), result(13, TOMORROW))
        assert await ends(task) == Stop(1, Position(11), TODAY)
        assert seqs(await group.at(1)) == [12, 13]
    ear.willing = True
    async with listening(group, ear, 3) as task:
        await tell(source, result(14, TOMORROW))
        ear.willing = False
        await tell(source, result(15, TOMORROW))
        assert await ends(task) == Stop(4, Position(14), TOMORROW)
    assert ear.heard == [[11], [14]]
    assert seqs(await group.at(4)) == [15]


async def test_one_who_refuses_stands_where_it_was_though_the_group_forgets(
    source: Source, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.delivery.group.KEPT", 2)
    ear = Ear()
    async with listening(group, ear) as task:
        await tell(source, *map(result, range(11, 15)))
        ear.willing = False
        await tell(source, result(15))  # and 11 to 13 are forgotten
        assert await ends(task) == Stop(4, Position(14), None)
    assert seqs(await group.at(4)) == [15]
    assert await group.at(2) is None


async def test_one_hears_while_another_refuses_and_a_third_waits(
    source: Source, group: Group
) -> None:
    willing, unwilling = Ear(), Ear()
    unwilling.willing = False
    async with listening(group, unwilling) as released, listening(group, willing) as task:
        waiting = asyncio.create_task(group.at(0))
        await tell(source, result(11), result(12))
        assert seqs(await asyncio.wait_for(waiting, LIMIT)) == [11, 12]
        assert await ends(released) == Stop(0, Position(10), None)
        assert not task.done()
    assert willing.heard == [[11], [12]]


async def test_one_cannot_listen_where_there_is_something_already(
    source: Source, group: Group
) -> None:
    ear = Ear()
    await tell(source, result(11), result(12))
    for place in (0, 1):
        assert not group.is_at_end(place)
        with pytest.raises(AssertionError):
            await ends(group.listen(place, ear, SOMEBODY))
    await tell(source, result(13))
    assert ear.heard == []


async def test_one_cannot_listen_to_a_stream_that_is_over(source: Source, group: Group) -> None:
    await tell(source, result(11), END)
    assert not group.is_at_end(1)
    with pytest.raises(AssertionError):
        await ends(group.listen(1, Ear(), SOMEBODY))
    assert await group.at(1) == [END]


async def test_the_end_releases_all_who_listen_and_they_read_it(
    source: Source, group: Group
) -> None:
    first, second = Ear(), Ear()
    async with listening(group, first) as one, listening(group, second) as other:
        await tell(source, result(11), END)
        assert [await ends(one), await ends(other)] == [Stop(1, Position(11), None)] * 2
    assert first.heard == second.heard == [[11]]
    assert await group.at(1) == [END]


async def test_results_that_others_follow_at_once_are_told_with_them(
    source: Source, group: Group
) -> None:
    ear = Ear()
    async with listening(group, ear):
        await tell(source, result(11, more=True), result(11, more=True))
        assert (ear.heard, group.head.seq) == ([], 10)
        await tell(source, result(12), result(13))
        assert (ear.heard, group.head.seq) == ([[11, 11, 12], [13]], 13)
    assert seqs(await group.at(0)) == [11, 11, 12, 13]


async def test_results_that_the_end_follows_are_not_lost(source: Source, group: Group) -> None:
    ear = Ear()
    async with listening(group, ear) as task:
        await tell(source, result(11), result(12, more=True), END)
        assert await ends(task) == Stop(1, Position(11), None)
    assert ear.heard == [[11]]
    assert seqs(await group.at(1)) == [12]
    assert await group.at(2) == [END]


async def test_one_who_is_cancelled_is_not_called_any_more(source: Source, group: Group) -> None:
    gone, stays = Ear(), Ear()
    async with listening(group, gone) as task, listening(group, stays):
        task.cancel()
        await asyncio.wait({task})
        await tell(source, result(11))
    assert (gone.heard, stays.heard) == ([], [[11]])
    assert not group._listeners  # nothing is kept of those who have gone


@pytest.mark.parametrize("willing", [True, False])
async def test_one_who_is_cancelled_just_as_a_batch_comes_is_not_called_and_holds_nobody_up(
    source: Source, group: Group, willing: bool
) -> None:
    gone, stays = Ear(), Ear()
    gone.willing = willing
    async with listening(group, gone) as task, listening(group, stays):
        source.queue.put_nowait(result(11))
        task.cancel()  # it sees this only after the group has told the batch
        await tell(source, result(12))
    assert (gone.heard, stays.heard) == ([], [[11], [12]])


async def test_one_who_is_cancelled_just_as_the_stream_ends_keeps_the_end_from_nobody(
    source: Source, group: Group
) -> None:
    async with listening(group, Ear()) as task, listening(group, Ear()) as stays:
        waiting = asyncio.create_task(group.at(0))
        await asyncio.sleep(0)
        source.queue.put_nowait(END)
        task.cancel()
        assert await ends(stays) == Stop(0, Position(10), None)
        assert await asyncio.wait_for(waiting, LIMIT) == [END]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("willing", [True, False])
async def test_one_may_end_another_while_both_are_told(
    source: Source, group: Group, first: int, willing: bool
) -> None:
    ears = [Ear(), Ear(), Ear()]
    async with (
        listening(group, ears[0]) as one,
        listening(group, ears[1]) as other,
        listening(group, ears[2]) as third,
    ):
        ears[first].then = (other if first == 0 else one).cancel
        ears[1 - first].willing = willing
        await tell(source, result(11), result(12))
        assert not third.done()
    assert ears[first].heard == ears[2].heard == [[11], [12]]
    assert ears[1 - first].heard == ([[11]] if first == 1 and willing else [])


async def test_one_that_raises_fails_alone(source: Source, group: Group) -> None:
    raising, stays = Ear(), Ear()

    def fail() -> None:
        raise OSError("its socket is broken")

    raising.then = fail
    async with listening(group, raising) as failed, listening(group, stays) as task:
        await tell(source, result(11), result(12))
        with pytest.raises(OSError, match="its socket is broken"):
            await ends(failed)
        assert not task.done()
    assert (raising.heard, stays.heard) == ([], [[11], [12]])
    assert not group.has_ended


@pytest.mark.parametrize("willing", [True, False])
async def test_one_may_end_itself_while_it_is_told(
    source: Source, group: Group, willing: bool
) -> None:
    ends_itself, stays = Ear(), Ear()
    ends_itself.willing = willing
    async with listening(group, ends_itself) as own, listening(group, stays) as task:
        ends_itself.then = own.cancel
        await tell(source, result(11), result(12))
        assert own.cancelled()
        assert not task.done()
    assert stays.heard == [[11], [12]]


@pytest.mark.parametrize("error", [OSError("it says why"), None], ids=["raises", "ends"])
async def test_all_are_told_of_a_stream_that_stops_without_saying_so(
    error: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    more = asyncio.Event()

    async def stream(_: Position) -> Results:
        yield result(11)
        await more.wait()
        yield result(12, more=True)
        if error is not None:
            raise error

    async with some_groups().join("key", Source().here, stream) as group:
        ear = Ear()
        await ends(group.begun())
        async with listening(group, ear, 1) as task:
            more.set()
            assert await ends(task) == Stop(1, Position(11), None)
        assert seqs(await group.at(0)) == [11, 12]
        (end,) = await ends(group.at(2)) or []
    assert end.last
    assert json.loads(end.payload)[0]["extensions"]["code"] == "INTERNAL"
    assert type(error or RuntimeError()).__name__ in caplog.text
