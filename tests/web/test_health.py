"""/healthz, /readyz and /metrics: for those who run the server, and of no use to others."""

import re
from types import SimpleNamespace
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.conftest import with_database
from tests.schema.documents import STATUS_CHANGED
from tests.serving import Server
from tests.web.streams import eventually, live_streams, until_streams
from tests.web.test_endpoint import VIEWER, refused


async def test_a_server_that_runs_is_alive_and_ready(server: Server) -> None:
    response = await server.client.get("/healthz")
    assert (response.status_code, response.text) == (200, "ok\n")
    response = await server.client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"database": True, "bus": True})


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_gauge_counts_the_streams_that_are_followed(server: Server) -> None:
    assert await live_streams(server) == 0
    async with server.socket() as socket:
        for name in "abc":
            await socket.subscribe(STATUS_CHANGED, name)
        await until_streams(server, 3)
        await socket.send({"id": "b", "type": "complete"})
        await until_streams(server, 2)
    await until_streams(server, 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_metrics_name_no_practice_and_no_patient(server: Server) -> None:
    await server.office.make_task()
    response = await server.metrics()
    assert response.headers["content-type"].startswith("text/plain")
    for word in ("Testwell", "maple", "Cleaning", "555-0100"):
        assert word not in response.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_fallbacks_of_plans_are_counted_by_their_reason(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await fallbacks(server) == {"not_plain": 0, "failed": 0}
    assert await server.data("{ queues { name } viewer { claimed { id } } }")
    assert await fallbacks(server) == {"not_plain": 1, "failed": 0}
    monkeypatch.setattr("gql_app.execution.compiled.compile_object", broken_plan)
    assert len((await server.data("{ queues { id name } }"))["queues"]) == 2
    assert await fallbacks(server) == {"not_plain": 1, "failed": 2}


def broken_plan(*_: object) -> SimpleNamespace:
    return SimpleNamespace(one=lambda *_: 1 // 0, weight=0)


async def fallbacks(server: Server) -> dict[str, int]:
    """The counter, as an operator reads it."""
    text = (await server.metrics()).text
    found = re.findall(
        r'^callboard_plan_fallbacks_total\{reason="(\w+)"\} (\S+)$', text, re.MULTILINE
    )
    return {reason: int(float(value)) for reason, value in found}


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_server_whose_database_is_away_is_alive_but_not_ready(
    server: Server, database_url: str
) -> None:
    name = urlsplit(database_url).path.removeprefix("/")
    admin = await asyncpg.connect(with_database(database_url, "postgres"))
    try:
        await admin.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        response = await server.client.get("/readyz")
        assert (response.status_code, response.json()["database"]) == (503, False)
        assert (await server.client.get("/healthz")).status_code == 200
        response = await server.post({"query": VIEWER}, server.office.keys["staff"])
        assert response.status_code == 500
        refused(response, "INTERNAL")
    finally:
        await admin.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
        await admin.close()

    async def ready() -> bool:
        return (await server.client.get("/readyz")).status_code == 200

    await eventually(ready)
    assert await server.data(VIEWER)
