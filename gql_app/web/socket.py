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

from gql_app.access import KeyLookup, OtherViewer, RateLimited, Unauthenticated, Viewer
from gql_app.delivery.results import ResultBatch
from gql_app.delivery.streams import Streams
from gql_app.execution.documents import PersistedQueryNotSupported
from gql_app.execution.request import GraphQLRequest
from gql_app.schema import ERROR_CODES
from gql_app.web import messages
from gql_app.web.credentials import is_allowed_page, sent_at_init, viewer_of
from gql_app.web.frames import EXTENSION, text_frame
from gql_app.web.messages import Close, Unreadable
from gql_app.web.sessions import REJECTED, TRY_LATER, Ended, Notice, Sessions
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from models.event import Resync

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 5.0
MAX_OPERATIONS = 100
MAX_RUNNING = 2 * MAX_OPERATIONS
"""With those that the client has completed and that are still ending: a client that completes and
subscribes again and again must not pile them up."""
SLOW_SECONDS = 4.0
"""How long a client may leave its full buffer (the server's, 64 KiB) unread in a stream."""


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

    def take(self, batch: ResultBatch) -> bool:
        """Send a batch in frames, which are the same for all operations with the same id."""
        frames = batch.encoded.get(self._begin)
        if frames is None:
            texts = [f'{self._begin}"next","payload":{r.payload}}}' for r in batch.results]
            frames = batch.encoded[self._begin] = b"".join(map(text_frame, texts))
        if not self._take(frames):
            return False
        self.sent = batch.results[-1].position
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
        if not is_allowed_page(headers, self._allowed_origins):
            await send({"type": "websocket.close", "code": 1008})  # unaccepted: answered with 403
            return
        offered = PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if offered else None})
        try:
            if not offered:
                raise Close(4406, "Subprotocol not acceptable")
            viewer = await self._initialise(headers)
            with self._sessions.admit(viewer, self._notice):
                await self._serve(viewer)
        except _Gone:
            pass
        except Close as close:
            await self._close(close.code, close.reason)
        except RateLimited:
            await self._close(TRY_LATER, "Too many connections")
        except Exception as error:  # uvicorn would close with 1011, on which graphql-ws gives up
            ERROR_CODES.request_error(error)
            await self._close(TRY_LATER, "Internal server error")
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
            raise Close(self._ended.code, self._ended.reason) from None

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

    async def _initialise(self, headers: Headers) -> Viewer:
        """Wait for connection_init and its key; that of the upgrade request serves as well."""
        try:
            async with asyncio.timeout(INIT_SECONDS):
                while (message := await self._next_message())["type"] != "connection_init":
                    if message["type"] == "subscribe":
                        raise Close(4401, "Unauthorized")
                    await self._handle_ping(message)
                payload = messages.read_payload(message)
                sent, meant = sent_at_init(payload), payload.get("viewer")
                return await viewer_of(self._keys, headers, sent, meant)
        except TimeoutError:
            raise Close(4408, "Connection initialisation timeout") from None
        except OtherViewer:
            raise Close(REJECTED, "Viewer changed") from None
        except Unauthenticated:
            raise Close(REJECTED, "Forbidden") from None

    async def _next_message(self) -> dict[str, Any]:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise _Gone
        return messages.read_message(event.get("text"))

    async def _handle(self, viewer: Viewer, message: dict[str, Any]) -> None:
        match message["type"]:
            case "subscribe":
                await self._subscribe(viewer, message)
            case "complete":
                operation = self._operations.pop(messages.read_id(message), None)
                if operation is not None:
                    operation.cancel()
            case "connection_init":
                raise Close(4429, "Too many initialisation requests")
            case _:
                await self._handle_ping(message)

    async def _handle_ping(self, message: dict[str, Any]) -> None:
        if not isinstance(message.get("payload"), Unreadable):  # it is ignored
            messages.read_payload(message)
        match message["type"]:
            case "ping":
                await self._tell({"type": "pong"})
            case "pong":
                pass
            case _:
                raise Close(4400, "Unknown message type")

    async def _subscribe(self, viewer: Viewer, message: dict[str, Any]) -> None:
        operation_id = messages.read_id(message)
        if operation_id in self._operations:
            raise Close(4409, f"Subscriber for {operation_id} already exists")
        try:
            request = messages.read_subscribe(message)
        except (BadInput, PersistedQueryNotSupported) as error:
            await self._fail(operation_id, [ERROR_CODES.request_error(error)])
            return
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
        begin = messages.beginning(operation_id)
        progress = _Progress(begin, self._take_frames)
        listener = None if self._take is None else progress.take
        async with aclosing(self._streams.run(viewer, request, listener=listener)) as results:
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
        await self._tell_text(f'{begin}"complete"}}')

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
        payload = orjson.dumps(errors).decode()
        await self._tell_text(f'{messages.beginning(operation_id)}"error","payload":{payload}}}')

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
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _end_operations(self) -> None:
        self._operations.clear()
        running = list(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
