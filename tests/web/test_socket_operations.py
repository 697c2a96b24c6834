"""Operations over a socket: queries, mutations, streams, and what is left when they end."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from gql_app.delivery.results import Result
from gql_app.delivery.streams import Streams
from tests.brokers import until
from tests.office import task_id
from tests.schema.documents import LOG_CONTACT, STATUS_CHANGED
from tests.serving import PATIENCE, Server, TestSocket
from tests.web.streams import log_over_http, until_streams
from tests.web.test_socket import VIEWER, still_serves

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def is_free(socket: TestSocket, name: str) -> bool:
    """Whether an operation may be started under this id."""
    await socket.subscribe(VIEWER, name)
    message = await socket.next()
    assert message["id"] == name
    return bool(message["type"] == "next")


async def test_a_query_is_answered_and_completed(server: Server) -> None:
    async with server.socket() as socket:
        await socket.subscribe(VIEWER, "a")
        assert (await socket.next_data())["viewer"]["role"] == "STAFF"
        assert await socket.next() == {"id": "a", "type": "complete"}
        assert await is_free(socket, "a")


async def test_a_mutation_is_carried_out_and_completed(server: Server) -> None:
    task = await server.office.make_task()
    async with server.socket() as socket:
        given: dict[str, Any] = {"taskId": task_id(task), "outcome": "SCHEDULED", "close": True}
        await socket.subscribe(LOG_CONTACT, **given)
        assert (await socket.next_data())["logContact"]["task"]["status"] == "CLOSED"
        assert (await socket.next())["type"] == "complete"
    await task.refresh_from_db()
    assert not task.status.is_open


async def test_two_operations_may_not_have_the_same_id(server: Server) -> None:
    async with server.socket() as socket:
        await socket.subscribe(STATUS_CHANGED, "a")
        await socket.subscribe(STATUS_CHANGED, "a")
        assert (await socket.closed())[0] == 4409
    await until_streams(server, 0)


async def test_complete_stops_a_stream_and_frees_its_id(server: Server) -> None:
    task = await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(STATUS_CHANGED, "a")
        await until_streams(server, 1)
        await socket.send({"id": "a", "type": "complete"})
        await until_streams(server, 0)
        await log_over_http(server, task)
        assert await is_free(socket, "a")


async def test_complete_for_an_operation_that_is_over_is_no_fault(server: Server) -> None:
    async with server.socket() as socket:
        await socket.send({"id": "a", "type": "complete"})
        assert await is_free(socket, "a")


FAULTY: dict[str, dict[str, Any]] = {
    "a syntax error": {"query": "{"},
    "an unknown field": {"query": "{ nothing }"},
    "a variable that is missing": {"query": "query ($id: ID!) { node(id: $id) { id } }"},
    "a variable of another type": {
        "query": "query ($first: Int!) { tasks(first: $first) { nodes { id } } }",
        "variables": {"first": "x"},
    },
    "an unknown operation name": {"query": VIEWER, "operationName": "Other"},
    "two operations and no name": {"query": f"query A {VIEWER} query B {VIEWER}"},
    "only a fragment": {"query": "fragment F on Query { viewer { role } }"},
    "two root fields in a subscription": {
        "query": "subscription { a: taskStatusChanged { seq } b: taskStatusChanged { seq } }"
    },
}


@pytest.mark.parametrize("payload", FAULTY.values(), ids=FAULTY)
async def test_a_faulty_operation_gets_an_error_and_the_socket_goes_on(
    server: Server, payload: dict[str, Any]
) -> None:
    async with server.socket() as socket:
        await socket.send({"id": "a", "type": "subscribe", "payload": payload})
        message = await socket.next()
        assert (message["id"], message["type"]) == ("a", "error")
        assert message["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert "Traceback" not in str(message)
        assert await is_free(socket, "a")


async def test_more_operations_than_the_limit_are_refused_and_the_others_go_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.running.MAX_OPERATIONS", 2)
    task = await server.office.make_task()
    async with server.socket() as socket:
        for name in "abc":
            await socket.subscribe(STATUS_CHANGED, name)
        refused = await socket.next()
        assert (refused["id"], refused["type"]) == ("c", "error")
        assert refused["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await until_streams(server, 2)
        await log_over_http(server, task)
        assert {(await socket.next())["id"] for _ in "ab"} == {"a", "b"}
        await socket.send({"id": "a", "type": "complete"})
        assert await is_free(socket, "c")


async def test_operations_that_do_not_end_when_they_are_completed_count_until_they_have(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = asyncio.Event()
    ending = 0

    async def run(*_: object, **__: object) -> AsyncGenerator[Result, None]:
        nonlocal ending
        try:
            yield Result(None, "{}")
            await asyncio.Event().wait()
        finally:
            ending += 1
            await may_end.wait()

    monkeypatch.setattr("gql_app.web.running.MAX_RUNNING", 3)
    async with server.socket() as socket:
        with monkeypatch.context() as patched:
            patched.setattr(Streams, "run", run)
            for _ in range(3):
                await socket.subscribe(VIEWER, "a")
                assert (await socket.next())["type"] == "next"
                await socket.send({"id": "a", "type": "complete"})
            await until(lambda: ending == 3)
        await socket.subscribe(VIEWER, "a")
        refused = await socket.next()
        assert refused["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        may_end.set()
        async with asyncio.timeout(PATIENCE):
            while not await is_free(socket, "a"):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("how", ["a close frame", "a broken line"])
async def test_the_gauge_returns_to_nought_after_a_disconnect(server: Server, how: str) -> None:
    async with server.socket() as socket:
        for name in "abc":
            await socket.subscribe(STATUS_CHANGED, name)
        await until_streams(server, 3)
        if how == "a broken line":
            socket.connection.transport.abort()
            await until_streams(server, 0)
    await until_streams(server, 0)
    assert await still_serves(server)


async def test_a_disconnect_in_the_middle_of_a_replay_leaves_nothing(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    task = await server.office.make_task()
    for _ in range(30):
        await server.office.log(task)
    start = (await server.data("{ events(first: 1) { pageInfo { endCursor } } }"))["events"]
    for _ in range(10):
        async with server.socket() as socket:
            for name in "abc":
                after = start["pageInfo"]["endCursor"]
                await socket.subscribe(STATUS_CHANGED, name, after=after)
            await socket.next_data()
            socket.connection.transport.abort()
    await until_streams(server, 0)
    assert await still_serves(server)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_change_that_has_begun_is_carried_out_when_the_socket_closes(
    server: Server,
) -> None:
    tasks = [await server.office.make_task() for _ in range(10)]
    async with server.socket() as watch:
        await watch.subscribe(STATUS_CHANGED)
        await until_streams(server, 1)
        async with server.socket() as socket:
            for number, task in enumerate(tasks):
                given = {"taskId": task_id(task), "outcome": "SCHEDULED", "close": True}
                await socket.subscribe(LOG_CONTACT, str(number), **given)
            await socket.next_data()
        first = await watch.next_data()
        assert first["taskStatusChanged"]["toStatus"] == "CLOSED"
        # Whatever was committed has rung the bell: the next change comes right behind it.
        await asyncio.gather(*(task.refresh_from_db() for task in tasks))
        closed = sum(not task.status.is_open for task in tasks)
        for _ in range(closed - 1):
            assert (await watch.next_data())["taskStatusChanged"]["toStatus"] == "CLOSED"
