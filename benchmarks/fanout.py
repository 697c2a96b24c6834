"""How many deliveries a second: each change goes to every socket that watches its practice.

`python -m benchmarks.fanout`: 1,000 sockets at one practice, then at 50 practices with keys of
three roles. All servers are up and their sockets attached all along; they take turns. A round
sends as many changes as the server does in a few seconds, several in flight, and ends when every
socket has got each change of its practice once. For Callboard a change is a contact that is logged
over HTTP, with its transaction; the peers have none.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

from benchmarks.crowd import Crowd, allow_many_files, crowd
from benchmarks.posting import Post, send
from benchmarks.practices import prepare
from benchmarks.report import Figure, measure_alone
from benchmarks.sides import Bare, Callboard, FeedPeer, NotToBeHad, Side, Stock, Yoga
from models.roles import Role

SOCKETS = 1_000
PRACTICES = 50
IN_FLIGHT = 16
UNIT = "deliveries/s"


class Contender(Protocol):
    """Makes a side from a folder, a number of practices, and the roles of their keys."""

    name: str

    def __call__(self, folder: Path, practices: int, roles: list[Role], /) -> Side: ...


class Contest:
    """Callboard and its peers over the same practices and sockets, for rounds that take turns."""

    def __init__(self, folder: Path, practices: int, roles: list[Role], sockets: int) -> None:
        self._folder = folder
        self._practices = practices
        self._roles = roles
        self._sockets = sockets
        self._sent: dict[Side, int] = {}
        self._crowds: dict[Side, Crowd] = {}
        self._changes: dict[Side, int] = {}
        self.missing: dict[str, str] = {}
        self.cpu: dict[str, list[float]] = {}
        """Microseconds of each side's server for a delivery, with the changes, round by round."""

    async def run(
        self, peers: Sequence[Contender], rounds: int, seconds: float, parts: AsyncExitStack
    ) -> dict[str, list[float]]:
        """The rates of each side, by its name; a round takes about so many `seconds`."""
        sides = [await self._ours()]
        for peer in peers:
            try:
                sides.append(peer(self._folder, self._practices, self._roles))
            except NotToBeHad as error:
                self.missing[peer.name] = str(error)
        for side in sides:
            await self._attach(side, parts)
            await self._warm_up(side, seconds)
        rates: dict[str, list[float]] = {side.name: [] for side in sides}
        for _ in range(rounds):
            for side in sides:
                before = cpu_seconds(side.pid)
                rates[side.name].append(await self._round(side, self._changes[side]))
                spent = (cpu_seconds(side.pid) - before) / (self._changes[side] * self._sockets)
                self.cpu.setdefault(side.name, []).append(spent * 1e6)
        return rates

    @property
    def sides(self) -> list[Side]:
        """Those that run."""
        return list(self._crowds)

    async def _ours(self) -> Side:
        database_url = f"sqlite://{self._folder / 'fanout.sqlite3'}"
        samples = await prepare(database_url, self._practices, tasks=IN_FLIGHT)
        return Callboard(self._folder, samples, self._roles, database_url)

    async def _attach(self, side: Side, parts: AsyncExitStack) -> None:
        parts.callback(side.end)
        await side.ready()
        self._sent[side] = 0
        self._crowds[side] = await parts.enter_async_context(crowd())

        async def change() -> None:
            await send(side.url, self._posts(side, 1), IN_FLIGHT)

        await self._crowds[side].connect(side.url, side.sockets(self._sockets), change)

    async def _warm_up(self, side: Side, seconds: float) -> None:
        """Find out how many changes to each practice fill a round."""
        changes = 1
        while True:
            rate = await self._round(side, changes) / self._sockets
            self._changes[side] = max(1, round(rate * seconds))
            if changes >= self._changes[side] / 2:
                return
            changes = min(self._changes[side], changes * 8)

    async def _round(self, side: Side, changes: int) -> float:
        """Send so many changes to each practice. Returns deliveries a second."""
        posts = self._posts(side, changes)
        begun = time.monotonic()
        received = asyncio.create_task(self._crowds[side].receive(changes))
        await send(side.url, posts, IN_FLIGHT)
        finished: float = (await received)["finished"]
        return changes * self._sockets / (finished - begun)

    def _posts(self, side: Side, changes: int) -> list[Post]:
        first = self._sent[side]
        self._sent[side] += changes
        return [
            side.change(practice, number)
            for number in range(first, first + changes)
            for practice in range(self._practices)
        ]


def cpu_seconds(pid: int) -> float:
    """What a process has had of the processor so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def contest(
    practices: int, roles: list[Role], peers: list[FeedPeer], rounds: int, quick: bool
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """The rates of each side, and why a peer could not be had."""
    allow_many_files()
    async with AsyncExitStack() as parts:
        folder = parts.enter_context(tempfile.TemporaryDirectory(prefix="callboard-fanout-"))
        sockets = SOCKETS // 10 if quick else SOCKETS
        arena = Contest(Path(folder), practices, roles, sockets)
        rates = await arena.run(peers, rounds, 0.3 if quick else 3, parts)
    return rates, arena.missing


def figures(
    rounds: int = 5, quick: bool = False, say: Callable[[str], None] = print
) -> list[Figure]:
    """Callboard against each peer, by the median of the rounds."""
    one: dict[FeedPeer, float] = {Stock: 20.0, Yoga: 5.0, Bare: 1.2}
    many: dict[FeedPeer, float] = {Stock: 8.0}
    found = []
    for work, practices, roles, goals in (
        ("fan-out to 1,000 sockets, one practice", 1, [Role.STAFF], one),
        ("fan-out to 1,000 sockets, 50 practices, 3 roles", PRACTICES, list(Role), many),
    ):
        rates, missing = asyncio.run(contest(practices, roles, list(goals), rounds, quick))
        for name, all_rates in rates.items():
            say(f"{work}: {name}: {', '.join(f'{rate:,.0f}' for rate in all_rates)}")
        ours = statistics.median(rates[Callboard.name])
        for peer, goal in goals.items():
            theirs = statistics.median(rates[peer.name]) if peer.name in rates else None
            ratio = ours / theirs if theirs else None
            note = missing.get(peer.name, "")
            found.append(Figure(work, peer.name, UNIT, ours, theirs, ratio, goal, note=note))
    return found


if __name__ == "__main__":
    measure_alone("Deliveries a second to watching sockets.", figures)
