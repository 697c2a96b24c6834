"""Which key `callboard watch` takes, and what it does when its stream has to begin again."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gql_app.commands.watch import CannotWatch, line, watch
from gql_app.schema.ids import global_id
from tests.commands.running import Shell
from tests.flows.commands import free_port
from tests.serving import PATIENCE, Server

VIEWER = {"name": "[b]Sam\x1b[2J", "practice": {"cursor": "now"}, "queues": []}


class Endpoint:
    """Answers as a server does. The first stream ends with an error of these extensions; `after` is
    what each stream was asked to begin at."""

    def __init__(self, extensions: dict[str, Any]) -> None:
        self.after: list[str | None] = []
        self.settled = asyncio.Event()
        self._extensions = extensions

    async def __call__(self, socket: ServerConnection) -> None:
        async for text in socket:
            for answer in self._answers(json.loads(text)):
                await socket.send(json.dumps(answer))

    def _answers(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        if message["type"] == "connection_init":
            return [{"type": "connection_ack"}]
        if message["type"] != "subscribe":
            return []
        told = {"id": message["id"]}
        if message["id"] == "viewer":
            data = {"data": {"viewer": VIEWER}}
            return [{**told, "type": "next", "payload": data}, {**told, "type": "complete"}]
        self.after.append(message["payload"]["variables"]["after"])
        if len(self.after) > 1:
            self.settled.set()
            return []
        error = {"message": "Not now.", "extensions": self._extensions}
        return [{**told, "type": "error", "payload": [error]}]


@asynccontextmanager
async def watched(endpoint: Endpoint) -> AsyncIterator[str]:
    """The address of the endpoint."""
    protocol = Subprotocol("graphql-transport-ws")
    async with serve(endpoint, "127.0.0.1", 0, subprotocols=[protocol]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"


RESYNC = "RESYNC_REQUIRED"


@pytest.mark.parametrize(
    ("extensions", "after", "said"),
    [
        ({"code": RESYNC}, "now", "Some changes are no longer kept; going on from now"),
        ({"code": RESYNC, "cursor": "seen"}, "seen", "The connection was too slow"),
        ({"code": RESYNC, "cursor": None}, "now", "The connection was too slow"),
        ({"code": "BUSY", "retryAfter": 1}, "now", "Not now"),
    ],
)
async def test_a_watch_that_has_to_begin_again_says_why_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, extensions: dict[str, Any], after: str, said: str
) -> None:
    monkeypatch.setattr("gql_app.commands.watch.FIRST_PAUSE", 0.01)
    endpoint = Endpoint(extensions)
    written = io.StringIO()
    async with watched(endpoint) as url:
        watching = asyncio.create_task(watch(url, "key", [], Console(file=written, width=200)))
        async with asyncio.timeout(PATIENCE):
            while not endpoint.settled.is_set() and not watching.done():
                await asyncio.sleep(0.01)
        assert not watching.done(), watching.exception()
        watching.cancel()
        await asyncio.wait({watching})
    assert endpoint.after == ["now", after]
    assert said in written.getvalue()
    assert r"Watching as [b]Sam\x1b[2J." in written.getvalue()


IMPORT = "mutation ($input: ImportTasksInput!) { importTasks(input: $input) { errors { code } } }"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_watch_shows_a_patients_new_name_and_no_claims(server: Server) -> None:
    written = io.StringIO()
    key = server.office.keys["staff"]
    watching = asyncio.create_task(watch(server.url, key, [], Console(file=written, width=200)))

    async def shown(words: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while words not in written.getvalue() and not watching.done():
                await asyncio.sleep(0.01)
        assert not watching.done(), watching.exception()

    await shown("Watching as")
    queue = global_id("Queue", server.office.recall.id)
    for name in ("Fern Testwell", "Fern Newname"):
        row = {"externalId": "t1", "name": name, "phone": "217 555 0123", "reason": "Cleaning"}
        given = {"queueId": queue, "source": "robot", "rows": [row]}
        await server.data(IMPORT, "supervisor", input=given)
        await server.data("mutation { claimNextTask { task { id } } }")
        await shown(name)
    await shown("Patient changed")
    watching.cancel()
    await asyncio.wait({watching})
    assert "Fern Newname" in written.getvalue()
    assert "laimed" not in written.getvalue()


EVENT = {
    "seq": 7,
    "at": "2026-11-27T08:00:00+00:00",
    "kind": "CONTACT_LOGGED",
    "fromStatus": "OPEN",
    "toStatus": "IN_PROGRESS",
    "contact": {"outcome": "NO_ANSWER"},
}


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("Fern\x1b[2J", r"Fern\x1b[2J"),
        ("\u202efdp.nreF", r"\u202efdp.nreF"),
        ("a\nb\x9bc", r"a\nb\x9bc"),
        ("[red]Fern", "[red]Fern"),
        ("李李", "李李"),
    ],
)
def test_a_change_is_one_line_that_a_terminal_only_shows(name: str, seen: str) -> None:
    snapshot = {"followUp": None, "queue": {"name": name}, "patient": {"name": name}}
    written = io.StringIO()
    text = line(EVENT | {"snapshot": snapshot, "actor": {"name": name}})
    Console(file=written, width=200).print(text, soft_wrap=True)
    assert written.getvalue().count("\n") == 1
    assert written.getvalue().count(seen) == 3
    assert not set(written.getvalue()) & set("\x1b\u202e\x9b")
    start = text.plain.index("Open")
    assert cell_len(text.plain[:start]) == 7 + 10 + 23 + 23


def no_page(connection: ServerConnection, _: Request) -> Response:
    return connection.respond(404, "no such page")


@pytest.mark.parametrize(
    "wrong", ["port", "name", "path", "program", "scheme", "number", "nothing"]
)
async def test_a_wrong_address_is_given_up(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if wrong == "port":  # all others are known to be wrong at once
        monkeypatch.setattr("gql_app.commands.watch.FIRST_PAUSE", 0.01)
        monkeypatch.setattr("gql_app.commands.watch.FIRST_SECONDS", 0.05)
    async with (
        serve(Endpoint({}), "127.0.0.1", 0) as another,
        serve(Endpoint({}), "127.0.0.1", 0, process_request=no_page) as pages,
    ):
        ports = [next(iter(server.sockets)).getsockname()[1] for server in (another, pages)]
        url, said = {
            "port": (f"http://127.0.0.1:{free_port()}", "refused"),
            "name": ("http://no-such-host.invalid", "No connection"),
            "path": (f"http://127.0.0.1:{ports[1]}/elsewhere", "404"),
            "program": (f"http://127.0.0.1:{ports[0]}", "does not speak graphql-transport-ws"),
            "scheme": ("ftp://127.0.0.1", "is no address"),
            "number": ("http://127.0.0.1:123456", "is no address"),
            "nothing": ("", "is no address"),
        }[wrong]
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(CannotWatch, match=said):
                await watch(url, "key", [], Console(file=io.StringIO()))


URL = ("--url", "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("option", "variable", "typed", "taken"),
    [
        (("--key", "given"), "set", "typed\n", "given"),
        ((), "set", "typed\n", "set"),
        ((), "", " typed \r\n", "typed"),
        ((), "", "\n", None),
        ((), "", "", None),
    ],
)
async def test_a_key_need_not_be_on_the_command_line(
    option: tuple[str, ...],
    variable: str,
    typed: str,
    taken: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keys: list[str] = []

    async def note(_url: str, key: str, _queues: list[str]) -> None:
        keys.append(key)

    monkeypatch.setattr("gql_app.commands.watch.watch", note)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    shell = Shell(monkeypatch, capsys, key=variable)
    ended = await shell("watch", *URL, *option)
    if taken is None:
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert "CALLBOARD_KEY" in ended.err
    assert keys == ([] if taken is None else [taken])


def test_an_undone_contact_is_called_so() -> None:
    snapshot = {"followUp": None, "queue": {"name": "Recall"}, "patient": {"name": "Fern"}}
    event = EVENT | {"kind": "CONTACT_UNDONE", "snapshot": snapshot, "actor": {"name": "Sam"}}
    assert "Undone: No answer" in line(event).plain
    assert "Reopened" in line(event | {"kind": "REOPENED", "contact": None}).plain
