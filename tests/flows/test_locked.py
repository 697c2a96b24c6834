"""Locks that others hold: only the practice that is locked waits, and it is told so."""

import asyncio
import logging
import resource
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.flows.commands import free_port, running, serves
from tests.office import Office, make_office, task_id
from tests.schema.documents import LOG_CONTACT, QUEUE_FEED
from tests.serving import Server, serving
from tests.web.streams import eventually

postgres_only = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WAIT_SECONDS = 2
WRITERS = 15
LOCK_PRACTICE = "SELECT 1 FROM practice WHERE id = $1 FOR UPDATE"
PAGE = "{ tasks(first: 5) { nodes { id } } }"
READY = {"database": True, "bus": True}
BUSY = {"code": "BUSY", "retryAfter": 2}


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Server]:
    async with serving(database_url, wait_seconds=WAIT_SECONDS) as server:
        yield server


@asynccontextmanager
async def held(database_url: str, statement: str, *values: object) -> AsyncIterator[None]:
    """What the statement locks is locked by somebody else, for as long as the block lasts."""
    outside = await asyncpg.connect(database_url)
    try:
        async with outside.transaction():
            await outside.execute(statement, *values)
            yield
    finally:
        await outside.close()


async def log(server: Server, office: Office, task: str) -> dict[str, Any]:
    date = (office.today + timedelta(days=1)).isoformat()
    variables = {"taskId": task, "outcome": "NO_ANSWER", "followUp": date}
    body = {"query": LOG_CONTACT, "variables": variables}
    answer: dict[str, Any] = (await server.post(body, office.keys["staff"])).json()
    return answer


def refused(answer: dict[str, Any]) -> dict[str, Any]:
    (error,) = answer["errors"]
    extensions: dict[str, Any] = error["extensions"]
    return extensions


