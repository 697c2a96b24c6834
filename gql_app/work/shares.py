"""The share of the database's connections that the changes of one practice may use at once.

Somebody who keeps a practice's row locked holds up that practice's changes. Without a share these
would sit on every connection, and all other practices would wait with them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

from models.limits import USUAL_LIMITS, Busy

log = logging.getLogger(__name__)

PLACES = 2
MOST_WAITING = 500
"""Changes of a practice that may wait for a place. Those that come then are refused at once."""

QUIET_SECONDS = 10.0
"""How often the log speaks of the same practice at most."""


class _Share:
    """The places of one practice, and how many changes use or wait for one."""

    def __init__(self, places: int) -> None:
        self.free = asyncio.Semaphore(places)
        self.changes = 0


class Shares:
    """`places` a practice, for which a change waits up to `wait` seconds."""

    def __init__(self, places: int = PLACES, wait: float = USUAL_LIMITS.wait) -> None:
        self._places = places
        self._wait = wait
        self._shares: dict[int, _Share] = {}

    @asynccontextmanager
    async def place(self, practice_id: int) -> AsyncIterator[None]:
        """A place for a change of the practice, for as long as the block lasts. Raises `Busy`."""
        share = self._shares.get(practice_id)
        if share is None:
            share = self._shares[practice_id] = _Share(self._places)
        elif share.changes >= self._places + MOST_WAITING:
            raise Busy("too many of its changes wait already")
        share.changes += 1
        try:
            await self._take(share)
            try:
                yield
            finally:
                share.free.release()
        finally:
            share.changes -= 1
            if not share.changes:
                del self._shares[practice_id]

    async def _take(self, share: _Share) -> None:
        if not share.free.locked():
            await share.free.acquire()
            return
        try:
            async with asyncio.timeout(self._wait):
                await share.free.acquire()
        except TimeoutError as error:
            raise Busy("its other changes were not done in time") from error


class BusyLog:
    """Says which practice was refused as busy, and why: at once, then now and then with how many
    it were."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._refused: dict[int, tuple[float, int]] = {}

    def note(self, practice_id: int, busy: Busy) -> None:
        now = self._clock()
        since, refused = self._refused.get(practice_id, (-QUIET_SECONDS, 0))
        if now - since < QUIET_SECONDS:
            self._refused[practice_id] = (since, refused + 1)
            return
        log.warning(
            "practice %d is busy: %s; changes refused since it was last said: %d",
            practice_id,
            busy.reason,
            refused + 1,
        )
        self._refused[practice_id] = (now, 0)
