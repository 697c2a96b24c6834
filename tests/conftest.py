"""Fixtures: a real database of each kind, a small practice in it, and a real server over it."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest

from benchmarks.wheel import CannotStart, ready_for_postgres, start_postgres, url_of
from models.database import migrate, opened, use_secret, write
from tests.brokers import redis_server
from tests.office import Office, find_office, make_office
from tests.serving import Server, serving

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts so what it runs in the background; programs under test would ignore Ctrl-C too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

T = TypeVar("T")

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


@dataclass
class Furnished:
    """A database with an office in it, of which tests get copies: to make one takes longer than
    most tests. `name` is that of the database, or its file; `keys` are the office's."""

    name: str
    keys: dict[str, str]


@pytest.fixture(scope="session")
def postgres_office(postgres_url: str, postgres_template: str) -> Furnished:
    name = f"{postgres_template}_office"
    _run(_execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {postgres_template}"))
    return Furnished(name, _run(_furnished(with_database(postgres_url, name))))


@pytest.fixture(scope="session")
def sqlite_office(sqlite_template: Path) -> Furnished:
    path = shutil.copy(sqlite_template, sqlite_template.with_name("office.sqlite3"))
    return Furnished(str(path), _run(_furnished(f"sqlite://{path}")))


async def _furnished(url: str) -> dict[str, str]:
    async with opened(url):
        return (await make_office()).keys


@pytest.fixture(params=BOTH)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a database of each kind, tables up to date: an empty one, or with the office
    of the fixtures below."""
    if "office_keys" in request.fixturenames:
        template = request.getfixturevalue(f"{request.param}_office").name
    else:
        template = request.getfixturevalue(f"{request.param}_template")
    if request.param == "sqlite":
        path = tmp_path / "callboard.sqlite3"
        shutil.copy(template, path)
        yield f"sqlite://{path}"
        return
    server = request.getfixturevalue("postgres_url")
    name = f"callboard_{uuid4().hex[:12]}"
    # By files: of one so small, that takes half as long as through the log.
    await _execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield with_database(server, name)
    await _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def office_keys(database_url: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """The keys of the office that is in the database."""
    kind = "sqlite" if database_url.startswith("sqlite") else "postgres"
    furnished: Furnished = request.getfixturevalue(f"{kind}_office")
    return furnished.keys


@pytest.fixture
async def office(database_url: str, office_keys: dict[str, str]) -> AsyncIterator[Office]:
    """A small practice in an open database, without a server."""
    async with opened(database_url):
        yield await find_office(office_keys)


@pytest.fixture
async def server(database_url: str, office_keys: dict[str, str]) -> AsyncIterator[Server]:
    """A server on a real port; `server.office` is a small practice in its database."""
    async with serving(database_url, make=lambda: find_office(office_keys)) as server:
        yield server


def with_database(url: str, name: str) -> str:
    """`url` with another database's name."""
    address, _, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}" + (f"?{options}" if options else "")


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end in a loop of its own: a test's own loop may be running already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
