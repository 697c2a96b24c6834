"""Who asks: by the key that was sent, or by the session cookie of the server's own pages."""

from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from gql_app.access import (
    KEY,
    SESSION,
    KeyLookup,
    OtherViewer,
    Unauthenticated,
    Viewer,
    bearer,
)
from gql_app.access.guessing import Where
from gql_app.schema.viewer import viewer_id

COOKIE = "callboard"
MEANT = "x-callboard-viewer"
"""The header that says for whom a request is meant: the `Viewer.id` that the page was given."""


async def viewer_of(
    keys: KeyLookup,
    headers: Headers,
    authorization: object = None,
    meant: object = None,
    where: Where = None,
) -> Viewer:
    """The viewer of a request from somewhere, by a key looked up in `keys`; `authorization` and
    `meant` are what was sent elsewhere in place of the headers. Raises `Unauthenticated`,
    `OtherViewer` and `RateLimited`.

    All pages of a browser share its cookie. A page says for whom it was loaded, and is refused once
    somebody else has signed in.
    """
    viewer = await holder_of(keys, headers, authorization, where)
    meant = headers.get(MEANT) if meant is None else meant
    if meant is not None and meant != viewer_id(viewer):
        raise OtherViewer("Somebody else has signed in here.")
    return viewer


async def holder_of(
    keys: KeyLookup, headers: Headers, authorization: object = None, where: Where = None
) -> Viewer:
    """The viewer of a request, without asking for whom it is meant. Raises `Unauthenticated`, and
    `RateLimited`.

    A browser sends the cookie with whatever a page asks of this server, so it counts only for
    pages of this server: browsers name the page's origin with each POST and each WebSocket.
    """
    if authorization is None:
        authorization = headers.get("authorization")
    token = None
    if authorization is None:
        token = cookie_parser(headers.get("cookie", "")).get(COOKIE)
    if token is None:
        return await keys.authenticate(bearer(authorization), where=where)
    if not is_own_page(headers):
        raise Unauthenticated("A session is good for the pages of this server only.")
    return await keys.authenticate(token, SESSION, where)


def sent_at_init(payload: dict[str, Any]) -> object:
    """The authorization in the payload of `connection_init`, None if there is none. Clients name it
    in any case, put it under `headers`, or send the key alone."""
    sent = _named(payload, "authorization")
    if sent is None and isinstance(headers := _named(payload, "headers"), dict):
        sent = _named(headers, "authorization")
    if isinstance(sent, str) and sent.strip().startswith(f"{KEY}_"):
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
