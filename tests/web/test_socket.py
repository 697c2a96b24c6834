"""The protocol graphql-transport-ws, clause by clause: what closes a socket, with which code."""

from datetime import UTC, datetime, timedelta

import pytest
from websockets.exceptions import InvalidStatus

from models.roles import Role
from tests.serving import Server, serving
from tests.support.access import create_key

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VIEWER = "{ viewer { role } }"


def subscribe(**changes: object) -> dict[str, object]:
    return {"id": "1", "type": "subscribe", "payload": {"query": VIEWER}} | changes


NO_MESSAGES = {
    "a list": [],
    "a number": 1,
    "text": '"x"',
    "null": None,
    "no JSON": "{",
    "an empty frame": "",
    "no type": {},
    "a number as type": {"type": 1},
    "an unknown type": {"type": "start", "id": "1"},
    "a ping with text as payload": {"type": "ping", "payload": "x"},
}

BAD_SUBSCRIBES = {
    "text as payload": subscribe(payload="x"),
    "a list as payload": subscribe(payload=[1]),
    "no payload": {"id": "1", "type": "subscribe"},
    "no query": subscribe(payload={}),
    "a number as query": subscribe(payload={"query": 1}),
    "a list as variables": subscribe(payload={"query": VIEWER, "variables": [1]}),
    "a number as operation name": subscribe(payload={"query": VIEWER, "operationName": 1}),
    "a list as id": subscribe(id=[1]),
    "an empty id": subscribe(id=""),
    "no id": subscribe(id=None),
    "a very long id": subscribe(id="x" * 1000),
    "complete without an id": {"type": "complete"},
}


async def still_serves(server: Server) -> bool:
    async with server.socket() as socket:
        await socket.subscribe(VIEWER)
        return await socket.next_data() == {"viewer": {"role": "STAFF"}}


@pytest.mark.parametrize("ready", [False, True], ids=["before init", "after init"])
@pytest.mark.parametrize("frame", NO_MESSAGES.values(), ids=NO_MESSAGES)
async def test_a_frame_that_is_no_message_closes_with_4400(
    server: Server, frame: object, ready: bool
) -> None:
    async with server.socket(init=ready) as socket:
        await socket.send(frame)
        assert (await socket.closed())[0] == 4400
    assert await still_serves(server)


@pytest.mark.parametrize("frame", BAD_SUBSCRIBES.values(), ids=BAD_SUBSCRIBES)
async def test_a_message_of_wrong_shape_closes_with_4400(server: Server, frame: object) -> None:
    async with server.socket() as socket:
        await socket.send(frame)
        assert (await socket.closed())[0] == 4400
    assert await still_serves(server)


async def test_a_binary_frame_closes_with_4400(server: Server) -> None:
    async with server.socket() as socket:
        await socket.connection.send(b'{"type": "ping"}')
        assert (await socket.closed())[0] == 4400
    assert await still_serves(server)


@pytest.mark.parametrize("payload", ["x", [], [1], 0, "", False, 1])
async def test_an_init_whose_payload_is_no_object_closes_with_4400(
    server: Server, payload: object
) -> None:
    key = {"authorization": f"Bearer {server.office.keys['staff']}"}
    async with server.socket(init=False, additional_headers=key) as socket:
        await socket.send({"type": "connection_init", "payload": payload})
        assert (await socket.closed())[0] == 4400


async def test_a_frame_over_the_limit_closes_with_1009(server: Server) -> None:
    async with server.socket() as socket:
        await socket.send({"type": "ping", "payload": {"x": "x" * 300_000}})
        assert (await socket.closed())[0] == 1009
    assert await still_serves(server)


async def test_a_subscribe_before_the_init_closes_with_4401(server: Server) -> None:
    async with server.socket(init=False) as socket:
        await socket.subscribe(VIEWER)
        assert (await socket.closed())[0] == 4401


