"""One ordered feed of events a practice and process, read from the event table.

A feed keeps the practice's latest events in memory. Those who follow it hold no queue of their own,
only their position: they take what comes next from the feed, or from the table when they are
further behind. So a follower can be as slow as it likes without costing memory or making others
wait, and replay and live are the same walk, with no gap and no repeat in between.

A position names its event by digest, and each read looks at the last event again. Where the table
has another one (the database was restored to an earlier state, or a replica took over that had not
received all of it), the feed ends, and all who follow it are told to start afresh.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from weakref import WeakValueDictionary

from models.chain import Position
from models.event import (
    EventRow,
    OtherHistory,
    Resync,
    check_resumable,
    events_after,
    feed_bounds,
)
from models.limits import Busy

log = logging.getLogger(__name__)

KEPT = 1_000
"""Events that a feed keeps in memory."""

BATCH = 500
"""Events read at a time."""

RETRY_SECONDS = 0.5

OPEN_SECONDS = 5.0
"""How long it may take to find out where a feed or a group begins: others wait for it."""


class EventBatch(NamedTuple):
    """Events in order, and the place up to which everything has been handed on."""

    events: list[EventRow]
    position: Position


class Feed:
    """The latest events of one practice. `position` is that of the last one read; `ended` says why
    the feed cannot go on."""

    def __init__(
        self, practice_id: int, position: Position, on_end: Callable[["Feed", Resync], None]
    ) -> None:
        self.practice_id = practice_id
        self.position = position
        self.followers = 0
        self.ended: Resync | None = None
        self._on_end = on_end
        self._kept: deque[EventRow] = deque()
        self._floor = position
        self._bell = asyncio.Event()
        self._grown = asyncio.Event()
        self._is_reading = False
        self._read_done = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    def notice(self) -> None:
        """Have the table read again."""
        self._bell.set()

    async def read_again(self) -> None:
        """Return once the feed has been compared with the table, however long the database is away.
        All who ask meanwhile share a read, but no answer rests on one that began before."""
        if self._is_reading:
            await self._read_done.wait()
        if self.ended is None:
            self.notice()
            await self._read_done.wait()

    def after(self, position: Position) -> list[EventRow] | None:
        """The events after `position` that are in memory, None if some are only in the table.

        Raises `Resync` if the feed has ended, or has another event at `position`.
        """
        if self.ended is not None:
            raise self.ended
        wanted = self.position.seq - position.seq
        if wanted < 0:
            return []
        begin = len(self._kept) - wanted
        if begin < 0:
            return None
        here = self._kept[begin - 1].position if begin else self._floor
        if not here.agrees(position):
            raise OtherHistory("The event that the cursor names is another one now: start afresh.")
        return [self._kept[i] for i in range(begin, len(self._kept))]

    async def beyond(self, seq: int) -> None:
        """Wait until there is an event after `seq`, or the feed has ended."""
        while self.position.seq <= seq and self.ended is None:
            await self._grown.wait()

    def end(self, why: Resync) -> None:
        """Tell all who follow that the feed cannot go on, and read no more."""
        self.ended = why
        self._on_end(self, why)
        self._kept.clear()
        self._wake()
        self._read_done.set()
        self._reader.cancel()

    async def close(self) -> None:
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader

    async def _read(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            self._is_reading = True
            try:
                more = True
                while more:
                    events = await events_after(self.practice_id, self.position, BATCH)
                    self._append(events)
                    # What is committed after this read rings again, or the poll finds it.
                    more = len(events) == BATCH
            except Resync as error:
                self.end(error)
            except Exception as error:  # the database may be away
                log.warning("reading a feed failed, will retry: %s", type(error).__name__)
                self._bell.set()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._is_reading = False
                done, self._read_done = self._read_done, asyncio.Event()
                done.set()

    def _append(self, events: list[EventRow]) -> None:
        if not events:
            return
        if events[0].seq != self.position.seq + 1:
            raise Resync("Some events after the last one read are no longer kept.")
        self._kept.extend(events)
        self.position = events[-1].position
        while len(self._kept) > KEPT:
            self._floor = self._kept.popleft().position
        self._wake()

    def _wake(self) -> None:
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()


class Feeds:
    """The feeds of this process: each lives for as long as somebody follows it.
    `histories_changed` counts those that ended because the table had another history."""

    def __init__(self) -> None:
        self._feeds: dict[int, Feed] = {}
        self._opening: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._changes: Counter[int] = Counter()

    @property
    def histories_changed(self) -> int:
        """How many feeds ended because the table had another history."""
        return self._changes.total()

    def history(self, practice_id: int) -> int:
        """A number that is another one once the practice's history was found to be over."""
        return self._changes[practice_id]

    @property
    def followers(self) -> int:
        """How many streams are being followed now."""
        return sum(feed.followers for feed in self._feeds.values())

    def notice(self, practice_id: int, seq: int) -> None:
        """A bell has rung: event `seq` of the practice is committed."""
        feed = self._feeds.get(practice_id)
        if feed is not None and seq > feed.position.seq:
            feed.notice()

    def notice_all(self) -> None:
        """Bells may have been missed: read every feed again."""
        for feed in self._feeds.values():
            feed.notice()

    async def keep_polling(self, seconds: float) -> None:
        """Read every feed again now and then: the safety net for bells that were lost, and for a
        history that was changed."""
        while True:
            await asyncio.sleep(seconds)
            self.notice_all()

    async def check(self, practice_id: int, position: Position) -> None:
        """Raise `Resync` unless the events after `position` can be read, and follow from it."""
        feed = self._feeds.get(practice_id)
        if feed is None or not await _has(feed, position):
            await check_resumable(practice_id, position)

    async def batches(
        self,
        practice_id: int,
        after: Position | None,
        patience: Callable[[], float | None] = lambda: None,
    ) -> AsyncGenerator[EventBatch, None]:
        """All events of a practice after a position (None: from now on), in order, for ever. For
        those who have to act without an event too, an empty batch comes when `patience()` seconds
        have gone by without one.

        Raises `Resync` if the events after `after` are no longer kept, and `OtherHistory` if the
        event at `after`, or at a later time the last one handed on, is not in the table any more.
        """
        async with self._open(practice_id, after) as feed:
            position = feed.position if after is None else after
            while True:
                events = feed.after(position)
                if events is None:
                    events = await _read_patiently(practice_id, position)
                if not events:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(patience()):
                            await feed.beyond(position.seq)
                            continue
                elif events[0].seq != position.seq + 1:
                    raise Resync("Some events after the cursor are no longer kept.")
                else:
                    position = events[-1].position
                yield EventBatch(events, position)

    @asynccontextmanager
    async def _open(self, practice_id: int, after: Position | None) -> AsyncGenerator[Feed, None]:
        """The practice's feed, if `after` is in its history. Raises `Resync` if not."""
        while True:
            async with self._held(practice_id) as feed:
                if after is not None and not await _has(feed, after):
                    await check_resumable(practice_id, after)
                    if feed.ended is not None:
                        continue  # the feed was of another history than the cursor and the table
                yield feed
                return

    @asynccontextmanager
    async def _held(self, practice_id: int) -> AsyncGenerator[Feed, None]:
        lock = self._opening.setdefault(practice_id, asyncio.Lock())
        async with lock:
            feed = self._feeds.get(practice_id)
            if feed is None or feed.ended is not None:
                feed = Feed(practice_id, await last_position(practice_id), self._note_end)
                self._feeds[practice_id] = feed
                feed.notice()  # a bell may have rung between the two lines above
            feed.followers += 1
        try:
            yield feed
        finally:
            feed.followers -= 1
            if not feed.followers:
                if self._feeds.get(practice_id) is feed:
                    del self._feeds[practice_id]
                await feed.close()

    def _note_end(self, feed: Feed, why: Resync) -> None:
        if isinstance(why, OtherHistory):
            self._changes[feed.practice_id] += 1
            log.error(
                "practice %d: event %d is gone, or is another one now. The database was restored to"
                " an earlier state, or failed over with a loss; watchers are told to start afresh.",
                feed.practice_id,
                feed.position.seq,
            )


async def last_position(practice_id: int) -> Position:
    """Where a feed or a group that begins now goes on from. Raises `Busy` if it is not told in
    time."""
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            return (await feed_bounds(practice_id)).last
    except TimeoutError:
        raise Busy("where a practice's events end was not told in time") from None


async def _has(feed: Feed, position: Position) -> bool:
    """Whether the event at `position` is in the feed's memory, and in the table still. Raises
    `OtherHistory` if the feed has another event there."""
    await feed.read_again()
    if feed.ended is not None:
        return False
    return position.seq <= feed.position.seq and feed.after(position) is not None


async def _read_patiently(practice_id: int, position: Position) -> list[EventRow]:
    """The next events from the table, however long the database is away."""
    while True:
        try:
            return await events_after(practice_id, position, BATCH)
        except Resync:
            raise
        except Exception as error:
            log.warning("replaying failed, will retry: %s", type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
