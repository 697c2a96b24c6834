"""The feed of a practice: its latest events, in order, read from the event table once a process.

Followers hold no queue, only their position. They take the next events from the feed, or from the
table if they are further behind. So a slow follower costs no memory and makes nobody wait, and old
events are told in the same way as new ones, with no gap and no repeat between them.

A position names its event by digest, and each read looks at the last event again. If the table has
another event there, the database was restored to an earlier state, or a replica took over that had
not received everything. Then the feed ends, and all its followers are told to start afresh.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from models.chain import Position
from models.event import (
    EventRow,
    OtherHistory,
    Resync,
    events_after,
    settings_of,
)

log = logging.getLogger(__name__)

KEPT = 1_000
"""Events that a feed keeps in memory."""

BATCH = 500
"""Events read at a time."""

RETRY_SECONDS = 0.5


class Feed:
    """The latest events of one practice. `position` is that of the last event read; `ended` says
    why the feed cannot go on. `settings` is how often the practice or its queues were changed; no
    event before the last of these changes is still to be read."""

    def __init__(
        self, practice_id: int, position: Position, on_end: Callable[["Feed", Resync], None]
    ) -> None:
        self.practice_id = practice_id
        self.position = position
        self.ended: Resync | None = None
        self.settings = 0
        self._looks_at_settings = True
        self.is_closed = False
        self._on_end = on_end
        self._kept: deque[EventRow] = deque()
        self._floor = position
        self._bell = asyncio.Event()
        self._grown = asyncio.Event()
        self._is_reading = False
        self._read_done = asyncio.Event()
        self._reader = asyncio.create_task(self._read())
        # However the reader ends, nobody waits for it any longer.
        self._reader.add_done_callback(lambda _: self._read_done.set())

    @property
    def has_ended(self) -> bool:
        """Whether it cannot go on. The next who asks for one gets another."""
        return self.ended is not None

    def notice(self) -> None:
        """Have the table read again."""
        self._bell.set()

    def notice_settings(self) -> None:
        """Have the table read again, and how often the practice was changed."""
        self._looks_at_settings = True
        self._bell.set()

    async def read_again(self) -> None:
        """Wait until the feed has been compared with the table, however long the database is away,
        or until the feed has ended or is closed. Those who ask at the same time share one read,
        which begins after they asked."""
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

    async def beyond(self, seq: int, settings: int) -> None:
        """Wait until there is an event after `seq`, the settings were changed more than `settings`
        times, or the feed has ended."""
        while self.position.seq <= seq and self.settings <= settings and self.ended is None:
            await self._grown.wait()

    def end(self, why: Resync) -> None:
        """Tell all followers that the feed cannot go on, and read no more."""
        self.ended = why
        self._on_end(self, why)
        self._kept.clear()
        self._wake()
        self._reader.cancel()

    async def close(self) -> None:
        """Read no more: the last follower has left."""
        self.is_closed = True
        self._reader.cancel()
        await asyncio.wait({self._reader})  # not the reader itself: its end is not the caller's

    async def _read(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            self._is_reading = True
            looked, self._looks_at_settings = self._looks_at_settings, False
            try:
                # Before the events: then none from before the last change is still to come.
                settings = await settings_of(self.practice_id) if looked else self.settings
                more = True
                while more:
                    events = await events_after(self.practice_id, self.position, BATCH)
                    self._append(events)
                    # If an event is committed later, the bell rings again or the poll finds it.
                    more = len(events) == BATCH
                if settings > self.settings:
                    self.settings = settings
                    self._wake()
            except Resync as error:
                self.end(error)
            except Exception as error:  # the database may be away
                log.warning("reading a feed failed, will retry: %s", type(error).__name__)
                self._looks_at_settings |= looked
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


async def read_patiently(practice_id: int, position: Position) -> list[EventRow]:
    """The next events from the table. Waits while the database is away."""
    while True:
        try:
            return await events_after(practice_id, position, BATCH)
        except Resync:
            raise
        except Exception as error:
            log.warning("replaying failed, will retry: %s", type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
