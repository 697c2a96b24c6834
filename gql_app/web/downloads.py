"""/download: a list or a report as a file, by POST, as it is read.

The request is JSON in a body: an address ends up in histories and logs, and what somebody looked
for may be a patient's name. If a download cannot be finished, the connection is cut off, so that no
client takes a part of a file for all of it.
"""

import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gql_app.access import Forbidden, KeyLookup, Origin, RateLimited, Viewer
from gql_app.execution.memory import Schema
from gql_app.schema.context import Services
from gql_app.schema.downloads import read_order
from gql_app.schema.errors import FORBIDDEN
from gql_app.web.addresses import client_address
from gql_app.web.connections import prove
from gql_app.web.credentials import viewer_of
from gql_app.web.http_errors import NotPost, refusal
from gql_app.web.requests import MAX_SMALL_BODY, read_body, read_json
from gql_app.web.sessions import Ended, Notice, Sessions
from gql_app.work.access_log import Access
from gql_app.work.exports.run import Order, begin_export
from models.audit import AuditAction
from models.follow_up import local_date

log = logging.getLogger(__name__)

DOWNLOAD = "download"
"""What it is called in the audit."""

AT_ONCE = 4
"""Downloads that a process sends at the same time; of a key it is one."""
OF_PRACTICE = 2
"""How many of these are of one practice."""
RETRY_SECONDS = 5

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
}


class _CutOff(Exception):
    """The rest of a download cannot be sent."""


class Downloads:
    """The ASGI application behind /download."""

    def __init__(
        self, schema: Schema, services: Services, sessions: Sessions, keys: KeyLookup
    ) -> None:
        self._schema = schema
        self._services = services
        self._sessions = sessions
        self._keys = keys
        self._running: dict[int, int] = {}  # the practice of each key that downloads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            if request.method != "POST":
                raise NotPost("Send a POST request.")
            viewer = await viewer_of(self._keys, request)
            prove(scope)
            await self._download(request, viewer, send)
        except _CutOff:
            return  # the server closes the connection: the answer has not ended
        except Exception as error:
            await refusal(error)(scope, receive, send)

    async def _download(self, request: Request, viewer: Viewer, send: Send) -> None:
        """Raises what a refusal is made of before anything is sent, `_CutOff` after that."""
        body = read_json(await read_body(request, MAX_SMALL_BODY))
        origin = Origin(DOWNLOAD, client_address(request.scope))
        notices: list[Notice] = []
        with self._place(viewer), self._sessions.admit(viewer, notices.append):
            try:
                order = read_order(self._schema, self._services, viewer, body)
                changes = self._services.changes.asked(origin)
                chunks = await begin_export(changes, viewer, order)
            except Forbidden:
                refused = Access.by(viewer, origin, AuditAction.REFUSED, result=FORBIDDEN)
                self._services.access_log.note(refused, {None})
                raise
            async with aclosing(chunks):
                first = await anext(chunks)
                async with aclosing(_sent(first, chunks, notices)) as sent:
                    headers = self._headers(viewer, order)
                    response = StreamingResponse(
                        sent, headers=headers, media_type=MEDIA_TYPES[order.form]
                    )
                    await response(request.scope, request.receive, send)

    def _headers(self, viewer: Viewer, order: Order) -> dict[str, str]:
        today = local_date(self._services.clock(), viewer.time_zone)
        name = f"{order.tables[0].name}-{today}.{order.extension}"
        return {
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Accel-Buffering": "no",
        }

    @contextmanager
    def _place(self, viewer: Viewer) -> Iterator[None]:
        """A place among the downloads of this process. Raises `RateLimited`."""
        if viewer.key_id in self._running:
            raise RateLimited("This key downloads something already.", RETRY_SECONDS)
        of_practice = list(self._running.values()).count(viewer.practice_id)
        if of_practice >= OF_PRACTICE or len(self._running) >= AT_ONCE:
            raise RateLimited("Others download right now; try again in a moment.", RETRY_SECONDS)
        self._running[viewer.key_id] = viewer.practice_id
        try:
            yield
        finally:
            del self._running[viewer.key_id]


async def _sent(
    first: bytes, chunks: AsyncGenerator[bytes, None], notices: list[Notice]
) -> AsyncGenerator[bytes, None]:
    """The file's bytes, for as long as the key holds and the server goes on."""
    yield first
    try:
        async for chunk in chunks:
            for notice in notices:
                if isinstance(notice, Ended):
                    log.info("a download was cut off: %s", notice.reason)
                    raise _CutOff
            if chunk:  # an empty one says that there are no more
                yield chunk
    except _CutOff:
        raise
    except Exception as error:
        log.warning("a download was cut off: %s", type(error).__name__)
        raise _CutOff from error
