"""A loop of `websocket.send_text` on Starlette, without GraphQL: what the framework alone costs.

It answers as much of graphql-transport-ws as the load needs. A change is POSTed as the text that
every socket is to be sent.
"""

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

watching: list[WebSocket] = []


async def watch(websocket: WebSocket) -> None:
    await websocket.accept(subprotocol="graphql-transport-ws")
    try:
        async for text in websocket.iter_text():
            match json.loads(text)["type"]:
                case "connection_init":
                    await websocket.send_text('{"type":"connection_ack"}')
                case "subscribe":
                    watching.append(websocket)
                case "ping":
                    await websocket.send_text('{"type":"pong"}')
    finally:
        if websocket in watching:
            watching.remove(websocket)


async def change(request: Request) -> Response:
    text = (await request.body()).decode()
    for websocket in watching.copy():
        await websocket.send_text(text)
    return PlainTextResponse("{}")


app = Starlette(
    routes=[WebSocketRoute("/graphql", watch), Route("/graphql", change, methods=["POST"])]
)
