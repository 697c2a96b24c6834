"""A GraphQL request as it comes in, whichever way: checked in shape before anything reads it."""

from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from gql_app.execution.persisted import PersistedDocuments
from gql_app.execution.request import GraphQLRequest
from gql_app.web.accepting import JSON
from gql_app.web.http_errors import NotJson, TooLarge
from gql_app.work.reads.conditions import BadInput

MAX_BODY = 768 * 1024
"""Bytes of a request's body; the largest notes are 40 KB."""
MAX_SMALL_BODY = 16 * 1024
"""The same for requests of those who have not shown yet who they are."""

PERSISTED = "persistedQuery"
"""The entry of a request's extensions that has a document's hash."""

CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})

DOCUMENT_IDS = ("documentId", "doc_id", "id")


async def read_body(request: Request, most: int = MAX_BODY) -> bytes:
    """The body, which says that it is JSON. Raises `BadInput`."""
    media_type, *parameters = request.headers.get("content-type", "").lower().split(";")
    if media_type.strip() != JSON:
        raise NotJson("Send JSON, with Content-Type: application/json.")
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        if name.strip() == "charset" and value.strip(' "') not in CHARSETS:
            raise NotJson("Send JSON in UTF-8.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise TooLarge(f"The request is larger than {most // 1024} KB.")
    except ClientDisconnect:  # nobody is left to answer, and nothing is wrong on our side
        raise BadInput("The request broke off.") from None
    return bytes(body)


def read_json(body: bytes | str) -> Any:
    """The value in a body or frame. Raises `BadInput`."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if "surrogate" in error.msg:
            raise BadInput("A text has half a character: a lone surrogate.") from None
        raise BadInput(f"The request is not JSON that can be read: {error.msg}.") from None


def read_request(value: Any, documents: PersistedDocuments, practice_id: int) -> GraphQLRequest:
    """The request in a decoded body or `subscribe` payload, by a key of the practice. Raises
    `BadInput` and `NoDocument`."""
    if not isinstance(value, dict):
        raise BadInput("A request is a JSON object with a query.")
    given = value.get("query")
    if not isinstance(given, str | None):
        raise BadInput("The request has no query.")
    query = documents.text(practice_id, given or None, _name_of_document(value))
    if query is None or not query.strip():
        raise BadInput("The request has no query.")
    for name in ("variables", "extensions"):
        if not isinstance(value.get(name), dict | None):
            raise BadInput(f"{name} is an object or null.")
    operation_name = value.get("operationName")
    if not isinstance(operation_name, str | None):
        raise BadInput("operationName is a string or null.")
    return GraphQLRequest(query, value.get("variables"), operation_name)


def _name_of_document(value: dict[str, Any]) -> str | None:
    """What a request calls its document: by its hash, as the clients of Apollo and urql do, or by
    its id, as pages on Relay do. A hash may say that it is one: `sha256:…`."""
    extensions = value.get("extensions")
    persisted = extensions.get(PERSISTED) if isinstance(extensions, dict) else None
    names = [persisted.get("sha256Hash")] if isinstance(persisted, dict) else []
    names += [value.get(name) for name in DOCUMENT_IDS]
    name = next((name for name in names if isinstance(name, str)), None)
    return None if name is None else name.removeprefix("sha256:")
