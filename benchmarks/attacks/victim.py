"""The server that is attacked: on loopback, over SQLite, with two practices in it."""

import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from benchmarks.practices import Sample, prepare
from benchmarks.stage import Server

METRICS_TOKEN = "for attacks on loopback"

TASKS, QUICK_TASKS = 600, 60
"""How many tasks each practice has."""


@dataclass(frozen=True)
class Victim:
    """A server that runs, and its practices: one whose keys attack, and others that suffer."""

    server: Server
    practices: Sequence[Sample]

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def attacker(self) -> Sample:
        return self.practices[0]

    @property
    def other(self) -> Sample:
        return self.practices[1]

    def memory(self) -> float:
        """The server's resident memory now, in MB."""
        return self._status("VmRSS")

    def forget_peak(self) -> None:
        """Begin to measure `peak` anew."""
        (self._folder / "clear_refs").write_text("5")

    def peak(self) -> float:
        """The most resident memory since `forget_peak`, in MB: no moment of it is missed."""
        return self._status("VmHWM")

    def open_files(self) -> int:
        """How many files and connections the server has open."""
        return len(list((self._folder / "fd").iterdir()))

    def errors_logged(self) -> int:
        """How many lines of the server's log say that something has failed."""
        words = ("ERROR", "CRITICAL", "Traceback", '"error"', '"critical"')
        lines = self.server.log.read_text(errors="replace").splitlines()
        return sum(any(word in line for word in words) for line in lines)

    @property
    def _folder(self) -> Path:
        return Path(f"/proc/{self.server.pid}")

    def _status(self, name: str) -> float:
        lines = (self._folder / "status").read_text().splitlines()
        line = next(line for line in lines if line.startswith(f"{name}:"))
        return int(line.split()[1]) / 1024


class Stage:
    """Starts servers for attacks. In the quick form those without wishes share one."""

    def __init__(self, folder: Path, *, quick: bool) -> None:
        self.quick = quick
        self._folder = folder
        self._running = AsyncExitStack()
        self._practices: list[Sample] | None = None
        self._shared: Victim | None = None
        self._servers = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._running.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def serving(self, open_files: int | None = None, **environ: str) -> AsyncIterator[Victim]:
        """A server with settings from `environ`, which may open so many files at once."""
        if not self.quick or open_files is not None or environ:
            async with self._started(open_files, environ) as victim:
                yield victim
            return
        if self._shared is None:
            self._shared = await self._running.enter_async_context(self._started(None, {}))
        yield self._shared

    @asynccontextmanager
    async def _started(
        self, open_files: int | None, environ: dict[str, str]
    ) -> AsyncIterator[Victim]:
        template = self._folder / "template.sqlite3"
        if self._practices is None:
            tasks = QUICK_TASKS if self.quick else TASKS
            self._practices = await prepare(f"sqlite://{template}", 2, tasks)
        self._servers += 1
        name = f"server-{self._servers}"
        path = self._folder / f"{name}.sqlite3"
        shutil.copy(template, path)
        url = f"sqlite://{path}"
        environ = {"CALLBOARD_METRICS_TOKEN": METRICS_TOKEN} | environ
        server = Server(self._folder, name, url, "memory://", open_files=open_files, **environ)
        try:
            await server.ready()
            yield Victim(server, self._practices)
        finally:
            server.end(signal.SIGKILL)
