"""A group: one stream that is executed once, for all who follow it."""

import asyncio
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Set
from contextlib import aclosing

from gql_app.delivery.results import Listener, Result, ResultBatch, Results, Stop, failure
from gql_app.logs import request
from gql_app.schema.errors import ERROR_CODES
from gql_app.schema.items import AsOf
from gql_app.work.access_log import Access
from models.chain import Position

KEPT = 1_000
"""Results that a group keeps."""

CHUNK = 100
"""Results of the past that are handed to a member at once."""

PACE_SECONDS = 1.0
"""How long a replay waits for a member that does not read. Then it goes on with the others."""


NoteSent = Callable[[Access, Set[int]], None]
"""Records that somebody was sent data of these patients."""


class Group:
    """The latest results of one stream, which began after the event at `start`.

    Members hold no queue, only a place: a number that grows by one with each result. The group has
    all results after the event at `floor`, up to the one at `head`. With `waits` it is a replay: it
    goes on only when its members have taken what there is. What listeners were sent is recorded by
    `note` when they come and go, and when the group is told to `settle`: not with each result.
    """

    def __init__(
        self, start: Position, results: Results, note: NoteSent, *, waits: bool = False
    ) -> None:
        self.floor = self.head = start
        self.as_of: AsOf | None = None
        self._waits = waits
        self._places: dict[object, int] = {}
        self._taken = asyncio.Event()
        self._begun = asyncio.Event()
        self._chunks: dict[tuple[int, int], ResultBatch] = {}
        self._kept: list[Result] = []
        self._first = 0
        self._grown = asyncio.Event()
        self._listeners: dict[Listener, asyncio.Future[Stop]] = {}
        self._note = note
        self._heard_by: Counter[Access] = Counter()
        self._sent: set[int] = set()
        self._ended: Result | None = None
        self._runner = asyncio.create_task(self._run(results))

    @property
    def has_ended(self) -> bool:
        """Whether its stream is over. Its members are told so; the next who asks begins another."""
        return self._ended is not None

    async def begun(self) -> None:
        """Wait for the first results: before them, its day and settings are not known."""
        await self._begun.wait()

    def begins_at(self, position: Position) -> bool:
        """Whether a member that has been told all up to `position` can be told all of it."""
        return not self.has_ended and not self._first and self.floor == position

    def can_lead_from(self, position: Position, as_of: AsOf | None) -> bool:
        """Whether a member that has been told all up to `position`, `as_of` then, may follow."""
        if self.has_ended:
            return False
        if not self._begun.is_set():
            return self.floor.agrees(position)
        return self.place_after(position, as_of) is not None

    def place_after(self, position: Position, as_of: AsOf | None) -> int | None:
        """The place of the next result for a member that has been told all up to `position`,
        `as_of` then. None if the group has forgotten some of what follows, has come to another day
        or other settings, or has another event there."""
        index = bisect_right(self._kept, position.seq, key=_seq)
        following = self._kept[index].as_of if index < len(self._kept) else self.as_of
        here = _position(self._kept[index - 1]) if index else self.floor
        is_other = here.seq == position.seq and not here.agrees(position)
        if position.seq < self.floor.seq or following != as_of or is_other:
            # If the stream is over, the member can still be told that, but nothing after a gap.
            return None if self._ended is None else self._end
        return self._first + index

    def is_between_events(self, place: int) -> bool:
        """Whether all results of the event before `place` are before it too."""
        index = place - self._first
        if not 0 < index < len(self._kept):
            return index == len(self._kept)
        return _seq(self._kept[index]) != _seq(self._kept[index - 1])

    def is_at_end(self, place: int) -> bool:
        """Whether nothing is at `place` yet, and something may come."""
        return self._ended is None and place >= self._end

    @property
    def _end(self) -> int:
        return self._first + len(self._kept)

    async def at(self, place: int) -> list[Result] | None:
        """The results from `place` on, as soon as there are some; None if some are forgotten."""
        while True:
            index = place - self._first
            if index < 0:
                return None
            if index < len(self._kept):
                return self._kept[index:]
            if self._ended is not None:
                return [self._ended]
            await self._grown.wait()

    async def chunk_at(self, place: int, reader: object) -> ResultBatch | None:
        """Some of the results from `place` on, the same batch for all members at that place; None
        if some are forgotten. `reader` has taken everything before `place`."""
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

    async def listen(self, place: int, listener: Listener, access: Access) -> Stop:
        """Call `listener` with each batch until it does not take one, or the stream ends. Returns
        where it stopped. Nothing is at `place` yet: see `is_at_end`. `access` is whose it is."""
        assert self.is_at_end(place)
        stopped: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()
        self.settle()
        self._heard_by[access] += 1
        self._listeners[listener] = stopped
        try:
            return await stopped
        finally:
            self._listeners.pop(listener, None)
            self.settle()
            self._heard_by[access] -= 1
            if not self._heard_by[access]:
                del self._heard_by[access]

    def settle(self) -> None:
        """Record what all who listen now were sent since this was done last."""
        if self._sent:
            sent, self._sent = self._sent, set()
            for access in self._heard_by:
                self._note(access, sent)

    async def close(self) -> None:
        """End the stream."""
        self._runner.cancel()
        await asyncio.wait({self._runner})

    async def _run(self, results: Results) -> None:
        """Announce what the stream yields. However it ends, its members are told that it is over:
        they would wait for ever."""
        request.begin(None)  # it goes on for others when the one who came first has gone
        together: list[Result] = []
        try:
            async with aclosing(results):
                async for result in results:
                    if result.last:
                        self._ended = result
                    else:
                        together.append(result)
                    if not result.more:
                        complete, together = together, []
                        self._announce(complete)
                        if self._waits:
                            await self._wait_for_members()
            if self._ended is None:
                raise RuntimeError("a shared stream has ended without its last result")
        except Exception as error:
            ended = failure(ERROR_CODES.request_error(error))
            if self._ended is None:
                self._ended = ended
                self._announce(together)

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
        """Keep the results and tell all members of them.

        Listeners are called: waking a coroutine takes a turn of the event loop, and more time than
        to send what it waits for.
        """
        stop = Stop(self._end, self.head, self.as_of)
        self._begun.set()
        self._chunks.clear()
        if results:
            if self._heard_by:
                self._sent.update(*[result.patients for result in results])
            self._kept += results
            self.head, self.as_of = _position(results[-1]), results[-1].as_of
        self._forget()
        batch = ResultBatch(results)
        for listener, stopped in list(self._listeners.items()):
            if stopped.done():
                continue  # cancelled in this very turn, or by a listener that was called before it
            try:
                if self._ended is None and listener(batch):
                    continue
                stopped.set_result(stop)
            except Exception as error:  # it is the listener's own, and the others go on
                if not stopped.done():  # it may have been cancelled by its own call
                    stopped.set_exception(error)
            del self._listeners[listener]
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def _forget(self) -> None:
        """Drop the oldest results, once there are twice as many as are kept."""
        surplus = len(self._kept) - KEPT if len(self._kept) > 2 * KEPT else 0
        if self._waits:  # a member that it waits for has still to take some of them
            slowest = min(self._places.values(), default=self._first)
            surplus = min(surplus, slowest - self._first)
        if surplus > 0:
            self.floor = _position(self._kept[surplus - 1])
            self._first += surplus
            del self._kept[:surplus]


def _position(result: Result) -> Position:
    assert result.position is not None
    return result.position


def _seq(result: Result) -> int:
    return _position(result).seq
