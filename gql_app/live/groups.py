"""One execution for all who ask the same.

A group runs one stream and keeps its latest results, encoded once. Members hold no queue, only
their place, and take what comes next from the group: the same bytes for each of them. One who is
further behind than the group remembers catches up by itself first.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from datetime import date
from typing import NamedTuple

RING = 1_000
"""Results that a group keeps."""


class Result(NamedTuple):
    """A result, encoded. In a stream of events `seq` is the number of the event that it is true at;
    `day` is the day that it depends on, if it does, and `of_the_clock` says that the clock brought
    it and not an event. The stream has ended with a result that is `last`."""

    seq: int | None
    payload: str
    day: date | None = None
    of_the_clock: bool = False
    last: bool = False


Stream = AsyncGenerator[Result, None]


class Group:
    """The latest results of one stream that began behind event `start`.

    `floor` is the number behind which it has everything, `head` the number it has come to.
    """

    def __init__(self, start: int, results: Stream) -> None:
        self.floor = self.head = start
        self.members = 0
        self._ring: list[Result] = []
        self._first = 0
        self._day: date | None = None
        self._grown = asyncio.Event()
        self._ended: Result | None = None
        self._runner = asyncio.create_task(self._run(results))

    @property
    def has_ended(self) -> bool:
        """Whether its stream is over: those who are in it hear so, a newcomer begins another."""
        return self._ended is not None

    def place_behind(self, seq: int, day: date | None) -> int | None:
        """The place at which one goes on who has been told all up to event `seq`, as it is on
        `day`. None if some of what follows is forgotten, or the group has come to another day."""
        index = bisect_right(self._ring, seq, key=_seq)
        next_day = self._ring[index].day if index < len(self._ring) else self._day
        if seq < self.floor or next_day != day:
            # Of a stream that is over one can still hear the end, but nothing behind a gap.
            return None if self._ended is None else self._first + len(self._ring)
        return self._first + index

    async def at(self, place: int) -> list[Result] | None:
        """The results from `place` on, as soon as there are some; None if some are forgotten."""
        while True:
            index = place - self._first
            if index < 0:
                return None
            if index < len(self._ring):
                return self._ring[index:]
            if self._ended is not None:
                return [self._ended]
            await self._grown.wait()

    async def close(self) -> None:
        self._runner.cancel()
        await asyncio.wait({self._runner})

    async def _run(self, results: Stream) -> None:
        async with aclosing(results):
            async for result in results:
                if result.last:
                    self._ended = result
                else:
                    assert result.seq is not None
                    self._ring.append(result)
                    self.head, self._day = result.seq, result.day
                    if len(self._ring) > 2 * RING:
                        self.floor = _seq(self._ring[RING - 1])
                        self._first += RING
                        del self._ring[:RING]
                grown, self._grown = self._grown, asyncio.Event()
                grown.set()


def _seq(result: Result) -> int:
    assert result.seq is not None
    return result.seq


class Groups:
    """The groups of this process: each lives for as long as it has members."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, Group] = {}
        self._catching_up = 0
        self._opening = asyncio.Lock()

    @property
    def executions(self) -> int:
        """How many streams run for the members: one a group, and one for each who catches up."""
        return len(self._groups) + self._catching_up

    @contextmanager
    def catching_up(self) -> Iterator[None]:
        """A member executes for itself for as long as the block lasts."""
        self._catching_up += 1
        try:
            yield
        finally:
            self._catching_up -= 1

    @property
    def members(self) -> int:
        """How many follow a group now."""
        return sum(group.members for group in self._groups.values())

    @asynccontextmanager
    async def join(
        self,
        key: Hashable,
        here: Callable[[], Awaitable[int]],
        stream: Callable[[int], Stream],
    ) -> AsyncIterator[Group]:
        """The group of `key`; made with `stream(await here())` by the first who joins."""
        async with self._opening:
            group = self._groups.get(key)
            if group is None or group.has_ended:
                start = await here()
                group = self._groups[key] = Group(start, stream(start))
            group.members += 1
        try:
            yield group
        finally:
            group.members -= 1
            if not group.members:
                if self._groups.get(key) is group:
                    del self._groups[key]
                await group.close()
