"""What a key may spend, as its clients are told over each transport."""

from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from gql_app.access.budgets import FREE, Refill
from gql_app.delivery.follows import MOST
from gql_app.web import socket as sockets
from models.database import sqlite
from models.database.read_apart import reads_apart
from tests.office import task_id
from tests.serving import METRICS_TOKEN, Server, serving
from tests.web.streams import event_stream

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

DEAR = "{ tasks(first: 500) { nodes { id status reason version createdAt } } }"
"""Some values beyond the free ones."""
BEYOND = 500 * 5 - FREE
CLAIM = "mutation ($id: ID!) { claimTask(taskId: $id) { errors { code } } }"


def cost(answer: httpx.Response) -> dict[str, int]:
    told: dict[str, int] = answer.json()["extensions"]["cost"]
    return told


async def test_a_dear_query_says_what_it_has_cost(server: Server) -> None:
    key = server.office.keys["partner"]
    told = cost(await server.post({"query": DEAR}, key))
    assert (told["requested"], told["restoreRate"]) == (BEYOND, 100_000)
    assert 2_000_000 - BEYOND <= told["available"] < 2_000_000
    usual: dict[str, Any] = {"query": "{ viewer { name } }"}
    assert "extensions" not in (await server.post(usual, key)).json()
    asked = cost(await server.post(usual, key, x_callboard_cost="1"))
    assert asked["requested"] == 0 < asked["available"]


async def test_a_key_that_asks_for_too_much_is_told_when_to_come_back(database_url: str) -> None:
    async with serving(database_url, cost_per_second=10_000) as server:
        staff, other = (server.office.keys[role] for role in ("staff", "partner"))
        dearest = {
            "query": DEAR.replace("{ id", "{ patient { contacts(first: 40) { nodes { id }}} id")
        }
        for _ in range(20):
            answer = await server.post(dearest, staff)
            if answer.status_code == 429:
                break
        assert answer.status_code == 429
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        seconds = error["extensions"]["retryAfter"]
        assert 1 <= seconds <= 20
        assert answer.headers["retry-after"] == str(seconds)
        assert (await server.post({"query": "{ viewer { name } }"}, staff)).status_code == 200
        assert (await server.post(dearest, other)).status_code == 200
        async with server.socket(staff) as socket:
            await socket.subscribe(dearest["query"])
            message = await socket.next()
            assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        async with event_stream(server, dearest["query"]) as stream:
            [error] = (await stream.result())["errors"]
            assert error["extensions"]["code"] == "RATE_LIMITED"


async def test_changes_are_refused_whole_and_imports_count_as_one(database_url: str) -> None:
    async with serving(database_url, writes_per_second=1) as server:
        task = await server.office.make_task()
        for _ in range(9):
            assert not (await server.data(CLAIM, id=task_id(task)))["claimTask"]["errors"]
        twice = """mutation ($id: ID!) { a: claimTask(taskId: $id) { errors { code } }
            b: releaseTask(taskId: $id) { errors { code } } }"""
        body = {"query": twice, "variables": {"id": task_id(task)}}
        answer = await server.post(body, server.office.keys["staff"])
        for _ in range(100):  # it comes back meanwhile, on a slow machine
            if answer.status_code == 429:
                break
            answer = await server.post(body, server.office.keys["staff"])
        assert answer.status_code == 429
        assert "data" not in answer.json()
        move = """mutation ($ids: [ID!]!) { withdrawTasks(input: {ids: $ids, reason: "Moved"}) {
            changed } }"""
        patient = server.office.patients[1]  # whom nobody has claimed
        made = [await server.office.make_task(patient=patient) for _ in range(120)]
        ids = [task_id(task) for task in made]
        moved = await server.data(move, "supervisor", ids=ids)
        assert moved["withdrawTasks"]["changed"] == 120


async def test_new_documents_are_paid_for_by_their_length(database_url: str) -> None:
    async with serving(database_url, cost_per_second=10_000) as server:
        key, document = server.office.keys["staff"], "{ viewer { name } }"
        statuses = [
            (await server.post({"query": f"{document} # {n}".ljust(15_000)}, key)).status_code
            for n in range(4)
        ]
        assert statuses == [200, 429, 429, 429]
        known = {"query": f"{document} # 0".ljust(15_000)}
        assert (await server.post(known, key)).status_code == 200
        assert (await server.post({"query": f"{document} # new"}, key)).status_code == 200


