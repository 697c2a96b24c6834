"""How many different streams each key follows: each costs an execution for every change."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from gql_app.access import RateLimited

MOST = 50
"""Different streams that a key may follow at once in a process. Any number of clients may follow
the same: they cost one execution together."""


class Follows:
    """The streams that are followed now, by the numbers of keys."""

    def __init__(self) -> None:
        self._followed: dict[int, Counter[Hashable]] = {}

    @contextmanager
    def following(self, key_id: int, stream: Hashable) -> Iterator[None]:
        """Follow a stream for as long as the block lasts; None stands for no stream. Raises
        `RateLimited`."""
        if stream is None:
            yield
            return
        followed = self._followed.setdefault(key_id, Counter())
        if stream not in followed and len(followed) >= MOST:
            raise RateLimited(f"A key follows at most {MOST} different streams at once.", 10)
        followed[stream] += 1
        try:
            yield
        finally:
            followed[stream] -= 1
            if not followed[stream]:
                del followed[stream]
            if not followed:
                self._followed.pop(key_id, None)
