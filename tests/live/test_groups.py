"""A group executes once; its members get the same bytes, each from its own place on."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from gql_app.live import groups
from gql_app.live.groups import Group, Groups, Result

LIMIT = 10


class Source:
    """A stream that yields what the test puts in, and counts how often it was begun."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Result] = asyncio.Queue()
        self.begun: list[int] = []
        self.closed = asyncio.Event()

    async def here(self) -> int:
        await asyncio.sleep(0)
        return 10

    async def stream(self, start: int) -> AsyncGenerator[Result, None]:
        self.begun.append(start)
        try:
            while True:
                yield await self.queue.get()
        finally:
            self.closed.set()

    def put(self, *seqs: int) -> None:
        for seq in seqs:
            self.queue.put_nowait(Result(seq, f"result {seq}"))


async def read(group: Group, position: int) -> list[int]:
    async with asyncio.timeout(LIMIT):
        results = await group.behind(position)
    assert results is not None
    return [result.seq for result in results]


async def test_all_who_ask_the_same_share_one_stream() -> None:
    source, together = Source(), Groups()
    async with (
        together.join("key", source.here, source.stream) as first,
        together.join("key", source.here, source.stream) as second,
    ):
        source.put(11, 13)
        assert first is second
        assert await read(first, 11) == [13]
        assert await read(second, 10) == [11, 13]
        assert (source.begun, together.members, together.executions) == ([10], 2, 1)
    assert source.closed.is_set()
    assert (together.members, together.executions) == (0, 0)


async def test_many_who_join_at_once_begin_one_stream() -> None:
    source, together, all_here = Source(), Groups(), asyncio.Barrier(50)

    async def member() -> list[int]:
        async with together.join("key", source.here, source.stream) as group:
            await all_here.wait()
            return await read(group, 10)

    members = [asyncio.create_task(member()) for _ in range(50)]
    source.put(11)
    assert await asyncio.gather(*members) == [[11]] * 50
    assert source.begun == [10]


async def test_who_asks_for_something_else_has_a_stream_of_its_own() -> None:
    source, together = Source(), Groups()
    async with (
        together.join("staff", source.here, source.stream) as one,
        together.join("partner", source.here, source.stream) as other,
    ):
        assert one is not other


async def test_a_member_further_behind_than_the_group_remembers_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(groups, "RING", 2)
    source, together = Source(), Groups()
    async with together.join("key", source.here, source.stream) as group:
        assert await group.behind(9) is None  # from before it began
        source.put(11, 12, 13, 14, 15)
        async with asyncio.timeout(LIMIT):
            while group.head < 15:
                await group.behind(group.head)
        assert await group.behind(11) is None  # forgotten meanwhile
        assert await read(group, group.floor) == list(range(group.floor + 1, 16))


async def test_what_ends_the_stream_reaches_every_member_behind_all_that_came_before() -> None:
    source, together = Source(), Groups()
    async with together.join("key", source.here, source.stream) as group:
        source.put(11)
        source.queue.put_nowait(Result(0, "the end", last=True))
        assert await read(group, 10) == [11]
        async with asyncio.timeout(LIMIT):
            assert await group.behind(11) == [Result(0, "the end", last=True)]


async def test_a_newcomer_does_not_get_the_end_of_a_stream_that_others_still_hold() -> None:
    source, together = Source(), Groups()
    async with together.join("key", source.here, source.stream) as ended:
        source.queue.put_nowait(Result(0, "the end", last=True))
        async with asyncio.timeout(LIMIT):
            await ended.behind(10)
        async with together.join("key", source.here, source.stream) as fresh:
            assert fresh is not ended
            source.put(11)
            assert await read(fresh, 10) == [11]
    assert together.executions == 0
