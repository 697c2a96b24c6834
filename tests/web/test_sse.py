"""Server-sent events, distinct connections mode: what comes down the line and when it ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gql_app.work.reads.cursors import event_cursor, read_event_cursor
from models.chain import Position
from models.roles import Role
from tests.schema.documents import LOG_CONTACT, STATUS_CHANGED
from tests.serving import Server
from tests.support.access import create_key
from tests.web.streams import event_stream, eventually, log_over_http, until_streams
from tests.web.test_endpoint import VIEWER, refused
from tests.web.test_socket_operations import FAULTY

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SEQS = "subscription ($after: String) { taskStatusChanged(after: $after) { seq } }"


def seq_of(server: Server, event: dict[str, str]) -> int:
    return read_event_cursor(server.office.practice.id, event["id"]).seq


async def test_the_response_is_a_stream_that_nobody_keeps(server: Server) -> None:
    async with event_stream(server, SEQS) as stream:
        assert stream.response.status_code == 200
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert "no-store" in stream.response.headers["cache-control"]
        assert "" in await stream.block()  # a comment at once: the headers are not held back


async def test_a_change_arrives_with_its_cursor_as_id_though_nobody_selected_it(
    server: Server,
) -> None:
    task = await server.office.make_task()
    async with event_stream(server, SEQS) as stream:
        await until_streams(server, 1)
        await log_over_http(server, task)
        event = await stream.event()
    assert event["event"] == "next"
    assert event["data"] == '{"data":{"taskStatusChanged":{"seq":2}}}'
    assert seq_of(server, event) == 2


async def test_last_event_id_resumes_with_no_gap_and_no_repeat(server: Server) -> None:
    task = await server.office.make_task()
    for _ in range(5):
        await server.office.log(task)
    seen, last = [], event_cursor(server.office.practice.id, Position(0))
    for _ in range(3):
        async with event_stream(server, SEQS, last_event_id=last) as stream:
            for _ in range(2):
                event = await stream.event()
                seen.append(seq_of(server, event))
            last = event["id"]
    assert seen == [1, 2, 3, 4, 5, 6]
    async with event_stream(server, SEQS, last_event_id=last) as stream:
        await until_streams(server, 1)
        await log_over_http(server, task)
        assert seq_of(server, await stream.event()) == 7


async def test_last_event_id_is_newer_than_the_after_of_the_first_request(server: Server) -> None:
    task = await server.office.make_task()
    await server.office.log(task)
    first, second = (event_cursor(server.office.practice.id, Position(seq)) for seq in (0, 1))
    async with event_stream(server, SEQS, last_event_id=second, after=first) as stream:
        assert seq_of(server, await stream.event()) == 2


@pytest.mark.parametrize("last", ["garbage", "=", "x" * 3000, "\xfc"])
async def test_a_garbage_last_event_id_is_an_error_that_ends_the_stream(
    server: Server, last: str
) -> None:
    async with event_stream(server, SEQS, last_event_id=last) as stream:
        (error,) = (await stream.result())["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert (await stream.event())["event"] == "complete"
    await until_streams(server, 0)


async def test_a_cursor_from_the_future_is_told_to_fetch_afresh(server: Server) -> None:
    future = event_cursor(server.office.practice.id, Position(10))
    async with event_stream(server, SEQS, last_event_id=future) as stream:
        (error,) = (await stream.result())["errors"]
        assert error["extensions"]["code"] == "RESYNC_REQUIRED"
        assert (await stream.event())["event"] == "complete"


@pytest.mark.parametrize("key", ["nonsense", "cb_1_nonsense"])
async def test_an_invalid_key_is_refused_with_401_and_json(server: Server, key: str) -> None:
    async with event_stream(server, SEQS, key) as stream:
        await stream.response.aread()
    assert stream.response.status_code == 401
    refused(stream.response, "UNAUTHENTICATED")


async def test_no_key_is_refused_with_401_and_json(server: Server) -> None:
    response = await server.post({"query": SEQS}, accept="text/event-stream")
    assert response.status_code == 401
    refused(response, "UNAUTHENTICATED")


async def test_a_quiet_stream_shows_that_it_is_alive(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.sse.QUIET_SECONDS", 0.05)
    task = await server.office.make_task()
    async with event_stream(server, SEQS) as stream:
        comments = [(await stream.block())[""] for _ in range(4)]
        assert comments == ["connected", "quiet", "quiet", "quiet"]
        await log_over_http(server, task)
        assert seq_of(server, await stream.event()) == 2


async def test_a_query_is_answered_once_and_completed(server: Server) -> None:
    async with event_stream(server, VIEWER) as stream:
        event = await stream.event()
        assert event["data"] == '{"data":{"viewer":{"role":"STAFF"}}}'
        assert "id" not in event
        assert await stream.event() == {"event": "complete", "data": ""}
        with pytest.raises(EOFError):
            await stream.event()


async def test_a_refusal_of_the_workflow_is_data_here_too(server: Server) -> None:
    given: dict[str, Any] = {"taskId": "VGFzazo5OQ==", "outcome": "SCHEDULED", "close": True}
    async with event_stream(server, LOG_CONTACT, **given) as stream:
        payload = (await stream.result())["data"]["logContact"]
        assert payload["errors"][0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("payload", FAULTY.values(), ids=FAULTY)
async def test_a_faulty_operation_gets_an_error_and_the_stream_ends(
    server: Server, payload: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    response = await server.post(payload, server.office.keys["staff"], accept="text/event-stream")
    assert response.status_code in (200, 400)
    assert '"code":"BAD_USER_INPUT"' in response.text
    assert "Traceback" not in response.text
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_the_stream_ends_when_its_key_expires(server: Server) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.7)
    key = await create_key(server.office.practice, Role.STAFF, "Temp", expires_at=soon)
    async with event_stream(server, SEQS, key) as stream:
        (error,) = (await stream.result())["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert datetime.now(UTC) >= soon
        assert (await stream.event())["event"] == "complete"
    await until_streams(server, 0)


async def test_the_gauge_returns_to_nought_after_a_disconnect(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        async with event_stream(server, STATUS_CHANGED):
            await until_streams(server, 1)
        await until_streams(server, 0)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_disconnect_in_the_middle_of_a_replay_leaves_nothing(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    task = await server.office.make_task()
    for _ in range(200):
        await server.office.log(task)
    start = event_cursor(server.office.practice.id, Position(0))
    for _ in range(5):
        async with event_stream(server, STATUS_CHANGED, last_event_id=start) as stream:
            await stream.event()
    await until_streams(server, 0)

    async def serves() -> bool:
        return bool(await server.data(VIEWER))

    await eventually(serves)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
