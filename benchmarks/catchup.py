"""How long many dashboards take to catch up that all missed the same events.

`python -m benchmarks.catchup`: one practice on SQLite, 200 sockets that each come back with a
cursor from before 3,042 events, as after a restart. The clock runs from the first connection until
each socket has every event, in order; prints seconds and events a second.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.load import initialise, text_frame, upgrade
from benchmarks.stage import AT_FULL_SPEED, Server
from benchmarks.torture import prepare
from gql_app.access import authenticate
from gql_app.clock import machine_time
from gql_app.work.changes import Changes
from gql_app.work.contacts import log_contact
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from models.database import opened
from models.event import feed_bounds
from models.lifecycle import Attempt, ContactOutcome
from models.task import Task

LIMIT_SECONDS = 120.0
SEQ = re.compile(rb'"seq":([0-9]+)')
STREAM = "subscription ($after: String) { taskStatusChanged(after: $after) { seq cursor } }"
FEED = """subscription ($after: String) { queueFeed(after: $after) {
  ... on TaskEvent { seq cursor task { id version status } } ... on QueueCounts { seq open }
} }"""


async def write(url: str, key: str, events: int) -> tuple[int, int]:
    """Log that many contacts. Returns the practice, and the number of the last event."""
    async with opened(url):
        viewer = await authenticate(key)
        changes = Changes(lambda _practice, _seq: None, machine_time)
        tasks = [task.id for task in await Task.all()]
        day = machine_time().date() + timedelta(days=30)
        attempt = Attempt(ContactOutcome.NO_ANSWER, day, None, close=False)
        for begin in range(0, events, 50):
            some = range(begin, min(begin + 50, events))
            await asyncio.gather(
                *(changes.make(viewer, log_contact, tasks[n % len(tasks)], attempt) for n in some)
            )
        return viewer.practice_id, (await feed_bounds(viewer.practice_id)).seq


async def follow(port: int, key: str, query: str, after: str, last: int) -> int:
    """Follow until event `last`; how many events came. Raises `ValueError` for a gap or a repeat.

    Frames are read from the socket by hand: a client library would take longer than the server.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    payload = {"query": query, "variables": {"after": after}}
    subscribe = json.dumps({"id": "1", "type": "subscribe", "payload": payload})
    writer.write(upgrade(f"127.0.0.1:{port}", "/graphql"))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(initialise(key) + text_frame(subscribe))
    seen, expected, rest = 0, None, b""
    try:
        while data := await reader.read(2**18):
            messages, rest = frames(rest + data)
            for message in messages:
                if b'"cursor"' not in message:
                    continue
                found = SEQ.search(message)
                assert found is not None
                seq = int(found[1])
                if expected not in (None, seq):
                    raise ValueError(f"event {seq} came in place of {expected}")
                seen, expected = seen + 1, seq + 1
                if seq == last:
                    return seen
    finally:
        writer.close()
    raise ValueError(f"the stream ended after {seen} events")


def frames(data: bytes) -> tuple[list[bytes], bytes]:
    """The payloads of the frames in `data`, and what is left of an unfinished one."""
    messages, place = [], 0
    while len(data) - place >= 10:
        size, begin = data[place + 1] & 127, place + 2
        if size == 126:
            size, begin = int.from_bytes(data[begin : begin + 2]), begin + 2
        elif size == 127:
            size, begin = int.from_bytes(data[begin : begin + 8]), begin + 8
        if len(data) < begin + size:
            break
        messages.append(data[begin : begin + size])
        place = begin + size
    return messages, data[place:]


async def main(options: argparse.Namespace, folder: Path) -> int:
    url = f"sqlite://{folder / 'catchup.sqlite3'}"
    _, key, tasks = await prepare(url)
    practice_id, last = await write(url, key, options.events)
    server = Server(folder, "server", url, "memory://", None, **AT_FULL_SPEED)
    try:
        await server.ready()
        port = int(server.url.rpartition(":")[2])
        query = FEED if options.feed else STREAM
        start = event_cursor(practice_id, Position(len(tasks)))
        begun = time.monotonic()
        async with asyncio.timeout(LIMIT_SECONDS):
            seen = await asyncio.gather(
                *(follow(port, key, query, start, last) for _ in range(options.clients))
            )
        seconds = time.monotonic() - begun
    finally:
        server.end()
    assert set(seen) == {last - len(tasks)}, "lost or repeated"
    print(f"{sum(seen):,} events to {options.clients} clients in {seconds:.1f} s")
    print(f"{sum(seen) / seconds:,.0f} events a second")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How long many take to catch up.")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--events", type=int, default=3_042)
    parser.add_argument("--feed", action="store_true", help="queueFeed in place of the changes")
    with tempfile.TemporaryDirectory(prefix="callboard-catchup-") as name:
        sys.exit(asyncio.run(main(parser.parse_args(), Path(name))))
