"""A group executes once; its members get the same bytes, each from its own place on."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import date

import pytest

from gql_app.delivery.group import Group
from gql_app.delivery.results import Result
from gql_app.schema.items import AsOf
from models.chain import Position
from tests.delivery.source import LIMIT, Source, behind, read, seqs, some_groups, until


async def test_all_who_ask_the_same_share_one_stream() -> None:
    source, together = Source(), some_groups()
    async with (
        together.join("key", source.here, source.stream) as first,
        together.join("key", source.here, source.stream) as second,
    ):
        source.put(11, 13)
        assert first is second
        await until(first, 13)
        assert await read(first, 11) == [13]
        assert await read(second, 10) == [11, 13]
        assert (source.begun, together.members, together.executions) == ([Position(10)], 2, 1)
    assert source.closed.is_set()
    assert (together.members, together.executions) == (0, 0)


async def test_many_who_join_at_once_begin_one_stream() -> None:
    source, together, all_here = Source(), some_groups(), asyncio.Barrier(50)

    async def member() -> list[int]:
        async with together.join("key", source.here, source.stream) as group:
            await all_here.wait()
            return await read(group, 10)

    members = [asyncio.create_task(member()) for _ in range(50)]
    source.put(11)
    assert await asyncio.gather(*members) == [[11]] * 50
    assert source.begun == [Position(10)]


async def test_who_asks_for_something_else_has_a_stream_of_its_own() -> None:
    source, together = Source(), some_groups()
    async with (
        together.join("staff", source.here, source.stream) as one,
        together.join("partner", source.here, source.stream) as other,
    ):
        assert one is not other


async def test_a_member_further_behind_than_the_group_remembers_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gql_app.delivery.group.KEPT", 2)
    source, together = Source(), some_groups()
    async with together.join("key", source.here, source.stream) as group:
        assert await behind(group, 9) is None  # from before it began
        place = group.place_after(Position(10), None)
        assert place is not None
        source.put(11, 12, 13, 14, 15)
        await until(group, 15)
        assert await group.at(place) is None  # forgotten meanwhile
        assert await behind(group, 11) is None
        assert await read(group, group.floor.seq) == list(range(group.floor.seq + 1, 16))


async def test_what_ends_the_stream_reaches_every_member_behind_all_that_came_before() -> None:
    source, together = Source(), some_groups()
    async with together.join("key", source.here, source.stream) as group:
        source.put(11)
        source.queue.put_nowait(Result(None, "the end", last=True))
        await until(group, 11)
        assert await read(group, 10) == [11]
        async with asyncio.timeout(LIMIT):
            assert await behind(group, 11) == [Result(None, "the end", last=True)]


async def test_a_newcomer_does_not_get_the_end_of_a_stream_that_others_still_hold() -> None:
    source, together = Source(), some_groups()
    async with together.join("key", source.here, source.stream) as ended:
        source.queue.put_nowait(Result(None, "the end", last=True))
        async with asyncio.timeout(LIMIT):
            await behind(ended, 10)
        async with together.join("key", source.here, source.stream) as fresh:
            assert fresh is not ended
            source.put(11)
            assert await read(fresh, 10) == [11]
    assert together.executions == 0


async def test_a_place_holds_for_several_results_of_one_event() -> None:
    source, together = Source(), some_groups()
    async with together.join("key", source.here, source.stream) as group:
        place = group.place_after(Position(10), None)
        assert place is not None
        source.put(11)
        await until(group, 11)
        first = await group.at(place)
        source.put(11, 12)
        await until(group, 12)
        rest = await group.at(place + 1)
        assert [seqs(results) for results in (first, rest)] == [[11], [11, 12]]


async def test_one_joins_only_where_the_next_result_is_of_the_same_day_and_settings() -> None:
    source, together = Source(), some_groups()
    today, tomorrow = AsOf(date(2026, 3, 1), 4), AsOf(date(2026, 3, 2), 4)
    changed = tomorrow._replace(settings=5)
    async with together.join("key", source.here, source.stream) as group:
        assert group.place_after(Position(10), today) is None  # it has not told a day yet
        for seq, as_of in ((11, today), (12, today), (12, tomorrow), (13, tomorrow), (13, changed)):
            source.queue.put_nowait(Result(Position(seq), "", as_of))
        await until(group, 13)
        assert await read(group, 11, today) == [12, 12, 13, 13]
        assert await behind(group, 12, today) is None  # it would miss the change of day
        assert await read(group, 12, tomorrow) == [13, 13]
        assert group.place_after(Position(13), today) is None
        assert group.place_after(Position(13), tomorrow) is None  # it would miss other settings
        assert group.place_after(Position(13), changed) is not None


async def test_one_that_cannot_begin_holds_up_nobody_who_asks_for_something_else() -> None:
    source, other, together = Source(), Source(), some_groups()
    begun, never = asyncio.Event(), asyncio.Event()

    async def waits() -> Position:
        begun.set()
        await never.wait()
        return Position(10)

    async def join() -> None:
        async with together.join("stuck", waits, source.stream):
            pass

    stuck = asyncio.create_task(join())
    await begun.wait()
    async with asyncio.timeout(LIMIT), together.join("key", other.here, other.stream) as group:
        other.put(11)
        assert await read(group, 10) == [11]
    assert not stuck.done()
    never.set()
    await stuck


async def test_a_replay_is_shared_where_it_fits_and_nothing_is_kept_of_it() -> None:
    source, together = Source(), some_groups()

    def replay(key: str, seq: int) -> AbstractAsyncContextManager[Group]:
        begins = Position(seq)
        return together.replay(key, begins, lambda r: r.begins_at(begins), source.stream)

    async with replay("key", 3) as first, replay("key", 3) as second:
        async with replay("key", 4) as later, replay("other", 3) as other:
            assert first is second
            assert len({first, later, other}) == 3
            assert together.replays("key") == [first, later]
            assert together.replays("other") == [other]
            assert together.executions == 3
        assert list(together._replays) == ["key"]
    assert (together.executions, together._replays) == (0, {})
    assert together.replays("key") == []
