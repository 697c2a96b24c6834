"""One execution for all who ask the same.

A group runs one stream and keeps its latest results, encoded once. Members hold no queue, only the
number of the event they were given last, and take what comes next from the group: the same bytes
for each of them. One who is further behind than the group remembers catches up by itself first.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import NamedTuple

RING = 1_000
"""Results that a group keeps."""


class Result(NamedTuple):
    """The result of event `seq`, encoded; `last` if the stream has ended with it."""

    seq: int
    payload: str
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
        self._grown = asyncio.Event()
        self._ended: Result | None = None
        self._runner = asyncio.create_task(self._run(results))

    @property
    def has_ended(self) -> bool:
        """Whether its stream is over: those who are in it hear so, a newcomer begins another."""
        return self._ended is not None

    async def behind(self, seq: int) -> list[Result] | None:
        """The results behind `seq`, as soon as there are some; None if some are forgotten."""
        while True:
            if seq < self.floor:
                return None
            first = bisect_right(self._ring, seq, key=_seq)
            if first < len(self._ring):
                return self._ring[first:]
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
                    self._ring.append(result)
                    self.head = result.seq
                    if len(self._ring) > 2 * RING:
                        self.floor = self._ring[RING - 1].seq
                        del self._ring[:RING]
                grown, self._grown = self._grown, asyncio.Event()
                grown.set()


def _seq(result: Result) -> int:
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
