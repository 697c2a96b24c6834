"""What a key may spend: dear queries, and changes. Each budget refills with time.

A query is dear if it may bring back more values than a large page has. Whatever is below that, and
each key's first requests after a rest, are never refused.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple, Protocol

from gql_app.access.viewer import RateLimited
from models.limits import CHANGES_A_SECOND, COST_A_SECOND

FREE = 2_000
"""Values that each request may bring back without spending anything: a page of 50 tasks with all
that a dashboard shows of them has 1,500."""
FREE_LENGTH, VALUES_A_CHARACTER = 500, 8
"""Characters of a new document that are free, and what each further one costs: reading it takes as
long as bringing back so many values."""

SAVED_COST, SAVED_CHANGES = 20, 10
"""How many seconds' worth a budget holds at most."""

WAITING = 50
"""Dear queries of a key that may wait for the one before them."""
KNOWN = 10_000
"""Keys whose budgets are remembered; those that are full need not be."""


class Refill(NamedTuple):
    """A budget: so much comes back a second, until it holds `capacity`."""

    rate: float
    capacity: float


class Spent(NamedTuple):
    """What was taken from a budget, what is left, and what comes back each second."""

    requested: int
    available: int
    restore_rate: int


class Buckets:
    """One budget of a kind for each key, in this process."""

    def __init__(self, refill: Refill) -> None:
        self.refill = refill
        self._held: dict[Hashable, tuple[float, float]] = {}

    def take(self, key: Hashable, amount: float) -> float:
        """Take an amount from the key's budget and return 0. If there is not enough, take nothing
        and return the seconds after which there is."""
        rate, capacity = self.refill
        now = monotonic()
        held, at = self._held.get(key, (capacity, now))
        held = min(capacity, held + (now - at) * rate)
        amount = min(amount, capacity)  # what is more than a full budget would never be let in
        if held < amount:
            return (amount - held) / rate
        self._held[key] = (held - amount, now)
        if len(self._held) > KNOWN:
            self._forget(now)
        return 0.0

    def left(self, key: Hashable) -> float:
        """What the key's budget holds now."""
        rate, capacity = self.refill
        held, at = self._held.get(key, (capacity, 0.0))
        return min(capacity, held + (monotonic() - at) * rate)

    def _forget(self, now: float) -> None:
        """Forget the budgets that are full again, and of the others those used longest ago."""
        rate, capacity = self.refill
        held = {k: (h, at) for k, (h, at) in self._held.items() if h + (now - at) * rate < capacity}
        newest = sorted(held.items(), key=lambda each: each[1][1])[-KNOWN // 2 :]
        self._held = dict(newest)


class SharedBudget(Protocol):
    """A budget that several processes share."""

    async def take(self, key: Hashable, amount: float) -> float | None:
        """As `Buckets.take`; None if it cannot be reached now."""

    async def left(self, key: Hashable) -> float | None:
        """As `Buckets.left`, likewise."""

    async def close(self) -> None:
        """Close what it holds open."""

    @property
    def fallbacks(self) -> int:
        """How often it could not be reached."""


class _Line:
    """The dear queries of one key: one runs, the others wait."""

    def __init__(self) -> None:
        self.free = asyncio.Lock()
        self.length = 0


@dataclass
class Budgets:
    """The budgets of all keys, in this process. `shared` holds what dear queries cost where there
    are several processes."""

    cost: Buckets = field(default_factory=lambda: cost_budget(COST_A_SECOND))
    changes: Buckets = field(default_factory=lambda: changes_budget(CHANGES_A_SECOND))
    shared: SharedBudget | None = None
    refused: Counter[str] = field(default_factory=lambda: Counter(cost=0, changes=0, line=0))
    _lines: dict[int, _Line] = field(default_factory=dict)

    def spend_changes(self, key_id: int, number: int) -> None:
        """Take changes from a key's budget. Raises `RateLimited`."""
        seconds = self.changes.take(key_id, number)
        if seconds:
            self.refused["changes"] += 1
            raise RateLimited("This key changes too much at once.", seconds)

    def spend_document(self, key_id: int, length: int) -> None:
        """Take what reading a new document costs from a key's budget for queries. Raises
        `RateLimited`."""
        seconds = self.cost.take(key_id, max(0, length - FREE_LENGTH) * VALUES_A_CHARACTER)
        if seconds:
            self.refused["cost"] += 1
            raise RateLimited("This key has sent too many new documents in a short time.", seconds)

    async def spend_cost(self, key_id: int, values: int) -> Spent:
        """Take what a query costs from a key's budget. Raises `RateLimited`."""
        beyond = max(0, values - FREE)
        seconds = None if self.shared is None else await self.shared.take(key_id, beyond)
        if seconds is None:
            seconds = self.cost.take(key_id, beyond)
        if seconds:
            self.refused["cost"] += 1
            raise RateLimited("This key has asked for too much in a short time.", seconds)
        return await self.spent(key_id, beyond)

    async def spent(self, key_id: int, requested: int = 0) -> Spent:
        """How a key's budget for queries stands."""
        left = None if self.shared is None else await self.shared.left(key_id)
        if left is None:
            left = self.cost.left(key_id)
        return Spent(requested, int(left), int(self.cost.refill.rate))

    async def close(self) -> None:
        """Close what is shared with other processes."""
        if self.shared is not None:
            await self.shared.close()

    @asynccontextmanager
    async def in_line(self, key_id: int) -> AsyncIterator[None]:
        """The turn of one of a key's dear queries: they are answered one after the other, so that
        other keys wait for one at most. Raises `RateLimited` if too many wait already."""
        line = self._lines.setdefault(key_id, _Line())
        if line.length > WAITING:
            self.refused["line"] += 1
            raise RateLimited("Too many large queries of this key wait already.", 1.0)
        line.length += 1
        try:
            async with line.free:
                yield
        finally:
            line.length -= 1
            if not line.length:
                self._lines.pop(key_id, None)


def cost_budget(a_second: float) -> Buckets:
    """The budgets for dear queries."""
    return Buckets(Refill(a_second, a_second * SAVED_COST))


def changes_budget(a_second: float) -> Buckets:
    """The budgets for changes."""
    return Buckets(Refill(a_second, a_second * SAVED_CHANGES))
