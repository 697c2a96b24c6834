"""The server as a process: it starts, stops, is killed, and its watchers go on."""

import re
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from gql_app.schema.ids import global_id
from models.database import opened
from models.task import Task
from tests.flows.commands import free_port, run, running, serves
from tests.office import make_office
from tests.serving import TestSocket


@dataclass
class Place:
    """A practice in a file, and an address to serve it at."""

    url: str
    port: str
    environ: dict[str, str]
    key: str
    tasks: Sequence[str]


@pytest.fixture
async def place(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Place]:
    file = tmp_path / "callboard.sqlite3"
    shutil.copy(sqlite_template, file)
    port = str(free_port())
    async with opened(f"sqlite://{file}"):
        office = await make_office()
        tasks = [await office.make_task() for _ in range(5)]
        environ = {"CALLBOARD_DATABASE_URL": f"sqlite://{file}"}
        ids = [global_id("Task", task.id) for task in tasks]
        yield Place(f"http://127.0.0.1:{port}", port, environ, office.keys["staff"], ids)


async def test_a_stopped_server_tells_its_sockets_to_come_back(place: Place) -> None:
    async with running("serve", "--port", place.port, **place.environ) as server:
        await serves(place.url)
        async with _connected(place) as socket:
            assert await server.end() == -signal.SIGTERM
            assert (await socket.closed())[0] == 1012


async def test_a_watch_shows_each_change_once_across_a_killed_server(place: Place) -> None:
    serve = ("serve", "--port", place.port)
    async with running("watch", "--url", place.url, "--key", place.key) as watching:
        async with running(*serve, **place.environ) as server:
            await watching.prints("Watching as")
            await _close(place, place.tasks[0])
            await watching.prints("#6 ")
            await server.end(signal.SIGKILL)
        await watching.prints("Connection lost")
        async with running(*serve, **place.environ):
            await serves(place.url)
            await _close(place, place.tasks[1])
            await _close(place, place.tasks[2])
            await watching.prints("#8 ")
    assert re.findall(r"^#(\d+)", watching.output, re.MULTILINE) == ["6", "7", "8"]


async def test_a_watch_with_a_bad_key_or_queue_says_so_and_ends(place: Place) -> None:
    async with running("serve", "--port", place.port, **place.environ):
        await serves(place.url)
        code, output = await run("watch", "--url", place.url, "--key", "cb_1_wrong")
        assert code == 2
        assert output == "callboard: The key is not valid, or has ended (4403 Forbidden).\n"
        watch = ("watch", "--url", place.url, "--key", place.key)
        code, output = await run(*watch, "--queue", "No such queue")
        assert code == 2
        assert "There is no queue 'No such queue'" in output


async def test_a_watch_without_a_server_says_why_and_goes_on(place: Place) -> None:
    async with running("watch", "--url", place.url, "--key", place.key) as watching:
        await watching.prints("No connection: Connect call failed")
        async with running("serve", "--port", place.port, **place.environ):
            await watching.prints("Watching as")


async def test_keys_are_made_listed_and_revoked_from_the_command_line(place: Place) -> None:
    practice = ("--practice", "maple")
    code, key = await run(
        "keys", "create", *practice, "--role", "STAFF", "--name", "Ann", **place.environ
    )
    assert code == 0
    assert re.fullmatch(r"callboard_key_1_[0-9A-Za-z]{49}\n", key)
    _, listed = await run("keys", "list", *practice, **place.environ)
    number = next(line.split("\t")[0] for line in listed.splitlines() if "Ann" in line)
    assert key.strip() not in listed
    assert (await run("keys", "revoke", *practice, number, **place.environ))[0] == 0
    _, listed = await run("keys", "list", *practice, **place.environ)
    assert f"{number}\tSTAFF\tAnn\trevoked\tall queues\tno end\tnever used" in listed


async def test_expire_closes_what_has_run_out_and_says_how_much(place: Place) -> None:
    await Task.filter(id=1).update(origin="AUTOMATIC", expires_at=(await Task.get(id=1)).created_at)
    assert await run("expire", **place.environ) == (0, "1 closed\n")
    assert await run("expire", **place.environ) == (0, "0 closed\n")
    assert (await Task.get(id=1)).close_cause == "EXPIRED"


@pytest.mark.parametrize("bus", ["memory", "redis"])
async def test_a_port_that_is_taken_ends_the_start_with_one_line(
    place: Place, bus: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("redis_url") if bus == "redis" else "memory://"
    with socket.create_server(("127.0.0.1", int(place.port))):
        environ = {**place.environ, "CALLBOARD_BUS_URL": url}
        code, output = await run("serve", "--port", place.port, **environ)
    assert (code, output) == (2, f"callboard: port {place.port} is already in use\n")


async def test_an_impossible_setting_stops_the_start_with_one_line(place: Place) -> None:
    for name, value in (
        ("CALLBOARD_DATABASE_URL", "mysql://127.0.0.1/x"),
        ("CALLBOARD_RETENTION_DAYS", "soon"),
        ("CALLBOARD_NO_SUCH_THING", "1"),
    ):
        code, output = await run("serve", "--port", place.port, **{**place.environ, name: value})
        assert code == 2
        assert output.startswith(f"callboard: {name} ")
        assert output.count("\n") == 1


async def _close(place: Place, task: str) -> None:
    async with _connected(place) as socket:
        mutation = f'mutation {{ logContact(taskId: "{task}", outcome: NO_ANSWER, close: true)'
        await socket.subscribe(mutation + " { errors { code } } }")
        assert (await socket.next_data())["logContact"]["errors"] == []


@asynccontextmanager
async def _connected(place: Place) -> AsyncIterator[TestSocket]:
    address = f"ws://127.0.0.1:{place.port}/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(address, subprotocols=protocols) as connection, TestSocket(connection) as s:
        await s.init(place.key)
        yield s
