"""Break every part while changes are written and watched, then count what was lost.

`python -m benchmarks.torture --bus postgres --faults 200`: two server processes on one database, a
load of writers that send again until they are acknowledged, and clients that resume by their
cursor. Faults, drawn by a seed: kill -9 of a server, stop and start of Redis, restart of
PostgreSQL, SIGSTOP of a process of clients. `--bus sqlite` is one process, killed only.
`--losses` of the faults lose what was acknowledged: the database is restored from a backup, with
servers that are killed for it or run, or an asynchronous replica that lags takes over. A process of
clients sleeps through each loss, until the new history has passed the lost one: from the numbers
alone it could not tell that its cursor is of the lost one.

At the end each acknowledged contact must be in the table once, but for those of a loss. Each client
must have seen each event once, in order, with no gap, from its start on, and keep none that is not
in the table; it starts afresh only when it is told to. Exits with 1 if not. `--without-replay` must
fail: it is the proof that the check can.
"""

import argparse
import asyncio
import json
import math
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.backups import Backup
from benchmarks.keys import create_key
from benchmarks.ledger import Ledger, Writers
from benchmarks.replicas import Replicated, replicated
from benchmarks.stage import AT_FULL_SPEED, Redis, Server
from benchmarks.wheel import url_of
from gql_app.access import authenticate
from gql_app.clock import machine_time
from gql_app.schema.ids import global_id
from gql_app.work.changes import Changes
from gql_app.work.intake import NewTask, create_task
from gql_app.work.reads.cursors import event_cursor
from gql_app.work.upkeep.verifying import verify
from models.chain import Position
from models.contact import Contact
from models.database import migrate, opened
from models.event import TaskEvent
from models.people import Patient
from models.practice import Practice, Queue
from models.roles import Role

WRITERS = 8
WATCHER_PROCESSES = 4
STALL_SECONDS = 6.0
DOWN_SECONDS = 1.5
LOST_SECONDS = (0.5, 2.0)

WRONG = (
    "acknowledged, not kept",
    "kept twice",
    "lost",
    "repeated",
    "reordered",
    "kept, though gone",
    "told in vain",
    "chain broken",
)
"""The figures that have to be zero."""

Fault = Callable[[], Awaitable[None]]
Loss = Callable[[Callable[[], None]], Awaitable[None]]
"""A fault that loses what was acknowledged. What it is given is called just before."""


async def prepare(database_url: str) -> tuple[int, str, list[str]]:
    """A practice with a task a writer. Returns its id, a key, and the tasks' global ids."""
    await migrate(database_url)
    async with opened(database_url):
        now = datetime.now(UTC)
        practice = await Practice.create(
            slug="torture", name="Torture", time_zone="America/Chicago", created_at=now
        )
        here = {"practice_id": practice.id, "created_at": now}
        queue = await Queue.create(name="Recall", position=0, **here)
        patient = await Patient.create(name="Sage Nobodey", phone="555-0100", **here)
        key = await create_key(practice, Role.SUPERVISOR, "Writer")
        viewer = await authenticate(key)
        changes = Changes(lambda _practice, _seq: None, machine_time)
        tasks: list[str] = []
        for n in range(WRITERS):
            new = NewTask(queue.id, patient.id, f"Torture {n}")
            made = (await changes.make(viewer, create_task, new)).task
            assert made is not None
            tasks.append(global_id("Task", made.id))
    return practice.id, key, tasks


class Parts(NamedTuple):
    """What runs, with the ways to break it. Each fault in `losing` loses what was acknowledged."""

    database_url: str
    servers: list[Server]
    breaking: dict[str, Fault]
    losing: dict[str, Loss]


async def set_up(
    options: argparse.Namespace, folder: Path, ledger: Ledger, parts: ExitStack
) -> Parts:
    """Start everything but the servers."""
    breaking: dict[str, Fault] = {}
    losing: dict[str, Loss] = {}
    if options.bus == "sqlite":
        database_url = f"sqlite://{folder / 'torture.sqlite3'}"
        bus_url, names = "memory://", ["server"]
    else:
        pair = parts.enter_context(replicated(folder / "postgres"))
        await pair.ask("CREATE DATABASE torture")
        database_url, names = url_of(pair.folder, "torture"), ["server-a", "server-b"]
        bus_url = database_url
        breaking["PostgreSQL restarted"] = pair.restart
        losing["replica promoted"] = partial(_promote, pair, ledger)
        if options.bus == "redis":
            redis = Redis(folder)
            redis.start()
            parts.callback(redis.end)
            bus_url = redis.url
            breaking["Redis stopped"] = lambda: _stop_and_start(redis)
    servers = [Server(folder, name, database_url, bus_url, None, **AT_FULL_SPEED) for name in names]
    for server in servers:
        parts.callback(server.end)
    breaking["server killed"] = lambda: _kill(random.choice(servers))
    losing["database restored"] = partial(_restore, Backup(database_url), servers, ledger)
    return Parts(database_url, servers, breaking, losing)


