"""Frames made once are what a client reads, and are taken only for those who are to have them."""

import json
from contextlib import AsyncExitStack
from typing import Any

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from gql_app.web.frames import FramesProtocol, text_frame
from models.database import opened
from tests.flows.shared_client import FEED
from tests.schema.documents import STATUS_CHANGED
from tests.serving import Server, serving
from tests.web.raw_socket import RawSocket, raw_socket
from tests.web.streams import log_over_http, until_streams
from tests.web.takes import Takes, count_takes

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def read_by_a_client(frames: bytes) -> list[str]:
    """The texts that a WebSocket client reads, each in a frame of its own."""
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    client.receive_data(frames)
    assert client.parser_exc is None
    events = client.events_received()
    assert all(isinstance(event, Frame) and event.fin for event in events)
    assert {event.opcode for event in events} <= {Opcode.TEXT}  # type: ignore[union-attr]
    return [bytes(event.data).decode() for event in events]  # type: ignore[union-attr]


TEXTS = {
    "nothing": "",
    "the longest with its length in seven bits": "x" * 125,
    "the shortest with its length in sixteen bits": "x" * 126,
    "the longest with its length in sixteen bits": "x" * 65_535,
    "the shortest with its length in sixty-four bits": "x" * 65_536,
    "of two bytes a character": "é" * 63,
    "beyond ASCII and beyond the first plane": "Zoë, 電話 🦷 \u2028",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_client_reads_the_text_that_a_frame_was_made_of(text: str) -> None:
    assert read_by_a_client(text_frame(text)) == [text]


def test_frames_one_after_the_other_are_read_as_so_many_messages() -> None:
    assert read_by_a_client(b"".join(map(text_frame, TEXTS.values()))) == list(TEXTS.values())


@on_sqlite
async def test_a_server_stops_though_a_socket_is_closing_just_then(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_now: list[FramesProtocol] = []
    run = FramesProtocol.run_asgi

    async def note(self: FramesProtocol) -> None:
        open_now.append(self)
        await run(self)

    monkeypatch.setattr(FramesProtocol, "run_asgi", note)
    async with AsyncExitStack() as client:
        async with serving(database_url) as server:
            await client.enter_async_context(server.socket())
            (protocol,) = open_now
            protocol.conn.send_close(1000)
        async with opened(database_url):  # which the server has closed
            pass


@pytest.fixture
def takes(monkeypatch: pytest.MonkeyPatch) -> Takes:
    return count_takes(monkeypatch)


@on_sqlite
async def test_a_socket_that_is_abreast_is_served_by_taking_frames(
    server: Server, takes: Takes
) -> None:
    task = await server.office.make_task()
    async with server.socket() as first, server.socket() as second:
        for socket in (first, second):
            await socket.subscribe(STATUS_CHANGED)
        await until_streams(server, 2)
        for seq in (2, 3):
            await log_over_http(server, task)
            for socket in (first, second):
                assert (await socket.next_data())["taskStatusChanged"]["seq"] == seq
    assert list(takes.values()) == [[True, True]] * 2


async def texts(socket: RawSocket, until: str) -> list[str]:
    """All texts up to the first with `until` in it."""
    found: list[str] = []
    while not found or until not in found[-1]:
        found.append(await socket.next())
    return found


@pytest.fixture
def some_plain(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Options for a connection that is offered no extension, as by any other server."""
    run = FramesProtocol.run_asgi

    async def run_plain(self: FramesProtocol) -> None:
        is_plain = (b"x-plain", b"yes") in self.scope["headers"]
        await (WebSocketsSansIOProtocol.run_asgi if is_plain else run)(self)

    monkeypatch.setattr(FramesProtocol, "run_asgi", run_plain)
    return {"additional_headers": {"X-Plain": "yes"}}


@on_sqlite
@pytest.mark.parametrize("document", [STATUS_CHANGED, FEED], ids=["events", "feed"])
async def test_a_server_that_takes_no_frames_sends_the_same_texts(
    server: Server, takes: Takes, some_plain: dict[str, Any], document: str
) -> None:
    task = await server.office.make_task()
    async with raw_socket(server) as one, raw_socket(server, **some_plain) as other:
        for socket in (one, other):
            await socket.subscribe(document)
        await until_streams(server, 2)
        await log_over_http(server, task)  # from here on, both are in the group
        for socket in (one, other):
            await texts(socket, '"seq":2')
        for n in range(3, 8):
            await log_over_http(server, task, notes="Zoë 🦷 " * n)
        ends = '"QueueCounts","seq":7' if document is FEED else '"seq":7'
        told = [await texts(socket, ends) for socket in (one, other)]
    assert [text for text in told[0] if '"seq":2' not in text] == [
        text for text in told[1] if '"seq":2' not in text
    ]
    assert len(takes) == 1
    (answers,) = takes.values()
    assert len(answers) >= 5
    assert all(answers)
    assert json.loads(told[0][-1])["type"] == "next"


@on_sqlite
async def test_messages_that_come_together_are_taken_apart_as_they_are_handled(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, number = 0, 400
    handle = FramesProtocol.handle_text

    def counted(protocol: FramesProtocol, event: Frame) -> None:
        nonlocal most
        handle(protocol, event)
        most = max(most, protocol.queue.qsize())

    monkeypatch.setattr(FramesProtocol, "handle_text", counted)
    ping = Frame(Opcode.TEXT, b'{"type":"ping"}').serialize(mask=True)
    async with server.socket() as socket:
        socket.connection.transport.write(ping * number)
        for _ in range(number):
            assert await socket.next() == {"type": "pong"}
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": "{" * 100_000}})
        assert (await socket.next())["type"] == "error"
    assert most <= 200
