"""Who asks: by the key that was sent, or by the session cookie of the server's own pages."""

import logging
import re
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, cookie_parser
from starlette.responses import Response

from gql_app.access import (
    SESSION,
    Forbidden,
    KeyLookup,
    OtherViewer,
    Unauthenticated,
    Viewer,
    bearer,
    looks_like_key,
    practice_of,
)
from gql_app.access.guessing import Where
from gql_app.logs import SECURITY
from gql_app.logs.request import current
from gql_app.schema.ids import read_id_of
from gql_app.schema.viewer import viewer_id
from gql_app.web.addresses import client_network
from gql_app.work.reads.conditions import BadInput
from models.database import read_secret
from models.wires import is_loopback

security = logging.getLogger(SECURITY)

COOKIE = "__Host-callboard"
"""Browsers take it from this host alone, over TLS, and for all of its paths."""
LOOPBACK_COOKIE = "callboard"
"""The same beside it over plain HTTP on this machine, where some browsers take no secure cookie."""
MEANT = "x-callboard-viewer"
"""The header that says for whom a request is meant: the `Viewer.id` that the page was given."""
PRACTICE = "x-callboard-practice"
"""The header that names the practice that a session visits: the id that `viewer.group` gives."""

_HTTP = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_ORIGIN = re.compile(r"[a-z]{1,20}://[A-Za-z0-9.:\[\]-]{1,100}|null")


async def viewer_of(
    keys: KeyLookup,
    asked: HTTPConnection,
    authorization: object = None,
    meant: object = None,
    practice: object = None,
) -> Viewer:
    """The viewer of a request, by a key looked up in `keys`; `authorization`, `meant` and
    `practice` are what was sent elsewhere than in the headers of `asked`. Raises
    `Unauthenticated`, `OtherViewer` and `RateLimited`.

    All pages of a browser share its cookie. A page says for whom it was loaded, and is refused once
    somebody else has signed in.
    """
    practice = asked.headers.get(PRACTICE) if practice is None else practice
    viewer = await holder_of(keys, asked, authorization, practice)
    meant = asked.headers.get(MEANT) if meant is None else meant
    if meant is not None and meant != viewer_id(viewer):
        raise OtherViewer("Somebody else has signed in here.")
    return viewer


async def at_home(keys: KeyLookup, asked: HTTPConnection) -> Viewer:
    """The viewer of a request that concerns the session itself, whichever practice the page shows.
    Raises as `viewer_of` does."""
    viewer = await holder_of(keys, asked)
    meant, practice = asked.headers.get(MEANT), asked.headers.get(PRACTICE)
    if meant is None or meant == viewer_id(viewer):
        return viewer
    if practice is None or meant != viewer_id(await holder_of(keys, asked, practice=practice)):
        raise OtherViewer("Somebody else has signed in here.")
    return viewer


async def holder_of(
    keys: KeyLookup,
    asked: HTTPConnection,
    authorization: object = None,
    practice: object = None,
) -> Viewer:
    """The viewer of a request, without asking for whom it is meant; where a session visits a
    `practice`, the guest there. Raises `Unauthenticated`, and `RateLimited`.

    A browser sends the cookie with whatever a page asks of this server, so it counts only for
    pages of this server: browsers name the page's origin with each POST and each WebSocket.
    """
    if authorization is None:
        authorization = asked.headers.get("authorization")
    token = None
    if authorization is None:
        token = session_token(asked)
    where = partial(client_network, asked.scope)
    try:
        if token is None:
            viewer = await keys.authenticate(bearer(authorization), where=where)
            if practice is not None:
                raise Unauthenticated("A key is good for its own practice only.", "practice")
        elif is_own_page(asked):
            visited = None if practice is None else await _read_practice(practice)
            viewer = await _of_session(keys, token, visited, where)
        else:
            note_refused_origin(asked)
            message = "A session is good for the pages of this server only."
            raise Unauthenticated(message, "origin")
    except Unauthenticated as refused:
        note_refused_key(refused)
        raise
    await read_secret()  # the database may have been away at the start
    if (facts := current()) is not None:
        facts.practice_id, facts.key_id = viewer.practice_id, viewer.key_id
    return viewer


