"""A process of watching clients: each follows the stream, resumes by its cursor, and keeps count.

Reads one line of JSON from standard input to begin, a second (the name of a file with the cursors
of all events that the table has) to end, and writes one line of JSON: what its clients saw.

A client that is told `RESYNC_REQUIRED` without a cursor drops what it has and starts afresh. What
it keeps in the end, by cursor, must be all that the table has from its start on.
"""

import asyncio
import json
import random
import sys
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

STREAM = "subscription ($after: String) { taskStatusChanged(after: $after) { seq cursor } }"
HERE = "{ viewer { practice { cursor } } }"
CATCH_UP_SECONDS = 60.0


@dataclass
class Seen:
    """What one client has seen so far. Numbers go up by one: every event is a status change. `kept`
    are the cursors since its start, with that of the start itself."""

    seq: int
    cursor: str
    afresh: int = 0
    deliveries: int = 0
    lost: int = 0
    repeated: int = 0
    reordered: int = 0
    connections: int = 0
    missing: set[int] = field(default_factory=set)
    must_start: bool = False

    def __post_init__(self) -> None:
        self.kept = [self.cursor]

    def start(self, seq: int, cursor: str) -> None:
        """Begin afresh after event `seq`: what was seen before no longer counts."""
        self.seq, self.cursor, self.kept = seq, cursor, [cursor]
        self.missing.clear()
        self.must_start = False
        self.afresh += 1

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
        self.cursor = sys.intern(event["cursor"])  # all clients have the same
        self.kept.append(self.cursor)

    def gone(self, history: frozenset[str]) -> int:
        """How many of the events that it keeps are not in the table."""
        return sum(cursor not in history for cursor in self.kept)


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
        if seen.must_start:
            seen.start(*await _here(socket))
            resumes = True
        else:
            resumes = replay or seen.connections == 0
        seen.connections += 1
        await _subscribe(socket, "1", STREAM, after=seen.cursor if resumes else None)
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "next":
                seen.note(message["payload"]["data"]["taskStatusChanged"])
            elif message["type"] == "error":
                (error,) = message["payload"]
                extensions = error["extensions"]
                # With a cursor it was only slow, and comes back with its own.
                seen.must_start = (
                    extensions["code"] == "RESYNC_REQUIRED" and "cursor" not in extensions
                )
                return
            elif message["type"] == "complete":
                return


async def _here(socket: ClientConnection) -> tuple[int, str]:
    """Where the practice's history has come to: the number and the cursor."""
    await _subscribe(socket, "0", HERE)
    message = json.loads(await socket.recv())
    if message["type"] != "next" or not message["payload"].get("data"):
        raise OSError("the database is away")
    assert json.loads(await socket.recv())["type"] == "complete"
    cursor = message["payload"]["data"]["viewer"]["practice"]["cursor"]
    return seq_of(cursor), cursor


async def _subscribe(socket: ClientConnection, name: str, query: str, **variables: Any) -> None:
    payload = {"query": query, "variables": variables}
    await socket.send(json.dumps({"id": name, "type": "subscribe", "payload": payload}))


def seq_of(cursor: str) -> int:
    """The number of the event that a cursor names: for the check, no client has to know."""
    return int(urlsafe_b64decode(cursor).split(b":")[2])


async def main() -> None:
    order = json.loads(sys.stdin.readline())
    seen = [Seen(seq_of(order["cursor"]), order["cursor"]) for _ in range(order["clients"])]
    tasks = [
        asyncio.create_task(watch(order["urls"], order["key"], s, order["replay"])) for s in seen
    ]
    name = json.loads(await asyncio.to_thread(sys.stdin.readline))["history"]
    history = json.loads(await asyncio.to_thread(Path(name).read_text))
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while time.monotonic() < deadline and any(s.cursor != history[-1] for s in seen):
        await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    last, known = seq_of(history[-1]), frozenset(history)
    totals = {
        "deliveries": sum(s.deliveries for s in seen),
        "lost": sum(len(s.missing) + max(last - s.seq, 0) for s in seen),
        "repeated": sum(s.repeated for s in seen),
        "reordered": sum(s.reordered for s in seen),
        "kept, though gone": sum(s.gone(known) for s in seen),
        "told to start afresh": sum(s.afresh for s in seen),
        "connections": sum(s.connections for s in seen),
    }
    print(json.dumps(totals), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
