"""TOO_COMPLEX reaches the client over each transport, and the server goes on."""

from typing import Any

import pytest

from tests.execution.test_limits import TOO_COMPLEX
from tests.serving import Server
from tests.web.streams import event_stream

TOKENS = {
    "{ viewer { " + "role " * 2_500 + "} }": "over 2,000 tokens; at most 2,000",
    "{ viewer { " + "id " * 1_900 + "} }": (
        "1,804,050 pairs of fields with the same name; at most 10,000"
    ),
    "{ viewer { role } }".ljust(16_385): "16,385 characters; at most 16,384",
}
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


TWO_PAGES = """query ($n: Int) {
    tasks(first: $n) { nodes { contacts(first: $n) { nodes { id } } } } }"""
SHARED = """query Cheap($n: Int = 1) { ...Page } query Dear($n: Int = 500) { ...Page }
    fragment Page on Query {
        tasks(first: $n) { nodes { contacts(first: $n) { nodes { id } } } } }"""

APART = """query Cheap { viewer { role } }
    query Dear { tasks(first: 500) { nodes { contacts(first: 500) { nodes { id } } } } }"""

MEASURED: list[tuple[dict[str, Any], bool]] = [
    ({"query": TWO_PAGES, "variables": variables}, is_refused)
    for variables, is_refused in [
        ({}, False),
        ({"n": None}, False),
        ({"n": 5}, False),
        ({"n": 500}, True),
        ({"n": 500.0}, True),  # coerced to the same number
        ({"n": 1e3}, True),
        ({"n": None}, False),  # and what was refused meanwhile is not remembered of it
    ]
]
MEASURED += [
    ({"query": APART, "operationName": name}, name == "Dear") for name in ("Cheap", "Dear", "Cheap")
]
MEASURED += [
    ({"query": SHARED, "operationName": name, "variables": variables}, is_refused)
    for name, variables, is_refused in [
        ("Cheap", {}, False),
        ("Dear", {}, True),
        ("Cheap", {}, False),
        ("Dear", {"n": 1}, False),
        ("Cheap", {"n": 500.0}, True),
    ]
]


async def test_what_is_measured_is_what_runs(server: Server) -> None:
    """Over each transport, in this order: what is remembered of one request is of no other."""
    key = server.office.keys["staff"]
    async with server.socket() as socket:
        for payload, is_refused in MEASURED:
            over_http = (await server.post(payload, key)).text
            over_sse = (await server.post(payload, key, accept="text/event-stream")).text
            await socket.send({"id": "a", "type": "subscribe", "payload": payload})
            over_socket = await socket.next()
            if not is_refused:
                assert (await socket.next())["type"] == "complete"
            for answer in (over_http, over_sse, str(over_socket)):
                assert ("TOO_COMPLEX" in answer) == is_refused, (payload, answer)
                assert is_refused or "error" not in answer
