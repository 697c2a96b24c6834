"""How a process ends: when it is told to, in time whatever hangs, and with its parent."""

import asyncio
import faulthandler
import multiprocessing
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any


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


@asynccontextmanager
async def drained(
    drain: Callable[[], Awaitable[object]], seconds: float
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Changes under way have been waited for at the end of the block, and earlier when what it
    gives is called: for `seconds` altogether, which count from the first wait. A database that is
    silent must not be waited for twice."""
    until: float | None = None

    async def wait() -> None:
        nonlocal until
        if until is None:
            until = asyncio.get_running_loop().time() + seconds
        with suppress(TimeoutError):  # what is left in the end goes with its connection
            async with asyncio.timeout_at(until):
                await drain()

    try:
        yield wait
    finally:
        await wait()
