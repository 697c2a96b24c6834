"""Connections that say what no honest client would, and listen for what comes back."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

ELSEWHERE = "127.0.0.2"
"""An address of this machine that is not the one which stands for trusted proxies."""

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def line(port: int, source: str = ELSEWHERE) -> AsyncIterator[Line]:
    """A connection, which is broken off at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def status(reader: asyncio.StreamReader) -> int:
    """The status of the answer that comes first, 0 if the connection ends without one."""
    with suppress(OSError):
        begin = await reader.readline()
        if begin.startswith(b"HTTP/1.1 "):
            return int(begin.split()[1])
    return 0


async def pour(line: Line, pieces: Iterable[bytes]) -> int:
    """Send pieces until all are sent, or the other end answers or closes: the answer's status."""
    reader, writer = line
    answer = asyncio.ensure_future(status(reader))
    with suppress(OSError):
        for piece in pieces:
            writer.write(piece)
            await asyncio.wait_for(writer.drain(), 20)
            if answer.done():
                break
    return await asyncio.wait_for(answer, 20)


async def life(line: Line, drip: bytes = b"", every: float = 1.0) -> float:
    """Seconds until the other end closes, to which a drip is sent now and then."""
    reader, writer = line
    begun = time.monotonic()
    end = asyncio.ensure_future(reader.read())
    while not end.done():
        await asyncio.wait({end}, timeout=every)
        if drip and not end.done():
            writer.write(drip)
    with suppress(OSError):
        end.result()
    return time.monotonic() - begun