async def test_dear_queries_read_apart(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    apart: list[bool] = []
    read = sqlite.Client.read

    async def noting(client: Any, *given: Any) -> Any:
        apart.append(reads_apart.get())
        return await read(client, *given)

    monkeypatch.setattr(sqlite.Client, "read", noting)
    usual = "{ tasks { nodes { id patient { name } } } }"
    key = server.office.keys["staff"]
    for query, expected in ((usual, {False}), (DEAR, {False, True}), (usual, {False})):
        apart.clear()
        await server.post({"query": query}, key)
        assert set(apart) == expected  # the key itself is always looked up among all others


async def test_the_schema_is_answered_from_one_copy(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = {"query": get_introspection_query(), "operationName": "IntrospectionQuery"}
    first = await server.post(query, server.office.keys["partner"])
    assert first.json()["data"]["__schema"]["types"]

    def execute(*_: object, **__: object) -> None:
        raise AssertionError("it is executed again")

    monkeypatch.setattr("gql_app.execution.memory.Schema.execute", execute)
    again = await server.post(query, server.office.keys["staff"])
    assert again.json()["data"] == first.json()["data"]
    assert (await server.post(query, "cb_1_nobody")).status_code == 401


async def test_too_many_messages_close_the_socket(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "MESSAGES", Refill(0.001, 5))
    async with server.socket() as honest, server.socket() as socket:
        for _ in range(5):
            await socket.send({"type": "ping"})
        assert await socket.closed() == (1008, "Too many messages")
        await honest.send({"type": "ping"})
        assert await honest.next() == {"type": "pong"}


async def test_a_key_follows_so_many_different_streams(server: Server) -> None:
    async with server.socket() as socket, server.socket() as other:
        for n in range(MOST):
            await socket.subscribe(f"subscription {{ a{n}: taskStatusChanged {{ seq }} }}", str(n))
        await socket.send({"type": "ping"})
        assert await socket.next() == {"type": "pong"}
        for n in range(3):  # any number of clients may follow the same
            await other.subscribe("subscription { a1: taskStatusChanged { seq } }", str(n))
        for document in (
            "subscription { b: taskStatusChanged { seq } }",
            'subscription { b: taskStatusChanged(after: "ZToxOjE=") { seq } }',
        ):
            await other.subscribe(document, "b")
            message = await other.next()
            assert (message["id"], message["type"]) == ("b", "error")
            [error] = message["payload"]
            assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfter": 10}
        await socket.send({"id": "7", "type": "complete"})
        for number in range(1_000):
            await other.subscribe("subscription { b: taskStatusChanged { seq } }", f"b{number}")
            await other.send({"type": "ping"})
            if (await other.next())["type"] == "pong":
                break  # it follows
            assert await other.next() == {"type": "pong"}
        else:
            raise AssertionError("no stream was free")


async def test_guesses_are_refused_unread_over_each_transport(server: Server) -> None:
    viewer = {"query": "{ viewer { name } }"}
    good = server.office.keys["staff"]
    assert (await server.post(viewer, good)).status_code == 200
    statuses = [(await server.post(viewer, f"cb_1_guess{n}")).status_code for n in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    answer = await server.post(viewer, "cb_1_guess")
    assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert 1 <= int(answer.headers["retry-after"]) <= 6
    async with server.socket(init=False) as socket:
        payload = {"authorization": "Bearer cb_1_guess"}
        await socket.send({"type": "connection_init", "payload": payload})
        assert (await socket.closed())[0] == 1013
    for body in ({"key": "cb_1_guess"}, {"link": "cl_1_guess"}):
        origin = {"origin": server.url, "content-type": "application/json"}
        answer = await server.client.post("/session", json=body, headers=origin)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "6")
    assert (await server.post(viewer, good)).status_code == 200
    operator = {"authorization": f"Bearer {METRICS_TOKEN}"}
    metrics = (await server.client.get("/metrics", headers=operator)).text
    assert "callboard_unknown_keys_total 10.0" in metrics
