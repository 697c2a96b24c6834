"""HTTP connections with limits: on a request's head, on how long it may take, and on pipelining.

uvicorn with httptools has none of its own: it keeps headers that never end, waits for ever for the
rest of a request, and keeps an answer that is not read. A socket begins as a request, so its
handshake has these limits too.
"""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Any, Never, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gql_app.web.connections import CONNECTIONS, PROVE, Connection, Connections

MAX_HEAD = 32 * 1024
MAX_HEADER_LINES = 100
MAX_HANDSHAKE_LINE = 8 * 1024 - 2
"""Bytes of a line in the head of a WebSocket's handshake: what the library takes, without CRLF."""
MAX_PIPELINED = 20
"""Requests that wait on a connection for the answer to the one before them."""
LINGER_SECONDS = 1.0
"""How long a client that was refused may go on sending, until it looks at the answer."""
LEAST_SENT = 36 * 1024
"""Bytes of a body that a client with a key has to send in each nine seconds: 4 KB a second."""


_REASONS = {
    HTTPStatus.BAD_REQUEST: "malformed",
    HTTPStatus.REQUEST_TIMEOUT: "slow",
    HTTPStatus.TOO_MANY_REQUESTS: "pipelined",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "head",
}


class _OverLimit(Exception):
    """Ends the parsing: what comes is over a limit."""


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol for one connection, with the limits."""

    _guards: Connections
    _connection: Connection

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._partial = False  # whether a request has begun and has not come whole
        self._passed = False  # whether something of a request was whole in what came last
        self._in_body = False
        self._upgraded = False
        self._held = 0  # bytes that the parser may keep
        self._head = 0  # bytes of the head that it has passed on
        self._sent = 0  # bytes since the wait for the client began
        self._refusal: HTTPStatus | None = None
        self._delayed: tuple[Any, Any] | None = None
        self._lingering: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._guards = self.app_state[CONNECTIONS]
        address = self.client[0] if self.client else ""
        self._connection = self._guards.admit(transport, address)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._guards.lost(self._connection)
        if self._lingering is not None:
            self._lingering.cancel()

    def data_received(self, data: bytes) -> None:
        if self._lingering is not None:
            return
        self._passed = False
        self._sent += len(data)
        super().data_received(data)
        if self._upgraded or self._lingering is not None or self.transport.is_closing():
            return
        if self._partial:
            self._held = 0 if self._passed else self._held + len(data)
            if self._held > MAX_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
        if self._partial or not self._connection.busy:
            self._guards.wait(self._connection)
        else:
            self._guards.heard(self._connection)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop_parsing(HTTPStatus.TOO_MANY_REQUESTS)
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = {
            PROVE: partial(self._guards.prove, self._connection)
        }
        self._partial = True
        self._in_body = False
        self._head = 0

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        if len(self.headers) >= MAX_HEADER_LINES:  # with the trailers of a body in chunks
            self._stop_parsing(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._passed = self._in_body = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._passed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._passed = True
        self._partial = False
        self._sent = 0
        self._connection.busy = self._is_answering()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._connection.busy = not self._partial and self._is_answering()
        if self.transport.get_write_buffer_size():
            self._guards.unread(self._connection)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._guards.unread(self._connection)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._guards.read(self._connection)
        if self._delayed is not None:
            cycle, app = self._delayed
            self._delayed = None
            super()._start_asgi_task(cycle, app)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Begin a request, once the answer before it is read: two would be kept otherwise."""
        if self.flow.write_paused:
            self._delayed = cycle, app
        else:
            super()._start_asgi_task(cycle, app)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on. It has to be authenticated in the time that began with it."""
        longest = max(len(name) + len(value) for name, value in self.headers) + len(": ")
        if max(longest, len(self.url) + len("GET  HTTP/1.1")) > MAX_HANDSHAKE_LINE:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        self._upgraded = True
        self._guards.wait(self._connection)
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls when the parser, or one of the methods above, finds fault."""
        self._refuse(self._refusal or HTTPStatus.BAD_REQUEST)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > MAX_HEAD:
            self._stop_parsing(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _stop_parsing(self, status: HTTPStatus) -> Never:
        self._refusal = status
        raise _OverLimit

    def was_slow(self) -> None:
        """The client has kept the connection waiting for too long. It may go on with a long body,
        if it has shown who it is and sends at a fair rate."""
        is_fair = self._connection.proven and self._in_body and self._sent >= LEAST_SENT
        if self.flow.read_paused or (self._partial and is_fair and self._is_answering()):
            self._sent = 0
            self._guards.wait(self._connection)
        elif self._partial:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._guards.cut_off(self._connection, "slow")

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer with `status` and close, or only close if another answer is under way."""
        self._guards.heard(self._connection)
        if self.cycle is not None and self.cycle.response_started and self._is_answering():
            self._guards.cut_off(self._connection, _REASONS[status])
            return
        self._guards.closed[_REASONS[status]] += 1
        content = [STATUS_LINE[status]]
        for name, value in self.server_state.default_headers:
            content += [name, b": ", value, b"\r\n"]
        text = f"{status.phrase}\n".encode()
        content += [
            b"content-type: text/plain; charset=utf-8\r\n",
            b"content-length: %d\r\n" % len(text),
            b"connection: close\r\n\r\n",
            text,
        ]
        self.transport.write(b"".join(content))
        self._guards.unread(self._connection)
        is_pouring = status is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        if is_pouring and not self._is_answering() and self.transport.can_write_eof():
            # Closed with something left unread, the system would take the answer back.
            self.transport.write_eof()
            self._lingering = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        else:
            self.transport.close()
