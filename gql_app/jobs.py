"""Background jobs, which run for as long as the server does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from models.database import until_lost

log = logging.getLogger(__name__)

JOBS_SECONDS = 1.0
"""How long background jobs may take to end."""


@asynccontextmanager
async def running(
    end_sessions: Callable[[], None], *jobs: Coroutine[Any, Any, None]
) -> AsyncIterator[None]:
    """Background jobs for as long as the block lasts; they are awaited at its end, but not long:
    one may hang in the database, which is closed next. If SQLite's files are lost, the jobs end,
    and so do the streams: they would go on showing what is not kept."""
    tasks = [asyncio.create_task(job) for job in jobs]

    async def end_when_lost() -> None:
        await until_lost()
        for task in tasks:
            task.cancel()
        end_sessions()

    watching = asyncio.create_task(end_when_lost())
    for task in tasks:
        task.add_done_callback(_say_if_failed)
    try:
        yield
    finally:
        for task in (watching, *tasks):
            task.cancel()
        await asyncio.wait((watching, *tasks), timeout=JOBS_SECONDS)


def _say_if_failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("a background job has ended: %s", type(error).__name__)
