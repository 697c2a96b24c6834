"""Streams whose rows are told again while a part of them cannot be shown.

A row is sent with its cursor, and a client with the cursor never asks for the row again. So what
could not be read must not be sent as null: the row waits until it can be shown whole.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from gql_app.schema.context import SharedContext

Row = TypeVar("Row")

PAUSES = (0.1, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try. After the last the stream ends, before the row."""


async def repeated(
    context: SharedContext, rows: AsyncGenerator[Row, None]
) -> AsyncGenerator[Row, None]:
    """The rows, each again for as long as `context.failures` says that it was not shown whole."""
    async with aclosing(rows):
        async for row in rows:
            yield row
            while context.failures:
                await asyncio.sleep(PAUSES[context.failures - 1])
                context.load_afresh()
                yield row
