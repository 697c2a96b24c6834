"""Ends what is done for a client that has gone away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from gql_app.work.reads.conditions import BadInput


@asynccontextmanager
async def until(gone: Callable[[], Awaitable[object]] | None) -> AsyncIterator[None]:
    """End the block when the client goes away. Raises `BadInput` then."""
    if gone is None:
        yield
        return
    loop, watch = asyncio.get_running_loop(), asyncio.ensure_future(gone())
    limit = asyncio.timeout(None)

    def end(watched: asyncio.Future[object]) -> None:
        if not watched.cancelled():
            limit.reschedule(loop.time())

    try:
        async with limit:
            watch.add_done_callback(end)
            try:
                yield
            finally:
                watch.cancel()
                await asyncio.wait({watch})
    except TimeoutError:
        if not limit.expired():
            raise
        raise BadInput("The request broke off.") from None  # nobody is left to be told
