"""A machine whose clock a test sets, and time that passes only as it says."""

from datetime import datetime, timedelta

from gql_app.clock import Clock, machine_time


class Machine:
    """A machine whose clock shows the right time, or is `off` by some."""

    def __init__(self, off: timedelta = timedelta()) -> None:
        self.off = off
        self.seconds = 1_000.0
        self._begun = machine_time()

    @property
    def right_time(self) -> datetime:
        return self._begun + timedelta(seconds=self.seconds - 1_000)

    def shows(self) -> datetime:
        return self.right_time + self.off

    def passed(self) -> float:
        return self.seconds

    def clock(self) -> Clock:
        """A clock of Callboard on this machine, not set yet."""
        return Clock(self.shows, self.passed)


async def clock_off_by(off: timedelta) -> Clock:
    """What Callboard goes by on a machine whose clock is off. Time passes as it does."""
    clock = Clock(lambda: machine_time() + off)
    await clock.set()
    return clock
