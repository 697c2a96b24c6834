"""/graphql: POST for queries and mutations, POST for an event stream, or a WebSocket."""

import asyncio
from contextlib import aclosing, suppress

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from gql_app.access import KeyLookup, Viewer
from gql_app.delivery.groups import Groups
from gql_app.delivery.operations import IsSubscription, Operations
from gql_app.delivery.results import encoded
from gql_app.delivery.streams import Streams
from gql_app.execution.bounded import Bounded
from gql_app.execution.limits import TooComplex
from gql_app.execution.memory import Schema
from gql_app.execution.persisted import PersistedDocuments
from gql_app.execution.request import GraphQLRequest
from gql_app.logs.request import current
from gql_app.schema.context import Services
from gql_app.schema.errors import ERROR_CODES, has_failed, retry_after
from gql_app.web.accepting import JSON, RESPONSE, STREAM, Accepted
from gql_app.web.addresses import client_address
from gql_app.web.connections import prove
from gql_app.web.credentials import viewer_of
from gql_app.web.http_errors import NotAcceptable, NotPost, PersistedQueryByGet, refusal
from gql_app.web.requests import PERSISTED, read_body, read_json, read_request
from gql_app.web.sending import SLOW_SECONDS
from gql_app.web.sessions import Notices, Sessions
from gql_app.web.socket import Socket
from gql_app.web.sse import HEADERS, events
from gql_app.work.reads.conditions import BadInput

KNOWN_ACCEPTS = 50
MAX_KNOWN_ACCEPT = 200
"""Accept headers that are remembered, and the length of one at most."""

COST = "x-callboard-cost"
"""The header that asks for what a request has cost, whatever that is."""


class Endpoint:
    """The ASGI application behind /graphql."""

    def __init__(
        self,
        schema: Schema,
        services: Services,
        groups: Groups,
        sessions: Sessions,
        keys: KeyLookup,
        allowed_origins: tuple[str, ...],
        documents: PersistedDocuments,
    ) -> None:
        self._documents = documents
        self._operations = Operations(schema, services)
        self._streams = Streams(schema, services, groups)
        self._sessions = sessions
        self._keys = keys
        self._allowed_origins = allowed_origins
        self._known_accepts: Bounded[str, tuple[Accepted, str | None]] = Bounded(KNOWN_ACCEPTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            socket = Socket(
                self._streams,
                self._documents,
                self._sessions,
                self._keys,
                self._allowed_origins,
            )
            await socket.run(scope, receive, send)
            return
        request = Request(scope, receive)
        accepted, media_type = self._accepted(request)
        try:
            response = await self._answer(request, accepted, media_type, send)
        except Exception as error:  # what is not expected is masked and logged like any other
            response = refusal(error, accepted)
        if response is not None:
            await response(scope, receive, send)

    def _accepted(self, request: Request) -> tuple[Accepted, str | None]:
        """What the client accepts, and what it likes best of what there is. Nearly all clients send
        one of a few headers, so these are remembered."""
        header = ",".join(request.headers.getlist("accept"))
        known = self._known_accepts.get(header)
        if known is None:
            accepted = Accepted((header,))
            known = accepted, accepted.best((JSON, RESPONSE, STREAM))
            if len(header) <= MAX_KNOWN_ACCEPT:
                self._known_accepts.add(header, known)
        return known

    async def _answer(
        self, request: Request, accepted: Accepted, media_type: str | None, send: Send
    ) -> Response | None:
        """The answer, None if it was a stream, which has been sent."""
        if request.method != "POST":
            if PERSISTED in request.query_params.get("extensions", ""):
                raise PersistedQueryByGet
            raise NotPost("Send a POST request, or open a WebSocket.")
        viewer = await viewer_of(self._keys, request)
        prove(request.scope)
        if media_type is None:
            raise NotAcceptable(f"Answers are {JSON}, {RESPONSE} or {STREAM}.")
        body = read_json(await read_body(request))
        graphql = read_request(body, self._documents, viewer.practice_id)
        if (facts := current()) is not None:
            facts.name_operation(graphql.operation_name)
        if media_type != STREAM:
            try:
                return await self._execute(request, viewer, graphql, media_type)
            except IsSubscription:
                if not accepted.names(STREAM):
                    message = f"Subscriptions need a WebSocket, or Accept: {STREAM}."
                    raise BadInput(message) from None
        await self._stream(request, viewer, graphql, send)
        return None

    async def _stream(
        self, request: Request, viewer: Viewer, graphql: GraphQLRequest, send: Send
    ) -> None:
        notices = Notices()
        with self._sessions.admit(viewer, notices.give):
            cursor, address = request.headers.get("last-event-id"), client_address(request.scope)
            results = self._streams.run(viewer, graphql, cursor, address=address)
            async with aclosing(events(results, viewer.practice_id, notices)) as body:
                response = StreamingResponse(body, media_type=STREAM, headers=HEADERS)
                # A client that does not read is let go: it comes back with the id that it has.
                with suppress(TimeoutError):
                    await response(request.scope, request.receive, _within(SLOW_SECONDS, send))

    async def _execute(
        self, request: Request, viewer: Viewer, graphql: GraphQLRequest, media_type: str
    ) -> Response:
        """Raises `IsSubscription`."""
        if (copy := self._operations.copy(graphql)) is not None:
            return Response(copy, media_type=media_type)

        async def gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass  # the body has been read

        address, tells_cost = client_address(request.scope), COST in request.headers
        answer = await self._operations.answer(
            viewer, graphql, address, gone, tells_cost=tells_cost
        )
        try:
            body = encoded(answer)
            self._operations.keep_copy(graphql, answer)
        except TooComplex as error:
            answer = {"errors": [ERROR_CODES.request_error(error)]}
            body = orjson.dumps(answer)
        status, headers = 200, None
        if answer.get("data") is None and (seconds := retry_after(answer["errors"])) is not None:
            status, headers = 429, {"Retry-After": str(seconds)}
        elif media_type == RESPONSE and "data" not in answer:  # it was not carried out
            status = 500 if has_failed(answer["errors"]) else 400
        return Response(body, status, headers, media_type)


def _within(seconds: float, send: Send) -> Send:
    async def send_or_give_up(message: Message) -> None:
        async with asyncio.timeout(seconds):
            await send(message)

    return send_or_give_up
