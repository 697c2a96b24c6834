"""A WebSocket client that keeps what comes as the text that it is."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.serving import Server, TestSocket


class RawSocket(TestSocket):
    """Keeps each message as the text that came."""

    async def _read(self) -> None:
        async for text in self.connection:
            self.messages.put_nowait(text)  # type: ignore[arg-type]

    async def next(self) -> Any:
        text: Any = await super().next()
        return json.loads(text) if '"connection_ack"' in text else text


@asynccontextmanager
async def raw_socket(
    server: Server, key: str | None = None, **options: Any
) -> AsyncIterator[RawSocket]:
    url, protocols = f"ws://127.0.0.1:{server.port}/graphql", [Subprotocol("graphql-transport-ws")]
    async with connect(url, subprotocols=protocols, **options) as line, RawSocket(line) as socket:
        await socket.init(key or server.office.keys["staff"])
        yield socket
