"""Connections to PostgreSQL whose other end swallows everything: found out, told, and got over."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest

from models.database import opened
from models.database.postgres_connections import GRACE_SECONDS
from tests.brokers import until
from tests.flows.commands import free_port, running, serves
from tests.office import make_office, task_id
from tests.proxies import Swallower, swallower
from tests.schema.documents import LOG_CONTACT, STATUS_CHANGED
from tests.serving import PATIENCE, Server, serving
from tests.web.streams import eventually

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)

STATEMENT_SECONDS = 3
WRITERS = 6
STOP_SECONDS = 10.0


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Swallower]:
    async with swallower(database_url) as proxy:
        yield proxy


@asynccontextmanager
async def writers(server: Server) -> AsyncIterator[list[float]]:
    """Some who log contacts all the time; the times at which they were acknowledged."""
    acknowledged: list[float] = []
    date = (server.office.today + timedelta(days=1)).isoformat()
    tasks = [task_id(await server.office.make_task()) for _ in range(WRITERS)]

    async def write(task: str) -> None:
        variables = {"taskId": task, "outcome": "NO_ANSWER", "followUp": date}
        while True:
            answer = await server.execute(LOG_CONTACT, **variables)
            if "errors" not in answer:
                acknowledged.append(time.monotonic())

    all_of_them = [asyncio.create_task(write(task)) for task in tasks]
    try:
        yield acknowledged
    finally:
        for each in all_of_them:
            each.cancel()
        await asyncio.wait(all_of_them)


@pytest.mark.parametrize("old_too", [True, False])
async def test_writes_are_back_soon_after_bytes_flow_again(
    proxy: Swallower, *, old_too: bool
) -> None:
    limits: dict[str, Any] = {"statement_seconds": STATEMENT_SECONDS, "wait_seconds": 1}
    async with serving(proxy.url, **limits) as server, writers(server) as acknowledged:
        await until(lambda: len(acknowledged) > WRITERS)
        assert (await server.client.get("/readyz")).status_code == 200
        proxy.swallow()

        async def is_told() -> bool:
            response = await server.client.get("/readyz")
            return response.status_code == 503 and response.json()["database"] is False

        await eventually(is_told)
        before = len(acknowledged)
        proxy.flow(old_too=old_too)
        # The last statement that was swallowed has its time from then on; then all is open anew.
        limit = STATEMENT_SECONDS + GRACE_SECONDS + 5
        await until(lambda: len(acknowledged) > before + WRITERS, limit)

        async def is_ready() -> bool:
            return (await server.client.get("/readyz")).status_code == 200

        await eventually(is_ready)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_server_whose_database_is_silent_stops_in_time(
    database_url: str, proxy: Swallower, workers: int
) -> None:
    async with opened(database_url):
        office = await make_office()
        key, task = office.keys["staff"], task_id(await office.make_task())
        date = (office.today + timedelta(days=1)).isoformat()
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    serve = ("serve", "--port", port, "--workers", str(workers))
    settings = {"CALLBOARD_DATABASE_URL": proxy.url, "CALLBOARD_BUS_URL": database_url}
    headers = {"authorization": f"Bearer {key}"}
    variables = {"taskId": task, "outcome": "NO_ANSWER", "followUp": date}
    log = {"query": LOG_CONTACT, "variables": variables}
    async with running(*serve, **settings) as server, httpx.AsyncClient(base_url=url) as client:
        await serves(url)
        async with _unread_streams(client, headers):
            assert "errors" not in (await client.post("/graphql", json=log, headers=headers)).json()
            proxy.swallow()
            sent = [asyncio.create_task(_send(client, log, headers)) for _ in range(WRITERS)]
            async with asyncio.timeout(PATIENCE):  # they wait in the database by then
                while (await client.get("/readyz", timeout=PATIENCE)).status_code == 200:
                    await asyncio.sleep(0.05)
            begun = time.monotonic()
            await server.end(signal.SIGTERM)
            assert time.monotonic() - begun < STOP_SECONDS
            await asyncio.wait(sent)
    assert "Timeout (" not in server.output  # in order, without being ended by the last resort


async def _send(client: httpx.AsyncClient, body: Any, headers: dict[str, str]) -> None:
    with suppress(httpx.HTTPError):  # the server stops
        await client.post("/graphql", json=body, headers=headers, timeout=PATIENCE * 2)


@asynccontextmanager
async def _unread_streams(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> AsyncIterator[None]:
    """An event stream that nobody reads."""
    accept = {"accept": "text/event-stream"}
    body = {"query": STATUS_CHANGED}
    async with client.stream("POST", "/graphql", json=body, headers=headers | accept) as stream:
        assert stream.status_code == 200
        yield
