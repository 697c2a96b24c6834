"""A report ends with the client that asked for it, and with it its statement in the database."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, NamedTuple

import pytest

from gql_app.work.reads import tally
from gql_app.work.reads.tally import Count
from gql_app.work.reports import activity
from models.database import fetch, has_row_locks
from tests.serving import PATIENCE, Server

TODAY = date.today()
REPORT = f'{{ activity(from: "{TODAY}", to: "{TODAY}") {{ total {{ tasksOpened }} }} }}'
LONG = {
    False: """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)
        SELECT 'x', SUM(i), 'x', 1 FROM n""",
    True: "SELECT 'x', 1, CAST(pg_sleep(600) AS TEXT), 1",
}


class Number(NamedTuple):
    number: int


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Makes the first report a long one, and says when it has begun."""
    begun, count_all = asyncio.Event(), tally.count_all

    async def count_long(*given: Any) -> list[Count]:
        if begun.is_set():
            return await count_all(*given)
        begun.set()
        return await fetch(Count, LONG[has_row_locks()])

    monkeypatch.setattr(activity, "count_all", count_long)
    return begun


async def sleeping() -> int:
    """How many long statements run in PostgreSQL."""
    sql = """SELECT COUNT(*) FROM pg_stat_activity
        WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid() AND state = 'active'"""
    return (await fetch(Number, sql))[0].number if has_row_locks() else 0


async def over_http(server: Server, begun: asyncio.Event) -> None:
    key = server.office.keys["supervisor"]
    asking = asyncio.create_task(server.post({"query": REPORT}, key))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def over_a_socket(server: Server, begun: asyncio.Event) -> None:
    async with server.socket(server.office.keys["supervisor"]) as socket:
        await socket.subscribe(REPORT, "r")
        await begun.wait()
        await socket.send({"id": "r", "type": "complete"})
        await socket.send({"type": "ping"})
        assert (await socket.next())["type"] == "pong"


@pytest.mark.parametrize("ask", [over_http, over_a_socket])
async def test_a_report_ends_with_its_client(
    server: Server, begun: asyncio.Event, ask: Callable[[Server, asyncio.Event], Awaitable[None]]
) -> None:
    async with asyncio.timeout(PATIENCE):
        await ask(server, begun)
        while await sleeping():
            await asyncio.sleep(0.02)
        # On SQLite there is one connection for reports: the next one has it.
        answer = await server.execute(REPORT, "supervisor")
        while "errors" in answer:
            answer = await server.execute(REPORT, "supervisor")
    assert answer["data"]["activity"]
