"""How long 5,000 dashboards take to connect and subscribe, and what memory they cost the server.

`python -m benchmarks.connecting`: keys of three roles at one practice, 250 connections under way at
a time. The clock stops when every socket has its first change, which is made as soon as the server
has read all subscriptions. Memory is the resident set of the server's process then, less what it
was before. Each run has a fresh server.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.crowd import allow_many_files, crowd
from benchmarks.posting import send
from benchmarks.practices import prepare
from benchmarks.report import Figure, measure_alone
from benchmarks.sides import Callboard, Side, Stock
from models.roles import Role

SOCKETS = 5_000


class Cost(NamedTuple):
    """Of all connections: seconds, and KB of memory each."""

    seconds: float
    memory: float


async def connect(side: Side, sockets: int) -> Cost:
    """Start the server, connect them all, and end it."""
    sent = 0

    async def change() -> None:
        nonlocal sent
        sent += 1
        await send(side.url, [side.change(0, sent)], in_flight=1)

    try:
        await side.ready()
        await change()  # what the first request loads is not the connections' doing
        before = resident(side.pid)
        async with crowd() as dashboards:
            seconds = await dashboards.connect(side.url, side.sockets(sockets), change)
            after = resident(side.pid)
    finally:
        side.end()
    return Cost(seconds, (after - before) / sockets)


def resident(pid: int) -> int:
    """The memory that a process has in use, in KB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ValueError(f"process {pid} has no memory")


async def contest(rounds: int, sockets: int) -> dict[str, list[Cost]]:
    """What each side made of it, round by round, in turns."""
    allow_many_files()
    roles = list(Role)
    costs: dict[str, list[Cost]] = {Callboard.name: [], Stock.name: []}
    with tempfile.TemporaryDirectory(prefix="callboard-connecting-") as name:
        folder = Path(name)
        database_url = f"sqlite://{folder / 'connecting.sqlite3'}"
        samples = await prepare(database_url, practices=1, tasks=1)
        for _ in range(rounds):
            for side in (
                Callboard(folder, samples, roles, database_url),
                Stock(folder, practices=1, roles=roles),
            ):
                costs[side.name].append(await connect(side, sockets))
    return costs


def figures(
    rounds: int = 5, quick: bool = False, say: Callable[[str], None] = print
) -> list[Figure]:
    """Callboard against Strawberry as it comes, by the median of the rounds."""
    costs = asyncio.run(contest(rounds, SOCKETS // 10 if quick else SOCKETS))
    for name, all_costs in costs.items():
        runs = ", ".join(f"{cost.seconds:.2f} s {cost.memory:.1f} KB" for cost in all_costs)
        say(f"5,000 dashboards connect: {name}: {runs}")
    ours, theirs = (
        Cost(*map(statistics.median, zip(*costs[name], strict=True)))
        for name in (Callboard.name, Stock.name)
    )
    seconds = (ours.seconds, theirs.seconds, theirs.seconds / ours.seconds)
    memory = (ours.memory, theirs.memory, theirs.memory / ours.memory)
    return [
        Figure("5,000 dashboards connect and subscribe", Stock.name, "s", *seconds, goal=3),
        Figure("memory of a connection", Stock.name, "KB", *memory, goal=35, at_most=True),
    ]


if __name__ == "__main__":
    measure_alone("Seconds and memory of 5,000 connections.", figures)
