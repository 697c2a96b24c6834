"""WebSocket frames that are made once and sent to many.

In ASGI each connection makes its own frame of the same text, in a coroutine of its own. uvicorn's
protocol is asked here for one thing more: to take frames that are made already, if it can at once.
A server that does not offer this is sent texts, as ASGI has it.
"""

from asyncio import BaseTransport
from functools import partial
from sys import getsizeof
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from gql_app.web.close_codes import CloseCode
from gql_app.web.connections import CONNECTIONS, PROVE, Connection, Connections

CLOSE_SECONDS = 3.0
"""How long a client may take to answer a close."""

PIECE = 4 * 1024
"""Bytes of a client that are taken apart at a time: up to two hundred short messages."""

COPIES = 2
"""A text that waits to be sent is kept as well as the result that it was made of."""

EXTENSION = "callboard.frames"
"""In the scope's extensions: a function that is given frames, and says whether they are sent."""


class FramesProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which takes frames as well, and does not wait for ever for a client that
    does not read."""

    _guards: Connections
    _connection: Connection

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.close_timeout = CLOSE_SECONDS
        self._rest = b""
        self._guards = self.app_state[CONNECTIONS]
        self._connection = self._guards.of(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._guards.lost(self._connection)

    def data_received(self, data: bytes) -> None:
        """Take messages apart as fast as they are handled. uvicorn takes all apart at once, and a
        message is an object ten times as large as what came."""
        if self._rest or len(data) > PIECE:
            self._rest += data
            self._take_apart()
        else:
            super().data_received(data)

        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse_handshake()

    def _refuse_handshake(self) -> None:
        """The library cannot read the head. uvicorn would neither answer nor close."""
        self.handshake_complete = self.close_sent = True
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        self.transport.close()

    def _take_apart(self) -> None:
        # After a close nobody handles messages, and uvicorn drops them.
        while (
            self._rest
            and (self.queue.empty() or self.close_sent)
            and not self.transport.is_closing()
        ):
            piece, self._rest = self._rest[:PIECE], self._rest[PIECE:]
            super().data_received(piece)

    async def receive(self) -> Any:
        message = await super().receive()
        self._take_apart()
        return message

    def pause_writing(self) -> None:
        super().pause_writing()
        self._guards.unread(self._connection)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._guards.read(self._connection)

    async def run_asgi(self) -> None:
        extensions = cast("dict[str, Any]", self.scope["extensions"])
        extensions[EXTENSION] = self.take
        extensions[PROVE] = partial(self._guards.prove, self._connection)
        await super().run_asgi()
        self._guards.unread(self._connection)  # a close waits for what has not been read

    def send_receive_event_to_app(self) -> None:
        """uvicorn closes for a text that is not UTF-8, and logs it as an error of the server's."""
        is_text = self.curr_msg_data_type == "text"
        if is_text and self.conn.state is State.OPEN and not _is_utf8(self.frames):
            self.conn.send_close(CloseCode.NOT_UTF8)
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    async def send(self, message: Any) -> None:
        """Send a message once the client reads. What waits for that is counted."""
        if self.writable.is_set():
            await super().send(message)
        else:
            # A text of which a character is beyond Latin-1 takes two bytes or four for each.
            size = COPIES * getsizeof(message.get("text"))
            with self._guards.held_back(self._connection, size):
                await super().send(message)

    def handle_ping(self) -> None:
        """Answer a ping, unless the client does not read what it has been sent already."""
        answer = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(answer)

    def was_slow(self) -> None:
        """It is time to have shown a key."""
        if not self._connection.proven:
            self._guards.cut_off(self._connection, "slow")

    def shutdown(self) -> None:
        """The server stops. uvicorn would say so to a connection that is closing already, which
        websockets refuses: the stop would end there, and the database would not be closed."""
        if self.handshake_complete and self.conn.state is not State.OPEN:
            self.stop_keepalive()
            self.transport.close()
        else:
            super().shutdown()

    def keepalive_timeout(self) -> None:
        """The client did not answer a ping: it is asleep, or the network has gone. uvicorn would
        close with 1011, on which graphql-ws gives up. On 1001 clients come back when they wake."""
        self.pong_timer = self.pending_ping_payload = None
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.fail(CloseCode.ASLEEP, "No answer to a ping")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        # What a stopped client leaves unread would keep the connection for as long.
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def take(self, frames: bytes) -> bool:
        """Send `frames`. False, with none sent, if the client reads too slowly, or is gone."""
        if self.disconnected or self.conn.state is not State.OPEN or not self.writable.is_set():
            return False
        self.transport.write(frames)
        return True


def _is_utf8(parts: list[bytes]) -> bool:
    try:
        b"".join(parts).decode()
    except UnicodeDecodeError:
        return False
    return True


def text_frame(text: str) -> bytes:
    """A text in a frame of its own, as servers send it: unmasked, and not compressed."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
