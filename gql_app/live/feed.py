"""One ordered feed of events a practice and process, read from the event table.

A feed keeps the practice's latest events in a ring. Those who follow it hold no queue of their own,
only the number of the last event they were given: they take what comes next from the ring, or from
the table when they are further behind. So a follower can be as slow as it likes without costing
memory or making others wait, and replay and live are the same walk: no gap, no repeat in between.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from models.event import EventRow, Resync, check_resumable, events_after, feed_bounds

log = logging.getLogger(__name__)

RING = 1_000
"""Events that a feed keeps in memory."""

BATCH = 500
"""Events read at a time."""

RETRY_SECONDS = 0.5


class Batch(NamedTuple):
    """Events in order, and the number up to which everything has been handed on."""

    events: list[EventRow]
    position: int


class Feed:
    """The latest events of one practice; `seq` is the number of the last one read."""

    def __init__(self, practice_id: int, seq: int) -> None:
        self.practice_id = practice_id
        self.seq = seq
        self.followers = 0
        self._ring: deque[EventRow] = deque(maxlen=RING)
        self._bell = asyncio.Event()
        self._grown = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    def notice(self) -> None:
        """Have the table read again."""
        self._bell.set()

    def after(self, seq: int) -> list[EventRow] | None:
        """The events behind `seq` that are in the ring, None if some are only in the table."""
        if seq >= self.seq:
            return []
        wanted = self.seq - seq
        if wanted > len(self._ring):
            return None
        return [self._ring[i] for i in range(len(self._ring) - wanted, len(self._ring))]

    async def beyond(self, seq: int) -> None:
        """Wait until there is an event behind `seq`."""
        while self.seq <= seq:
            await self._grown.wait()

    async def close(self) -> None:
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader

    async def _read(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            try:
                events = await events_after(self.practice_id, self.seq, BATCH)
                while events:
                    self._append(events)
                    if len(events) < BATCH:
                        break  # what is committed after this read rings again, or the poll finds it
                    events = await events_after(self.practice_id, self.seq, BATCH)
            except Exception as error:  # the database may be away
                log.warning("reading a feed failed, will retry: %s", type(error).__name__)
                self._bell.set()
                await asyncio.sleep(RETRY_SECONDS)

    def _append(self, events: list[EventRow]) -> None:
        if events[0].seq != self.seq + 1:  # retention went past this feed while it could not read
            self._ring.clear()
        self._ring.extend(events)
        self.seq = events[-1].seq
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()


class Feeds:
    """The feeds of this process: each lives for as long as somebody follows it."""

    def __init__(self) -> None:
        self._feeds: dict[int, Feed] = {}
        self._opening: dict[int, asyncio.Lock] = {}

    @property
    def followers(self) -> int:
        """How many streams are being followed now."""
        return sum(feed.followers for feed in self._feeds.values())

    def notice(self, practice_id: int, seq: int) -> None:
        """A bell has rung: event `seq` of the practice is committed."""
        feed = self._feeds.get(practice_id)
        if feed is not None and seq > feed.seq:
            feed.notice()

    def notice_all(self) -> None:
        """Bells may have been missed: read every feed again."""
        for feed in self._feeds.values():
            feed.notice()

    async def keep_polling(self, seconds: float) -> None:
        """Read every feed again now and then: the safety net for bells that were lost."""
        while True:
            await asyncio.sleep(seconds)
            self.notice_all()

    async def batches(
        self,
        practice_id: int,
        after: int | None,
        patience: Callable[[], float | None] = lambda: None,
    ) -> AsyncGenerator[Batch, None]:
        """All events of a practice behind number `after` (None: from now on), in order, for ever.
        For those who have to act without an event too, an empty batch comes when `patience()`
        seconds have gone by without one.

        Raises `Resync` if the events behind `after` are no longer kept, or `after` is a number that
        the practice has not reached.
        """
        async with self._open(practice_id) as feed:
            position = feed.seq if after is None else after
            if after is not None and (after > feed.seq or feed.after(after) is None):
                await check_resumable(practice_id, after)
            while True:
                events = feed.after(position)
                if events is None:
                    events = await _read_patiently(practice_id, position)
                if not events:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(patience()):
                            await feed.beyond(position)
                            continue
                elif events[0].seq != position + 1:
                    raise Resync("Some events behind the cursor are no longer kept.")
                else:
                    position = events[-1].seq
                yield Batch(events, position)

    @asynccontextmanager
    async def _open(self, practice_id: int) -> AsyncGenerator[Feed, None]:
        lock = self._opening.setdefault(practice_id, asyncio.Lock())
        async with lock:
            feed = self._feeds.get(practice_id)
            if feed is None:
                feed = Feed(practice_id, (await feed_bounds(practice_id)).seq)
                self._feeds[practice_id] = feed
                feed.notice()  # a bell may have rung between the two lines above
            feed.followers += 1
        try:
            yield feed
        finally:
            feed.followers -= 1
            if not feed.followers:
                del self._feeds[practice_id]
                await feed.close()


async def _read_patiently(practice_id: int, seq: int) -> list[EventRow]:
    """The next events from the table, however long the database is away."""
    while True:
        try:
            return await events_after(practice_id, seq, BATCH)
        except Exception as error:
            log.warning("replaying failed, will retry: %s", type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
