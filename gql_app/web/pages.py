"""The dashboard at /: its files, and signing in and out of it."""

import logging
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

from gql_app.access import KEY, Forbidden, KeyLookup, Origin, Unauthenticated, Viewer, practice_of
from gql_app.access.guessing import Where
from gql_app.access.signin import (
    LINK,
    SESSION_LASTS,
    SignedIn,
    begin_session,
    begin_session_by_link,
    end_session,
    practice_of_link,
)
from gql_app.logs import SECURITY
from gql_app.logs.request import current
from gql_app.web.addresses import client_address, client_network
from gql_app.web.credentials import (
    COOKIE,
    holder_of,
    is_own_page,
    note_refused_key,
    note_refused_origin,
    viewer_of,
)
from gql_app.web.http_errors import refusal
from gql_app.web.requests import MAX_SMALL_BODY, read_body, read_json
from gql_app.work.access_log import Access, AccessLog
from gql_app.work.changes import Changes
from gql_app.work.reads.conditions import BadInput
from models.audit import AuditAction
from models.text import trimmed

security = logging.getLogger(SECURITY)

FILES = Path(__file__).parent / "dashboard"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # kept, but asked for again each time
}


SIGN_IN, SIGN_OUT = "sign in", "sign out"
"""What the two are called in the audit."""


def page_routes(keys: KeyLookup, changes: Changes, access_log: AccessLog) -> list[Route | Mount]:
    """/, /dashboard/… and /session."""

    async def sign_out(viewer: Viewer, address: str) -> None:
        await changes.asked(Origin(SIGN_OUT, address)).make(viewer, end_session, viewer)

    async def session(request: Request) -> Response:
        """POST signs in, with a key or a link; DELETE signs out."""
        address = client_address(request.scope)
        try:
            if not is_own_page(request):
                note_refused_origin(request)
                raise Forbidden("Signing in and out is for the pages of this server.")
            if request.method == "DELETE":
                with suppress(Unauthenticated):  # it has ended by itself
                    await sign_out(await viewer_of(keys, request), address)
                    security.info("signed_out")
                return _with_cookie(request, "", lasts=0)
            body = read_json(await read_body(request, MAX_SMALL_BODY))
            where = partial(client_network, request.scope)
            try:
                signed_in = await _begun(body, keys, changes.asked(Origin(SIGN_IN, address)), where)
            except Unauthenticated:
                _note_failure(access_log, body, address)
                raise
            security.info("signed_in")
            # The cookie of the session before is lost with this answer: nobody could end it later.
            with suppress(Unauthenticated):
                await sign_out(await holder_of(keys, request), address)
            return _with_cookie(request, signed_in.token, int(SESSION_LASTS.total_seconds()))
        except Unauthenticated as refused:
            note_refused_key(refused, "sign_in_refused")
            return refusal(refused)
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
            _note_whose(viewer.practice_id, viewer.key_id)
            return await changes.make(viewer, begin_session, viewer.key_id)
        case {"link": str(link)}:
            link = trimmed(link)
            keys.guesses.check(where, None)
            try:
                practice_id = await practice_of_link(link, changes.clock())
            except Unauthenticated:
                keys.guesses.note(where, None)
                raise
            _note_whose(practice_id)
            return await changes.make_for(practice_id, begin_session_by_link, link)
    raise BadInput('Send {"key": "…"}, or {"link": "…"}.')


def _note_failure(access_log: AccessLog, body: object, address: str) -> None:
    """Note that somebody could not sign in at the practice that their key, or link, names."""
    match body:
        case {"key": str(sent)}:
            practice_id = practice_of(trimmed(sent), KEY)
        case {"link": str(sent)}:
            practice_id = practice_of(trimmed(sent), LINK)
        case _:
            practice_id = None
    if practice_id is not None:
        action, result = AuditAction.SIGN_IN, "UNAUTHENTICATED"
        who = Access(practice_id, action, SIGN_IN, address, None, None, result=result)
        access_log.note(who, {None})


def _note_whose(practice_id: int, key_id: int | None = None) -> None:
    """For the log."""
    if (facts := current()) is not None:
        facts.practice_id, facts.key_id = practice_id, key_id


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
