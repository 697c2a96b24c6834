"""TOO_COMPLEX reaches the client over each transport, and the server goes on."""

from typing import Any

import pytest

from tests.execution.test_limits import TOO_COMPLEX
from tests.serving import Server
from tests.web.streams import event_stream

TOKENS = {"{ viewer { " + "role " * 2_500 + "} }": "over 2,000 tokens; at most 2,000"}
STREAM = (
    "subscription { taskStatusChanged { " + " ".join(f"a{i}: seq" for i in range(51)) + " } }",
    "51 aliases; at most 50",
)
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

EACH = [*TOO_COMPLEX.items(), *TOKENS.items()]


def refused(errors: list[dict[str, Any]], expected: str) -> None:
    assert [error["extensions"] for error in errors] == [{"code": "TOO_COMPLEX"}]
    assert errors[0]["message"] == f"The document is too complex: {expected}."


@pytest.mark.parametrize(("query", "expected"), EACH)
async def test_a_request_is_refused(server: Server, query: str, expected: str) -> None:
    for _ in range(2):  # and not only the first time that the document is seen
        refused((await server.execute(query))["errors"], expected)


@pytest.mark.parametrize(("query", "expected"), [*EACH, STREAM])
async def test_an_operation_on_a_socket_is_refused(
    server: Server, query: str, expected: str
) -> None:
    async with server.socket() as socket:
        await socket.subscribe(query, "a")
        message = await socket.next()
        assert (message["id"], message["type"]) == ("a", "error")
        refused(message["payload"], expected)


@pytest.mark.parametrize(("query", "expected"), [*EACH, STREAM])
async def test_an_event_stream_is_refused(server: Server, query: str, expected: str) -> None:
    async with event_stream(server, query) as stream:
        refused((await stream.result())["errors"], expected)


async def test_the_limit_looks_at_the_variables_each_time(server: Server) -> None:
    query = """query ($first: Int!) {
        tasks(first: $first) { nodes { contacts(first: 100) { nodes { id } } } } }"""
    assert "errors" not in await server.execute(query, first=5)
    refused((await server.execute(query, first=500))["errors"], "50,500 rows; at most 25,000")
    assert "errors" not in await server.execute(query, first=5)
