"""How long the database may take, the error for work that had to be given up, and what a key may
spend unless a setting says otherwise."""

from dataclasses import dataclass

RETRY_AFTER = 2
"""Seconds after which a client should try again. Locks are usually held for much less."""


@dataclass(frozen=True, slots=True)
class Limits:
    """All in seconds; 0 means no limit.

    `statement`: one statement. `report`: one statement of a report, an import's statistics, or the
    hourly clean-up. `wait`: for a lock, for a free connection, or for a turn. `idle`: a transaction
    in which nothing happens, because its process hangs. `silence`: a network connection whose other
    end confirms nothing.
    """

    statement: float = 10
    report: float = 120
    wait: float = 3
    idle: float = 15
    silence: float = 10


USUAL_LIMITS = Limits()

NO_LIMITS = Limits(0, 0, 0, 0, 10)
"""For migrations: building an index of a large table may take very long."""

COST_A_SECOND = 100_000
"""Values beyond the free ones that come back to a key's budget each second."""
CHANGES_A_SECOND = 50
"""Changes that come back to a key's budget each second. Forty agents with one key make two."""


class Busy(Exception):
    """Callboard is busy right now, so this was not done. Try again in a moment."""

    retry_after = RETRY_AFTER

    def __init__(self, reason: str) -> None:
        super().__init__(self.__doc__)
        self.reason = reason
        """What was waited for, for the log. It holds no values of rows."""
