"""The time by which claims, expiry, retention and keys are decided, and events dated.

It is the database's, so that all hosts agree. SQLite has no clock of its own, so there it is the
machine's. Between two looks at it the time that passes is counted, which setting a clock does not
change; reading this clock costs no round trip.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from models.database import database_time
from models.limits import Busy

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0

FIRST_LOOKS = 3
"""The first one may have to open a connection, and says little for that."""

RETRY_SECONDS = 0.5

JUMP = timedelta(hours=1)
"""By more than that no clock is put right in ordinary service."""

CATCH_UP = 0.1
"""How fast a machine's clock is followed that was set by less than `JUMP`, in seconds a second: a
lease never ends early by more than that."""


class Doubtful(Exception):
    """The clock may be wrong, so nothing that cannot be undone is done by it."""


def machine_time() -> datetime:
    return datetime.now(UTC)


def seconds_passed() -> float:
    """Seconds since some moment in the past, also those in which the machine was asleep."""
    return time.clock_gettime(_STEADY) if _STEADY is not None else time.monotonic()


# Linux counts sleep in CLOCK_BOOTTIME only, macOS in CLOCK_MONOTONIC only.
_STEADY: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


class Clock:
    """Gives the aware time when it is called. Has to be set first."""

    def __init__(
        self,
        machine: Callable[[], datetime] = machine_time,
        passed: Callable[[], float] = seconds_passed,
    ) -> None:
        self._machine = machine
        self._passed = passed
        self._zero: datetime | None = None  # what it would have shown when `passed` was 0
        self._looked = 0.0
        self._jump = timedelta()

    @classmethod
    async def of_database(cls) -> "Clock":
        """A clock for the open database, already set."""
        clock = cls()
        await clock.set()
        return clock

    def __call__(self) -> datetime:
        if self._zero is None:  # the machine's own time could be anything
            raise Busy("the database's time is not known yet")
        return self._zero + timedelta(seconds=self._passed())

    async def set(self) -> None:
        """Take the time from the database. Raises what the database raises."""
        for _ in range(FIRST_LOOKS):
            await self.look()

    async def keep_looking(self) -> None:
        """Compare it with its source now and then, until cancelled."""
        while True:
            await asyncio.sleep(RETRY_SECONDS if self._zero is None else LOOK_SECONDS)
            try:
                await self.look()
            except Exception as error:  # the database may be away; time passes all the same
                log.warning("looking at the clock failed, will retry: %s", type(error).__name__)

    def check(self) -> None:
        """Raise `Doubtful` if its source has jumped since the start, and has not come back."""
        if abs(self._jump) > JUMP:
            raise Doubtful(
                f"the clock has jumped by {_in_words(self._jump)}: nothing is expired, freed or"
                " pruned until it is right again. Set it right, or restart the server if it is"
            )

    async def look(self) -> None:
        """Compare it with its source once."""
        begun = self._passed()
        moment = await database_time()
        ended = self._passed()
        jump = self._jump
        if moment is None:
            self._follow_machine(self._machine(), ended)
        else:
            self._follow_database(moment, begun, ended)
        self._looked = ended
        if abs(self._jump) > JUMP >= abs(jump):
            log.error("the clock has jumped by %s", _in_words(self._jump))
        if abs(jump) > JUMP >= abs(self._jump):
            log.warning("the clock has come back from where it had jumped")

    def _follow_database(self, moment: datetime, begun: float, ended: float) -> None:
        """Its clock showed `moment` at some point between the two, which need not be the middle.
        So nothing is changed unless that contradicts what this clock shows. It is followed however
        far it has jumped: other hosts follow it too."""
        earliest, latest = (moment - timedelta(seconds=passed) for passed in (ended, begun))
        if self._zero is None:
            self._zero = earliest + (latest - earliest) / 2
            return
        zero = min(max(self._zero, earliest), latest)
        if abs(zero - self._zero) > JUMP:
            self._jump += zero - self._zero
        self._zero = zero

    def _follow_machine(self, moment: datetime, passed: float) -> None:
        """It is followed slowly, and not at all where it has jumped: there is no second host that
        this one has to agree with, and claims and sessions hold meanwhile."""
        zero = moment - timedelta(seconds=passed)
        if self._zero is None:
            self._zero = zero
            return
        off = zero - self._zero
        self._jump = off if abs(off) > JUMP else timedelta()
        if not self._jump:
            most = timedelta(seconds=CATCH_UP * (passed - self._looked))
            self._zero += min(max(off, -most), most)


def _in_words(jump: timedelta) -> str:
    seconds = timedelta(seconds=round(abs(jump).total_seconds()))
    return f"{seconds} {'forward' if jump > timedelta() else 'back'}"
