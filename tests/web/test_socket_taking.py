"""Frames are taken for an operation while it lasts: not behind its end, nor that of the session."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from gql_app.access import KeyLookup
from gql_app.delivery.groups import Groups
from gql_app.delivery.results import Result
from gql_app.delivery.streams import Streams
from gql_app.execution.persisted import PersistedDocuments
from gql_app.live.feeds import Feeds
from gql_app.schema import build_schema
from gql_app.web.close_codes import CloseCode
from gql_app.web.frames import EXTENSION
from gql_app.web.sessions import Sessions
from gql_app.web.socket import PROTOCOL, Socket
from models.access import AccessKey
from models.chain import Position
from models.roles import Role
from tests.delivery.source import Source
from tests.flows.dashboard import services
from tests.office import Office
from tests.serving import PATIENCE
from tests.support.access import create_key, revoke_key
from tests.web.streams import eventually
from tests.web.test_frames import read_by_a_client

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

STREAM = "subscription { taskStatusChanged { seq } }"
VIEWER = "{ viewer { role } }"


class Line:
    """A connection without a server, so that a test says what happens in the same turn. The group
    is told what the test puts into `source`."""

    def __init__(self, office: Office) -> None:
        self.source = Source()
        self.clock = office.clock
        self.sessions = Sessions(self.clock)
        self.messages: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.takes = True
        self._comes: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        wired = services(Feeds(), office.clock)
        self._groups = Groups(wired.access_log.note)
        self._streams = Streams(build_schema(), wired, self._groups)

    async def serve(self) -> None:
        scope = {
            "type": "websocket",
            "headers": [],
            "subprotocols": [PROTOCOL],
            "extensions": {EXTENSION: self._take},
        }
        keys, documents = KeyLookup(self.clock), PersistedDocuments()
        socket = Socket(self._streams, documents, self.sessions, keys, ("*",))
        await socket.run(scope, self._receive, self._send)

    def say(self, kind: str, name: str | None = None, **payload: Any) -> None:
        message = {"type": kind, "id": name, "payload": payload}
        self._comes.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def hang_up(self) -> None:
        self._comes.put_nowait({"type": "websocket.disconnect"})

    def put(self, seq: int) -> None:
        self.source.queue.put_nowait(Result(Position(seq), f'{{"data":{{"seq":{seq}}}}}'))

    async def watch(self, *names: str) -> None:
        """Have operations of these names begun, and listening."""
        for name in names:
            self.say("subscribe", name, query=STREAM)

        async def all_listen() -> bool:
            return [len(g._listeners) for g in self._groups._groups.values()] == [len(names)]

        await eventually(all_listen)

    async def until(self, name: str, seq: int) -> None:
        async def told() -> bool:
            return (name, seq) in self.told

        await eventually(told)

    @property
    def told(self) -> list[tuple[str, int]]:
        """Results of the stream: for which operation, and of which event."""
        nexts = [m for m in self.messages if m["type"] == "next"]
        return [(m["id"], m["payload"]["data"].get("seq")) for m in nexts]

    async def _receive(self) -> dict[str, Any]:
        return await self._comes.get()

    async def _send(self, event: Any) -> None:
        if event["type"] == "websocket.send":
            self.messages.append(json.loads(event["text"]))
        elif event["type"] == "websocket.close":
            self.closed = event["code"]

    def _take(self, frames: bytes) -> bool:
        if self.takes:
            took = [json.loads(text) for text in read_by_a_client(frames)]
            self.taken += took
            self.messages += took
        return self.takes


@pytest.fixture
async def line(office: Office, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    """A connection with a key of its own, acknowledged."""
    line = Line(office)

    async def told(*_: object) -> AsyncGenerator[Result, None]:
        async for result in line.source.stream(Position(0)):
            yield result

    monkeypatch.setattr(Streams, "_stream", told)
    serving = asyncio.create_task(line.serve())
    line._comes.put_nowait({"type": "websocket.connect"})
    key = await create_key(office.practice, Role.STAFF, "Desk")
    line.say("connection_init", authorization=f"Bearer {key}")
    yield line
    line.hang_up()
    await asyncio.wait_for(serving, PATIENCE)


async def test_what_comes_is_taken_and_what_is_not_taken_is_sent(line: Line) -> None:
    await line.watch("a", "b")
    line.put(1)
    await line.until("b", 1)
    line.takes = False
    line.put(2)
    await line.until("b", 2)
    line.takes = True
    line.put(3)
    await line.until("b", 3)
    assert sorted(line.told) == [(name, seq) for name in "ab" for seq in (1, 2, 3)]
    assert [m["payload"]["data"]["seq"] for m in line.taken] == [1, 1, 3, 3]


async def test_nothing_more_comes_of_an_operation_that_its_client_has_completed(
    line: Line,
) -> None:
    await line.watch("a", "b")
    line.put(1)
    await line.until("b", 1)
    line.say("complete", "a")
    line.put(2)  # told in the turn in which the operation is cancelled
    line.put(3)
    await line.until("b", 3)
    assert line.told == [("a", 1), ("b", 1), ("b", 2), ("b", 3)]


async def test_nothing_of_an_operation_comes_under_its_id_once_another_has_that(
    line: Line,
) -> None:
    await line.watch("a", "b")
    line.say("complete", "a")
    line.say("subscribe", "a", query=VIEWER)
    line.put(1)
    line.put(2)
    await line.until("b", 2)

    async def is_complete() -> bool:
        return {"id": "a", "type": "complete"} in line.messages

    await eventually(is_complete)
    of_a = [message for message in line.messages if message.get("id") == "a"]
    assert of_a == [
        {"id": "a", "type": "next", "payload": {"data": {"viewer": {"role": "STAFF"}}}},
        {"id": "a", "type": "complete"},
    ]


async def test_nothing_more_is_taken_once_the_key_is_revoked(line: Line, office: Office) -> None:
    await line.watch("a")
    line.put(1)
    await line.until("a", 1)
    await revoke_key(office.practice, (await AccessKey.get(staff__name="Desk")).id)
    await line.sessions._check()
    line.put(2)  # told in the turn in which the session has ended

    async def is_closed() -> bool:
        return line.closed is not None

    await eventually(is_closed)
    assert line.closed == CloseCode.FORBIDDEN
    assert (line.told, len(line.taken)) == ([("a", 1)], 1)
