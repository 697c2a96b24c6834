"""Certificates that a test makes, and servers that end TLS before a PostgreSQL or Redis that has
none: those from wheels are built without it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import trustme

SSL_REQUEST = 8
"""Bytes of the message with which a client of PostgreSQL asks for TLS."""


class Authority:
    """An authority, whose own certificate is in the file `root`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA()
        self.root = folder / "root.pem"
        self._authority.cert_pem.write_to_path(str(self.root))

    def server(self, *names: str) -> ssl.SSLContext:
        """What a server with a certificate for `names` needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names).configure_cert(context)
        return context

    def files(self, *names: str) -> tuple[Path, Path]:
        """The files of a certificate for `names`: it with those that vouch for it, and its key."""
        issued = self._authority.issue_cert(*names)
        certificate, key = self._folder / "server.pem", self._folder / "server.key"
        for number, part in enumerate(issued.cert_chain_pems):
            part.write_to_path(str(certificate), append=number > 0)
        issued.private_key_pem.write_to_path(str(key))
        return certificate, key


class Front:
    """Ends TLS before the server at `url`. Without a `context` it declines TLS, as a server does
    that is set up without it, or somebody who wants to read along: what it is sent is `read`."""

    def __init__(self, url: str, context: ssl.SSLContext | None) -> None:
        self._parts = urlsplit(url)
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self.read = b""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError):
            try:
                if self._parts.scheme.startswith("postgres"):
                    await self._answer(reader, writer)
                there = await self._connect()
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pass_on(reader, there[1], keeps=True))
                    group.create_task(self._pass_on(there[0], writer))
            finally:
                self._tasks.discard(task)
                writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(SSL_REQUEST)
        writer.write(b"N" if self._context is None else b"S")
        if self._context is not None:
            await writer.start_tls(self._context)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = parse_qs(self._parts.query).get("host")
        if folder:
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.5432")
        return await asyncio.open_connection(self._parts.hostname, self._parts.port)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, keeps: bool = False
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if keeps:
                    self.read += data
                writer.write(data)
                await writer.drain()
        finally:
            with suppress(RuntimeError):
                writer.close()

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


@asynccontextmanager
async def fronted(url: str, context: ssl.SSLContext | None) -> AsyncIterator[Front]:
    """A front before the server at `url`, on a port of this machine."""
    front = Front(url, context)
    at_once = None if url.startswith("postgres") else context
    server = await asyncio.start_server(front.serve, "127.0.0.1", 0, ssl=at_once)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        server.close()
        await front.end()
