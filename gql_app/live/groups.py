"""One execution for all who ask the same.

A group runs one stream and keeps its latest results, encoded once. Members hold no queue, only
their place, and take what comes next from the group: the same bytes for each of them. Those who are
abreast of it may listen instead, and are called with what comes. One who is further behind than
the group remembers catches up by itself first.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from datetime import date
from typing import NamedTuple

from models.chain import Position

RING = 1_000
"""Results that a group keeps."""


class Result(NamedTuple):
    """A result, encoded. In a stream of events `position` is the event that it is true at; `day` is
    the day that it depends on, if it does, and `of_the_clock` says that the clock brought it and
    not an event. With `more`, others follow at once. The stream has ended with a result that is
    `last`."""

    position: Position | None
    payload: str
    day: date | None = None
    of_the_clock: bool = False
    more: bool = False
    last: bool = False


class News:
    """Results that came together. `made` is for what members make of them that is the same for
    others, under whatever it depends on."""

    __slots__ = ("made", "results")

    def __init__(self, results: list[Result]) -> None:
        self.results = results
        self.made: dict[str, bytes] = {}


class Abreast(NamedTuple):
    """The place at which a member had heard all up to the event at `position`, on `day`."""

    place: int
    position: Position
    day: date | None


Stream = AsyncGenerator[Result, None]
Hear = Callable[[News], bool]
"""Takes all news at once, or none of it and says False."""


class Group:
    """The latest results of one stream that began after the event at `start`.

    `floor` is the position after which it has everything, `head` the one it has come to.
    """

    def __init__(self, start: Position, results: Stream) -> None:
        self.floor = self.head = start
        self.members = 0
        self._ring: list[Result] = []
        self._first = 0
        self._day: date | None = None
        self._grown = asyncio.Event()
        self._listeners: dict[Hear, asyncio.Future[Abreast]] = {}
        self._ended: Result | None = None
        self._runner = asyncio.create_task(self._run(results))

    @property
    def has_ended(self) -> bool:
        """Whether its stream is over: those who are in it hear so, a newcomer begins another."""
        return self._ended is not None

    def place_after(self, position: Position, day: date | None) -> int | None:
        """The place at which one goes on who has been told all up to `position`, as it is on `day`.
        None if some of what follows is forgotten, the group has come to another day, or it has
        another event there."""
        index = bisect_right(self._ring, position.seq, key=_seq)
        next_day = self._ring[index].day if index < len(self._ring) else self._day
        here = self._ring[index - 1].position if index else self.floor
        other = here is not None and here.seq == position.seq and not here.agrees(position)
        if position.seq < self.floor.seq or next_day != day or other:
            # Of a stream that is over one can still hear the end, but nothing behind a gap.
            return None if self._ended is None else self._end
        return self._first + index

    @property
    def _end(self) -> int:
        return self._first + len(self._ring)

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

    async def listen(self, place: int, hear: Hear) -> Abreast | None:
        """Call `hear` with all that comes, for as long as it takes it. Returns where it stopped;
        None, and nothing is heard, if there is something at `place` already."""
        if self._ended is not None or place < self._end:
            return None
        released: asyncio.Future[Abreast] = asyncio.get_running_loop().create_future()
        self._listeners[hear] = released
        try:
            return await released
        finally:
            self._listeners.pop(hear, None)

    async def close(self) -> None:
        self._runner.cancel()
        await asyncio.wait({self._runner})

    async def _run(self, results: Stream) -> None:
        together: list[Result] = []
        async with aclosing(results):
            async for result in results:
                if result.last:
                    self._ended = result
                else:
                    together.append(result)
                if not result.more:
                    self._announce(together)
                    together = []

    def _announce(self, results: list[Result]) -> None:
        """Tell everybody. Those who listen are told by a call: it takes a turn of the event loop
        to wake a member that waits, and more time than to send it what it waits for."""
        abreast = Abreast(self._end, self.head, self._day)
        if results:
            self._ring += results
            self.head, self._day = _position(results[-1]), results[-1].day
        if len(self._ring) > 2 * RING:
            forgotten = len(self._ring) - RING
            self.floor = _position(self._ring[forgotten - 1])
            self._first += forgotten
            del self._ring[:forgotten]
        news = News(results)
        for hear, released in list(self._listeners.items()):
            if released.done():
                continue  # cancelled in this very turn, or by another who was told before it
            if self._ended is not None or not hear(news):
                del self._listeners[hear]
                released.set_result(abreast)
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()


def _position(result: Result) -> Position:
    assert result.position is not None
    return result.position


def _seq(result: Result) -> int:
    return _position(result).seq


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
        here: Callable[[], Awaitable[Position]],
        stream: Callable[[Position], Stream],
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
