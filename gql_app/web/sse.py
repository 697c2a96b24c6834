"""Server-sent events, distinct connections mode: one operation, one response.

The `id:` of each event is its cursor, so a client that reconnects with Last-Event-ID goes on where
it was. Protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import AsyncGenerator

import orjson

from gql_app.access import Unauthenticated
from gql_app.delivery.results import Results
from gql_app.schema.errors import ERROR_CODES
from gql_app.web.close_codes import CloseCode
from gql_app.web.sessions import Ended, Notices
from gql_app.work.reads.cursors import event_cursor

HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
"""Nobody between the server and the client may keep or hold back a part of the stream."""

QUIET_SECONDS = 15.0
"""A comment is sent after so long without an event, to show that the line is alive."""


async def events(results: Results, practice_id: int, notices: Notices) -> AsyncGenerator[str, None]:
    """The response's body, until the operation ends or a notice ends the session."""
    yield ": connected\n\n"
    result = asyncio.ensure_future(anext(results, None))
    notice = asyncio.ensure_future(notices.take())
    try:
        while True:
            first_of = asyncio.FIRST_COMPLETED
            await asyncio.wait({result, notice}, timeout=QUIET_SECONDS, return_when=first_of)
            if notice.done():
                told = notice.result()
                if isinstance(told, Ended):
                    if told.code == CloseCode.RESTARTING:
                        return  # not complete: the client comes back with the id that it has
                    error = ERROR_CODES.request_error(Unauthenticated(f"{told.reason}."))
                    yield _failure(orjson.dumps([error]).decode())
                    break
                what = "the session ends by itself" if told.is_idle else "the key expires"
                yield f": {what} at {told.at.isoformat()}\n\n"
                notice = asyncio.ensure_future(notices.take())
            elif not result.done():
                yield ": quiet\n\n"
            elif (event := result.result()) is None:
                break
            elif event.last:
                yield _failure(event.payload)
                break
            else:
                place = event.position
                named = "" if place is None else f"id: {event_cursor(practice_id, place)}\n"
                yield f"event: next\n{named}data: {event.payload}\n\n"
                result = asyncio.ensure_future(anext(results, None))
    finally:
        notice.cancel()
        result.cancel()
        await asyncio.wait({result, notice})
        await results.aclose()
    yield "event: complete\ndata:\n\n"


def _failure(errors: str) -> str:
    return f'event: next\ndata: {{"data":null,"errors":{errors}}}\n\n'
