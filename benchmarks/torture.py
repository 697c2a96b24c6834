"""Break every part while changes are written and watched, then count what was lost.

`python -m benchmarks.torture --bus postgres --faults 200`: two server processes on one database, a
load of writers that send again until they are acknowledged, and clients that resume by their
cursor. Faults, drawn by a seed: kill -9 of a server, stop and start of Redis, restart of
PostgreSQL, SIGSTOP of a process of clients. `--bus sqlite` is one process, killed only.
At the end each acknowledged contact must be in the table once, and each client must have seen each
event once, in order, with no gap. Exits with 1 if not. `--without-replay` must fail: it is the
proof that the check can.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.stage import Redis, Server, postgres
from gql_app.access import authenticate
from gql_app.clock import machine_time
from gql_app.keys import create_key
from gql_app.schema.ids import global_id
from gql_app.work.cursors import event_cursor
from gql_app.work.intake import NewTask
from gql_app.work.transitions import Transitions
from models.access import Role
from models.chain import Position
from models.contact import Contact
from models.database import migrate, opened
from models.event import feed_bounds
from models.people import Patient
from models.practice import Practice, Queue

WRITERS = 8
WATCHER_PROCESSES = 4
STALL_SECONDS = 6.0
DOWN_SECONDS = 1.5

LOG = """mutation ($task: ID!, $day: Date!, $key: String!) {
  logContact(taskId: $task, outcome: NO_ANSWER, followUp: $day, idempotencyKey: $key) {
    contact { id } errors { code }
  }
}"""


@dataclass
class Torture:
    options: argparse.Namespace
    servers: list[Server]
    key: str
    tasks: list[str]
    acknowledged: set[str] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)
    writing: bool = True

    @property
    def urls(self) -> list[str]:
        return [server.url for server in self.servers]

    async def write(self, task: str) -> None:
        """Log contacts on one task, each again and again until it is acknowledged."""
        day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
        async with httpx.AsyncClient(timeout=5) as client:
            while self.writing:
                key = uuid4().hex
                variables = {"task": task, "day": day, "key": key}
                body = {"query": LOG, "variables": variables}
                while not await self._send(client, body):
                    await asyncio.sleep(0.05)
                self.acknowledged.add(key)
                await asyncio.sleep(self.options.pause)

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
        transitions = Transitions(lambda _practice, _seq: None, machine_time)
        tasks = []
        for n in range(WRITERS):
            new = NewTask(queue.id, patient.id, f"Torture {n}")
            made = (await transitions.create_task(viewer, new)).task
            assert made is not None
            tasks.append(global_id("Task", made.id))
    return practice.id, key, tasks


async def torture(options: argparse.Namespace, folder: Path, parts: ExitStack) -> dict[str, int]:
    """One run. Returns the figures."""
    breaking: dict[str, Callable[[], Awaitable[None]]] = {}
    if options.bus == "sqlite":
        database_url = f"sqlite://{folder / 'torture.sqlite3'}"
        bus_url, names = "memory://", ["server"]
    else:
        database = parts.enter_context(postgres(folder / "postgres"))
        database_url, names = database.url, ["server-a", "server-b"]
        bus_url = database_url
        breaking["PostgreSQL restarted"] = lambda: asyncio.to_thread(database.restart)
        if options.bus == "redis":
            redis = Redis(folder)
            redis.start()
            parts.callback(redis.end)
            bus_url = redis.url
            breaking["Redis stopped"] = lambda: _stop_and_start(redis)
    practice_id, key, tasks = await prepare(database_url)
    servers = [Server(folder, name, database_url, bus_url) for name in names]
    for server in servers:
        parts.callback(server.end)
        await server.ready()
    run = Torture(options, servers, key, tasks)
    watchers = await _start_watchers(run, practice_id)
    if options.bus != "sqlite":
        breaking["clients stalled"] = lambda: _stall(random.choice(watchers))
    breaking["server killed"] = lambda: _kill(random.choice(servers))
    writers = [asyncio.create_task(run.write(task)) for task in tasks]
    begun = time.monotonic()
    for number in range(options.faults):
        await asyncio.sleep(random.uniform(0.2, 0.8))
        fault = random.choice(list(breaking))
        run.faults[fault] += 1
        await breaking[fault]()
        _show(options, f"{number + 1}/{options.faults} {fault}")
    await asyncio.sleep(1)
    run.writing = False
    await asyncio.wait_for(asyncio.gather(*writers), 60)
    seconds = time.monotonic() - begun
    async with opened(database_url):
        last = (await feed_bounds(practice_id)).seq
        keys = Counter(await Contact.all().values_list("idempotency_key", flat=True))
    totals = await _finish_watchers(watchers, last)
    for fault, times in sorted(run.faults.items()):
        print(f"{fault:>22}: {times}")
    print(f"{'seconds':>22}: {seconds:.0f}")
    return {
        "acknowledged": len(run.acknowledged),
        "acknowledged, not kept": sum(keys[k] == 0 for k in run.acknowledged),
        "kept twice": sum(n > 1 for n in keys.values()),
        **totals,
    }


async def _start_watchers(run: Torture, practice_id: int) -> list[asyncio.subprocess.Process]:
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
            "clients": run.options.clients // WATCHER_PROCESSES,
            "seq": len(run.tasks),
            "cursor": event_cursor(practice_id, Position(len(run.tasks))),
            "replay": not run.options.without_replay,
        }
        await _say(process, order)
        watchers.append(process)
    return watchers


async def _finish_watchers(watchers: list[asyncio.subprocess.Process], last: int) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for process in watchers:
        await _say(process, {"last": last})
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


def _show(options: argparse.Namespace, text: str) -> None:
    if not options.quiet:
        print(text, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Break every part; count what was lost.")
    parser.add_argument("--bus", choices=["postgres", "redis", "sqlite"], default="postgres")
    parser.add_argument("--faults", type=int, default=200)
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
    wrong = ("acknowledged, not kept", "kept twice", "lost", "repeated", "reordered")
    return int(any(figures[name] for name in wrong) or not figures["deliveries"])


if __name__ == "__main__":
    sys.exit(main())
