"""When the bell is rung after a change: at once, or for several changes that end together."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HOLD_SECONDS = 0.01
"""How long a ring waits at most for other changes of its practice that are under way."""


class Bell:
    """Rings `ring(practice_id, seq)`. To tell a thousand dashboards of ten changes takes hardly
    longer than of one, so while others are about to follow a ring waits for them, but not for long:
    a change may wait for a lock."""

    def __init__(self, ring: Callable[[int, int], None]) -> None:
        self._ring = ring
        self._under_way: Counter[int] = Counter()
        self._held: dict[int, tuple[int, asyncio.TimerHandle]] = {}

    @contextmanager
    def change(self, practice_id: int) -> Iterator[Callable[[int], None]]:
        """A change of the practice for as long as the block lasts. What it gives is to be called
        with the number of the change's last event, once that is committed."""
        self._under_way[practice_id] += 1
        try:
            yield lambda seq: self._hold(practice_id, seq)
        finally:
            self._under_way[practice_id] -= 1
            if not self._under_way[practice_id]:
                del self._under_way[practice_id]
                self._let_go(practice_id)

    def _hold(self, practice_id: int, seq: int) -> None:
        held = self._held.get(practice_id)
        if held is None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(HOLD_SECONDS, self._let_go, practice_id)
        else:
            seq, timer = max(seq, held[0]), held[1]
        self._held[practice_id] = (seq, timer)

    def _let_go(self, practice_id: int) -> None:
        held = self._held.pop(practice_id, None)
        if held is not None:
            seq, timer = held
            timer.cancel()
            self._ring(practice_id, seq)


def ring_nobody(_practice_id: int, _seq: int) -> None:
    """For changes that nobody watches: before the server starts, or without events."""
