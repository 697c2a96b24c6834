"""A GraphQL request as it comes in, whichever way: checked in shape before anything reads it."""

from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

from gql_app.web.refusals import NotJson, TooLarge
from gql_app.work.reading import BadInput

MAX_BODY = 768 * 1024
"""Bytes of a request's body; the largest notes are 40 KB."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


async def read_body(request: Request) -> bytes:
    """The body, which says that it is JSON. Raises `BadInput`."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if media_type.lower() != "application/json":
        raise NotJson("Send JSON, with Content-Type: application/json.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise TooLarge(f"The request is larger than {MAX_BODY // 1024} KB.")
    return bytes(body)


def read_json(body: bytes | str) -> Any:
    """The value in a body or frame. Raises `BadInput`."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadInput("The request is not JSON.") from None


def read_request(value: Any) -> GraphQLRequest:
    """The request in a decoded body or `subscribe` payload. Raises `BadInput`."""
    if not isinstance(value, dict):
        raise BadInput("A request is a JSON object with a query.")
    query = value.get("query")
    if not isinstance(query, str) or not query.strip():
        raise BadInput("The request has no query.")
    for name in ("variables", "extensions"):
        if not isinstance(value.get(name), dict | None):
            raise BadInput(f"{name} is an object or null.")
    operation_name = value.get("operationName")
    if not isinstance(operation_name, str | None):
        raise BadInput("operationName is a string or null.")
    return GraphQLRequest(query, value.get("variables"), operation_name)
