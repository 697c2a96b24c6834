"""Slows those who guess keys: by the address that they come from, and by the practice.

A key has 256 random bits and is not guessed. But whoever tries is noted, costs little, and cannot
use the server to find out which stolen or mistyped keys are good. Keys that were found valid before
are not slowed, wherever they come from: others behind the same address go on. That tells nobody
anything, because such a key is answered anyway; all others are refused alike, unread.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeAlias

from gql_app.access.budgets import Buckets, Refill
from gql_app.access.viewer import RateLimited, Unauthenticated

Where: TypeAlias = Callable[[], str] | None
"""Gives the address that a key came from, which is only worked out if a key fails."""

log = logging.getLogger("callboard.security")

ALLOWED = 10
"""Keys that nobody has, from an address or for a practice, before the next is refused unread."""
A_SECOND = 1 / 6
"""How many of them are forgiven a second."""

QUIET_SECONDS = 60.0
"""The log names the same address or practice at most once in this time."""
MOST_NAMED = 1_000


class Guesses:
    """Counts keys that nobody has. `failures` and `refused` are for the metrics."""

    def __init__(self) -> None:
        self._left = Buckets(Refill(A_SECOND, ALLOWED))
        self._named: dict[str, float] = {}
        self.failures = 0
        self.refused = 0

    def check(self, where: Where, practice_id: int | None) -> None:
        """Raise `RateLimited` if the address, or the practice, has had too many."""
        for who in _who(where, practice_id):
            if (left := self._left.left(who)) < 1:
                self.refused += 1
                raise RateLimited("Too many keys were not valid.", (1 - left) / A_SECOND)

    @contextmanager
    def attempt(self, where: Where) -> Iterator[None]:
        """One attempt to sign in by something other than a key. Raises `RateLimited`."""
        self.check(where, None)
        try:
            yield
        except Unauthenticated:
            self.note(where, None)
            raise

    def note(self, where: Where, practice_id: int | None) -> None:
        """Note a key that nobody has."""
        self.failures += 1
        for who in _who(where, practice_id):
            self._left.take(who, 1)
            if self._left.left(who) < 1:
                self._tell(who)

    def _tell(self, who: str) -> None:
        now = monotonic()
        if now - self._named.get(who, -QUIET_SECONDS) < QUIET_SECONDS:
            return
        if len(self._named) >= MOST_NAMED:
            self._named.clear()
        self._named[who] = now
        log.warning("keys are being guessed: %s; more are refused unread for a while", who)


def _who(where: Where, practice_id: int | None) -> list[str]:
    """Those whose failures are counted together. Without an address nobody outside has asked."""
    if where is None:
        return []
    practice = [] if practice_id is None else [f"practice {practice_id}"]
    return [f"from {where()}", *practice]
