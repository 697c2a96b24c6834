"""Messages of graphql-transport-ws as they come in, checked in shape before anything reads them.

A message of the wrong form closes the socket. If only its payload cannot be read, its operation
fails and the others go on.
"""

import json
import re
from typing import Any, NamedTuple

from gql_app.execution.persisted import PersistedDocuments
from gql_app.execution.request import GraphQLRequest
from gql_app.web.close_codes import CloseCode
from gql_app.web.requests import read_json, read_request
from gql_app.work.reads.conditions import BadInput

MAX_ID = 200
MAX_REASON = 123
"""Bytes of a close frame's reason, by the protocol of WebSockets."""


class Close(Exception):
    """The socket is to be closed with this code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        encoded = reason.encode(errors="backslashreplace")[:MAX_REASON]
        self.reason = encoded.decode(errors="ignore")


class Unreadable(NamedTuple):
    """Stands for a payload that cannot be read; `why` is what to tell the client."""

    why: str


def read_message(text: str | None) -> dict[str, Any]:
    """The message in a frame. Raises `Close`."""
    if text is None:
        raise Close(CloseCode.WRONG_FORM, "Messages are text")
    try:
        message = read_json(text)
    except BadInput as error:
        message = {**_outside(text), "payload": Unreadable(str(error))}
        if "type" not in message:
            raise Close(CloseCode.WRONG_FORM, "Messages are JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Close(CloseCode.WRONG_FORM, "A message is an object with a type")
    return message


def read_id(message: dict[str, Any]) -> str:
    """The id of a message's operation. Raises `Close`."""
    operation_id = message.get("id")
    if not isinstance(operation_id, str) or not 0 < len(operation_id) <= MAX_ID:
        raise Close(CloseCode.WRONG_FORM, f"An id is a string of 1 to {MAX_ID} characters")
    return operation_id


def read_payload(message: dict[str, Any]) -> dict[str, Any]:
    """The payload of a message other than `subscribe`. Raises `Close`."""
    payload = message.get("payload")
    if isinstance(payload, Unreadable):
        raise Close(CloseCode.WRONG_FORM, payload.why)
    if not isinstance(payload, dict | None):
        raise Close(CloseCode.WRONG_FORM, "A payload is an object")
    return payload or {}


def read_subscribe(
    message: dict[str, Any], documents: PersistedDocuments, practice_id: int
) -> GraphQLRequest:
    """The request in a `subscribe` message, by a key of the practice. Raises `Close` for one of the
    wrong form, and `BadInput` or `NoDocument` for one that fails alone."""
    payload = message.get("payload")
    if isinstance(payload, Unreadable):
        raise BadInput(payload.why)
    try:
        return read_request(payload, documents, practice_id)
    except BadInput as error:
        raise Close(CloseCode.WRONG_FORM, str(error)) from None


def beginning(operation_id: str) -> str:
    """How messages about an operation begin. In ASCII, because an id may be no text that could be
    encoded; it is given back as it came."""
    return f'{{"id":{json.dumps(operation_id)},"type":'


MAX_TOKENS = 10_000
"""How far such a message is read, so that it takes milliseconds."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]+|[\]}]+|[^"\[\]{}]+', re.DOTALL)


def _outside(text: str) -> dict[str, str]:
    """The texts `id` and `type` of an object that cannot be read as a whole."""
    found: dict[str, str] = {}
    name, is_value, depth, place = "", False, 0, 0
    for _ in range(MAX_TOKENS):
        token = _TOKEN.match(text, place)
        if token is None:
            break
        place = token.end()
        first = text[token.start()]
        if first in "[{":
            depth += place - token.start()
        elif first in "]}":
            depth -= place - token.start()
        elif depth != 1:
            continue
        elif first != '"':
            is_value = token[0].rstrip().endswith(":")
        elif not is_value:
            name = token[0]
        elif name in {'"id"', '"type"'}:
            found[name[1:-1]] = _text(token[0])
        if len(found) == 2:
            break
    return found


def _text(token: str) -> str:
    try:
        value: str = json.loads(token)  # takes lone surrogates
    except ValueError:
        return ""
    return value
