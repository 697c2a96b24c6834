"""What a page asks of the server: the requests that it posts, and the streams that it begins."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeAlias

from playwright.async_api import Request, WebSocketRoute

from tests.dashboard.visits import Visit
from tests.serving import PATIENCE

Answer: TypeAlias = Callable[[dict[str, Any]], dict[str, Any] | None]
"""What stands for the server on the socket: gives its answer to a message."""


class Asking:
    """A page, and what it has asked since it was loaded. Its socket leads to the server, or to
    `answer` in its place."""

    def __init__(self, visit: Visit, answer: Answer | None = None) -> None:
        self.visit = visit
        self.page = visit.page
        self.posts: list[Any] = []
        self.streams: list[str] = []
        self._answer = answer
        self._sockets: list[WebSocketRoute] = []
        self.page.on("request", self._note)

    async def begin(self) -> None:
        """Load the page."""
        await self.page.route_web_socket("**/graphql", self._connect)
        await self.visit.load()

    async def begin_stream_again(self) -> None:
        """Have the page ask for a fresh snapshot, and wait until it does."""
        before = len(self.streams)
        self._sockets[-1].send(json.dumps(resync({"id": self.streams[-1]})))
        async with asyncio.timeout(PATIENCE):
            while len(self.streams) == before:
                await asyncio.sleep(0.02)

    def _note(self, request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/graphql"):
            self.posts.append(request.post_data_json)

    def _connect(self, socket: WebSocketRoute) -> None:
        self._sockets.append(socket)
        far = socket.connect_to_server() if self._answer is None else None

        def hear(text: str | bytes) -> None:
            message: dict[str, Any] = json.loads(text)
            if message["type"] == "subscribe":
                self.streams.append(message["id"])
            if far is not None:
                far.send(text)
            elif self._answer is not None and (answer := self._answer(message)) is not None:
                socket.send(json.dumps(answer))

        socket.on_message(hear)


def resync(subscribed: dict[str, Any]) -> dict[str, Any]:
    """The message that tells an operation to begin with a fresh snapshot."""
    error = {"message": "Fetch afresh.", "extensions": {"code": "RESYNC_REQUIRED"}}
    return {"id": subscribed["id"], "type": "error", "payload": [error]}
