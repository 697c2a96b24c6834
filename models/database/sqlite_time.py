"""SQLite: a limit on how long the statements of one connection run.

A statement that has begun cannot be taken back from its thread. SQLite asks now and then whether it
should go on, in that thread, and is told no when its time is up or nobody waits for it any more.
"""

import math
import sqlite3
from time import monotonic

from models.database.sqlite_files import says
from models.limits import Busy

STEPS = 10_000
"""SQLite's instructions between two questions: about a millisecond."""


def refuse_if_interrupted(error: BaseException | None) -> None:
    """Raise `Busy` if `error` or one of its causes says that a statement's time was up."""
    if says(error, {sqlite3.SQLITE_INTERRUPT}):
        raise Busy("a statement took too long") from error


class TimeLimit:
    """So many `seconds` for each statement, or for each snapshot; 0 means no limit."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds or math.inf
        self._ends = math.inf

    def watch(self, connection: sqlite3.Connection) -> None:
        """Hold a connection to the limit."""
        connection.set_progress_handler(self._is_over, STEPS)

    def begin(self) -> None:
        """The time begins now."""
        self._ends = monotonic() + self._seconds

    def end_now(self) -> None:
        """Nobody waits any more: what is under way ends."""
        self._ends = -math.inf

    def _is_over(self) -> bool:
        return monotonic() > self._ends
