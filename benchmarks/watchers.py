"""A process of watching clients: each follows the stream, resumes by its cursor, and keeps count.

Reads one line of JSON from standard input to begin, a second (the last number to wait for) to end,
and writes one line of JSON: what its clients saw.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

STREAM = "subscription ($after: String) { taskStatusChanged(after: $after) { seq cursor } }"
CATCH_UP_SECONDS = 60.0


@dataclass
class Seen:
    """What one client has seen so far. Numbers go up by one: every event is a status change."""

    seq: int
    cursor: str
    deliveries: int = 0
    lost: int = 0
    repeated: int = 0
    reordered: int = 0
    connections: int = 0
    missing: set[int] = field(default_factory=set)

    def note(self, event: dict[str, Any]) -> None:
        seq = event["seq"]
        self.deliveries += 1
        if seq in self.missing:
            self.missing.discard(seq)
            self.reordered += 1
        elif seq <= self.seq:
            self.repeated += 1
        self.missing.update(range(self.seq + 1, seq))
        self.seq = max(self.seq, seq)
        self.cursor = event["cursor"]


async def watch(urls: list[str], key: str, seen: Seen, replay: bool) -> None:
    """Follow for ever, wherever a server can be reached."""
    while True:
        try:
            url = random.choice(urls).replace("http", "ws") + "/graphql"
            await _follow(url, key, seen, replay)
        except (OSError, WebSocketException, TimeoutError):
            pass
        await asyncio.sleep(random.uniform(0.05, 0.3))


async def _follow(url: str, key: str, seen: Seen, replay: bool) -> None:
    protocol = [Subprotocol("graphql-transport-ws")]
    async with connect(url, subprotocols=protocol, open_timeout=5) as socket:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}}
        await socket.send(json.dumps(init))
        await socket.recv()
        first = seen.connections == 0
        seen.connections += 1
        variables = {"after": seen.cursor if replay or first else None}
        payload = {"query": STREAM, "variables": variables}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "next":
                seen.note(message["payload"]["data"]["taskStatusChanged"])
            elif message["type"] in ("error", "complete"):
                return  # RESYNC_REQUIRED after a stall, say: come back with the cursor


async def main() -> None:
    order = json.loads(sys.stdin.readline())
    seen = [Seen(order["seq"], order["cursor"]) for _ in range(order["clients"])]
    tasks = [
        asyncio.create_task(watch(order["urls"], order["key"], s, order["replay"])) for s in seen
    ]
    last = json.loads(await asyncio.to_thread(sys.stdin.readline))["last"]
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while time.monotonic() < deadline and any(s.seq < last for s in seen):
        await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    totals = {
        "deliveries": sum(s.deliveries for s in seen),
        "lost": sum(len(s.missing) + max(last - s.seq, 0) for s in seen),
        "repeated": sum(s.repeated for s in seen),
        "reordered": sum(s.reordered for s in seen),
        "connections": sum(s.connections for s in seen),
    }
    print(json.dumps(totals), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
