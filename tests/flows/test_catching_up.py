"""Those who have missed the same are told it once: one execution for all who catch up."""

import asyncio
from typing import Any

import pytest

from gql_app.delivery import group
from gql_app.delivery.operations import Operations
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from tests.flows.feed_client import FEED
from tests.serving import Server, TestSocket

MISSED = 40
SEQS = "subscription ($after: String) { taskStatusChanged(after: $after) { seq } }"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The results that were executed, however many they were sent to."""
    seen: list[Any] = []
    execute = Operations.results

    async def noting(self: Operations, *given: Any, **named: Any) -> Any:
        async for result in execute(self, *given, **named):
            seen.append(result)
            yield result

    monkeypatch.setattr(Operations, "results", noting)
    monkeypatch.setattr(group, "KEPT", 4)
    return seen


async def missed(server: Server) -> str:
    """A cursor that so many events have been made after."""
    task = await server.office.make_task()
    for _ in range(MISSED):
        await server.office.log(task)
    return event_cursor(server.office.practice.id, Position(1))


async def told(socket: TestSocket, field: str) -> list[int]:
    """The numbers of all events up to the last."""
    seqs: list[int] = []
    while not seqs or seqs[-1] < MISSED + 1:
        row = (await socket.next_data())[field]
        if row.get("__typename", "TaskEvent") == "TaskEvent":
            seqs.append(row["seq"])
    return seqs


@pytest.mark.parametrize(
    ("query", "field"),
    [(SEQS, "taskStatusChanged"), (FEED, "queueFeed")],
    ids=["changes", "feed"],
)
async def test_twenty_who_missed_the_same_cost_hardly_more_than_one(
    server: Server, executed: list[Any], query: str, field: str
) -> None:
    after = await missed(server)

    async def client() -> list[int]:
        async with server.socket() as socket:
            await socket.subscribe(query, after=after)
            return await told(socket, field)

    seen = await asyncio.gather(*(client() for _ in range(20)))
    assert seen == [list(range(2, MISSED + 2))] * 20
    per_event = 2 if field == "queueFeed" else 1
    assert len(executed) < 3 * MISSED * per_event, "each executed the past by itself"


async def test_one_who_does_not_read_does_not_keep_the_others_from_the_past(
    server: Server, executed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "PACE_SECONDS", 0.05)
    after = await missed(server)
    chunk_at, stuck = group.Group.chunk_at, asyncio.Event()
    first: list[object] = []

    async def reading(self: group.Group, place: int, reader: object) -> Any:
        first.append(reader)
        if reader is first[0] and place > 4:  # it has been sent some, and takes no more
            await stuck.wait()
        return await chunk_at(self, place, reader)

    monkeypatch.setattr(group.Group, "chunk_at", reading)
    async with server.socket() as slow, server.socket() as quick:
        for socket in (slow, quick):
            await socket.subscribe(SEQS, after=after)
        assert await told(quick, "taskStatusChanged") == list(range(2, MISSED + 2))
        stuck.set()
        assert await told(slow, "taskStatusChanged") == list(range(2, MISSED + 2))
