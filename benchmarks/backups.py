"""Real backups of both databases, and what operators do with them: restore, also under a server."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg


class Backup:
    """A database as it was when `take` was called."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def take(self) -> None:
        if self._is_sqlite:
            await asyncio.to_thread(_copy, self._file, self._copy_file)
        else:
            await self._in_postgres("CREATE DATABASE {0}_backup TEMPLATE {0}", self._name)

    async def restore(self) -> None:
        """Bring back what was taken. A server that runs meanwhile keeps running: SQLite's pages are
        written back under its locks, PostgreSQL's database is replaced and its connections end."""
        if self._is_sqlite:
            await asyncio.to_thread(_copy, self._copy_file, self._file)
        else:
            await self._in_postgres("DROP DATABASE {0} WITH (FORCE)", self._name)
            await self._in_postgres(
                "CREATE DATABASE {0} TEMPLATE {0}_backup", f"{self._name}_backup"
            )

    async def drop(self) -> None:
        if not self._is_sqlite:
            await self._in_postgres("DROP DATABASE IF EXISTS {0}_backup WITH (FORCE)", self._name)

    @property
    def _is_sqlite(self) -> bool:
        return self._url.startswith("sqlite")

    @property
    def _file(self) -> Path:
        return Path(self._url.removeprefix("sqlite://"))

    @property
    def _copy_file(self) -> Path:
        return self._file.with_name("backup.sqlite3")

    @property
    def _name(self) -> str:
        return urlsplit(self._url).path.removeprefix("/")

    async def _in_postgres(self, statement: str, source: str) -> None:
        """Carry a statement out while nobody is connected to the database that it reads."""
        admin = await asyncpg.connect(self._url.replace(f"/{self._name}?", "/postgres?"))
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
        exists = await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", source)
        try:
            if exists:
                await admin.execute(f"ALTER DATABASE {source} WITH ALLOW_CONNECTIONS false")
                await admin.execute(end, source)
            await admin.execute(statement.format(self._name))
        finally:
            if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", source):
                await admin.execute(f"ALTER DATABASE {source} WITH ALLOW_CONNECTIONS true")
            await admin.close()


def _copy(source: Path, target: Path) -> None:
    """As `.backup` and `.restore` of the sqlite3 shell do it."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        other.execute("PRAGMA busy_timeout = 5000")
        one.backup(other)
