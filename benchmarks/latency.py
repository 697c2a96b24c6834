"""How long a change takes from its transaction to the clients that watch.

`python -m benchmarks.latency --bus redis`: clients on one server, changes logged on another over
the same database. Times run from the event's own `at`, which is taken before the commit, to the
moment the client has the message: all of it on one machine with one clock. Prints milliseconds.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from benchmarks.stage import Redis, Server, postgres
from benchmarks.torture import LOG, prepare

STREAM = "subscription { taskStatusChanged { at } }"


async def watch(url: str, key: str, delays: list[float], attached: asyncio.Semaphore) -> None:
    """Note the delay of every change, in milliseconds."""
    address = url.replace("http", "ws") + "/graphql"
    protocol = [Subprotocol("graphql-transport-ws")]
    async with connect(address, subprotocols=protocol, compression=None) as socket:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}}
        await socket.send(json.dumps(init))
        await socket.recv()
        payload = {"query": STREAM}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        # Answered in order, so the stream is being set up by the time that the pong comes.
        await socket.send(json.dumps({"type": "ping"}))
        async for text in socket:
            now = time.time()
            message = json.loads(text)
            if message["type"] == "pong":
                attached.release()
            else:
                at = message["payload"]["data"]["taskStatusChanged"]["at"]
                delays.append((now - datetime.fromisoformat(at).timestamp()) * 1_000)


async def measure(options: argparse.Namespace, folder: Path, parts: ExitStack) -> list[float]:
    database_url = parts.enter_context(postgres(folder / "postgres")).url
    bus_url = database_url
    if options.bus == "redis":
        redis = Redis(folder)
        redis.start()
        parts.callback(redis.end)
        bus_url = redis.url
    _, key, tasks = await prepare(database_url)
    servers = [Server(folder, name, database_url, bus_url) for name in ("writing", "watched")]
    for server in servers:
        parts.callback(server.end)
        await server.ready()
    writing, watched = servers[0], servers[0 if options.one_process else 1]
    delays: list[float] = []
    attached = asyncio.Semaphore(0)
    clients = [
        asyncio.create_task(watch(watched.url, key, delays, attached))
        for _ in range(options.clients)
    ]
    for _ in clients:
        await attached.acquire()
    await asyncio.sleep(2)
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}) as http:
        for n in range(options.changes):
            variables = {"task": tasks[n % len(tasks)], "day": day, "key": f"latency-{n}"}
            body = {"query": LOG, "variables": variables}
            (await http.post(f"{writing.url}/graphql", json=body)).raise_for_status()
            await asyncio.sleep(1 / options.rate)
    wanted = options.clients * options.changes
    async with asyncio.timeout(30):
        while len(delays) < wanted:
            await asyncio.sleep(0.1)
    for client in clients:
        client.cancel()
    await asyncio.wait(clients)
    return delays


def main() -> int:
    parser = argparse.ArgumentParser(description="Milliseconds from a change to its watchers.")
    parser.add_argument("--bus", choices=["postgres", "redis"], default="postgres")
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--rate", type=float, default=4, help="changes a second")
    parser.add_argument("--one-process", action="store_true", help="write where they watch")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="callboard-latency-") as name, ExitStack() as parts:
        delays = asyncio.run(measure(options, Path(name), parts))
    percentiles = statistics.quantiles(delays, n=100)
    where = "one process" if options.one_process else f"two processes, {options.bus} bus"
    print(
        f"{where}, {options.clients} clients, {len(delays):,} deliveries:"
        f" median {percentiles[49]:.1f} ms, p99 {percentiles[98]:.1f} ms, max {max(delays):.1f} ms"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
