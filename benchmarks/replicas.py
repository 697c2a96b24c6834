"""PostgreSQL with an asynchronous replica, which can be cut off and take the primary's place.

The primary's address is a folder's name that is a symbolic link: after a failover it leads to the
replica, as a moved name or address does elsewhere.
"""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.wheel import USER, init_postgres, run_program, url_of

PATIENCE = 30.0


class Cluster:
    """A PostgreSQL from the wheel, with its data and its socket in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def runs(self) -> bool:
        return (self.folder / "postmaster.pid").exists()

    def start(self) -> None:
        where = f'-h "" -k {self.folder}'
        self._run("pg_ctl", "-w", "-o", where, "-l", f"{self.folder / 'log'}", "start")

    def stop(self, how: str = "fast") -> None:
        """End it: "fast" in an orderly way, "immediate" as a crash does."""
        self._run("pg_ctl", "-w", "-m", how, "stop")

    def promote(self) -> None:
        self._run("pg_ctl", "-w", "promote")

    def copy(self, folder: Path) -> "Cluster":
        """A replica in `folder`, which follows this one for as long as it may."""
        folder.mkdir(0o700)
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        replica = Cluster(folder)
        source = ("-h", str(self.folder), "-U", "postgres")
        replica._run("pg_basebackup", *source, "-R", "-c", "fast", "--no-sync")
        (folder / ".s.PGSQL.5432.lock").unlink()  # the source's, whose socket is not copied
        replica.start()
        return replica

    async def ask(self, sql: str, *values: object) -> Any:
        """The first value that a statement gives."""
        connection = await asyncpg.connect(url_of(self.folder))
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()

    async def until(self, sql: str, *values: object) -> None:
        """Wait until the statement gives what is true."""
        async with asyncio.timeout(PATIENCE):
            while not await self.ask(sql, *values):
                await asyncio.sleep(0.02)

    def _run(self, program: str, *arguments: str) -> None:
        run_program(program, "-D", str(self.folder), *arguments)


class Replicated:
    """A primary, and a replica if one was added. `folder` always leads to the primary."""

    def __init__(self, primary: Cluster, folder: Path) -> None:
        self.folder = folder
        self._primary = primary
        self._replica: Cluster | None = None
        self._clusters = [primary]
        self._point()

    async def ask(self, sql: str) -> Any:
        """The first value that a statement gives on the primary."""
        return await self._primary.ask(sql)

    async def add_replica(self) -> None:
        """Copy the primary, and have the copy follow it."""
        folder = self.folder.with_name(f"{self.folder.name}-{len(self._clusters)}")
        self._replica = await asyncio.to_thread(self._primary.copy, folder)
        self._clusters.append(self._replica)
        await self.replicated()

    async def replicated(self) -> None:
        """Wait until the replica has all that the primary has now."""
        reached = await self._primary.ask("SELECT pg_current_wal_flush_lsn()::text")
        await self._other.until("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", reached)

    async def cut(self) -> None:
        """Have the replica receive nothing from here on."""
        await self._other.ask("ALTER SYSTEM SET primary_conninfo = ''")
        await self._other.ask("SELECT pg_reload_conf()")
        await self._other.until("SELECT count(*) = 0 FROM pg_stat_wal_receiver")

    async def crash(self) -> None:
        """End the primary at once."""
        await asyncio.to_thread(self._primary.stop, "immediate")

    async def promote(self) -> None:
        """Make the replica the primary."""
        await asyncio.to_thread(self._other.promote)
        self._primary, self._replica = self._other, None
        self._point()

    async def restart(self) -> None:
        """Stop the primary, and start it again."""
        await asyncio.to_thread(self._primary.stop)
        await asyncio.to_thread(self._primary.start)

    def end(self) -> None:
        """Stop all that run."""
        for cluster in self._clusters:
            if cluster.runs:
                cluster.stop("immediate")

    @property
    def _other(self) -> Cluster:
        assert self._replica is not None, "no replica was added"
        return self._replica

    def _point(self) -> None:
        new = self.folder.with_name(f"{self.folder.name}-new")
        new.symlink_to(self._primary.folder)
        new.replace(self.folder)


@contextmanager
def replicated(folder: Path) -> Iterator[Replicated]:
    """A primary whose address is `folder`, without a replica yet. What it keeps is beside it."""
    first = folder.with_name(f"{folder.name}-0")
    init_postgres(first)
    primary = Cluster(first)
    primary.start()
    pair = Replicated(primary, folder)
    try:
        yield pair
    finally:
        pair.end()
        for left in folder.parent.glob(f"{folder.name}-*"):
            shutil.rmtree(left)
