"""The `callboard` command as a real process, started and ended by a test."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

COMMAND = str(Path(sys.executable).with_name("callboard"))
PATIENCE = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """A running `callboard`, with all that it has printed so far in `output`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.output = ""
        self._grown = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def prints(self, text: str) -> None:
        """Wait until it has printed `text`."""
        async with asyncio.timeout(PATIENCE):
            while text not in self.output:
                assert not self._reader.done(), f"it ended; it printed: {self.output}"
                await self._grown.wait()
                self._grown.clear()

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(how)
        code = await asyncio.wait_for(self.process.wait(), PATIENCE)
        await self._reader
        return code

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while chunk := await self.process.stdout.read(4096):
            self.output += chunk.decode()
            self._grown.set()
        self._grown.set()


@asynccontextmanager
async def running(*arguments: str, **environ: str) -> AsyncIterator[Program]:
    """`callboard` with these arguments, for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **environ},
    )
    program = Program(process)
    try:
        yield program
    finally:
        await program.end()


@asynccontextmanager
async def printing(
    *command: str, folder: Path, environ: dict[str, str] | None = None
) -> AsyncIterator[asyncio.StreamReader]:
    """Another program in `folder`, for as long as the block lasts: what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def run(*arguments: str, **environ: str) -> tuple[int, str]:
    """Run `callboard` to its end: its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environ},
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def serves(url: str) -> None:
    """Wait until the server at `url` is ready."""
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
