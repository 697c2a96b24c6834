"""The bell: tells every process that a practice has new events, but not what they are.

A ring has a practice's number and an event's number, so there is no patient data on the bus. Rings
may be lost or repeated: the feed reads the events themselves from the table.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from broadcaster import Broadcast, BroadcastBackend, Event

from gql_app.live import bell
from gql_app.live.lines import CHANNEL, Hear, Line, LineLost, PostgresLine, RedisLine
from models.event import SETTINGS

log = logging.getLogger(__name__)

COALESCE_SECONDS = 0.003
"""How long rings are collected before they are sent: a burst becomes one message."""

MAX_HEARD = 1_000
"""Messages that may wait to be read."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between attempts to connect: after the first failure, and after many."""


class Doorbell(BroadcastBackend):
    """Keeps a line open from `connect` on, whatever fails.

    `open_line(hear)` opens a line. `reread()` is called when rings may have been missed: after each
    time a line was opened, and when more was heard than could be kept.
    """

    def __init__(
        self, open_line: Callable[[Hear], Awaitable[Line]], reread: Callable[[], None]
    ) -> None:
        self._open_line = open_line
        self._reread = reread
        self._heard: asyncio.Queue[str] = asyncio.Queue(MAX_HEARD)
        self._line: Line | None = None
        self._away = False
        self._tried = asyncio.Event()
        self.dropped = 0

    @property
    def is_connected(self) -> bool:
        """Whether rings are sent and heard."""
        return self._line is not None and not self._away

    async def connect(self) -> None:
        """Begin to keep a line open. Waits for the first attempt, so that no ring is lost if it
        succeeds, but not for success: the bus may be away."""
        self._keeper = asyncio.create_task(self._keep())
        try:
            await self._tried.wait()
        except asyncio.CancelledError:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        self._keeper.cancel()
        await asyncio.wait({self._keeper})

    async def subscribe(self, group: str) -> None:
        """Nothing to do: every line hears the one channel from the moment it is open."""

    async def unsubscribe(self, group: str) -> None:
        """Nothing to do, as above."""

    async def publish(self, channel: str, message: str) -> None:
        """Send a message. If it cannot be sent, it is counted as dropped: this process hears it all
        the same, and the others find the events when they next poll. Never raises."""
        try:
            if self._line is None:
                raise LineLost
            await self._line.send(message)
        except Exception as error:
            self.dropped += bell.count(message)
            self._say_away(error)
            self._hear(message)
        else:
            self._say_back()

    async def next_published(self) -> Event:
        """The next message that was heard. Never raises: an error would end broadcaster's listener
        silently."""
        return Event(CHANNEL, await self._heard.get())

    def _hear(self, message: str) -> None:
        try:
            self._heard.put_nowait(message)
        except asyncio.QueueFull:
            self.dropped += bell.count(message)
            self._reread()

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        failures = 0
        while True:
            began = clock()
            try:
                await self._hold_a_line()
            except Exception as error:
                self._say_away(error)
            except asyncio.CancelledError as error:
                # A library that gives up a task of its own must not take this one along.
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                self._say_away(error)
            failures = 0 if clock() - began > LONGEST_PAUSE else failures + 1
            await asyncio.sleep(pause(failures))

    async def _hold_a_line(self) -> None:
        """Open a line and keep it until it is lost. Raises what ended it."""
        try:
            self._line = line = await self._open_line(self._hear)
        finally:
            self._tried.set()
        try:
            self._say_back()
            self._reread()
            await line.watch()
        finally:
            self._line = None
            await line.close()

    def _say_away(self, error: BaseException) -> None:
        if not self._away:  # once, not for each of the rings that are lost meanwhile
            log.warning("the bus is away, will try again: %s", type(error).__name__)
        self._away = True

    def _say_back(self) -> None:
        if self._away:
            log.warning("the bus is back; rings dropped since the start: %d", self.dropped)
        self._away = False


