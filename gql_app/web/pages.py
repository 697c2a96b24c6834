"""The dashboard at /: its files, and signing in and out of it."""

from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gql_app.access import Forbidden, KeyLookup, Unauthenticated, Viewer
from gql_app.access.guessing import Where
from gql_app.access.signin import (
    SESSION_LASTS,
    SignedIn,
    begin_session,
    begin_session_by_link,
    end_session,
    practice_of_link,
)
from gql_app.web.addresses import client_network
from gql_app.web.credentials import COOKIE, holder_of, is_own_page, viewer_of
from gql_app.web.http_errors import refusal
from gql_app.web.requests import read_body, read_json
from gql_app.work.changes import Changes
from gql_app.work.reads.conditions import BadInput
from models.text import trimmed

FILES = Path(__file__).parent / "dashboard"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # kept, but asked for again each time
}


def page_routes(keys: KeyLookup, changes: Changes) -> list[Route | Mount]:
    """/, /dashboard/… and /session."""

    async def sign_out(viewer: Viewer) -> None:
        await changes.make(viewer, end_session, viewer)

    async def session(request: Request) -> Response:
        """POST signs in, with a key or a link; DELETE signs out."""
        try:
            if not is_own_page(request.headers):
                raise Forbidden("Signing in and out is for the pages of this server.")
            if request.method == "DELETE":
                with suppress(Unauthenticated):  # it has ended by itself
                    await sign_out(await viewer_of(keys, request.headers))
                return _with_cookie(request, "", lasts=0)
            body = read_json(await read_body(request))
            signed_in = await _begun(body, keys, changes, partial(client_network, request.scope))
            # The cookie of the session before is lost with this answer: nobody could end it later.
            with suppress(Unauthenticated):
                await sign_out(await holder_of(keys, request.headers))
            return _with_cookie(request, signed_in.token, int(SESSION_LASTS.total_seconds()))
        except Exception as error:
            return refusal(error)

    return [
        Route("/", _index),
        Mount("/dashboard", _Guarded(GZipMiddleware(StaticFiles(directory=FILES)))),
        Route("/session", session, methods=["POST", "DELETE"]),
    ]


async def _index(_: Request) -> Response:
    return FileResponse(FILES / "index.html", headers=HEADERS)


async def _begun(body: object, keys: KeyLookup, changes: Changes, where: Where) -> SignedIn:
    match body:
        case {"key": str(key)}:
            viewer = await keys.authenticate(trimmed(key), where=where)
            return await changes.make(viewer, begin_session, viewer.key_id)
        case {"link": str(link)}:
            link = trimmed(link)
            keys.guesses.check(where, None)
            try:
                practice_id = await practice_of_link(link, changes.clock())
            except Unauthenticated:
                keys.guesses.note(where, None)
                raise
            return await changes.make_for(practice_id, begin_session_by_link, link)
    raise BadInput('Send {"key": "…"}, or {"link": "…"}.')


def _with_cookie(request: Request, token: str, lasts: int) -> Response:
    response = Response(status_code=204)
    response.set_cookie(
        COOKIE,
        token,
        max_age=lasts,
        secure=not _is_loopback(request.url.hostname or ""),
        httponly=True,
        samesite="strict",
    )
    return response


def _is_loopback(host: str) -> bool:
    """Browsers keep secure cookies over plain HTTP on this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Guarded:
    """Files, with the headers that keep a page to itself."""

    def __init__(self, files: ASGIApp) -> None:
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._files(scope, receive, send_guarded)
