"""Who asks: by the key that was sent, or by the session cookie of the server's own pages."""

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from gql_app.access import SESSION, KeyLookup, Unauthenticated, Viewer, bearer

COOKIE = "callboard"


async def viewer_of(keys: KeyLookup, headers: Headers, authorization: object = None) -> Viewer:
    """The viewer of a request, by a key looked up in `keys`; `authorization` is what was sent
    elsewhere in place of the header. Raises `Unauthenticated`.

    A browser sends the cookie with whatever a page asks of this server, so it counts only for pages
    of this server: browsers name the page's origin with each POST and each WebSocket.
    """
    if authorization is None:
        authorization = headers.get("authorization")
    token = None
    if authorization is None:
        token = cookie_parser(headers.get("cookie", "")).get(COOKIE)
    if token is None:
        return await keys.authenticate(bearer(authorization))
    if not is_own_page(headers):
        raise Unauthenticated("A session is good for the pages of this server only.")
    return await keys.authenticate(token, SESSION)


def is_own_page(headers: Headers) -> bool:
    """Whether a page asks that this server has served."""
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] == headers.get("host")
