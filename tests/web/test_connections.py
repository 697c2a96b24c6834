"""How many connections there may be, and whose is closed when there is no more room."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from benchmarks.attacks.lines import Line, line, status
from gql_app.web.connections import MOST_UNPROVEN_AN_ADDRESS, Connections
from gql_app.web.metrics import _ConnectionMetrics as ConnectionMetrics
from tests.serving import PATIENCE, Server
from tests.web.guards import Guards, guarded, until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


async def answer(client: Line) -> int:
    client[1].write(HEALTH)
    return await asyncio.wait_for(status(client[0]), PATIENCE)


async def silent(lines: AsyncExitStack, server: Server, guards: Guards, source: str) -> Line:
    """A connection that the server has noticed and that says nothing."""
    before = set(guards.connections._open)
    client = await lines.enter_async_context(line(server.port, source))
    await until(lambda: set(guards.connections._open) - before)
    return client


async def ended(client: Line) -> bool:
    try:
        return not await asyncio.wait_for(client[0].read(), PATIENCE)
    except ConnectionResetError:
        return True


async def test_at_the_cap_of_an_address_its_oldest_silent_connection_is_closed(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr("gql_app.web.connections.MOST_UNPROVEN_AN_ADDRESS", 3)
    async with guarded(monkeypatch, database_url) as (server, guards), AsyncExitStack() as lines:
        elsewhere = await silent(lines, server, guards, "127.0.0.3")
        clients = [await silent(lines, server, guards, "127.0.0.2") for _ in range(5)]
        assert await ended(clients[0])
        assert await ended(clients[1])
        assert guards.connections.closed == {"full": 2}
        for client in (elsewhere, *clients[2:]):
            assert await answer(client) == 200


async def test_proxies_that_are_trusted_have_no_cap(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr("gql_app.web.connections.MOST_UNPROVEN_AN_ADDRESS", 3)
    proxies = ("127.0.0.0/29",)
    async with (
        guarded(monkeypatch, database_url, trusted_proxies=proxies) as (server, guards),
        AsyncExitStack() as lines,
    ):
        clients = [await silent(lines, server, guards, "127.0.0.2") for _ in range(5)]
        for client in clients:
            assert await answer(client) == 200


async def test_a_full_server_closes_what_has_shown_no_key_and_lets_clients_with_one_in(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr("gql_app.app.room_for_connections", lambda: 4)
    async with guarded(monkeypatch, database_url) as (server, guards), AsyncExitStack() as lines:
        board = await lines.enter_async_context(server.socket())
        assert (await server.data("{ viewer { role } }"))["viewer"]["role"] == "STAFF"
        assert guards.connections.proven == 2
        for source in "345678":
            await silent(lines, server, guards, f"127.0.0.{source}")
            assert guards.connections.unproven <= 2
        late = await lines.enter_async_context(server.socket())
        for socket in (board, late):
            await socket.send({"type": "ping"})
            assert await socket.next() == {"type": "pong"}
        assert (await server.data("{ viewer { role } }"))["viewer"]["role"] == "STAFF"
        assert guards.connections.proven == 3


async def test_what_is_closed_is_counted(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    async with guarded(monkeypatch, database_url) as (server, guards):
        async with line(server.port) as client:
            client[1].write(b"nonsense\r\n\r\n")
            assert await status(client[0]) == 400
        await until(lambda: guards.connections.unproven == 0)
        await server.data("{ viewer { role } }")
        samples = {
            (sample.name.removeprefix("callboard_"), *sample.labels.values()): sample.value
            for metric in ConnectionMetrics(guards.connections).collect()
            for sample in metric.samples
        }
        assert samples == {
            ("connections", "proven"): 1,
            ("connections", "unproven"): 0,
            ("connections_closed_total", "malformed"): 1,
        }


async def test_an_address_may_take_a_quarter_of_a_small_server(database_url: str) -> None:
    assert Connections(400)._most_an_address == 100
    assert Connections(60_000)._most_an_address == MOST_UNPROVEN_AN_ADDRESS
