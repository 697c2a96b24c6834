"""A server that stops lets everybody go, those too who come back in its last moment."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from models.database import opened
from tests.flows.commands import PATIENCE, free_port, running, serves
from tests.office import make_office, task_id
from tests.schema.documents import LOG_CONTACT, STATUS_CHANGED

SOON = 5.0
STOP_SECONDS = 10.0


async def follow(url: str, key: str, connected: asyncio.Queue[None]) -> None:
    """Read an event stream, and open it anew at once when it ends, until nobody answers."""
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        while True:
            try:
                async with client.stream(
                    "POST", f"{url}/graphql", json={"query": STATUS_CHANGED}, headers=headers
                ) as response:
                    async for _ in response.aiter_lines():
                        connected.put_nowait(None)
            except httpx.ConnectError:
                return
            except httpx.HTTPError:
                continue


async def test_clients_that_come_back_at_once_do_not_hold_up_a_stop(
    sqlite_template: Path, tmp_path: Path
) -> None:
    database_url = f"sqlite://{shutil.copy(sqlite_template, tmp_path / 'callboard.sqlite3')}"
    async with opened(database_url):
        key = (await make_office()).keys["staff"]
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    async with running("serve", "--port", port, CALLBOARD_DATABASE_URL=database_url) as server:
        await serves(url)
        connected: asyncio.Queue[None] = asyncio.Queue()
        async with asyncio.TaskGroup() as clients, asyncio.timeout(PATIENCE):
            for _ in range(8):
                clients.create_task(follow(url, key, connected))
                await connected.get()
            async with asyncio.timeout(SOON):
                await server.end()
    assert "Traceback" not in server.output


@asynccontextmanager
async def locked(database_url: str) -> AsyncIterator[None]:
    """Somebody else keeps every change waiting, for as long as the block lasts."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite://"))) as file:
            file.execute("BEGIN IMMEDIATE")
            yield
        return
    outside = await asyncpg.connect(database_url)
    try:
        async with outside.transaction():
            await outside.execute("LOCK TABLE task IN EXCLUSIVE MODE")
            yield
    finally:
        await outside.close()


async def test_changes_that_wait_for_a_lock_do_not_hold_up_a_stop(database_url: str) -> None:
    async with opened(database_url):
        office = await make_office()
        task = task_id(await office.make_task())
    date = (office.today + timedelta(days=1)).isoformat()
    variables = {"taskId": task, "outcome": "NO_ANSWER", "followUp": date}
    body = {"query": LOG_CONTACT, "variables": variables}
    headers = {"authorization": f"Bearer {office.keys['staff']}"}
    port = str(free_port())
    settings = {"CALLBOARD_DATABASE_URL": database_url, "CALLBOARD_WAIT_SECONDS": "60"}
    async with (
        running("serve", "--port", port, **settings) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client,
    ):
        await serves(f"http://127.0.0.1:{port}")
        async with locked(database_url), asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(log(client, body, headers))
            async with asyncio.timeout(PATIENCE):  # they wait by then
                while (await client.get("/readyz")).status_code == 200:
                    await asyncio.sleep(0.05)
            async with asyncio.timeout(STOP_SECONDS):
                await server.end()
    if database_url.startswith("postgres"):  # SQLite's thread has to be left waiting
        assert "Timeout (" not in server.output  # in order, without the last resort


async def log(client: httpx.AsyncClient, body: Any, headers: dict[str, str]) -> None:
    with suppress(httpx.HTTPError):  # the server stops
        await client.post("/graphql", json=body, headers=headers)
