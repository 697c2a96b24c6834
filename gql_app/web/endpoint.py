"""/graphql: POST for queries and mutations, POST for an event stream, or a WebSocket."""

import asyncio
from contextlib import aclosing, suppress

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from gql_app.access import KeyLookup, Viewer
from gql_app.execution.memory import Schema
from gql_app.live.groups import Groups
from gql_app.schema import shown
from gql_app.schema.context import Context, Services
from gql_app.web.credentials import viewer_of
from gql_app.web.refusals import NotPost, refusal
from gql_app.web.requests import GraphQLRequest, read_body, read_json, read_request
from gql_app.web.sessions import Notices, Sessions
from gql_app.web.socket import SLOW_SECONDS, Socket
from gql_app.web.sse import HEADERS, events
from gql_app.web.streams import Streams
from gql_app.work.reading import BadInput


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
    ) -> None:
        self._schema = schema
        self._streams = Streams(schema, services, groups)
        self._sessions = sessions
        self._keys = keys
        self._services = services
        self._allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            socket = Socket(self._streams, self._sessions, self._keys, self._allowed_origins)
            await socket.run(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            viewer, graphql = await self._read(request)
            if "text/event-stream" in request.headers.get("accept", ""):
                await self._stream(request, viewer, graphql, send)
                return
            response = await self._execute(viewer, graphql)
        except Exception as error:  # what is not expected is masked and logged like any other
            response = refusal(error)
        await response(scope, receive, send)

    async def _read(self, request: Request) -> tuple[Viewer, GraphQLRequest]:
        if request.method != "POST":
            raise NotPost("Send a POST request, or open a WebSocket.")
        viewer = await viewer_of(self._keys, request.headers)
        return viewer, read_request(read_json(await read_body(request)))

    async def _stream(
        self, request: Request, viewer: Viewer, graphql: GraphQLRequest, send: Send
    ) -> None:
        notices = Notices()
        with self._sessions.admit(viewer, notices.give):
            results = self._streams.run(viewer, graphql, request.headers.get("last-event-id"))
            async with aclosing(events(results, viewer.practice_id, notices)) as body:
                response = StreamingResponse(body, media_type="text/event-stream", headers=HEADERS)
                # A client that does not read is let go: it comes back with the id that it has.
                with suppress(TimeoutError):
                    await response(request.scope, request.receive, _within(SLOW_SECONDS, send))

    async def _execute(self, viewer: Viewer, graphql: GraphQLRequest) -> Response:
        context = Context(viewer, self._services)
        try:
            result = await self._schema.execute(
                graphql.query,
                variable_values=graphql.variables,
                context_value=context,
                operation_name=graphql.operation_name,
                allowed_operation_types=(OperationType.QUERY, OperationType.MUTATION),
            )
        except (CannotGetOperationTypeError, MissingQueryError):
            raise BadInput("The request does not say which operation to run.") from None
        except InvalidOperationTypeError:
            message = "Subscriptions need a WebSocket, or Accept: text/event-stream."
            raise BadInput(message) from None
        answer = shown(result, whole=context.whole)
        return Response(orjson.dumps(answer), media_type="application/json")


def _within(seconds: float, send: Send) -> Send:
    async def send_or_give_up(message: Message) -> None:
        async with asyncio.timeout(seconds):
            await send(message)

    return send_or_give_up
