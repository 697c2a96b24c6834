"""Budgets that all processes share, in Redis.

Counted by the library `limits`, over a window that slides. If Redis cannot be reached, each process
counts by itself meanwhile.
"""

import logging
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from time import monotonic
from typing import TypeVar

from gql_app.access.budgets import Budgets, Refill, changes_budget, cost_budget

log = logging.getLogger(__name__)

T = TypeVar("T")

ANSWER_SECONDS = 1.0
"""How long Redis may take; then, and for a while after, the process counts by itself."""
AWAY_SECONDS = 5.0


def make_budgets(bus_url: str, cost_a_second: float, changes_a_second: float) -> Budgets:
    """What keys may spend. Where Redis is the bus, all processes share what queries may cost."""
    cost = cost_budget(cost_a_second)
    is_redis = bus_url.startswith(("redis://", "rediss://"))
    shared = RedisBudget(bus_url, "cost", cost.refill) if is_redis else None
    return Budgets(cost, changes_budget(changes_a_second), shared)


class RedisBudget:
    """One budget of a kind for each key. `fallbacks` counts how often Redis was of no use."""

    def __init__(self, url: str, name: str, refill: Refill) -> None:
        # It takes a tenth of a server's start, and only those with Redis need it.
        from limits import RateLimitItemPerSecond  # noqa: PLC0415
        from limits.aio.storage import RedisStorage  # noqa: PLC0415
        from limits.aio.strategies import SlidingWindowCounterRateLimiter  # noqa: PLC0415

        self._storage = RedisStorage(
            url,
            implementation="redispy",
            key_prefix="callboard",
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
        )
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        seconds = round(refill.capacity / refill.rate)
        self._item = RateLimitItemPerSecond(int(refill.capacity), seconds, namespace=name)
        self._rate = refill.rate
        self._away_until = 0.0
        self.fallbacks = 0

    async def take(self, key: Hashable, amount: float) -> float | None:
        """See `SharedBudget`."""
        cost = int(amount)
        if not cost:
            return 0.0
        taken = await self._asked(lambda: self._limiter.hit(self._item, str(key), cost=cost))
        if taken is None:
            return None
        return 0.0 if taken else cost / self._rate

    async def left(self, key: Hashable) -> float | None:
        """See `SharedBudget`."""
        stats = await self._asked(lambda: self._limiter.get_window_stats(self._item, str(key)))
        return None if stats is None else float(stats.remaining)

    async def close(self) -> None:
        """Close the connections."""
        with suppress(Exception):  # they may be lost already
            await self._storage.bridge.get_connection().aclose()  # type: ignore[attr-defined]

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        if monotonic() < self._away_until:
            self.fallbacks += 1
            return None
        try:
            return await ask()
        except Exception as error:  # whatever it is, a budget must not keep anybody from working
            self._away_until = monotonic() + AWAY_SECONDS
            self.fallbacks += 1
            log.warning("budgets are not shared for now: %s", type(error).__name__)
            return None
