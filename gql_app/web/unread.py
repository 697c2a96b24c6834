"""What clients have been sent and do not read: how long, and how much of it a process keeps.

An answer that does not fit into the system's buffers stays in this process's memory until its
client reads it. A client that reads slowly is waited for, one that does not read is cut off.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from itertools import takewhile
from typing import NamedTuple

CLIENT_SECONDS = 9.0
"""How long a client may read next to nothing."""
LEAST_READ = 32 * 1024
"""Bytes that a client has to read within `CLIENT_SECONDS`, unless it reads all that there is."""
MOST_UNREAD = 32 * 1024 * 1024
"""Bytes that all clients together may leave unread."""


class _Look(NamedTuple):
    """At the last look so many bytes were left; the next one is at `until`."""

    until: float
    left: int


class Unread:
    """The transports whose clients have left something unread, and the bytes that are held back
    from them meanwhile. `cut_off` is called for one that has to be closed, and removes it."""

    def __init__(self, cut_off: Callable[[asyncio.Transport], None]) -> None:
        self._cut_off = cut_off
        self._looks: dict[asyncio.Transport, _Look] = {}
        self._held: Counter[asyncio.Transport] = Counter()
        self._total = 0

    def add(self, transport: asyncio.Transport) -> None:
        """Begin to wait for a client. Those that leave most are cut off if it is too much."""
        self.remove(transport)
        left = transport.get_write_buffer_size()
        self._looks[transport] = _Look(time.monotonic() + CLIENT_SECONDS, left)
        self._total += left
        self._make_room()

    def hold(self, transport: asyncio.Transport, size: int) -> None:
        """So many bytes more are held back until the client reads."""
        self._held[transport] += size
        self._total += size
        self._make_room()

    def release(self, transport: asyncio.Transport, size: int) -> None:
        """So many bytes are not held back any more."""
        if transport in self._held:
            self._held[transport] -= size
            self._total -= size

    def forget(self, transport: asyncio.Transport) -> None:
        """The connection has ended."""
        self.remove(transport)
        self._total -= self._held.pop(transport, 0)

    def remove(self, transport: asyncio.Transport) -> None:
        """The client reads again."""
        look = self._looks.pop(transport, None)
        if look is not None:
            self._total -= look.left

    def look(self, now: float) -> None:
        """Cut off whose time is over and who has read next to nothing."""
        # They are in the order in which they are due.
        for transport in [*takewhile(lambda t: self._looks[t].until <= now, self._looks)]:
            before, left = self._looks[transport].left, transport.get_write_buffer_size()
            if not left:
                self.remove(transport)
            elif before - left < LEAST_READ:
                self._cut_off(transport)
            else:
                self.add(transport)

    def _make_room(self) -> None:
        if self._total <= MOST_UNREAD:
            return
        # What is noted is how much was left at the last look; some have read since.
        left = {
            each: each.get_write_buffer_size() + self._held.get(each, 0)
            for each in {*self._looks, *self._held}
        }
        total = sum(left.values())
        for transport in sorted(left, key=left.__getitem__, reverse=True):
            if total <= MOST_UNREAD:
                break
            total -= left[transport]
            self._cut_off(transport)
