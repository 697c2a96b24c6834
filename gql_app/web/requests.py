"""A GraphQL request as it comes in, whichever way: checked in shape before anything reads it."""

from dataclasses import dataclass
from typing import Any

import orjson

from gql_app.work.reading import BadInput


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


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
