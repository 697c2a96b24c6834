"""A proxy on loopback that can swallow what goes through it: connections that are half open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit


class Swallower:
    """Passes bytes on in both directions, unless it swallows them. The kernel confirms what it
    swallows, so no end of a connection notices anything."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._folder = parse_qs(self._parts.query).get("host", [""])[0]
        self._swallows = False
        self._connections: list[_Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """The database's address by way of the proxy."""
        user = self._parts.username or "postgres"
        return f"postgres://{user}@127.0.0.1:{self.port}{self._parts.path}"

    def swallow(self) -> None:
        """Pass nothing on from here, on any connection."""
        self._swallows = True
        for connection in self._connections:
            connection.swallows = True

    def flow(self, *, old_too: bool) -> None:
        """Pass on what comes on new connections, and on the old ones too if wanted."""
        self._swallows = False
        for connection in self._connections:
            connection.swallows = not old_too

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        connection = _Connection(self._swallows)
        self._connections.append(connection)
        try:
            there = await self._connect()
            async with asyncio.TaskGroup() as group:
                group.create_task(connection.pass_on(reader, there[1]))
                group.create_task(connection.pass_on(there[0], writer))
        except* OSError:
            pass
        finally:
            self._tasks.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._folder:
            return await asyncio.open_unix_connection(f"{self._folder}/.s.PGSQL.5432")
        return await asyncio.open_connection(self._parts.hostname, self._parts.port or 5432)

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


class _Connection:
    def __init__(self, swallows: bool) -> None:
        self.swallows = swallows

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                if not self.swallows:
                    writer.write(data)
                    await writer.drain()
        finally:
            with suppress(RuntimeError):
                writer.close()


@asynccontextmanager
async def swallower(url: str) -> AsyncIterator[Swallower]:
    """A proxy before the PostgreSQL at `url`."""
    proxy = Swallower(url)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
