"""The feeds of this process, and how a stream follows one."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import NamedTuple

from gql_app.live.feed import Feed, read_patiently
from gql_app.live.held import Held
from models.chain import Position
from models.event import (
    SETTINGS,
    EventRow,
    OtherHistory,
    Resync,
    check_resumable,
    feed_bounds,
)
from models.limits import Busy

log = logging.getLogger(__name__)

OPEN_SECONDS = 5.0
"""How long it may take to find out where a feed or a group begins: others wait for it."""


class EventBatch(NamedTuple):
    """Events in order. Everything up to `position` has been handed on, and so often had the
    practice or its queues been changed, as far as is known there."""

    events: list[EventRow]
    position: Position
    settings: int = 0


class Feeds:
    """The feeds of this process. A feed lives for as long as somebody follows it."""

    def __init__(self) -> None:
        self._feeds: Held[int, Feed] = Held()
        self._changes: Counter[int] = Counter()

    @property
    def histories_changed(self) -> int:
        """How many feeds ended because the table had another history."""
        return self._changes.total()

    def history(self, practice_id: int) -> int:
        """A number that changes when the practice's history was found to be replaced."""
        return self._changes[practice_id]

    @property
    def followers(self) -> int:
        """How many streams are being followed now."""
        return self._feeds.holders

    def notice(self, practice_id: int, seq: int) -> None:
        """A bell has rung: event `seq` of the practice is committed, or with `SETTINGS` a change of
        the practice or its queues."""
        feed = self._feeds.get(practice_id)
        if feed is not None and seq > feed.position.seq:
            feed.notice()
        elif feed is not None and seq == SETTINGS:
            feed.notice_settings()

    def notice_all(self) -> None:
        """Bells may have been missed: read every feed again."""
        for feed in self._feeds.values():
            feed.notice_settings()

    async def keep_polling(self, seconds: float) -> None:
        """Read every feed again every so many seconds: bells may be lost, and a history may be
        replaced, which rings no bell."""
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
        """All events of a practice after a position (None: from now on), in order, without end.
        When `patience()` seconds have passed without an event, an empty batch comes, for those who
        have to act then; and another where the practice or its queues were changed.

        Raises `Resync` if the events after `after` are no longer kept, and `OtherHistory` if the
        event at `after`, or later the last event handed on, is not in the table any more.
        """
        async with self._open(practice_id, after) as feed:
            position = feed.position if after is None else after
            settings = 0
            while True:
                events = feed.after(position)
                if events is None:
                    events = await read_patiently(practice_id, position)
                if events:
                    if events[0].seq != position.seq + 1:
                        raise Resync("Some events after the cursor are no longer kept.")
                    position = events[-1].position
                elif feed.settings <= settings:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(patience()):
                            await feed.beyond(position.seq, settings)
                            continue
                if position.seq >= feed.position.seq:
                    settings = feed.settings
                yield EventBatch(events, position, settings)

    @asynccontextmanager
    async def _open(self, practice_id: int, after: Position | None) -> AsyncGenerator[Feed, None]:
        """The practice's feed, if `after` is in its history. Raises `Resync` if not."""
        while True:
            async with self._feeds.hold(practice_id, partial(self._begin, practice_id)) as feed:
                if after is not None and not await _has(feed, after):
                    await check_resumable(practice_id, after)
                    if feed.ended is not None:
                        continue  # the feed had another history than the cursor and the table
                yield feed
                return

    async def _begin(self, practice_id: int) -> Feed:
        feed = Feed(practice_id, await last_position(practice_id), self._note_end)
        feed.notice()  # a bell may have rung since the table was read
        return feed

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
    """The position of the last event, after which a feed or a group begins now. Raises `Busy` if
    the database does not answer in time."""
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            return (await feed_bounds(practice_id)).last
    except TimeoutError:
        raise Busy("the position of a practice's last event could not be read in time") from None


async def _has(feed: Feed, position: Position) -> bool:
    """Whether the event at `position` is in the feed's memory, and in the table still. Raises
    `OtherHistory` if the feed has another event there. False of a feed that reads no more."""
    await feed.read_again()
    if feed.ended is not None or feed.is_closed:
        return False
    return position.seq <= feed.position.seq and feed.after(position) is not None