class Bus:
    """Hands rings from the writers of any process to `heard(practice_id, seq)` in every process.

    `reread()` is called when rings may have been missed. `url` is memory:// (one process only),
    postgres://, postgresql://, redis:// or rediss://.
    """

    def __init__(
        self, url: str, heard: Callable[[int, int], None], reread: Callable[[], None]
    ) -> None:
        self._heard = heard
        self._pending: dict[int, int] = {}
        self._settings: set[int] = set()
        self._wake = asyncio.Event()
        self.running = asyncio.Event()
        """Set once a first attempt to connect has ended, well or not."""
        self._doorbell: Doorbell | None = None
        if url.startswith("memory://"):
            self._broadcast = Broadcast(url)
        else:
            self._doorbell = Doorbell(partial(_line_of(url).open, url), reread)
            self._broadcast = Broadcast(backend=self._doorbell)

    @property
    def is_connected(self) -> bool:
        """Whether this process and the others hear each other."""
        return self._doorbell is None or self._doorbell.is_connected

    @property
    def dropped_rings(self) -> int:
        """Rings that were not sent, or were heard and not kept, since the start."""
        return 0 if self._doorbell is None else self._doorbell.dropped

    def ring(self, practice_id: int, seq: int) -> None:
        """Say that event `seq` of the practice is committed, or with `SETTINGS` that the practice
        or its queues were changed. Never blocks and never fails: at most one ring of each kind and
        practice waits to be sent."""
        if seq == SETTINGS:
            self._settings.add(practice_id)
        else:
            self._pending[practice_id] = max(seq, self._pending.get(practice_id, 0))
        self._wake.set()

    async def run(self) -> None:
        """Send and hear rings until cancelled."""
        # One subscription for the life of the process: broadcaster's queues have no bound, and
        # its subscriptions race. Fan-out to those who watch is done by the feed.
        async with self._broadcast, self._broadcast.subscribe(CHANNEL) as subscriber:
            try:
                self.running.set()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._listen(subscriber))
                    tasks.create_task(self._keep_sending())
            finally:
                # The last changes before a restart would otherwise wait for a poll elsewhere.
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await self._send()

    async def _listen(self, subscriber: Any) -> None:
        while True:
            heard = bell.unpacked((await subscriber.get()).message)
            if heard is None:
                log.warning("a message on the bus that is not ours was ignored")
                continue
            for practice_id, seq in heard:
                self._heard(practice_id, seq)

    async def _keep_sending(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._doorbell is not None:
                await asyncio.sleep(COALESCE_SECONDS)
            await self._send()

    async def _send(self) -> None:
        pending, self._pending = self._pending, {}
        settings, self._settings = dict.fromkeys(self._settings, SETTINGS), set()
        try:
            for message in (*bell.packed(pending), *bell.packed(settings)):
                await self._broadcast.publish(CHANNEL, message)
        except asyncio.CancelledError:
            # What was not sent goes with the last rings. To send one twice does no harm.
            for practice_id, seq in (*pending.items(), *settings.items()):
                self.ring(practice_id, seq)
            raise


@asynccontextmanager
async def ringing(url: str) -> AsyncIterator[Callable[[int, int], None]]:
    """`Bus.ring`, for a program that does not listen."""
    bus = Bus(url, lambda _practice, _seq: None, lambda: None)
    running = asyncio.create_task(bus.run())
    try:
        yield bus.ring
    finally:
        # Its work may have been done before that. An attempt ends by itself, as each line's does.
        await bus.running.wait()
        running.cancel()
        await asyncio.wait({running})


async def is_reachable(url: str) -> bool:
    """Whether a line to the bus can be opened now."""
    if url.startswith("memory://"):
        return True
    try:
        line = await _line_of(url).open(url, lambda _: None)
    except Exception:  # whatever the driver raises: there is no connection
        return False
    await line.close()
    return True


def _line_of(url: str) -> type[PostgresLine] | type[RedisLine]:
    return RedisLine if url.startswith("redis") else PostgresLine


def pause(failures: int) -> float:
    """Seconds to wait before the next attempt. They are random, so that processes that lost the
    same server do not all come back to it at once."""
    longest = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2.0 ** min(failures, 16))
    return random.uniform(0.0, longest)  # noqa: S311 - nobody gains by guessing it
