"""A line in the log for each request, and the id that the request is found by.

The line never holds the request's own text: no variables, no document, no query string. Of the path
it says which of the server's own it was.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gql_app.logs import REQUESTS, request
from gql_app.logs.request import RequestFacts
from gql_app.web.addresses import client_address

log = logging.getLogger(REQUESTS)

ID_HEADER = b"x-request-id"
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked for every few seconds by machines: there is a line only if the answer is a failure."""
UNKNOWN_PATH = "unknown"


class RequestLog:
    """Around the whole application. A WebSocket has a line at its end, and each of its operations
    has one of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        facts = RequestFacts(request.id_from(scope["headers"]), partial(client_address, scope))
        request.begin(facts)
        began, status, form = perf_counter(), 500, "http"

        async def send_noting(message: Message) -> None:
            nonlocal status, form
            match message["type"]:
                case "http.response.start":
                    status = message["status"]
                    headers = message.setdefault("headers", [])
                    headers.append((ID_HEADER, facts.request_id.encode()))
                    form = "sse" if _is_stream(headers) else "http"
                case "websocket.accept":
                    status, form = 101, "websocket"
                    headers = [*message.get("headers", ()), (ID_HEADER, facts.request_id.encode())]
                    message["headers"] = headers
                case "websocket.close":
                    status = message.get("code", status) if form == "websocket" else 403
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        finally:
            _write_down(facts, form, scope, status, began)


@contextmanager
def operation_on_socket(name: str | None) -> Iterator[None]:
    """Give an operation of a WebSocket an id of its own, and a line at its end."""
    connection = request.current()
    facts = RequestFacts(request.new_id())
    if connection is not None:
        facts = replace(connection, request_id=facts.request_id)
    facts.name_operation(name)
    request.begin(facts)
    began = perf_counter()
    try:
        yield
    finally:
        if log.isEnabledFor(logging.INFO):
            log.info("request", extra=_line(facts, "websocket operation", "/graphql", None, began))


def _write_down(facts: RequestFacts, form: str, scope: Scope, status: int, began: float) -> None:
    if not log.isEnabledFor(logging.INFO):
        return
    path = getattr(scope.get("route"), "path", UNKNOWN_PATH)
    if path in PROBES and status < 400:
        return
    line = _line(facts, form, path, status, began)
    log.info("request", extra={"method": scope.get("method", "GET"), **line})


def _line(
    facts: RequestFacts, form: str, path: str, status: int | None, began: float
) -> dict[str, object]:
    line = {
        "form": form,
        "path": path,
        "status": status,
        "ms": round(1000 * (perf_counter() - began), 1),
        "operation": facts.operation,
        **facts.known(),
    }
    return {name: value for name, value in line.items() if value is not None}


def _is_stream(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in headers
    )
