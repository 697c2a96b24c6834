"""How a process ends: when it is told to, in time whatever hangs, and with its parent."""

import asyncio
import faulthandler
import multiprocessing
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self


def end_in_time(seconds: float) -> None:
    """Have the process end within `seconds` of being told to stop, whatever hangs by then. Where it
    hung is written to standard error: names of functions, no values."""

    def arm() -> None:
        # A second for the parent of several workers, which looks twice a second.
        faulthandler.dump_traceback_later(seconds - 1, exit=True, file=2)

    _before_handlers(arm)


def on_stop(act: Callable[[], None]) -> None:
    """Have `act` called when the process is told to stop, before uvicorn waits for connections to
    end: streams would never end by themselves."""
    loop = asyncio.get_running_loop()
    _before_handlers(lambda: loop.call_soon_threadsafe(act))


def _before_handlers(act: Callable[[], object]) -> None:
    """Have `act` called by the signals that stop the process, before what they do already."""
    if threading.current_thread() is not threading.main_thread():
        return
    for stop in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(stop)

        def handle(number: int, frame: Any, then: Any = handler) -> None:
            act()
            if callable(then):
                then(number, frame)

        signal.signal(stop, handle)


def end_with_parent() -> None:
    """A worker whose parent was killed would go on, with nobody to stop or replace it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    loop, sentinel = asyncio.get_running_loop(), parent.sentinel

    def end() -> None:
        loop.remove_reader(sentinel)
        signal.raise_signal(signal.SIGTERM)

    loop.add_reader(sentinel, end)


class Drained:
    """A block at whose end changes under way have been waited for, and earlier when `drain` is
    called: for `seconds` altogether, which count from the first wait. A database that is silent
    must not be waited for twice."""

    def __init__(self, drain: Callable[[], Awaitable[object]], seconds: float) -> None:
        self._drain, self._seconds = drain, seconds
        self._until: float | None = None

    async def drain(self) -> None:
        """Wait for the changes under way. What is left in the end goes with its connection."""
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + self._seconds
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._until):
                await self._drain()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.drain()
