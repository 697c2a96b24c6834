"""What PgBouncer does in transaction mode: each transaction of a client goes to another connection
to the server, and prepared statements stay behind."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

SSL_REQUEST = 80877103
READY = b"Z"
KEY = b"K"
TERMINATE = b"X"
IDLE = b"I"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def pooler(url: str) -> AsyncIterator[str]:
    """A pooler before the server at `url`, which asks for no password; its own URL."""
    clients: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.create_task(_Client(url, (reader, writer)).serve())
        clients.add(client)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    parts = urlsplit(url)
    try:
        yield f"postgres://{parts.username}@127.0.0.1:{port}{parts.path}"
    finally:
        server.close()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await server.wait_closed()


class _Client:
    def __init__(self, url: str, client: Streams) -> None:
        self._url = url
        self._reader, self._writer = client
        self._servers: list[Streams] = []
        self._turn = 0

    async def serve(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            startup = await self._startup()
            for _ in range(2):
                self._servers.append(await self._connect(startup))
            pumps = [asyncio.create_task(self._answers(server)) for server, _ in self._servers]
            try:
                while (message := await _message(self._reader))[:1] != TERMINATE:
                    self._servers[self._turn][1].write(message)
            finally:
                for pump in pumps:
                    pump.cancel()
                for _, writer in (*self._servers, (self._reader, self._writer)):
                    writer.close()

    async def _startup(self) -> bytes:
        while True:
            head = await self._reader.readexactly(8)
            length, code = struct.unpack("!ii", head)
            if code != SSL_REQUEST:
                return head + await self._reader.readexactly(length - 8)
            self._writer.write(b"N")

    async def _connect(self, startup: bytes) -> Streams:
        """Connect and begin. The client is shown the first beginning, with another process."""
        parts = urlsplit(self._url)
        folder = parse_qs(parts.query).get("host")
        opening = (
            asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.5432")
            if folder
            else asyncio.open_connection(parts.hostname, parts.port or 5432)
        )
        reader, writer = await opening
        writer.write(startup)
        message = b""
        while message[:1] != READY:
            message = await _message(reader)
            if message[:1] == KEY:
                message = message[:5] + struct.pack("!ii", 0, 0)
            if not self._servers:
                self._writer.write(message)
        return reader, writer

    async def _answers(self, server: asyncio.StreamReader) -> None:
        while True:
            message = await _message(server)
            if message[:1] == READY and message[5:] == IDLE:
                self._turn = 1 - self._turn
            self._writer.write(message)


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    (length,) = struct.unpack("!i", head[1:])
    return head + await reader.readexactly(length - 4)