async def _of_session(
    keys: KeyLookup, session: str, practice_id: int | None, where: Where
) -> Viewer:
    if practice_id is None or practice_id == practice_of(session, SESSION):
        return await keys.authenticate(session, SESSION, where)
    return await keys.visitor(session, practice_id, where)


async def _read_practice(practice: object) -> int:
    """The number of the practice that is visited. Raises `Unauthenticated`: one that was made up is
    refused as any other is where there is no visit."""
    await read_secret()
    try:
        return read_id_of("Practice", str(practice))
    except BadInput:
        raise Unauthenticated("The key is not valid.", "malformed") from None


def check_own_page(asked: HTTPConnection, otherwise: str) -> None:
    """Raise `Forbidden`, with the words `otherwise`, if no page of this server asks."""
    if not is_own_page(asked):
        note_refused_origin(asked)
        raise Forbidden(otherwise)


def note_refused_key(refused: Unauthenticated, event: str = "key_refused") -> None:
    """A security event: somebody asks with a key that is not valid. Without any is no attempt."""
    if refused.reason == "missing":
        return
    whose = {"practice": refused.practice_id, "key": refused.key_id}
    known = {name: value for name, value in whose.items() if value is not None}
    security.warning(event, extra={"reason": refused.reason, **known})


def note_refused_origin(asked: HTTPConnection) -> None:
    """A security event: a page of another site asks. The origin is shown if it has the form of
    one."""
    origin = asked.headers.get("origin", "")
    shown = origin if _ORIGIN.fullmatch(origin) else "malformed"
    security.warning("origin_refused", extra={"origin": shown})


def session_token(asked: HTTPConnection) -> str | None:
    """The token of the session in the cookies, None if there is none."""
    cookies = cookie_parser(asked.headers.get("cookie", ""))
    token = cookies.get(COOKIE)
    return cookies.get(LOOPBACK_COOKIE) if token is None and is_on_loopback(asked) else token


def put_cookies(response: Response, asked: HTTPConnection, token: str, lasts: int) -> None:
    """Have the browser keep a session's token for `lasts` seconds, or forget it if that is 0."""
    names = [COOKIE, LOOPBACK_COOKIE] if is_on_loopback(asked) else [COOKIE]
    for name in names:
        response.set_cookie(
            name, token, max_age=lasts, secure=name == COOKIE, httponly=True, samesite="strict"
        )


def is_on_loopback(asked: HTTPConnection) -> bool:
    """Whether the request was sent to a name of this machine."""
    try:
        return is_loopback(urlsplit(f"//{asked.headers.get('host', '')}").hostname or "")
    except ValueError:
        return False


def sent_at_init(payload: dict[str, Any]) -> object:
    """The authorization in the payload of `connection_init`, None if there is none. Clients name it
    in any case, put it under `headers`, or send the key alone."""
    sent = _named(payload, "authorization")
    if sent is None and isinstance(headers := _named(payload, "headers"), dict):
        sent = _named(headers, "authorization")
    if isinstance(sent, str) and looks_like_key(sent.strip()):
        return f"Bearer {sent}"
    return sent


def _named(values: dict[str, Any], name: str) -> Any:
    return next((v for n, v in values.items() if n.lower() == name and v is not None), None)


def is_own_page(asked: HTTPConnection) -> bool:
    """Whether the request comes from a page of this server: of its host, and not of plain HTTP
    there if the server is asked by HTTPS, for anybody on the way may have written such a page. (The
    other way round a proxy ends TLS, and is not trusted to say so.)"""
    scheme, _, host = asked.headers.get("origin", "").partition("://")
    own = _HTTP[asked.scope["scheme"]]
    return bool(host) and host == asked.headers.get("host") and scheme in {own, "https"}


def is_allowed_page(asked: HTTPConnection, allowed_origins: tuple[str, ...]) -> bool:
    """Whether a socket may be opened: browsers let any page open one anywhere, and the origin says
    whose page it is. Other clients send none."""
    origin = asked.headers.get("origin")
    return origin is None or bool({"*", origin} & {*allowed_origins}) or is_own_page(asked)
