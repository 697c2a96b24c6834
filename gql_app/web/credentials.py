"""Who asks: by the key that was sent, or by the session cookie of the server's own pages."""

from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response

from gql_app.access import (
    SESSION,
    KeyLookup,
    OtherViewer,
    Unauthenticated,
    Viewer,
    bearer,
    looks_like_key,
)
from gql_app.schema.viewer import viewer_id
from models.checks import is_loopback

COOKIE = "__Host-callboard"
"""Browsers take it from this host alone, over TLS, and for all of its paths."""
LOOPBACK_COOKIE = "callboard"
"""The same beside it over plain HTTP on this machine, where some browsers take no secure cookie."""
MEANT = "x-callboard-viewer"
"""The header that says for whom a request is meant: the `Viewer.id` that the page was given."""


async def viewer_of(
    keys: KeyLookup, headers: Headers, authorization: object = None, meant: object = None
) -> Viewer:
    """The viewer of a request, by a key looked up in `keys`; `authorization` and `meant` are what
    was sent elsewhere in place of the headers. Raises `Unauthenticated` and `OtherViewer`.

    All pages of a browser share its cookie. A page says for whom it was loaded, and is refused once
    somebody else has signed in.
    """
    viewer = await holder_of(keys, headers, authorization)
    meant = headers.get(MEANT) if meant is None else meant
    if meant is not None and meant != viewer_id(viewer):
        raise OtherViewer("Somebody else has signed in here.")
    return viewer


async def holder_of(keys: KeyLookup, headers: Headers, authorization: object = None) -> Viewer:
    """The viewer of a request, without asking for whom it is meant. Raises `Unauthenticated`.

    A browser sends the cookie with whatever a page asks of this server, so it counts only for
    pages of this server: browsers name the page's origin with each POST and each WebSocket.
    """
    if authorization is None:
        authorization = headers.get("authorization")
    token = None
    if authorization is None:
        token = session_token(headers)
    if token is None:
        return await keys.authenticate(bearer(authorization))
    if not is_own_page(headers):
        raise Unauthenticated("A session is good for the pages of this server only.")
    return await keys.authenticate(token, SESSION)


def session_token(headers: Headers) -> str | None:
    """The token of the session in the cookies, None if there is none."""
    cookies = cookie_parser(headers.get("cookie", ""))
    token = cookies.get(COOKIE)
    return cookies.get(LOOPBACK_COOKIE) if token is None and is_on_loopback(headers) else token


def put_cookies(response: Response, headers: Headers, token: str, lasts: int) -> None:
    """Have the browser keep a session's token for `lasts` seconds, or forget it if that is 0."""
    names = [COOKIE, LOOPBACK_COOKIE] if is_on_loopback(headers) else [COOKIE]
    for name in names:
        response.set_cookie(
            name, token, max_age=lasts, secure=name == COOKIE, httponly=True, samesite="strict"
        )


def is_on_loopback(headers: Headers) -> bool:
    """Whether the request was sent to a name of this machine."""
    try:
        return is_loopback(urlsplit(f"//{headers.get('host', '')}").hostname or "")
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


def is_own_page(headers: Headers) -> bool:
    """Whether the request comes from a page of this server."""
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] == headers.get("host")


def is_allowed_page(headers: Headers, allowed_origins: tuple[str, ...]) -> bool:
    """Whether a socket may be opened: browsers let any page open one anywhere, and the origin says
    whose page it is. Other clients send none."""
    origin = headers.get("origin")
    return origin is None or bool({"*", origin} & {*allowed_origins}) or is_own_page(headers)
