"""Server-sent events, distinct connections mode: one operation, one response.

The `id:` of each event is its cursor, so a client that reconnects with Last-Event-ID goes on where
it was. Protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import orjson

from gql_app.access import Unauthenticated
from gql_app.schema import ERROR_CODES, Schema, shown
from gql_app.schema.context import Context
from gql_app.web.requests import GraphQLRequest

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""Nobody between the server and the client may keep or hold back a part of the stream."""

QUIET_SECONDS = 15.0
"""A comment is sent after so long without an event, to show that the line is alive."""


async def events(
    schema: Schema, context: Context, request: GraphQLRequest
) -> AsyncGenerator[str, None]:
    """The response's body, until the operation or the key ends."""
    results = await schema.stream(
        request.query,
        variable_values=request.variables,
        context_value=context,
        operation_name=request.operation_name,
    )
    yield ": connected\n\n"
    async with aclosing(results):
        waiting = asyncio.ensure_future(anext(results, None))
        try:
            while True:
                await asyncio.wait({waiting}, timeout=_patience(context))
                if _expired(context):
                    error = ERROR_CODES.request_error(Unauthenticated("The key has expired."))
                    yield _event({"data": None, "errors": [error]}, None)
                    break
                if not waiting.done():
                    yield ": quiet\n\n"
                    continue
                result: Any = waiting.result()
                if result is None:
                    break
                yield _event(shown(result), context.cursor)
                waiting = asyncio.ensure_future(anext(results, None))
        finally:
            waiting.cancel()
            await asyncio.wait({waiting})
    yield "event: complete\ndata:\n\n"


def _event(payload: dict[str, Any], cursor: str | None) -> str:
    place = "" if cursor is None else f"id: {cursor}\n"
    return f"event: next\n{place}data: {orjson.dumps(payload).decode()}\n\n"


def _patience(context: Context) -> float:
    if context.viewer.expires_at is None:
        return QUIET_SECONDS
    left = (context.viewer.expires_at - datetime.now(UTC)).total_seconds()
    return min(QUIET_SECONDS, max(left, 0.0))


def _expired(context: Context) -> bool:
    expires_at = context.viewer.expires_at
    return expires_at is not None and expires_at <= datetime.now(UTC)
