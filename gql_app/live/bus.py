"""The doorbell: tells every process that a practice has new events, never what they are.

A ring carries a practice's number and the number of an event, so nothing on the bus is patient
data. Rings may be lost or repeated; the feed reads the truth from the event table.
"""

import asyncio
import logging
from collections.abc import Callable

from broadcaster import Broadcast

log = logging.getLogger(__name__)

CHANNEL = "callboard"
"""The one channel, subscribed to once a process and never left: broadcaster's subscriber queues
have no bound and its subscriptions race, so local fan-out is the feed's business."""


class Bus:
    """Hands rings from the writers of any process to `heard` in every process."""

    def __init__(self, url: str, heard: Callable[[int, int], None]) -> None:
        self._broadcast = Broadcast(url)
        self._heard = heard
        self._pending: dict[int, int] = {}
        self._wake = asyncio.Event()

    def ring(self, practice_id: int, seq: int) -> None:
        """Say that event `seq` of the practice is committed. Never blocks, never fails: rings that
        wait to be sent are at most one a practice."""
        self._pending[practice_id] = max(seq, self._pending.get(practice_id, 0))
        self._wake.set()

    async def run(self) -> None:
        """Send and hear rings until cancelled."""
        async with self._broadcast, self._broadcast.subscribe(CHANNEL) as subscriber:
            sender = asyncio.create_task(self._send())
            try:
                while True:
                    event = await subscriber.get()
                    practice_id, _, seq = event.message.partition(":")
                    self._heard(int(practice_id), int(seq))
            finally:
                sender.cancel()

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            pending, self._pending = self._pending, {}
            for practice_id, seq in pending.items():
                await self._broadcast.publish(CHANNEL, f"{practice_id}:{seq}")