@postgres_only
async def test_a_locked_practice_is_told_to_come_back_and_no_other_one_waits(
    server: Server, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    locked, other = server.office, await make_office("elm")
    tasks = [task_id(await locked.make_task()) for _ in range(WRITERS)]
    theirs = task_id(await other.make_task())
    longest = 0.0
    async with held(database_url, LOCK_PRACTICE, locked.practice.id), asyncio.TaskGroup() as group:
        writers = [group.create_task(log(server, locked, task)) for task in tasks]
        while not all(writer.done() for writer in writers):
            begun = time.monotonic()
            assert "errors" not in await log(server, other, theirs)
            page = await server.post({"query": PAGE}, other.keys["staff"])
            assert len(page.json()["data"]["tasks"]["nodes"]) == 1
            async with server.socket(other.keys["staff"]) as socket:
                await socket.subscribe(QUEUE_FEED)
                assert (await socket.next_data())["queueFeed"]["__typename"] == "QueueSnapshot"
            assert "errors" not in await server.execute(PAGE)  # the locked one reads, too
            longest = max(longest, time.monotonic() - begun)
    assert longest < WAIT_SECONDS / 2
    assert [refused(writer.result()) for writer in writers] == [BUSY] * WRITERS
    (line,) = [r for r in caplog.records if "is busy" in r.message]
    assert line.levelno == logging.WARNING
    assert f"practice {locked.practice.id} is busy" in line.message
    assert "errors" not in await log(server, locked, tasks[0])


@postgres_only
async def test_a_locked_key_table_is_told_by_readyz_and_to_whoever_asks(
    server: Server, database_url: str
) -> None:
    async with held(database_url, "LOCK TABLE access_key IN ACCESS EXCLUSIVE MODE"):
        await _until_not_ready(server, "key")
        assert (await server.client.get("/healthz")).status_code == 200
        response = await server.post({"query": PAGE}, server.office.keys["staff"])
        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        assert refused(response.json()) == BUSY
    await _until_ready(server)


@postgres_only
@pytest.mark.parametrize(
    ("mode", "step"), [("ACCESS EXCLUSIVE", "read"), ("SHARE ROW EXCLUSIVE", "write")]
)
async def test_readyz_goes_the_way_of_a_request(
    server: Server, database_url: str, mode: str, step: str
) -> None:
    async with held(database_url, f"LOCK TABLE task IN {mode} MODE"):
        await _until_not_ready(server, step)
    await _until_ready(server)


@postgres_only
async def test_a_database_that_only_reads_is_not_ready(server: Server, database_url: str) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    outside = await asyncpg.connect(database_url)
    try:
        await outside.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await outside.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await _until_not_ready(server, "write")
    finally:
        await outside.execute("SET default_transaction_read_only = off")
        await outside.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await outside.close()


@postgres_only
async def test_looking_whether_it_is_ready_leaves_nothing_behind(
    server: Server, database_url: str
) -> None:
    await server.office.make_task()
    outside = await asyncpg.connect(database_url)
    tables = ("practice", "patient", "task", "contact", "task_event")
    rows = f"SELECT {', '.join(f'(SELECT array_agg({t}::text) FROM {t})' for t in tables)}"
    before = tuple(await outside.fetchrow(rows))
    await _until_ready(server)
    assert tuple(await outside.fetchrow(rows)) == before
    await outside.close()


@sqlite_only
async def test_a_file_that_another_process_has_locked_is_busy(
    server: Server, database_url: str
) -> None:
    office = server.office
    tasks = [task_id(await office.make_task()) for _ in range(WRITERS)]
    with closing(sqlite3.connect(database_url.removeprefix("sqlite://"))) as elsewhere:
        elsewhere.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        answers = await asyncio.gather(*(log(server, office, task) for task in tasks))
        assert [refused(answer) for answer in answers] == [BUSY] * WRITERS
        # Each waits for its turn and then for the lock, not for all before it.
        assert time.monotonic() - begun < 2 * WAIT_SECONDS + 1
        await _until_not_ready(server, "write")
        assert "errors" not in await server.execute(PAGE)
        proof, own = {"key": office.keys["staff"]}, {"origin": server.url}
        signing_in = await server.client.post("/session", json=proof, headers=own)
        assert (signing_in.status_code, refused(signing_in.json())) == (503, BUSY)
        elsewhere.rollback()
    await _until_ready(server)
    assert "errors" not in await log(server, office, tasks[0])


async def test_a_disk_that_is_full_is_not_ready_until_there_is_room(
    sqlite_template: Path, tmp_path: Path
) -> None:
    file = Path(shutil.copy(sqlite_template, tmp_path / "callboard.sqlite3"))
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    with closing(sqlite3.connect(file)) as elsewhere:
        before = elsewhere.execute("PRAGMA user_version").fetchone()
    async with (
        running("serve", "--port", port, CALLBOARD_DATABASE_URL=f"sqlite://{file}") as server,
        httpx.AsyncClient(base_url=url) as client,
    ):
        await serves(url)
        full = _size(f"{file}-wal"), resource.RLIM_INFINITY
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, full)
        told = {"database": False, "bus": True, "failed": "write"}
        await eventually(lambda: _answers(client, 503, told))
        room = resource.RLIM_INFINITY, resource.RLIM_INFINITY
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, room)
        await eventually(lambda: _answers(client, 200, READY))
    with closing(sqlite3.connect(file)) as elsewhere:
        assert elsewhere.execute("PRAGMA user_version").fetchone() == before


def _size(path: str) -> int:
    return Path(path).stat().st_size


async def _answers(client: httpx.AsyncClient, status: int, told: dict[str, Any]) -> bool:
    response = await client.get("/readyz")
    return response.status_code == status and response.json() == told


async def _until_ready(server: Server) -> None:
    await eventually(lambda: _answers(server.client, 200, READY))


async def _until_not_ready(server: Server, step: str) -> None:
    told = {"database": False, "bus": True, "failed": step}
    await eventually(lambda: _answers(server.client, 503, told))
