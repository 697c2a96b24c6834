"""One WebSocket that speaks graphql-transport-ws.

Protocol: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. Every frame is checked in
shape before anything reads it, and whatever goes wrong ends in a documented close code.
"""

import asyncio
from contextlib import suppress
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from gql_app.access import KeyLookup, OtherViewer, RateLimited, Unauthenticated, Viewer
from gql_app.access.budgets import Buckets, Refill
from gql_app.delivery.streams import Streams
from gql_app.execution.persisted import PersistedDocuments
from gql_app.schema.errors import ERROR_CODES
from gql_app.web import messages
from gql_app.web.addresses import client_address
from gql_app.web.close_codes import CloseCode
from gql_app.web.connections import prove
from gql_app.web.credentials import (
    is_allowed_page,
    note_refused_origin,
    sent_at_init,
    viewer_of,
)
from gql_app.web.frames import EXTENSION
from gql_app.web.messages import Close, Unreadable
from gql_app.web.running import Running
from gql_app.web.sending import Gone, Sender
from gql_app.web.sessions import Ended, Notice, Sessions

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 5.0
MESSAGES = Refill(50, 500)
"""Messages that a client may send: so many a second, and so many at once after a rest."""


class Socket:
    """A client's connection: one viewer, and any number of operations up to a limit."""

    def __init__(
        self,
        streams: Streams,
        documents: PersistedDocuments,
        sessions: Sessions,
        keys: KeyLookup,
        allowed_origins: tuple[str, ...],
    ) -> None:
        self._allowed_origins = allowed_origins
        self._streams = streams
        self._documents = documents
        self._sessions = sessions
        self._keys = keys
        self._ended: Ended | None = None
        self._pace = Buckets(MESSAGES)
        self._session = asyncio.timeout(None)
        self._receive: Receive
        self._send: Send
        self._sender: Sender
        self._running: Running

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the socket from its handshake to its end."""
        self._receive, self._send = receive, send
        self._sender = Sender(send, scope.get("extensions", {}).get(EXTENSION))
        address = client_address(scope)
        self._running = Running(self._streams, self._documents, self._sender, address)
        asked = HTTPConnection(scope)
        await receive()  # websocket.connect
        if not is_allowed_page(asked, self._allowed_origins):
            note_refused_origin(asked)
            # It is not accepted yet, so this is answered with HTTP 403.
            await send({"type": "websocket.close", "code": CloseCode.REFUSED})
            return
        offered = PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if offered else None})
        try:
            if not offered:
                raise Close(CloseCode.SUBPROTOCOL, "Subprotocol not acceptable")
            viewer = await self._initialise(asked)
            prove(scope)
            with self._sessions.admit(viewer, self._notice):
                await self._serve(viewer)
        except Gone:
            pass
        except Close as close:
            await self._close(close.code, close.reason)
        except RateLimited as error:
            ERROR_CODES.request_error(error)  # it is noted
            await self._close(CloseCode.TRY_LATER, "Too many connections")
        except Exception as error:  # uvicorn would close with 1011, on which graphql-ws gives up
            ERROR_CODES.request_error(error)
            await self._close(CloseCode.TRY_LATER, "Internal server error")
        finally:
            await self._running.end()

    async def _serve(self, viewer: Viewer) -> None:
        try:
            async with self._session:
                await self._sender.tell({"type": "connection_ack"})
                while True:
                    await self._handle(viewer, await self._next_message())
        except TimeoutError:
            if self._ended is None:
                raise
            raise Close(self._ended.code, self._ended.reason) from None

    def _notice(self, notice: Notice) -> None:
        if isinstance(notice, Ended):
            if self._ended is not None:
                return  # it is ending already
            self._ended = notice
            self._sender.has_ended = True
            # Wakes the reader, wherever it waits; before it has begun, it ends at once.
            self._session.reschedule(asyncio.get_running_loop().time())
        else:
            warning = "SESSION_IDLE" if notice.is_idle else "KEY_EXPIRES"
            payload = {"warning": warning, "expiresAt": notice.at.isoformat()}
            self._running.spawn(self._warn({"type": "ping", "payload": payload}))

    async def _warn(self, message: dict[str, Any]) -> None:
        with suppress(Gone):
            await self._sender.tell(message)

    async def _initialise(self, asked: HTTPConnection) -> Viewer:
        """Wait for connection_init and its key; that of the upgrade request serves as well."""
        try:
            async with asyncio.timeout(INIT_SECONDS):
                while (message := await self._next_message())["type"] != "connection_init":
                    if message["type"] == "subscribe":
                        raise Close(CloseCode.UNAUTHORIZED, "Unauthorized")
                    await self._handle_ping(message)
                payload = messages.read_payload(message)
                sent, meant = sent_at_init(payload), payload.get("viewer")
                practice = payload.get("practice")
                return await viewer_of(self._keys, asked, sent, meant, practice)
        except TimeoutError:
            raise Close(CloseCode.TOO_SLOW, "Connection initialisation timeout") from None
        except OtherViewer:
            raise Close(CloseCode.FORBIDDEN, "Viewer changed") from None
        except Unauthenticated:
            raise Close(CloseCode.FORBIDDEN, "Forbidden") from None
        except RateLimited:
            raise Close(CloseCode.TRY_LATER, "Too many keys were not valid") from None

    async def _next_message(self) -> dict[str, Any]:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise Gone
        if self._pace.take(None, 1):
            raise Close(CloseCode.REFUSED, "Too many messages")
        return messages.read_message(event.get("text"))

    async def _handle(self, viewer: Viewer, message: dict[str, Any]) -> None:
        match message["type"]:
            case "subscribe":
                await self._running.subscribe(viewer, message)
            case "complete":
                self._running.complete(messages.read_id(message))
            case "connection_init":
                raise Close(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
            case _:
                await self._handle_ping(message)

    async def _handle_ping(self, message: dict[str, Any]) -> None:
        if not isinstance(message.get("payload"), Unreadable):  # it is ignored
            messages.read_payload(message)
        match message["type"]:
            case "ping":
                await self._sender.tell({"type": "pong"})
            case "pong":
                pass
            case _:
                raise Close(CloseCode.WRONG_FORM, "Unknown message type")

    async def _close(self, code: int, reason: str) -> None:
        await self._running.end()  # first: a client that does not read keeps a close waiting
        with suppress(OSError, RuntimeError):  # the client may have gone meanwhile
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
