"""What `callboard watch` does when its stream has to begin anew."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rich.console import Console
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from gql_app.watch import watch
from tests.serving import PATIENCE

VIEWER = {"name": "Sam", "practice": {"cursor": "now"}, "queues": []}


class Endpoint:
    """Answers as a server does. The first `resyncs` streams end with RESYNC_REQUIRED, which names a
    cursor if there is one; `after` is what each stream was asked to begin at."""

    def __init__(self, resyncs: int, cursor: str | None) -> None:
        self.after: list[str | None] = []
        self.settled = asyncio.Event()
        self._resyncs = resyncs
        self._cursor = cursor

    async def __call__(self, socket: ServerConnection) -> None:
        async for text in socket:
            for answer in self._answers(json.loads(text)):
                await socket.send(json.dumps(answer))

    def _answers(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        if message["type"] == "connection_init":
            return [{"type": "connection_ack"}]
        if message["type"] != "subscribe":
            return []
        told = {"id": message["id"]}
        if message["id"] == "viewer":
            data = {"data": {"viewer": VIEWER}}
            return [{**told, "type": "next", "payload": data}, {**told, "type": "complete"}]
        self.after.append(message["payload"]["variables"]["after"])
        if len(self.after) > self._resyncs:
            self.settled.set()
            return []
        extensions = {"code": "RESYNC_REQUIRED", "cursor": self._cursor}
        error = {"message": "Fetch afresh.", "extensions": extensions}
        return [{**told, "type": "error", "payload": [error]}]


@asynccontextmanager
async def watched(endpoint: Endpoint) -> AsyncIterator[str]:
    """The address of the endpoint."""
    protocol = Subprotocol("graphql-transport-ws")
    async with serve(endpoint, "127.0.0.1", 0, subprotocols=[protocol]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("cursor", "after", "said"),
    [
        (None, ["now", "now"], "Some changes are no longer kept; going on from now"),
        ("seen", ["now", "seen"], "The connection was too slow"),
    ],
)
async def test_a_watch_that_has_to_begin_anew_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, cursor: str | None, after: list[str], said: str
) -> None:
    monkeypatch.setattr("gql_app.watch.FIRST_PAUSE", 0.01)
    endpoint = Endpoint(1, cursor)
    written = io.StringIO()
    async with watched(endpoint) as url:
        watching = asyncio.create_task(watch(url, "key", [], Console(file=written, width=200)))
        async with asyncio.timeout(PATIENCE):
            while not endpoint.settled.is_set() and not watching.done():
                await asyncio.sleep(0.01)
        assert not watching.done(), watching.exception()
        watching.cancel()
        await asyncio.wait({watching})
    assert endpoint.after == after
    assert said in written.getvalue()
