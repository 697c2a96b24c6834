"""Server-sent events, distinct connections mode: one operation, one response.

The `id:` of each event is its cursor, so a client that reconnects with Last-Event-ID goes on where
it was. Protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson

from gql_app.access import Unauthenticated
from gql_app.schema import ERROR_CODES, Schema, shown
from gql_app.schema.context import Context
from gql_app.web.requests import GraphQLRequest
from gql_app.web.sessions import RESTARTING, Ended, Notice

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""Nobody between the server and the client may keep or hold back a part of the stream."""

QUIET_SECONDS = 15.0
"""A comment is sent after so long without an event, to show that the line is alive."""


async def events(
    schema: Schema, context: Context, request: GraphQLRequest, notices: asyncio.Queue[Notice]
) -> AsyncGenerator[str, None]:
    """The response's body, until the operation ends or a notice ends the session."""
    results = await schema.stream(
        request.query,
        variable_values=request.variables,
        context_value=context,
        operation_name=request.operation_name,
    )
    yield ": connected\n\n"
    result: asyncio.Future[Any] = asyncio.ensure_future(anext(results, None))
    notice = asyncio.ensure_future(notices.get())
    try:
        while True:
            first_of = asyncio.FIRST_COMPLETED
            await asyncio.wait({result, notice}, timeout=QUIET_SECONDS, return_when=first_of)
            if notice.done():
                told = notice.result()
                if isinstance(told, Ended):
                    if told.code == RESTARTING:
                        return  # not complete: the client comes back with the id that it has
                    error = ERROR_CODES.request_error(Unauthenticated(f"{told.reason}."))
                    yield _event({"data": None, "errors": [error]}, None)
                    break
                yield f": the key expires at {told.at.isoformat()}\n\n"
                notice = asyncio.ensure_future(notices.get())
            elif not result.done():
                yield ": quiet\n\n"
            elif (failure := result.exception()) is not None:
                # What Strawberry's own extensions raise: a syntax error, too many tokens.
                error = ERROR_CODES.request_error(failure)
                yield _event({"data": None, "errors": [error]}, None)
                break
            elif result.result() is None:
                break
            else:
                yield _event(shown(result.result()), context.cursor)
                result = asyncio.ensure_future(anext(results, None))
    finally:
        notice.cancel()
        result.cancel()
        await asyncio.wait({result, notice})
        await results.aclose()
    yield "event: complete\ndata:\n\n"


def _event(payload: dict[str, Any], cursor: str | None) -> str:
    place = "" if cursor is None else f"id: {cursor}\n"
    return f"event: next\n{place}data: {orjson.dumps(payload).decode()}\n\n"