@pytest.mark.parametrize(
    "payload",
    [
        {},
        None,
        {"authorization": "Bearer nonsense"},
        {"authorization": "Bearer cb_1_nonsense"},
        {"authorization": "Bearer cb_99999999999999999999_x"},
        {"authorization": ["Bearer", "x"]},
        {"authorization": None},
    ],
)
async def test_an_init_without_a_valid_key_closes_with_4403(
    server: Server, payload: object
) -> None:
    async with server.socket(init=False) as socket:
        await socket.send({"type": "connection_init", "payload": payload})
        assert (await socket.closed())[0] == 4403


async def test_a_second_init_closes_with_4429(server: Server) -> None:
    async with server.socket() as socket:
        await socket.send({"type": "connection_init"})
        assert (await socket.closed())[0] == 4429


async def test_an_init_that_does_not_come_in_time_closes_with_4408(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.web.socket.INIT_SECONDS", 0.05)
    async with server.socket(init=False) as socket:
        await socket.send({"type": "ping"})
        assert (await socket.next())["type"] == "pong"
        assert (await socket.closed())[0] == 4408


@pytest.mark.parametrize("offered", [None, ["graphql-ws"], ["soap"]])
async def test_another_subprotocol_closes_with_4406(
    server: Server, offered: list[str] | None
) -> None:
    async with server.socket(init=False, subprotocols=offered) as socket:
        assert (await socket.closed())[0] == 4406


async def test_the_subprotocol_is_chosen_among_several(server: Server) -> None:
    async with server.socket(subprotocols=["graphql-ws", "graphql-transport-ws"]) as socket:
        assert socket.connection.subprotocol == "graphql-transport-ws"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "x"])
async def test_a_page_from_elsewhere_is_refused_with_403(server: Server, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with server.socket(origin=origin):
            pass
    assert refused.value.response.status_code == 403
    assert await still_serves(server)


async def test_a_page_from_here_is_accepted(server: Server) -> None:
    async with server.socket(origin=server.url) as socket:
        await socket.subscribe(VIEWER)
        assert (await socket.next())["type"] == "next"


async def test_a_page_from_an_allowed_origin_is_accepted(database_url: str) -> None:
    async with (
        serving(database_url, allowed_origins=("https://desk.example",)) as server,
        server.socket(origin="https://desk.example") as socket,
    ):
        await socket.subscribe(VIEWER)
        assert (await socket.next())["type"] == "next"


async def test_the_key_may_come_with_the_upgrade_request(server: Server) -> None:
    key = {"authorization": f"Bearer {server.office.keys['partner']}"}
    async with server.socket(init=False, additional_headers=key) as socket:
        await socket.send({"type": "connection_init"})
        assert (await socket.next())["type"] == "connection_ack"
        await socket.subscribe(VIEWER)
        assert (await socket.next_data())["viewer"]["role"] == "PARTNER"


async def test_a_socket_closes_with_4403_when_its_key_expires(server: Server) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.7)
    key = await create_key(server.office.practice, Role.STAFF, "Temp", expires_at=soon)
    async with server.socket(key) as socket:
        assert (await socket.closed())[0] == 4403
        assert datetime.now(UTC) >= soon


async def test_a_ping_is_answered_with_a_pong_and_a_pong_with_nothing(server: Server) -> None:
    async with server.socket() as socket:
        await socket.send({"type": "pong", "payload": {"any": "thing"}})
        await socket.send({"type": "ping", "payload": {"any": "thing"}})
        assert await socket.next() == {"type": "pong"}


async def test_frames_are_not_compressed_although_the_client_offers_it(server: Server) -> None:
    async with server.socket(compression="deflate") as socket:
        assert socket.connection.request is not None
        assert "permessage-deflate" in socket.connection.request.headers["sec-websocket-extensions"]
        assert socket.connection.response is not None
        assert "sec-websocket-extensions" not in socket.connection.response.headers
