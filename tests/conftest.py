"""Fixtures: a real database of each kind, a small practice in it, and a real server over it."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from benchmarks.wheel import CannotStart, ready_for_postgres, start_postgres, url_of
from models.database import migrate, opened, use_secret, write
from tests.brokers import redis_server
from tests.office import Office, make_office
from tests.serving import Server, serving

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts so what it runs in the background; programs under test would ignore Ctrl-C too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

BOTH = ("sqlite", "postgres")

SECRET = b"the secret of tests, 32 bytes.  "
"""The same in all databases of tests, so that an id may be named before its database is there."""

ROOM_FOR_POSTGRES = 2 * 1024**3


def pytest_configure() -> None:
    """Say in one line, before all tests, if those that need PostgreSQL could not have it."""
    use_secret(SECRET)
    if not os.environ.get("CALLBOARD_TEST_DATABASE_URL"):
        try:
            ready_for_postgres()
        except CannotStart as missing:
            raise pytest.UsageError(str(missing)) from None


@pytest.fixture(autouse=True)
def _secret_of_tests() -> None:
    """A test that has two databases open at once may leave the secret of one of them."""
    use_secret(SECRET)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: the one that is named, or one from the wheel for this run."""
    named = os.environ.get("CALLBOARD_TEST_DATABASE_URL")
    if named:
        yield named
        return
    folder = Path(tempfile.mkdtemp(prefix="callboard-pg-", dir=_in_memory()))
    server = start_postgres(folder)
    url = url_of(folder)
    # Each test makes a database and drops it, and a power cut is none of the tests. Those that kill
    # PostgreSQL have servers of their own.
    _run(_execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"))
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _in_memory() -> Path | None:
    """A folder in memory if there is one with room: a test's database is 300 files."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > ROOM_FOR_POSTGRES
    return memory if has_room and os.access(memory, os.W_OK) else None


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis server: the one that is named, or one from the wheel for this run."""
    named = os.environ.get("CALLBOARD_TEST_REDIS_URL")
    if named:
        yield named
        return
    with redis_server() as server:
        yield server.url


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a database whose tables are up to date: each test gets a copy."""
    name = f"callboard_template_{uuid4().hex[:8]}"
    _run(_execute(postgres_url, f"CREATE DATABASE {name}"))
    _run(_migrated(with_database(postgres_url, name)))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "callboard.sqlite3"
    _run(_migrated(f"sqlite://{path}"))
    return path


async def _migrated(url: str) -> None:
    await migrate(url)
    async with opened(url):
        await write("UPDATE secret SET value = $1", SECRET)


@pytest.fixture(params=BOTH)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of an empty database of each kind, tables up to date."""
    if request.param == "sqlite":
        path = tmp_path / "callboard.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite://{path}"
        return
    server, template = (
        request.getfixturevalue(name) for name in ("postgres_url", "postgres_template")
    )
    name = f"callboard_{uuid4().hex[:12]}"
    await _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield with_database(server, name)
    await _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """A small practice in an open database, without a server."""
    async with opened(database_url):
        yield await make_office()


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Server]:
    """A server on a real port over an empty database; `server.office` is a small practice in it."""
    async with serving(database_url) as server:
        yield server


def with_database(url: str, name: str) -> str:
    """`url` with another database's name."""
    address, _, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}" + (f"?{options}" if options else "")


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end in a loop of its own: a test's own loop may be running already."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
