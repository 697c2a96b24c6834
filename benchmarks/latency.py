"""How long a change takes from its transaction to the clients that watch.

`python -m benchmarks.latency --bus redis`: clients on one server, changes logged on another over
the same database; `--bus memory` is one server over SQLite. Times run from the event's own `at`,
which is taken before the commit, to the moment the client has the message: all of it on one machine
with one clock. Changes are sent at an even pace, whether or not the ones before are answered.
Prints milliseconds.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.crowd import allow_many_files, crowd
from benchmarks.posting import Post, send, send_at_rate
from benchmarks.practices import Sample, prepare
from benchmarks.report import Figure, show
from benchmarks.sides import Callboard
from benchmarks.stage import Redis, postgres
from models.roles import Role

TASKS = 64
IN_FLIGHT = 16
WARM_UP_SECONDS = 1


class Stage(NamedTuple):
    """Where a run takes place: a practice, the server that writes, and the one that is watched."""

    sample: Sample
    writing: Callboard
    watched: Callboard


async def set_up(bus: str, one_process: bool, folder: Path, parts: AsyncExitStack) -> Stage:
    """Start all that the bus needs, and the servers."""
    if bus == "memory":
        database_url, bus_url = f"sqlite://{folder / 'latency.sqlite3'}", "memory://"
        one_process = True
    else:
        database_url = parts.enter_context(postgres(folder / "postgres")).url
        bus_url = database_url
        if bus == "redis":
            redis = Redis(folder)
            redis.start()
            parts.callback(redis.end)
            bus_url = redis.url
    samples = await prepare(database_url, practices=1, tasks=TASKS)
    servers = [
        Callboard(folder, samples, [Role.SUPERVISOR], database_url, bus_url)
        for _ in range(1 if one_process else 2)
    ]
    for server in servers:
        parts.callback(server.end)
        await server.ready()
    return Stage(samples[0], servers[0], servers[-1])


async def run(stage: Stage, clients: int, changes: int, rate: float) -> dict[str, Any]:
    """Milliseconds: `median`, `p99` and `max` over every delivery of every change."""
    writing, watched = stage.writing, stage.watched
    posts = [writing.change(0, number) for number in range(changes)]
    before: list[Post] = posts[: max(1, min(changes, round(rate * WARM_UP_SECONDS)))]
    async with crowd() as dashboards:
        await dashboards.connect(
            watched.url,
            watched.sockets(clients),
            lambda: send(writing.url, posts[:1], in_flight=1),
            time_key="at",
        )
        for sent in (before, posts):
            received = asyncio.create_task(dashboards.receive(len(sent)))
            await send_at_rate(writing.url, sent, rate, IN_FLIGHT)
            delays = await received
    return delays


async def measure(
    kind: tuple[str, bool], rounds: int, clients: int, changes: int, rate: float
) -> list[dict[str, Any]]:
    """Runs on one stage of a `kind`: which bus, and whether all of it is in one process."""
    allow_many_files()
    async with AsyncExitStack() as parts:
        name = parts.enter_context(tempfile.TemporaryDirectory(prefix="callboard-latency-"))
        stage = await set_up(*kind, Path(name), parts)
        return [await run(stage, clients, changes, rate) for _ in range(rounds)]


def figures(
    rounds: int = 5, quick: bool = False, say: Callable[[str], None] = print
) -> list[Figure]:
    """The 99th percentile with 1,000 clients and 50 changes a second; the median of the rounds."""
    clients, changes = (100, 25) if quick else (1_000, 500)
    found = []
    for where, kind, goal in (
        ("one process", ("memory", True), 25.0),
        ("two processes, PostgreSQL", ("postgres", False), 50.0),
    ):
        runs = asyncio.run(measure(kind, rounds, clients, changes, rate=50))
        work = f"a change to 1,000 clients, 50 a second, p99, {where}"
        say(f"{work}: " + ", ".join(f"{run['p99']:.1f} ms" for run in runs))
        ours = statistics.median(run["p99"] for run in runs)
        found.append(Figure(work, "", "ms", ours, None, None, goal, at_most=True))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Milliseconds from a change to its watchers.")
    parser.add_argument("--bus", choices=["postgres", "redis", "memory"], default="postgres")
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--rate", type=float, default=4, help="changes a second")
    parser.add_argument("--one-process", action="store_true", help="write where they watch")
    parser.add_argument("--goals", action="store_true", help="the figures that have a goal instead")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    if options.goals:
        show(figures(options.rounds))
        return 0
    kind = (options.bus, options.one_process)
    load = (options.clients, options.changes, options.rate)
    runs = asyncio.run(measure(kind, options.rounds, *load))
    alone = options.one_process or options.bus == "memory"
    where = f"{'one process' if alone else 'two processes'}, {options.bus} bus"
    for delays in runs:
        print(
            f"{where}, {options.clients} clients, {options.clients * options.changes:,} deliveries:"
            f" median {delays['median']:.1f} ms, p99 {delays['p99']:.1f} ms,"
            f" max {delays['max']:.1f} ms"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
