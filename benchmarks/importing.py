"""How long 100,000 rows take to come in by `callboard import`, and whether memory stays flat.

`python -m benchmarks.importing`: each run is the command itself, from its start to its end, on a
fresh SQLite file or PostgreSQL database: the rows make as many patients and tasks. Memory is the
most that the process had resident, with 100,000 rows beside 10,000.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg

from benchmarks.practices import prepare
from benchmarks.report import Figure, measure_alone
from benchmarks.stage import postgres

ROWS = 100_000
FEWER = 10_000
COLUMNS = "external_id,patient_external_id,name,phone,reason"


class Run(NamedTuple):
    """Of one import: seconds, and the peak of its memory in KB."""

    seconds: float
    memory: int


def write_rows(path: Path, rows: int) -> Path:
    """A file of so many rows, each of another patient."""
    with path.open("w") as file:
        print(COLUMNS, file=file)
        for n in range(rows):
            phone = f"(217) 555-{100 + n % 100:04}"
            print(f"t{n},p{n},Sage Nobodey {n},{phone},Cleaning overdue by 6 months", file=file)
    return path


def load(path: Path, database_url: str) -> Run:
    """Import the file as a process of its own."""
    asyncio.run(prepare(database_url, practices=1, tasks=0))
    command: list[str | Path] = [Path(sys.executable).with_name("callboard"), "import", path]
    begun = time.monotonic()
    process = subprocess.Popen(
        [*command, "--practice", "practice-1", "--queue", "Recall"],
        env={**os.environ, "CALLBOARD_DATABASE_URL": database_url},
        stdout=subprocess.DEVNULL,
    )
    memory = 0
    while process.poll() is None:
        memory = max(memory, peak(process.pid))
        time.sleep(0.02)
    if process.returncode != 0:
        raise RuntimeError(f"the import ended with {process.returncode}")
    return Run(time.monotonic() - begun, memory)


def peak(pid: int) -> int:
    """The most memory that a process has had resident, in KB; 0 once it has ended. What `wait`
    would say includes the memory of the process that started it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, Callable[[], str]]]:
    """For each kind of database, what makes a fresh one and says where it is."""
    with ExitStack() as stack:
        server = stack.enter_context(postgres(folder / "postgres"))
        made = 0

        def sqlite_file() -> str:
            nonlocal made
            made += 1
            return f"sqlite://{folder / f'{made}.sqlite3'}"

        def postgres_database() -> str:
            nonlocal made
            made += 1
            asyncio.run(_create(server.url, f"import_{made}"))
            return str(server.url).replace("/postgres?", f"/import_{made}?")

        yield {"SQLite": sqlite_file, "PostgreSQL": postgres_database}


async def _create(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()


def figures(
    rounds: int = 5, quick: bool = False, say: Callable[[str], None] = print
) -> list[Figure]:
    """Seconds and memory on both databases, by the median of the rounds."""
    rows, fewer = (ROWS // 20, FEWER // 20) if quick else (ROWS, FEWER)
    found = []
    with tempfile.TemporaryDirectory(prefix="callboard-importing-") as name:
        folder = Path(name)
        many, few = (write_rows(folder / f"{n}.csv", n) for n in (rows, fewer))
        (folder / "postgres").mkdir()
        with databases(folder) as kinds:
            runs: dict[str, list[tuple[Run, Run]]] = {kind: [] for kind in kinds}
            for _ in range(rounds):
                for kind, fresh in kinds.items():
                    runs[kind].append((load(few, fresh()), load(many, fresh())))
    for kind, pairs in runs.items():
        shown = ", ".join(f"{run.seconds:.1f} s {run.memory // 1024} MB" for _, run in pairs)
        say(f"{rows:,} rows come in, {kind}: {shown}")
        seconds = statistics.median(run.seconds for _, run in pairs)
        growth = statistics.median(large.memory / small.memory for small, large in pairs)
        rate = f"{rows / seconds:,.0f} rows/s"
        peaks = " and ".join(
            f"{statistics.median(pair[n].memory for pair in pairs) / 1024:.0f} MB" for n in (1, 0)
        )
        work = f"import of {rows:,} rows, {kind}"
        times = f"memory of {rows:,} rows beside {fewer:,}, {kind}"
        found += [
            Figure(work, "", "s", seconds, None, None, goal=60, at_most=True, note=rate),
            Figure(times, "", "times", growth, None, None, 1.3, at_most=True, note=peaks),
        ]
    return found


if __name__ == "__main__":
    measure_alone("Seconds and memory of an import of 100,000 rows.", figures)
