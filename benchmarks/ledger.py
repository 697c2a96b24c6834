"""Writers that send again until they are acknowledged, and a ledger of when that was.

A restore, and a failover to a replica that lags, lose what was acknowledged shortly before. The
ledger tells that from what must not be lost.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

LOG = """mutation ($task: ID!, $day: Date!, $key: String!) {
  logContact(
    taskId: $task, outcome: NO_ANSWER, followUp: $day, notes: $key, idempotencyKey: $key
  ) {
    contact { id } errors { code }
  }
}"""


IN_FLIGHT = 50
"""More contacts than can be under way at once: they may be committed without being acknowledged."""


class Span(NamedTuple):
    """From when to when something lasted, in seconds of the monotonic clock."""

    begun: float
    ended: float

    def meets(self, other: "Span") -> bool:
        return self.begun <= other.ended and other.begun <= self.ended


@dataclass
class Ledger:
    """From when each contact, by its key, was sent until it was acknowledged; and from when until
    when what was acknowledged may be lost."""

    acknowledged: dict[str, Span] = field(default_factory=dict)
    losses: list[Span] = field(default_factory=list)
    _enough: int = 0

    @contextmanager
    def losing(self) -> Iterator[None]:
        """What is committed while the block lasts may be gone at its end."""
        begun, before = time.monotonic(), len(self.acknowledged)
        yield
        self.losses.append(Span(begun, time.monotonic()))
        after = len(self.acknowledged)
        self._enough = after + (after - before) + IN_FLIGHT

    async def lost_is_passed(self) -> None:
        """Wait until more was acknowledged after the last loss than can have been lost by it."""
        while len(self.acknowledged) < self._enough:
            await asyncio.sleep(0.02)

    def figures(self, keys: Counter[str]) -> dict[str, int]:
        """What became of the contacts; `keys` are those noted on the contacts that are kept."""
        gone = [span for key, span in self.acknowledged.items() if not keys[key]]
        unsaid = [span for span in gone if not any(span.meets(loss) for loss in self.losses)]
        return {
            "acknowledged": len(self.acknowledged),
            "acknowledged, not kept": len(unsaid),
            "gone with a loss": len(gone) - len(unsaid),
            "kept twice": sum(n > 1 for n in keys.values()),
        }


@dataclass
class Writers:
    urls: list[str]
    key: str
    ledger: Ledger
    pause: float
    writing: bool = True

    async def write(self, task: str) -> None:
        """Log contacts on one task, each again and again until it is acknowledged."""
        day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
        async with httpx.AsyncClient(timeout=5) as client:
            while self.writing:
                key = uuid4().hex
                variables = {"task": task, "day": day, "key": key}
                body = {"query": LOG, "variables": variables}
                begun = time.monotonic()
                while not await self._send(client, body):
                    await asyncio.sleep(0.05)
                self.ledger.acknowledged[key] = Span(begun, time.monotonic())
                await asyncio.sleep(self.pause)

    async def _send(self, client: httpx.AsyncClient, body: dict[str, Any]) -> bool:
        headers = {"authorization": f"Bearer {self.key}"}
        url = f"{random.choice(self.urls)}/graphql"
        try:
            answer = (await client.post(url, json=body, headers=headers)).json()
        except (httpx.HTTPError, ValueError):
            return False
        payload = (answer.get("data") or {}).get("logContact") or {}
        assert not payload.get("errors"), payload["errors"]
        return payload.get("contact") is not None
