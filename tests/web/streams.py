"""What tests of streams share: an SSE client, the gauge of live streams, and patience."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx

from models.task import Task
from tests.office import task_id
from tests.schema.documents import LOG_CONTACT
from tests.serving import PATIENCE, Server


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once `condition` holds; fail if it does not within `PATIENCE`."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.01)


async def live_streams(server: Server) -> int:
    """The gauge of streams being followed, as an operator reads it."""
    lines = (await server.metrics()).text.splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith("callboard_live_streams "))
    return int(float(value))


async def until_streams(server: Server, number: int) -> None:
    """Wait until so many streams are being followed: from then on they miss nothing."""

    async def reached() -> bool:
        return await live_streams(server) == number

    await eventually(reached)


async def log_over_http(server: Server, task: Task, **given: Any) -> dict[str, Any]:
    """Log No Answer, to be called again tomorrow, the way a client does."""
    given = {
        "taskId": task_id(task),
        "outcome": "NO_ANSWER",
        "followUp": (server.office.today + timedelta(days=1)).isoformat(),
    } | given
    payload: dict[str, Any] = (await server.data(LOG_CONTACT, **given))["logContact"]
    assert not payload["errors"], payload
    return payload


class EventStream:
    """The blocks of a text/event-stream, each as a dictionary of its fields; a comment's is ""."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def block(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                if not line and fields:
                    return fields
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
        raise EOFError

    async def event(self) -> dict[str, str]:
        """The next block that is not a comment."""
        while "" in (block := await self.block()):
            pass
        return block

    async def result(self) -> dict[str, Any]:
        """The result in the next event, which must be a `next`."""
        event = await self.event()
        assert event["event"] == "next", event
        result: dict[str, Any] = json.loads(event["data"])
        return result


@asynccontextmanager
async def event_stream(
    server: Server, query: str, key: str | None = None, last_event_id: str = "", **variables: Any
) -> AsyncIterator[EventStream]:
    """One operation over SSE, with the office's staff key if none is given."""
    headers = {
        b"accept": b"text/event-stream",
        b"authorization": f"Bearer {key or server.office.keys['staff']}".encode(),
    } | ({b"last-event-id": last_event_id.encode("latin-1")} if last_event_id else {})
    body = {"query": query, "variables": variables}
    async with server.client.stream("POST", "/graphql", json=body, headers=headers) as response:
        yield EventStream(response)
