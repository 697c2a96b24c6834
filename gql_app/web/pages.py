"""The dashboard at /: its files."""

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FILES = Path(__file__).parent / "dashboard"

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # kept, but asked for again each time
}
POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'none'",
}
PARTS_OF_A_PAGE = ("text/javascript", "application/javascript", "text/css")
"""They obey the policy of the page that loads them; one of their own would be weight alone."""


def page_routes() -> list[Route | Mount]:
    """/ and /dashboard/…"""
    return [
        Route("/", _index, middleware=[Middleware(GZipMiddleware)]),
        Mount("/dashboard", _Guarded(GZipMiddleware(StaticFiles(directory=FILES)))),
    ]


async def _index(_: Request) -> Response:
    return FileResponse(FILES / "index.html", headers=HEADERS | POLICY)


class _Guarded:
    """Files, with the headers that keep a page to itself."""

    def __init__(self, files: ASGIApp) -> None:
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_part = headers.get("content-type", "").startswith(PARTS_OF_A_PAGE)
                headers.update(HEADERS if is_part else HEADERS | POLICY)
            await send(message)

        await self._files(scope, receive, send_guarded)
