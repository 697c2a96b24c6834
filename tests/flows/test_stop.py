"""A server that stops lets everybody go, those too who come back in its last moment."""

import asyncio
import shutil
from pathlib import Path

import httpx

from models.database import opened
from tests.flows.commands import PATIENCE, free_port, running, serves
from tests.office import make_office
from tests.schema.documents import STATUS_CHANGED

SOON = 5.0


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
