"""/imports: files of tasks that are sent to be imported, by POST with the key of any other request.

The file is the body as it is, and its name stands in the address. What becomes of it is asked for
over GraphQL, by the id that is given back.
"""

import asyncio

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gql_app.access import KeyLookup, Origin, RateLimited
from gql_app.access.budgets import Budgets
from gql_app.schema.ids import global_id
from gql_app.web.accepting import JSON
from gql_app.web.addresses import client_address
from gql_app.web.connections import prove
from gql_app.web.credentials import viewer_of
from gql_app.web.http_errors import NotJson, refusal
from gql_app.work.changes import Changes
from gql_app.work.imports.records import CannotImport, FileCode
from gql_app.work.imports.sent import MAX_SENT, keep_file, too_large
from gql_app.work.reads.conditions import BadInput

BYTES = "application/octet-stream"
AT_ONCE = 2
"""Files that a process takes at once: each is held in memory while it is read."""
BODY_SECONDS = 180
"""How long a file may take to arrive: one that stalls would keep its place from others."""


class Uploads:
    """The endpoint for files."""

    def __init__(self, keys: KeyLookup, changes: Changes, budgets: Budgets) -> None:
        self._keys = keys
        self._changes = changes
        self._budgets = budgets
        self._places = asyncio.Semaphore(AT_ONCE)

    def routes(self) -> list[Route]:
        return [Route("/imports", self._take, methods=["POST"])]

    async def _take(self, request: Request) -> Response:
        try:
            return await self._kept(request)
        except CannotImport as error:
            # Expected, as the errors of a mutation are; what was not read has a status of its own.
            code, message = error.code, str(error).partition(": ")[2]
            status = 413 if code is FileCode.FILE_TOO_LARGE else 200
            body = {"id": None, "errors": [{"message": message, "extensions": {"code": code}}]}
            return Response(orjson.dumps(body), status, media_type=JSON)
        except Exception as error:  # what is not expected is masked and logged like any other
            return refusal(error)

    async def _kept(self, request: Request) -> Response:
        viewer = await viewer_of(self._keys, request)
        viewer.require(viewer.may_import, "import tasks")
        prove(request.scope)
        if request.headers.get("content-type") != BYTES:
            # With it, browsers ask before a page of another site may post.
            raise NotJson(f"Send the file as it is, with Content-Type: {BYTES}.")
        if self._places.locked():
            raise RateLimited("Other files are being read. Send it again in a moment.", 5)
        self._budgets.spend_changes(viewer.key_id, 1)
        async with self._places:
            content = await _body(request)
            changes = self._changes.asked(Origin("sendFile", client_address(request.scope)))
            name = request.query_params.get("name", "")
            job_id = await keep_file(changes, viewer, content, name)
        return Response(orjson.dumps({"id": global_id("ImportJob", job_id)}), media_type=JSON)


async def _body(request: Request) -> bytes:
    """The file. One that says it is too large is not read at all."""
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > MAX_SENT:
        raise too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_SENT:
                    raise too_large()
    except TimeoutError:
        raise BadInput("The file took too long to arrive.") from None
    except ClientDisconnect:
        raise BadInput("The request broke off.") from None
    return bytes(body)
