"""A real server on a real port, and clients for it: HTTP, SSE and a WebSocket that queues."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Self
from unittest.mock import patch

import httpx
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gql_app.app import server_config
from gql_app.execution.memory import Memory, Schema
from gql_app.schema import build_schema
from gql_app.settings import Settings
from tests.office import Office, make_office

PATIENCE = 10.0
"""Seconds after which a test has waited long enough for something."""

METRICS_TOKEN = "a token of the operator's"


@dataclass
class Server:
    port: int
    office: Office
    client: httpx.AsyncClient

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def post(self, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
        """POST a body (bytes as they are, anything else as JSON) to /graphql."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        return await self.client.post("/graphql", content=content, headers=sent)

    async def metrics(self) -> httpx.Response:
        """What Prometheus would read."""
        headers = {"authorization": f"Bearer {METRICS_TOKEN}"}
        return await self.client.get("/metrics", headers=headers)

    async def execute(self, query: str, role: str = "staff", **variables: Any) -> dict[str, Any]:
        """Run an operation with the office's key of `role`; the whole answer."""
        body = {"query": query, "variables": variables}
        answer: dict[str, Any] = (await self.post(body, self.office.keys[role])).json()
        return answer

    async def data(self, query: str, role: str = "staff", **variables: Any) -> dict[str, Any]:
        """Run an operation that must succeed; its data."""
        answer = await self.execute(query, role, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    @asynccontextmanager
    async def socket(
        self, key: str | None = None, *, init: bool = True, **options: Any
    ) -> AsyncIterator["TestSocket"]:
        """A WebSocket, with the office's staff key already accepted unless `init` is off."""
        options = {"subprotocols": ["graphql-transport-ws"]} | options
        url = f"ws://127.0.0.1:{self.port}/graphql"
        async with connect(url, **options) as connection, TestSocket(connection) as socket:
            if init:
                await socket.init(key or self.office.keys["staff"])
            yield socket


class TestSocket:
    """Keeps every message from the moment it arrives, so that none is missed between two waits."""

    __test__ = False

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()
        await self._reader

    async def init(self, key: str) -> None:
        payload = {"authorization": f"Bearer {key}"}
        await self.send({"type": "connection_init", "payload": payload})
        assert (await self.next())["type"] == "connection_ack"

    async def send(self, message: Any) -> None:
        await self.connection.send(message if isinstance(message, str) else json.dumps(message))

    async def subscribe(self, query: str, name: str = "1", **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send({"id": name, "type": "subscribe", "payload": payload})

    async def next(self) -> dict[str, Any]:
        """The next message."""
        return await asyncio.wait_for(self.messages.get(), PATIENCE)

    async def next_data(self) -> dict[str, Any]:
        """The data of the next message, which must be a `next` without errors."""
        message = await self.next()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        data: dict[str, Any] = message["payload"]["data"]
        return data

    async def closed(self) -> tuple[int | None, str | None]:
        """The close code and reason, once the server has closed the socket."""
        await asyncio.wait_for(self.connection.wait_closed(), PATIENCE)
        return self.connection.close_code, self.connection.close_reason

    async def _read(self) -> None:
        try:
            while True:
                self.messages.put_nowait(json.loads(await self.connection.recv()))
        except ConnectionClosed:
            pass


class _Prompt(uvicorn.Server):
    """Ends when it is told to. uvicorn looks ten times a second whether it should, which a thousand
    tests would wait for."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Waits no tenth of a second for connections that the client has closed already."""
        for _ in range(10):
            await asyncio.sleep(0)  # the ends of connections are noticed
            if not self.server_state.connections and not self.server_state.tasks:
                break
        else:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        await self.lifespan.shutdown()


class _Schemas:
    """Lends applications a schema that one before them had, with a memory that is new: to build one
    takes half of a server's start."""

    _idle: ClassVar[dict[bool, list[Schema]]] = {True: [], False: []}

    def __init__(self) -> None:
        self._lent: list[Schema] = []

    def lent_to(self, build_app: Any) -> Any:
        with patch("gql_app.app.build_schema", self._lend):
            return build_app()

    def _lend(self, *, introspection: bool) -> Schema:
        idle = self._idle[introspection]
        schema = idle.pop() if idle else build_schema(introspection=introspection)
        schema.memory = Memory()
        self._lent.append(schema)
        return schema

    def take_back(self) -> None:
        for schema in self._lent:
            schema.memory = Memory()
            self._idle[schema.tells_what_it_has].append(schema)


@asynccontextmanager
async def serving(
    database_url: str,
    office: Office | None = None,
    *,
    make: Callable[[], Awaitable[Office]] = make_office,
    **settings: Any,
) -> AsyncIterator[Server]:
    """A server over a migrated database, in this process and loop, on a free port. It makes a small
    practice, unless `office` is there already."""
    settings = {"metrics_token": METRICS_TOKEN} | settings
    config = server_config(Settings(database_url=database_url, **settings), "127.0.0.1", 0)
    schemas = _Schemas()
    config.app = partial(schemas.lent_to, config.app)
    server = _Prompt(config)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(PATIENCE):
            while not server.started:
                assert not task.done(), "the server has not started"
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        # `verify` would read all authorities of the web, for each test anew.
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, verify=False) as http:
            yield Server(port, office or await make(), http)
    finally:
        server.told.set()
        await task
        schemas.take_back()
