"""What is read of a request before anything is made of it."""

import pytest
from starlette.requests import Request
from starlette.types import Message

from gql_app.web.requests import read_body
from gql_app.work.reads.conditions import BadInput


async def test_a_client_that_goes_away_while_it_sends_is_no_error_of_ours() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"query": ', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    headers = [(b"content-type", b"application/json")]
    with pytest.raises(BadInput, match="broke off"):
        await read_body(Request({"type": "http", "headers": headers}, receive))
