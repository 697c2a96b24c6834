"""One odd request harms only itself: it is refused, and all else on its socket goes on."""

import json
from typing import Any

import pytest

from tests.schema.documents import STATUS_CHANGED
from tests.serving import Server
from tests.web.streams import log_over_http, until_streams
from tests.web.test_endpoint import VIEWER, refused

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HALF = '"\\ud83d"'
QUERY = '"query": "query ($x: String) { tasks(filter: {patient: $x}) { nodes { id } } }"'


def with_(value: str, beside: str = "") -> str:
    """A body with this JSON, or what is none, as its one variable, and with more beside."""
    return f'{{{QUERY}, "variables": {{"x": {value}}}{beside}}}'


UNREADABLE = {
    "half a character": with_(HALF),
    "the other half": with_(r'"a\ude00b"'),
    "half a character within lists": with_(f'[[{{"y": [{HALF}]}}]]'),
    "half a character as a name": with_(f"{{{HALF}: 1}}"),
    "half a character in the query": r'{"query": "{ viewer { role } } # \ud83d"}',
    "half a character as operation name": with_("1", f', "operationName": {HALF}'),
    "half a character in extensions": with_("1", f', "extensions": {{"x": {HALF}}}'),
    "NaN": with_("NaN"),
    "infinity": with_("-Infinity"),
    "a number past all numbers": with_("1e400"),
    "a number of thousands of digits": with_("9" * 5_000),
    "very deep lists": with_("[" * 5_000 + "]" * 5_000),
    "very deep objects": with_('{"a":' * 5_000 + "1" + "}" * 5_000),
}

NESTED = "[" * 900 + "]" * 900
ODD = {  # JSON, but nothing that could be carried out
    "lists as deep as JSON may be": with_(NESTED),
    "a large number for a text": with_("9" * 300),
    "half a character that GraphQL escapes": r'{"query": "{ task(id: \"\\ud83d\") { id } }"}',
    "a large number for a number": with_("9" * 300).replace("String", "Int"),
    "a deep list that nothing uses": '{"query": "subscription { taskStatusChanged { seq } }",'
    f' "variables": {{"y": {NESTED}}}}}',
}


async def a_stream_and(server: Server, *messages: str) -> list[dict[str, Any]]:
    """What a socket is told after these messages and a change that it watches."""
    task = await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(STATUS_CHANGED, "stream")
        await until_streams(server, 1)
        told = []
        for message in messages:
            await socket.send(message)
            told.append(await socket.next())
        await log_over_http(server, task)
        assert (await socket.next())["id"] == "stream"
    return told


async def test_it_fails_alone_on_a_socket(server: Server) -> None:
    bodies = [*UNREADABLE.values(), *ODD.values()]
    orders = ['{"id": "a", "type": "subscribe", "payload": %s}'] * len(bodies)
    orders[1] = '{"payload": %s, "type": "subscribe", "id": "a"}'
    told = await a_stream_and(server, *(o % b for o, b in zip(orders, bodies, strict=True)))
    for message in told:
        assert (message["id"], message["type"]) == ("a", "error"), message
        (error,) = message["payload"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_an_id_may_be_half_a_character_and_a_pings_payload_anything(server: Server) -> None:
    subscribe = f'{{"id": {HALF}, "type": "subscribe", "payload": {{"query": "{VIEWER}"}}}}'
    told = await a_stream_and(server, subscribe, f'{{"type": "ping", "payload": {{"x": {HALF}}}}}')
    assert (told[0]["id"], told[0]["type"]) == ("\ud83d", "error")
    assert told[1] == {"type": "pong"}


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_it_is_refused_over_http(server: Server, accept: str) -> None:
    key = server.office.keys["staff"]
    for name, body in UNREADABLE.items():
        response = await server.post(body.encode(), key, accept=accept)
        assert response.status_code == 400
        said = refused(response, "BAD_USER_INPUT")["message"]
        assert ("half a character" in said) == ("half" in name), (name, said)
    for name, body in ODD.items():
        text = (await server.post(body.encode(), key, accept=accept)).text
        assert '"code":"BAD_USER_INPUT"' in text, (name, text)


async def test_a_close_says_why_within_what_a_frame_holds(server: Server) -> None:
    async with server.socket() as socket:
        for _ in range(2):
            await socket.subscribe(STATUS_CHANGED, "é" * 200)
        code, reason = await socket.closed()
        assert code == 4409
        assert reason is not None
        assert reason.startswith("Subscriber for é")


PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
BY_HASH: list[dict[str, Any]] = [
    {"operationName": "Viewer", "variables": {}, "extensions": PERSISTED},
    {"query": None, "extensions": PERSISTED},
    {"query": "", "extensions": PERSISTED},
    {"documentId": "sha256:00", "variables": {}},
    {"doc_id": "1", "variables": {}},
]


async def test_a_document_that_is_not_known_by_its_name_harms_only_itself(server: Server) -> None:
    key = server.office.keys["staff"]
    messages = [json.dumps({"id": "a", "type": "subscribe", "payload": p}) for p in BY_HASH]
    told = [message["payload"] for message in await a_stream_and(server, *messages)]
    for accept, status in [
        ("application/json", 200),
        ("application/graphql-response+json", 400),
        ("text/event-stream", 400),
    ]:
        for body in BY_HASH:
            response = await server.post(body, key, accept=accept)
            assert response.status_code == status
            told.append(response.json()["errors"])
    params = {"operationName": "Viewer", "extensions": json.dumps(PERSISTED)}
    by_get = await server.client.get("/graphql", params=params)
    assert (by_get.status_code, by_get.headers["allow"]) == (405, "POST")
    told.append(by_get.json()["errors"])
    not_found = ("PersistedQueryNotFound", {"code": "PERSISTED_QUERY_NOT_FOUND"})
    not_supported = ("PersistedQueryNotSupported", {"code": "PERSISTED_QUERY_NOT_SUPPORTED"})
    expected = [not_found] * 3 + [not_supported] * 2
    assert [(error["message"], error["extensions"]) for (error,) in told] == [
        *(expected * 4),
        not_supported,
    ]


async def test_init_takes_the_key_as_clients_send_it(server: Server) -> None:
    key = server.office.keys["staff"]
    bearer = f"Bearer {key}"
    for payload, is_taken in [
        ({"authorization": bearer}, True),
        ({"Authorization": bearer}, True),
        ({"AUTHORIZATION": f"bearer  {key} "}, True),
        ({"Authorization": key}, True),
        ({"headers": {"Authorization": bearer}}, True),
        ({"Headers": {"authorization": key}, "other": 1}, True),
        ({"authorization": None, "Authorization": bearer}, True),
        ({"Authorization": "Bearer nonsense", "headers": {"Authorization": bearer}}, False),
        ({"Authorization": "Bearer"}, False),
        ({"headers": [bearer]}, False),
        ({"headers": {"x": bearer}}, False),
        ({"token": bearer}, False),
    ]:
        async with server.socket(init=False) as socket:
            await socket.send({"type": "connection_init", "payload": payload})
            if is_taken:
                assert (await socket.next())["type"] == "connection_ack", payload
            else:
                assert (await socket.closed())[0] == 4403, payload


async def test_a_fault_of_ours_closes_with_a_code_on_which_clients_come_back(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with server.socket() as socket:
        monkeypatch.setattr("gql_app.web.messages.read_subscribe", None)
        await socket.subscribe(VIEWER)
        assert await socket.closed() == (1013, "Internal server error")
    assert [record.getMessage() for record in caplog.records if "internal" in record.getMessage()]