async def torture(options: argparse.Namespace, folder: Path, parts: ExitStack) -> dict[str, int]:
    """One run. Returns the figures."""
    ledger = Ledger()
    database_url, servers, breaking, losing = await set_up(options, folder, ledger, parts)
    practice_id, key, tasks = await prepare(database_url)
    for server in servers:
        await server.ready()
    run = Writers([server.url for server in servers], key, ledger, options.pause)
    watchers = await _start_watchers(options, run, (await history(database_url, practice_id))[-1])
    if options.bus != "sqlite":
        breaking["clients stalled"] = lambda: _stall(random.choice(watchers))
    writers = [asyncio.create_task(run.write(task)) for task in tasks]
    begun = time.monotonic()
    faults: Counter[str] = Counter()
    losses = dict(zip(losing_places(options), cycle(losing), strict=False))
    for number in range(options.faults):
        await asyncio.sleep(random.uniform(0.2, 0.8))
        if loss := losses.get(number):
            await _sleep_through(losing[loss], random.choice(watchers), ledger)
        fault = loss or random.choice(list(breaking))
        if not loss:
            await breaking[fault]()
        faults[fault] += 1
        _show(options, f"{number + 1}/{options.faults} {fault}")
    await asyncio.sleep(1)
    run.writing = False
    await asyncio.wait_for(asyncio.gather(*writers), 60)
    seconds = time.monotonic() - begun
    async with opened(database_url):
        kept: list[Any] = await Contact.all().values_list("notes", flat=True)
        keys: Counter[str] = Counter(kept)
        changed_at = (await verify(practice_id)).changed_at
    cursors = folder / "history.json"
    cursors.write_text(json.dumps(await history(database_url, practice_id)))
    totals = await _finish_watchers(watchers, cursors)
    for fault, times in sorted(faults.items()):
        print(f"{fault:>22}: {times}")
    print(f"{'seconds':>22}: {seconds:.0f}")
    # Without a loss nobody has to start afresh: that would hide a gap.
    told_in_vain = 0 if ledger.losses else totals["told to start afresh"]
    return {
        **ledger.figures(keys),
        **totals,
        "told in vain": told_in_vain,
        "chain broken": int(changed_at is not None),
    }


async def history(database_url: str, practice_id: int) -> list[str]:
    """The cursors of all events that the table has, in order."""
    async with opened(database_url):
        events = TaskEvent.filter(practice_id=practice_id).order_by("seq")
        rows = await events.values_list("seq", "digest")
    return [event_cursor(practice_id, Position.after(seq, digest)) for seq, digest in rows]


def losing_places(options: argparse.Namespace) -> list[int]:
    """Which of the faults lose what was acknowledged: one in twenty, unless it is said."""
    number = math.ceil(options.faults / 20) if options.losses is None else options.losses
    return sorted(random.sample(range(options.faults), number))


async def _start_watchers(
    options: argparse.Namespace, run: Writers, cursor: str
) -> list[asyncio.subprocess.Process]:
    watchers = []
    for _ in range(WATCHER_PROCESSES):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.watchers",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        order = {
            "urls": run.urls,
            "key": run.key,
            "clients": options.clients // WATCHER_PROCESSES,
            "cursor": cursor,
            "replay": not options.without_replay,
        }
        await _say(process, order)
        watchers.append(process)
    return watchers


async def _finish_watchers(
    watchers: list[asyncio.subprocess.Process], cursors: Path
) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for process in watchers:
        await _say(process, {"history": str(cursors)})
    for process in watchers:
        assert process.stdout is not None
        figures = json.loads(await asyncio.wait_for(process.stdout.readline(), 120))
        totals.update(figures)
        await process.wait()
    return dict(totals)


async def _say(process: asyncio.subprocess.Process, value: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(value).encode() + b"\n")
    await process.stdin.drain()


async def _kill(server: Server) -> None:
    server.end(signal.SIGKILL)
    await server.ready()


async def _stop_and_start(redis: Redis) -> None:
    redis.end()
    await asyncio.sleep(DOWN_SECONDS)
    redis.start()


async def _stall(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(STALL_SECONDS)
    process.send_signal(signal.SIGCONT)


async def _sleep_through(loss: Loss, process: asyncio.subprocess.Process, ledger: Ledger) -> None:
    """Lose what a process of clients has seen, and wake it when the numbers are given out again."""
    await loss(lambda: process.send_signal(signal.SIGSTOP))
    await asyncio.wait_for(ledger.lost_is_passed(), 60)
    process.send_signal(signal.SIGCONT)


async def _restore(
    backup: Backup,
    servers: list[Server],
    ledger: Ledger,
    before: Callable[[], None],
) -> None:
    """Take a backup, go on, and bring it back, with the servers killed or running."""
    with ledger.losing():
        await backup.take()
        await asyncio.sleep(random.uniform(*LOST_SECONDS))
        before()
        if not ledger.losses or random.random() < 0.5:
            for server in servers:
                server.end(signal.SIGKILL)
        await backup.restore()
    await backup.drop()
    for server in servers:
        await server.ready()


async def _promote(pair: Replicated, ledger: Ledger, before: Callable[[], None]) -> None:
    """Have a replica follow, cut it off, and let it take the primary's place."""
    await pair.add_replica()
    with ledger.losing():
        await pair.cut()
        await asyncio.sleep(random.uniform(*LOST_SECONDS))
        before()
        await pair.crash()
    await pair.promote()


def _show(options: argparse.Namespace, text: str) -> None:
    if not options.quiet:
        print(text, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Break every part; count what was lost.")
    parser.add_argument("--bus", choices=["postgres", "redis", "sqlite"], default="postgres")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--losses", type=int, help="of the faults; one in twenty if not given")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between a writer's logs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-replay", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    random.seed(options.seed)
    with tempfile.TemporaryDirectory(prefix="callboard-torture-") as name, ExitStack() as parts:
        figures = asyncio.run(torture(options, Path(name), parts))
    for what, figure in figures.items():
        print(f"{what:>22}: {figure}")
    return int(any(figures[name] for name in WRONG) or not figures["deliveries"])


if __name__ == "__main__":
    sys.exit(main())
