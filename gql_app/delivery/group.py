"""One stream that many follow: its latest results, and each follower's place in them."""

import asyncio
from bisect import bisect_right
from contextlib import aclosing
from datetime import date

from gql_app.delivery.results import CaughtUp, Hear, Result, ResultBatch, Stream
from models.chain import Position

RING = 1_000
"""Results that a group keeps."""

CHUNK = 100
"""Results of the past that are handed to a member at once."""

PACE_SECONDS = 1.0
"""How long a group that tells of the past waits for a member that does not read. It falls behind
then, and the others go on."""


class Group:
    """The latest results of one stream that began after the event at `start`.

    `floor` is the position after which it has everything, `head` the one it has come to. With
    `waits` it goes on only when its members have taken what there is.
    """

    def __init__(self, start: Position, results: Stream, *, waits: bool = False) -> None:
        self.floor = self.head = self._start = start
        self.members = 0
        self._waits = waits
        self._places: dict[object, int] = {}
        self._taken = asyncio.Event()
        self._begun = asyncio.Event()
        self._chunks: dict[tuple[int, int], ResultBatch] = {}
        self._ring: list[Result] = []
        self._first = 0
        self._day: date | None = None
        self._grown = asyncio.Event()
        self._listeners: dict[Hear, asyncio.Future[CaughtUp]] = {}
        self._ended: Result | None = None
        self._runner = asyncio.create_task(self._run(results))

    @property
    def has_ended(self) -> bool:
        """Whether its stream is over: those who are in it hear so, a newcomer begins another."""
        return self._ended is not None

    async def begun(self) -> None:
        """Wait for the first results: before them it is not known on which day the group is."""
        await self._begun.wait()

    def begins_at(self, position: Position) -> bool:
        """Whether one who has been told all up to `position` can be told all of it."""
        return not self.has_ended and not self._first and self._start == position

    def can_lead_from(self, position: Position, day: date | None) -> bool:
        """Whether one who has been told all up to `position`, as it is on `day`, may follow."""
        if self.has_ended:
            return False
        if not self._begun.is_set():
            return self.floor.agrees(position)
        return self.place_after(position, day) is not None

    def place_after(self, position: Position, day: date | None) -> int | None:
        """The place at which one goes on who has been told all up to `position`, as it is on `day`.
        None if some of what follows is forgotten, the group has come to another day, or it has
        another event there."""
        index = bisect_right(self._ring, position.seq, key=_seq)
        next_day = self._ring[index].day if index < len(self._ring) else self._day
        here = _position(self._ring[index - 1]) if index else self.floor
        is_other = here.seq == position.seq and not here.agrees(position)
        if position.seq < self.floor.seq or next_day != day or is_other:
            # Of a stream that is over one can still hear the end, but nothing behind a gap.
            return None if self._ended is None else self._end
        return self._first + index

    def is_between_events(self, place: int) -> bool:
        """Whether all that was told of the event before `place` stands before it too."""
        index = place - self._first
        if not 0 < index < len(self._ring):
            return index == len(self._ring)
        return _seq(self._ring[index]) != _seq(self._ring[index - 1])

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

    async def chunk_at(self, place: int, reader: object) -> ResultBatch | None:
        """Some of the results from `place` on, which members at the same place share; None if some
        are forgotten. `reader` has taken all that stands before `place`."""
        self._places[reader] = place
        self._taken.set()
        results = await self.at(place)
        if results is None:
            return None
        results = results[: CHUNK - place % CHUNK]
        return self._chunks.setdefault((place, len(results)), ResultBatch(results))

    def leave(self, reader: object) -> None:
        """Wait for `reader` no longer."""
        self._places.pop(reader, None)
        self._taken.set()

    async def listen(self, place: int, hear: Hear) -> CaughtUp | None:
        """Call `hear` with all that comes, for as long as it takes it. Returns where it stopped;
        None, and nothing is heard, if there is something at `place` already."""
        if self._ended is not None or place < self._end:
            return None
        released: asyncio.Future[CaughtUp] = asyncio.get_running_loop().create_future()
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
                    if self._waits:
                        await self._wait_for_members()

    async def _wait_for_members(self) -> None:
        """Wait until all have taken what there is, but not long for one that does not read."""
        try:
            async with asyncio.timeout(PACE_SECONDS):
                while not self._places or min(self._places.values()) < self._end:
                    self._taken.clear()
                    await self._taken.wait()
        except TimeoutError:
            self._places = {r: place for r, place in self._places.items() if place == self._end}

    def _announce(self, results: list[Result]) -> None:
        """Tell everybody. Those who listen are told by a call: it takes a turn of the event loop
        to wake a member that waits, and more time than to send it what it waits for."""
        caught_up = CaughtUp(self._end, self.head, self._day)
        self._begun.set()
        self._chunks.clear()
        if results:
            self._ring += results
            self.head, self._day = _position(results[-1]), results[-1].day
        forgotten = len(self._ring) - RING if len(self._ring) > 2 * RING else 0
        if self._waits:  # not what somebody it waits for has still to take
            slowest = min(self._places.values(), default=self._first)
            forgotten = min(forgotten, slowest - self._first)
        if forgotten > 0:
            self.floor = _position(self._ring[forgotten - 1])
            self._first += forgotten
            del self._ring[:forgotten]
        batch = ResultBatch(results)
        for hear, released in list(self._listeners.items()):
            if released.done():
                continue  # cancelled in this very turn, or by another who was told before it
            if self._ended is not None or not hear(batch):
                del self._listeners[hear]
                released.set_result(caught_up)
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()


def _position(result: Result) -> Position:
    assert result.position is not None
    return result.position


def _seq(result: Result) -> int:
    return _position(result).seq
