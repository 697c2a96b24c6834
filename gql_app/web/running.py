"""The operations that run on one WebSocket, each in a task of its own."""

import asyncio
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from typing import Any

import orjson

from gql_app.access import RateLimited, Viewer
from gql_app.delivery.results import ResultBatch
from gql_app.delivery.streams import Streams
from gql_app.execution.persisted import NoDocument, PersistedDocuments
from gql_app.execution.request import GraphQLRequest
from gql_app.schema.errors import ERROR_CODES
from gql_app.web import messages
from gql_app.web.close_codes import CloseCode
from gql_app.web.frames import text_frame
from gql_app.web.messages import Close
from gql_app.web.request_log import operation_on_socket
from gql_app.web.sending import Gone, Sender
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from models.event import Resync

MAX_OPERATIONS = 100
MAX_RUNNING = 2 * MAX_OPERATIONS
"""With those that the client has completed and that are still ending: a client that completes and
subscribes again and again must not pile them up."""


class _Behind(Exception):
    """The client does not read; `cursor` is that of the last event that it was sent."""

    def __init__(self, cursor: str | None) -> None:
        super().__init__()
        self.cursor = cursor


class _Progress:
    """How far the client has been told in one operation: all up to the event at `sent`."""

    sent: Position | None = None

    def __init__(self, begin: str, sender: Sender) -> None:
        self._begin = begin
        self._sender = sender

    def take(self, batch: ResultBatch) -> bool:
        """Send a batch in frames, which are the same for all operations with the same id."""
        frames = batch.encoded.get(self._begin)
        if frames is None:
            texts = [f'{self._begin}"next","payload":{r.payload}}}' for r in batch.results]
            frames = batch.encoded[self._begin] = b"".join(map(text_frame, texts))
        if not self._sender.take(frames):
            return False
        self.sent = batch.results[-1].position
        return True


class Running:
    """The operations of one socket, by their ids, and whatever else runs until the socket ends. The
    client is at `address`."""

    def __init__(
        self, streams: Streams, documents: PersistedDocuments, sender: Sender, address: str
    ) -> None:
        self._streams = streams
        self._documents = documents
        self._sender = sender
        self._address = address
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that is awaited before the socket ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def subscribe(self, viewer: Viewer, message: dict[str, Any]) -> None:
        """Begin the operation that a `subscribe` message asks for. Raises `Close`."""
        operation_id = messages.read_id(message)
        if operation_id in self._operations:
            raise Close(CloseCode.ID_IN_USE, f"Subscriber for {operation_id} already exists")
        try:
            request = messages.read_subscribe(message, self._documents, viewer.practice_id)
        except (BadInput, NoDocument) as error:
            await self._fail(operation_id, [ERROR_CODES.request_error(error)])
            return
        if len(self._operations) >= MAX_OPERATIONS or len(self._tasks) >= MAX_RUNNING:
            limit = RateLimited(f"A socket runs at most {MAX_OPERATIONS} operations at once.")
            await self._fail(operation_id, [ERROR_CODES.request_error(limit)])
            return
        operation = self._operate(viewer, operation_id, request)
        self._operations[operation_id] = self.spawn(operation)

    def complete(self, operation_id: str) -> None:
        """End an operation, if there is one with this id. Its id is free at once."""
        operation = self._operations.pop(operation_id, None)
        if operation is not None:
            operation.cancel()

    async def end(self) -> None:
        """End everything that runs."""
        self._operations.clear()
        running = list(self._tasks)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    async def _operate(self, viewer: Viewer, operation_id: str, request: GraphQLRequest) -> None:
        """Run one operation to its end, whatever that is."""
        with operation_on_socket(request.operation_name):
            try:
                await self._run(viewer, operation_id, request)
            except Gone:
                pass  # the reader sees it as well, and ends the socket
            except _Behind as behind:  # its stream is closed by now: only this message has to wait
                await self._fall_behind(operation_id, behind.cursor)
            except Exception as error:
                with suppress(Gone):
                    await self._fail(operation_id, [ERROR_CODES.request_error(error)])

    async def _run(self, viewer: Viewer, operation_id: str, request: GraphQLRequest) -> None:
        # The results are texts already, the same for all who watch; only the id differs.
        begin = messages.beginning(operation_id)
        progress = _Progress(begin, self._sender)
        listener = progress.take if self._sender.takes_frames else None
        stream = self._streams.run(viewer, request, listener=listener, address=self._address)
        async with aclosing(stream) as results:
            async for result in results:
                if result.last:
                    self._operations.pop(operation_id, None)
                    await self._sender.tell_text(f'{begin}"error","payload":{result.payload}}}')
                    return
                try:
                    await self._sender.tell_in_time(f'{begin}"next","payload":{result.payload}}}')
                except TimeoutError:
                    sent = progress.sent
                    cursor = None if sent is None else event_cursor(viewer.practice_id, sent)
                    raise _Behind(cursor) from None
                progress.sent = result.position
        # Its id is freed before the client is told, so that the client may use it at once.
        self._operations.pop(operation_id, None)
        await self._sender.tell_text(f'{begin}"complete"}}')

    async def _fall_behind(self, operation_id: str, cursor: str | None) -> None:
        """Tell a client that did not read where it can go on once it does."""
        error = ERROR_CODES.request_error(Resync("The client does not keep up with the stream."))
        error["extensions"]["cursor"] = cursor
        with suppress(Gone):
            await self._fail(operation_id, [error])

    async def _fail(self, operation_id: str, errors: list[dict[str, Any]]) -> None:
        self._operations.pop(operation_id, None)
        payload = orjson.dumps(errors).decode()
        text = f'{messages.beginning(operation_id)}"error","payload":{payload}}}'
        await self._sender.tell_text(text)
