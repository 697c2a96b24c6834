"""The share of the database's connections that the changes of one practice may use at once.

Somebody who keeps a practice's row locked holds up that practice's changes. Without a share these
would sit on every connection, and all other practices would wait with them.
"""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic

from models.limits import USUAL_LIMITS, Busy

log = logging.getLogger(__name__)

PLACES = 4
MOST_WAITING = 500
"""Changes of a practice that may wait for a place. Those that come then are refused at once."""

QUIET_SECONDS = 10.0
"""The log names the same practice at most once in this time."""


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

    def place(self, practice_id: int) -> "_Place":
        """A place for a change of the practice, for as long as the block lasts. Raises `Busy`."""
        return _Place(self, practice_id)

    async def take(self, practice_id: int) -> None:
        """Take a place for a change of the practice, which `give_back` ends. Raises `Busy`."""
        share = self._shares.get(practice_id)
        if share is None:
            share = self._shares[practice_id] = _Share(self._places)
        elif share.changes >= self._places + MOST_WAITING:
            raise Busy("too many of its changes wait already")
        share.changes += 1
        try:
            if not share.free.locked():
                await share.free.acquire()
                return
            async with asyncio.timeout(self._wait):
                await share.free.acquire()
        except BaseException as error:
            self._leave(practice_id, share)
            if isinstance(error, TimeoutError):
                raise Busy("its other changes were not done in time") from error
            raise

    def give_back(self, practice_id: int) -> None:
        """Free a place that was taken."""
        share = self._shares[practice_id]
        share.free.release()
        self._leave(practice_id, share)

    def _leave(self, practice_id: int, share: _Share) -> None:
        share.changes -= 1
        if not share.changes:
            del self._shares[practice_id]


class _Place:
    """What `Shares.place` gives; a generator would cost more than the place itself."""

    __slots__ = ("_practice_id", "_shares")

    def __init__(self, shares: Shares, practice_id: int) -> None:
        self._shares = shares
        self._practice_id = practice_id

    async def __aenter__(self) -> None:
        await self._shares.take(self._practice_id)

    async def __aexit__(self, *_: object) -> None:
        self._shares.give_back(self._practice_id)


class BusyLog:
    """The log of practices that were refused as busy. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._refused: dict[int, tuple[float, int]] = {}

    def note(self, practice_id: int, busy: Busy) -> None:
        """Log which practice was refused as busy, and why: at once, then at most every ten seconds
        with the number of refusals since."""
        now = self._clock()
        since, refused = self._refused.get(practice_id, (-QUIET_SECONDS, 0))
        if now - since < QUIET_SECONDS:
            self._refused[practice_id] = (since, refused + 1)
            return
        log.warning(
            "practice %d is busy: %s; refused since the last message: %d",
            practice_id,
            busy.reason,
            refused + 1,
        )
        self._refused[practice_id] = (now, 0)
