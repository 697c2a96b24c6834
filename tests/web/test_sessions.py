"""How many may be connected at once, and how a connection ends whose key has ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.access import AccessKey
from models.roles import Role
from tests.schema.documents import QUEUE_FEED, STATUS_CHANGED
from tests.serving import Server
from tests.support.access import create_key, revoke_key
from tests.web.streams import event_stream, eventually, log_over_http, until_streams
from tests.web.test_endpoint import refused
from tests.web.test_socket import still_serves

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gql_app.web.sessions.CHECK_SECONDS", 0.05)


async def key_for(server: Server, name: str = "Desk", **given: Any) -> tuple[str, int]:
    """A key of its own and its number."""
    key = await create_key(server.office.practice, Role.STAFF, name, **given)
    return key, (await AccessKey.all().order_by("-id").first()).id  # type: ignore[union-attr]


async def test_a_revoked_key_closes_its_sockets_and_no_others(server: Server) -> None:
    key, key_id = await key_for(server)
    task = await server.office.make_task()
    async with server.socket(key) as idle, server.socket(key) as busy, server.socket() as other:
        await busy.subscribe(STATUS_CHANGED)
        await other.subscribe(STATUS_CHANGED)
        await until_streams(server, 2)
        await revoke_key(server.office.practice, key_id)
        for socket in (idle, busy):
            assert (await socket.closed())[0] == 4403
        await until_streams(server, 1)
        await log_over_http(server, task)
        assert (await other.next_data())["taskStatusChanged"]["seq"] == 2
        assert busy.messages.empty()


async def test_a_revoked_key_ends_its_event_streams(server: Server) -> None:
    key, key_id = await key_for(server)
    async with event_stream(server, STATUS_CHANGED, key) as stream:
        await until_streams(server, 1)
        await revoke_key(server.office.practice, key_id)
        (error,) = (await stream.result())["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await stream.event())["event"] == "complete"
    await until_streams(server, 0)


async def test_a_key_whose_rights_are_changed_closes_its_sockets(server: Server) -> None:
    key, key_id = await key_for(server)
    async with server.socket(key) as socket:
        await socket.subscribe(QUEUE_FEED)
        await socket.next_data()
        await AccessKey.filter(id=key_id).update(queue_ids=[server.office.missed.id])
        assert (await socket.closed())[0] == 4403


async def test_a_socket_is_warned_once_before_its_key_expires(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=50)
    key, key_id = await key_for(server, expires_at=soon)
    async with server.socket(key) as socket:
        warning = await socket.next()
        assert warning["type"] == "ping"
        assert warning["payload"] == {"warning": "KEY_EXPIRES", "expiresAt": soon.isoformat()}
        await socket.send({"type": "pong"})
        await revoke_key(server.office.practice, key_id)  # some checks later
        assert (await socket.closed())[0] == 4403
        assert socket.messages.empty()


async def test_an_event_stream_is_warned_in_a_comment(server: Server) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=50)
    key, _ = await key_for(server, expires_at=soon)
    async with event_stream(server, STATUS_CHANGED, key) as stream:
        assert (await stream.block())[""] == "connected"
        assert soon.isoformat() in (await stream.block())[""]


@pytest.mark.parametrize("limit", ["MAX_SESSIONS", "MAX_SESSIONS_A_KEY"])
async def test_more_connections_than_are_allowed_are_refused_until_one_is_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(f"gql_app.web.sessions.{limit}", 2)
    async with server.socket(), event_stream(server, STATUS_CHANGED):
        await until_streams(server, 1)
        async with server.socket(init=False) as socket:
            authorization = f"Bearer {server.office.keys['staff']}"
            payload = {"authorization": authorization}
            await socket.send({"type": "connection_init", "payload": payload})
            assert (await socket.closed())[0] == 1013
        async with event_stream(server, STATUS_CHANGED) as stream:
            await stream.response.aread()
        assert stream.response.status_code == 429
        refused(stream.response, "RATE_LIMITED")
        assert await server.data("{ viewer { role } }"), "a request is no session"

    async def is_free() -> bool:
        async with server.socket(init=False) as socket:
            payload = {"authorization": f"Bearer {server.office.keys['staff']}"}
            await socket.send({"type": "connection_init", "payload": payload})
            await socket.send({"type": "ping"})
            try:
                return bool((await socket.next())["type"] == "connection_ack")
            except TimeoutError:
                return False

    await until_streams(server, 0)
    await eventually(is_free)


async def test_a_database_that_is_away_while_keys_are_checked_ends_no_session(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise ConnectionError("secret")

    async with server.socket() as socket:
        monkeypatch.setattr("gql_app.web.sessions.still_valid", fail)

        async def said() -> bool:
            return "ConnectionError" in caplog.text

        await eventually(said)
        await socket.send({"type": "ping"})
        assert await socket.next() == {"type": "pong"}
    assert "secret" not in caplog.text
    assert await still_serves(server)
