"""A line for each request: which, whose, how it ended; nothing of what was said in it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gql_app.logs.lines import SECURITY
from models.access import AccessKey, KeyKind
from models.roles import Role
from tests.office import make_office
from tests.schema.documents import STATUS_CHANGED
from tests.serving import Server, serving
from tests.support.access import create_key
from tests.support.groups import make_group, make_supervisor, sign_in
from tests.support.log import Kept, kept_log
from tests.web.streams import EventStream, event_stream, eventually, log_over_http, until_streams

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VIEWER = "query Board { viewer { name } }"
WORD = "needles7781"


@pytest.fixture
def requests() -> Iterator[Kept]:
    with kept_log("callboard.requests") as kept:
        yield kept


@pytest.fixture
def security() -> Iterator[Kept]:
    with kept_log(SECURITY) as kept:
        yield kept


def body(query: str = VIEWER, **more: Any) -> dict[str, Any]:
    return {"query": query, "operationName": "Board"} | more


async def test_a_request_has_a_line_and_an_id(server: Server, requests: Kept) -> None:
    sent = "0af7651916cd43dd"
    answer = await server.post(body(), server.office.keys["staff"], x_request_id=sent)
    assert answer.headers["x-request-id"] == sent
    (line,) = requests.lines
    assert line.pop("ms") > 0
    del line["timestamp"]
    assert line == {
        "level": "info",
        "event": "request",
        "logger": "callboard.requests",
        "method": "POST",
        "path": "/graphql",
        "form": "http",
        "status": 200,
        "operation": "Board",
        "address": "127.0.0.1",
        "request_id": sent,
        "practice": server.office.practice.id,
        "key": server.office.staff.key_id,
    }


async def test_each_of_two_requests_has_an_id_of_its_own(server: Server) -> None:
    ids = {(await server.post(body(), None)).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2


async def test_what_a_client_says_is_not_in_its_line(server: Server, requests: Kept) -> None:
    key = server.office.keys["staff"]
    for sent in (
        body(f'query Board {{ tasks(filter: {{patient: "{WORD}"}}) {{ nodes {{ id }} }} }}'),
        {"query": VIEWER, "operationName": f"Board of {WORD} {{"},
        {"query": f"{WORD}"},
        f"{WORD}".encode(),
    ):
        await server.post(sent, key)
    await server.client.get(f"/graphql?query={WORD}")
    await server.client.get(f"/{WORD}")
    await server.client.get(f"/dashboard/{WORD}")
    assert [line["path"] for line in requests.lines[-3:]] == ["/graphql", "unknown", "/dashboard"]
    assert WORD not in json.dumps(requests.lines)
    assert [line["level"] for line in requests.lines] == ["info"] * 7


async def test_probes_that_succeed_have_no_line(server: Server, requests: Kept) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await server.client.get(path)).status_code == 200
    assert (await server.metrics()).status_code == 200
    assert requests.lines == []
    assert (await server.client.get("/metrics")).status_code == 401
    assert [line["status"] for line in requests.lines] == [401]


async def test_a_socket_has_a_line_and_so_has_each_of_its_operations(
    server: Server, requests: Kept
) -> None:
    async with server.socket() as socket:
        payload = body()
        await socket.send({"id": "1", "type": "subscribe", "payload": payload})
        assert {(await socket.next())["type"] for _ in range(2)} == {"next", "complete"}
    await eventually(lambda: has_lines(requests, 2))
    operation, connection = requests.lines
    assert (operation["form"], operation["operation"]) == ("websocket operation", "Board")
    assert (connection["form"], connection["status"]) == ("websocket", 101)
    for line in requests.lines:
        assert line["key"] == server.office.staff.key_id
    assert operation["request_id"] != connection["request_id"]


async def test_a_stream_has_its_line_when_it_ends(server: Server, requests: Kept) -> None:
    async with event_stream(server, STATUS_CHANGED):
        await until_streams(server, 1)
        assert requests.lines == []
    await eventually(lambda: has_lines(requests, 1))
    assert requests.lines[0]["form"] == "sse"


async def has_lines(kept: Kept, number: int) -> bool:
    return len(kept.lines) >= number


async def test_a_masked_error_has_the_id_of_its_request(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(WORD)

    monkeypatch.setattr("gql_app.schema.tasks.tasks_page", fail)
    with kept_log("gql_app.execution.errors") as errors:
        answer = await server.post(
            {"query": "{ tasks { nodes { id } } }"}, server.office.keys["staff"]
        )
    told = answer.json()["errors"][0]["extensions"]["correlationId"]
    assert told == answer.headers["x-request-id"]
    (line,) = errors.lines
    assert line["request_id"] == told
    assert "RuntimeError" in line["event"]
    assert WORD not in json.dumps(line)


async def test_an_error_in_a_shared_stream_has_nobodys_id(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream is executed for all who follow it: the id of one is no business of the others."""
    sent, task = "0af7651916cd43dd", await server.office.make_task()

    def fail(*_: object) -> None:
        raise RuntimeError(WORD)

    monkeypatch.setattr("gql_app.schema.subscriptions._is_told", fail)
    headers = {
        "authorization": f"Bearer {server.office.keys['staff']}",
        "accept": "text/event-stream",
        "x-request-id": sent,
    }
    body = {"query": STATUS_CHANGED}
    async with server.client.stream("POST", "/graphql", json=body, headers=headers) as response:
        assert response.headers["x-request-id"] == sent
        await until_streams(server, 1)
        await log_over_http(server, task)
        result = await EventStream(response).result()
    (error,) = result["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["correlationId"] != sent


async def test_keys_that_are_refused_are_security_events(server: Server, security: Kept) -> None:
    office = server.office
    ended = await create_key(
        office.practice, Role.STAFF, "Gone", expires_at=office.clock.now.replace(year=2020)
    )
    here = office.practice.id
    for key in (None, "nonsense", f"cb_{here}_unknown", ended):
        assert (await server.post(body(), key)).status_code == 401
    told = [(line["reason"], line.get("practice")) for line in security.events("key_refused")]
    assert told == [("malformed", None), ("unknown", here), ("expired", here)]
    assert {line["address"] for line in security.lines} == {"127.0.0.1"}
    assert not any(key in json.dumps(security.lines) for key in ("nonsense", 'unknown"}', ended))


async def test_what_a_key_may_not_do_is_a_security_event(server: Server, security: Kept) -> None:
    await server.execute("mutation { claimNextTask { task { id } } }", "partner")
    (line,) = security.lines
    assert (line["event"], line["key"]) == ("forbidden", server.office.partner.key_id)


async def test_pages_of_other_sites_are_security_events(server: Server, security: Kept) -> None:
    evil = {"origin": "https://evil.example"}
    await server.client.post("/session", json={"key": "x"}, headers=evil)
    await server.client.post(
        "/graphql", json=body(), headers={**evil, "cookie": "callboard=cs_1_x"}
    )
    odd = {"origin": f"https://{WORD} <script>"}
    await server.client.post("/session", json={"key": "x"}, headers=odd)
    told = [line["origin"] for line in security.events("origin_refused")]
    assert told == ["https://evil.example", "https://evil.example", "malformed"]
    assert WORD not in json.dumps(security.lines)


async def test_signing_in_and_out_are_security_events(server: Server, security: Kept) -> None:
    own = {"origin": server.url}
    for key in ("cb_1_wrong", server.office.keys["staff"]):
        await server.client.post("/session", json={"key": key}, headers=own)
    await server.client.delete("/session", headers=own)
    assert [line["event"] for line in security.lines] == [
        *("sign_in_refused", "signed_in", "signed_out"),
    ]
    assert security.lines[1]["key"] == server.office.staff.key_id


async def test_a_visit_is_a_security_event(server: Server, security: Kept) -> None:
    home, away = server.office, await make_office("birch")
    group = await make_group(home.changes, home.practice, away.practice)
    page = await sign_in(server, await make_supervisor(home.changes, group, home.practice))
    for practice in (away.practice, home.practice):
        assert (await page.visit(practice)).status_code == 200
    (line,) = security.lines
    assert (line["event"], line["practice"]) == ("visit_begun", away.practice.id)
    visit = await AccessKey.get(practice_id=away.practice.id, kind=KeyKind.VISIT)
    assert line["key"] == visit.id


async def test_ids_that_were_made_up_are_security_events(server: Server, security: Kept) -> None:
    made_up = "0376c655181aa397af5aca458037d6f2"
    answer = await server.execute(f'{{ node(id: "{made_up}") {{ id }} }}')
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert [line["event"] for line in security.lines] == ["id_refused"]


async def test_faults_of_clients_are_no_error_lines(database_url: str) -> None:
    with kept_log("") as everything:
        async with serving(database_url) as server:
            key = server.office.keys["staff"]
            for sent in (b"{", b"\xff", b"[]", b'{"query": "{ nonsense }"}', b'{"query": "{"}'):
                await server.post(sent, key)
            async with server.socket(init=False) as socket:
                await socket.send("{")
                await socket.closed()
            async with server.socket() as socket:
                await socket.connection.send(b"\xff\xfe", text=True)
                await socket.closed()
    assert [line for line in everything.lines if line["level"] in ("error", "critical")] == []
