"""Headers of every answer: what browsers and proxies must not do with it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CACHE = b"cache-control"
NO_STORE = (CACHE, b"no-store")
NO_SNIFF = (b"x-content-type-options", b"nosniff")
HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")
"""For a year; browsers take no notice of it over plain HTTP, nor for an address without a name."""


class AnswerHeaders:
    """Adds the headers. An answer that does not say itself for how long it may be kept is not kept
    at all. Where the client has come by HTTPS, here or to a trusted proxy, it is to stay there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        also = [NO_SNIFF, HTTPS_ONLY] if scope["scheme"] == "https" else [NO_SNIFF]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                may_be_kept = any(name == CACHE for name, _ in headers)
                message["headers"] = [*headers, *also, *(() if may_be_kept else (NO_STORE,))]
            await send(message)

        await self._app(scope, receive, send_with_headers)
