"""One WebSocket that speaks graphql-transport-ws.

Protocol: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. Every frame is checked in
shape before anything reads it, and whatever goes wrong ends in a documented close code.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from gql_app.access import KeyLookup, RateLimited, Unauthenticated, Viewer
from gql_app.live.groups import News
from gql_app.schema import ERROR_CODES
from gql_app.web.credentials import viewer_of
from gql_app.web.frames import EXTENSION, text_frame
from gql_app.web.requests import GraphQLRequest, read_json, read_request
from gql_app.web.sessions import REJECTED, TRY_LATER, Ended, Notice, Sessions
from gql_app.web.streams import Streams
from gql_app.work.cursors import event_cursor
from gql_app.work.reading import BadInput
from models.chain import Position
from models.event import Resync

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 5.0
MAX_OPERATIONS = 100
MAX_RUNNING = 2 * MAX_OPERATIONS
"""With those that the client has completed and that are still ending: a client that completes and
subscribes again and again must not pile them up."""
MAX_ID = 200
SLOW_SECONDS = 4.0
"""How long a client may leave its full buffer (the server's, 64 KiB) unread in a stream."""


class _Close(Exception):
    """The socket is to be closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Behind(Exception):
    """The client does not read; `cursor` is that of the last event it was sent."""

    def __init__(self, cursor: str | None) -> None:
        super().__init__()
        self.cursor = cursor


class _Gone(Exception):
    """The client has closed the socket."""


class _Progress:
    """How far the client has been told in one operation: all up to the event at `sent`."""

    sent: Position | None = None

    def __init__(self, begin: str, take: Callable[[bytes], bool]) -> None:
        self._begin = begin
        self._take = take

    def hear(self, news: News) -> bool:
        """Send news in frames, which are the same for all operations with the same id."""
        frames = news.made.get(self._begin)
        if frames is None:
            texts = [f'{self._begin}"next","payload":{r.payload}}}' for r in news.results]
            frames = news.made[self._begin] = b"".join(map(text_frame, texts))
        if not self._take(frames):
            return False
        self.sent = news.results[-1].position
        return True


class Socket:
    """A client's connection: one viewer, any number of operations up to `MAX_OPERATIONS`."""

    def __init__(
        self,
        streams: Streams,
        sessions: Sessions,
        keys: KeyLookup,
        allowed_origins: tuple[str, ...],
    ) -> None:
        self._allowed_origins = allowed_origins
        self._streams = streams
        self._sessions = sessions
        self._keys = keys
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._ended: Ended | None = None
        self._session = asyncio.timeout(None)
        self._receive: Receive
        self._send: Send
        self._take: Callable[[bytes], bool] | None = None

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the socket from its handshake to its end."""
        self._receive, self._send = receive, send
        self._take = scope.get("extensions", {}).get(EXTENSION)
        headers = Headers(scope=scope)
        await receive()  # websocket.connect
        if not self._is_allowed(headers.get("origin"), headers.get("host")):
            await send({"type": "websocket.close", "code": 1008})  # unaccepted: answered with 403
            return
        offered = PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if offered else None})
        try:
            if not offered:
                raise _Close(4406, "Subprotocol not acceptable")
            viewer = await self._initialise(headers)
            with self._sessions.admit(viewer, self._notice):
                await self._serve(viewer)
        except _Gone:
            pass
        except _Close as close:
            await self._close(close.code, close.reason)
        except RateLimited:
            await self._close(TRY_LATER, "Too many connections")
        finally:
            await self._end_operations()

    async def _serve(self, viewer: Viewer) -> None:
        try:
            async with self._session:
                await self._tell({"type": "connection_ack"})
                while True:
                    await self._handle(viewer, await self._next_message())
        except TimeoutError:
            if self._ended is None:
                raise
            raise _Close(self._ended.code, self._ended.reason) from None

    def _notice(self, notice: Notice) -> None:
        if isinstance(notice, Ended):
            if self._ended is not None:
                return  # it is ending already
            self._ended = notice
            # Wakes the reader, wherever it waits; before it has begun, it ends at once.
            self._session.reschedule(asyncio.get_running_loop().time())
        else:
            payload = {"warning": "KEY_EXPIRES", "expiresAt": notice.at.isoformat()}
            self._spawn(self._warn({"type": "ping", "payload": payload}))

    async def _warn(self, message: dict[str, Any]) -> None:
        with suppress(_Gone):
            await self._tell(message)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that the socket awaits before it ends."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _is_allowed(self, origin: str | None, host: str | None) -> bool:
        """Browsers let any page open a socket anywhere; the origin tells whose page it is."""
        if origin is None or "*" in self._allowed_origins or origin in self._allowed_origins:
            return True
        return origin.partition("://")[2] == host

    async def _initialise(self, headers: Headers) -> Viewer:
        """Wait for connection_init and its key; that of the upgrade request serves as well."""
        try:
            async with asyncio.timeout(INIT_SECONDS):
                while (message := await self._next_message())["type"] != "connection_init":
                    if message["type"] == "subscribe":
                        raise _Close(4401, "Unauthorized")
                    await self._handle_ping(message)
                payload = _payload(message)
                return await viewer_of(self._keys, headers, payload.get("authorization"))
        except TimeoutError:
            raise _Close(4408, "Connection initialisation timeout") from None
        except Unauthenticated:
            raise _Close(REJECTED, "Forbidden") from None
        except _Close:
            raise
        except Exception as error:
            ERROR_CODES.request_error(error)
            raise _Close(TRY_LATER, "Internal server error") from None

    async def _next_message(self) -> dict[str, Any]:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise _Gone
        text = event.get("text")
        if text is None:
            raise _Close(4400, "Messages are text")
        try:
            message = read_json(text)
        except BadInput:
            raise _Close(4400, "Messages are JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Close(4400, "A message is an object with a type")
        return message

    async def _handle(self, viewer: Viewer, message: dict[str, Any]) -> None:
        match message["type"]:
            case "subscribe":
                await self._subscribe(viewer, message)
            case "complete":
                operation = self._operations.pop(_id(message), None)
                if operation is not None:
                    operation.cancel()
            case "connection_init":
                raise _Close(4429, "Too many initialisation requests")
            case _:
                await self._handle_ping(message)

    async def _handle_ping(self, message: dict[str, Any]) -> None:
        _payload(message)
        match message["type"]:
            case "ping":
                await self._tell({"type": "pong"})
            case "pong":
                pass
            case _:
                raise _Close(4400, "Unknown message type")

    async def _subscribe(self, viewer: Viewer, message: dict[str, Any]) -> None:
        operation_id = _id(message)
        if operation_id in self._operations:
            raise _Close(4409, f"Subscriber for {operation_id} already exists")
        try:
            request = read_request(message.get("payload"))
        except BadInput as error:
            raise _Close(4400, str(error)) from None
        if len(self._operations) >= MAX_OPERATIONS or len(self._running) >= MAX_RUNNING:
            limit = RateLimited(f"A socket runs at most {MAX_OPERATIONS} operations at once.")
            await self._fail(operation_id, [ERROR_CODES.request_error(limit)])
            return
        operation = self._operate(viewer, operation_id, request)
        self._operations[operation_id] = self._spawn(operation)

    async def _operate(self, viewer: Viewer, operation_id: str, request: GraphQLRequest) -> None:
        """Run one operation to its end, whatever that is."""
        try:
            await self._run(viewer, operation_id, request)
        except _Gone:
            pass  # the reader sees it as well, and ends the socket
        except _Behind as behind:  # the stream is closed by now; only the news of it has to wait
            await self._fall_behind(operation_id, behind.cursor)
        except Exception as error:
            with suppress(_Gone):
                await self._fail(operation_id, [ERROR_CODES.request_error(error)])

    async def _run(self, viewer: Viewer, operation_id: str, request: GraphQLRequest) -> None:
        # The results are texts already, the same for all who watch; only the id is each one's own.
        begin = f'{{"id":{orjson.dumps(operation_id).decode()},"type":'
        progress = _Progress(begin, self._take_frames)
        hear = None if self._take is None else progress.hear
        async with aclosing(self._streams.run(viewer, request, hear=hear)) as results:
            async for result in results:
                if result.last:
                    self._operations.pop(operation_id, None)
                    await self._tell_text(f'{begin}"error","payload":{result.payload}}}')
                    return
                try:
                    await self._tell_in_time(f'{begin}"next","payload":{result.payload}}}')
                except TimeoutError:
                    sent = progress.sent
                    cursor = None if sent is None else event_cursor(viewer.practice_id, sent)
                    raise _Behind(cursor) from None
                progress.sent = result.position
        # Freed before it is told, so that the client may use the id again at once.
        self._operations.pop(operation_id, None)
        await self._tell({"id": operation_id, "type": "complete"})

    def _take_frames(self, frames: bytes) -> bool:
        """Whether they could be sent at once; none are once the session has ended."""
        return self._ended is None and self._take is not None and self._take(frames)

    async def _fall_behind(self, operation_id: str, cursor: str | None) -> None:
        """The client does not read: end the stream, and say where it can go on once it does."""
        error = ERROR_CODES.request_error(Resync("The client does not keep up with the stream."))
        error["extensions"]["cursor"] = cursor
        with suppress(_Gone):
            await self._fail(operation_id, [error])

    async def _fail(self, operation_id: str, errors: list[dict[str, Any]]) -> None:
        self._operations.pop(operation_id, None)
        await self._tell({"id": operation_id, "type": "error", "payload": errors})

    async def _tell(self, message: dict[str, Any]) -> None:
        await self._tell_text(orjson.dumps(message).decode())

    async def _tell_text(self, text: str) -> None:
        try:
            await self._send({"type": "websocket.send", "text": text})
        except (OSError, RuntimeError):  # what ASGI servers raise once the socket is closed
            raise _Gone from None

    async def _tell_in_time(self, text: str) -> None:
        """Raises `TimeoutError` if the client leaves its buffer unread."""
        async with asyncio.timeout(SLOW_SECONDS):
            await self._tell_text(text)

    async def _close(self, code: int, reason: str) -> None:
        await self._end_operations()  # first: a client that does not read keeps a close waiting
        with suppress(OSError, RuntimeError):  # the client may have gone meanwhile
            # The protocol of WebSockets leaves 123 bytes for a reason.
            await self._send({"type": "websocket.close", "code": code, "reason": reason[:120]})

    async def _end_operations(self) -> None:
        self._operations.clear()
        running = list(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)


def _id(message: dict[str, Any]) -> str:
    operation_id = message.get("id")
    if not isinstance(operation_id, str) or not 0 < len(operation_id) <= MAX_ID:
        raise _Close(4400, f"An id is a string of 1 to {MAX_ID} characters")
    return operation_id


def _payload(message: dict[str, Any]) -> dict[str, Any]:
    payload = message.get("payload")
    if not isinstance(payload, dict | None):
        raise _Close(4400, "A payload is an object")
    return payload or {}
