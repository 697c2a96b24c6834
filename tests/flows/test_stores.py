"""The code of docs/caches.md keeps the stores of npm's clients at the server's version of a task,
whatever they read of its history."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from tests.flows.commands import printing
from tests.npm import install
from tests.office import task_id
from tests.schema.documents import LOG_CONTACT
from tests.serving import PATIENCE, Server, serving

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BLOCK = re.compile(r"```js\n// (\w+\.js)\n(.*?)```", re.DOTALL)
STORES = ("apollo", "graphcache", "relay")
LATEST = 5
"""The task's version when it is first read."""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's code, the clients that it is for, and Relay's documents compiled."""
    folder = install(HERE / "stores", tmp_path_factory.mktemp("stores") / "stores")
    for name, text in BLOCK.findall((ROOT / "docs/caches.md").read_text()):
        (folder / name).write_text(text)
    shutil.copy(ROOT / "schema.graphql", folder)
    compiled = subprocess.run(
        ("node", "node_modules/relay-compiler/cli.js", "relay.config.json"),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert compiled.returncode == 0, compiled.stdout + compiled.stderr
    return folder


class Lines:
    """What the client has told: the store's version of the task after each thing that it read."""

    def __init__(self, output: asyncio.StreamReader) -> None:
        self._output = output

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            text = (await self._output.readline()).decode()
            if not text.startswith("{"):
                with suppress(TimeoutError):
                    text += (await asyncio.wait_for(self._output.read(), 1)).decode()
                pytest.fail(text)
        line: dict[str, Any] = json.loads(text)
        return line

    async def versions(self, many: int) -> list[int]:
        """The store's version after each of the next events."""
        lines = [await self.next() for _ in range(many)]
        assert {line["what"] for line in lines} == {"event"}
        return [line["version"] for line in lines]


@pytest.fixture
async def server(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Server]:
    """One database is enough: what is tried are the clients."""
    async with serving(f"sqlite://{shutil.copy(sqlite_template, tmp_path / 'own.sqlite3')}") as own:
        yield own


@asynccontextmanager
async def client(code: Path, server: Server, task: str, *how: str) -> AsyncIterator[Lines]:
    start = event_cursor(server.office.practice.id, Position(0))
    command = ("node", "stores.mjs", *how, f"{server.url}/graphql")
    who = (server.office.keys["staff"], start, task)
    async with printing(*command, *who, folder=code) as lines:
        yield Lines(lines)


async def begin(server: Server) -> str:
    """A task with a past."""
    task = task_id(await server.office.make_task())
    for _ in range(LATEST - 1):
        await log(server, task)
    return task


async def log(server: Server, task: str) -> None:
    given = {"taskId": task, "outcome": "NO_ANSWER", "followUp": str(server.office.today)}
    assert (await server.data(LOG_CONTACT, **given))["logContact"]["errors"] == []


@pytest.mark.parametrize("store", STORES)
async def test_a_task_stays_at_the_servers_version_in_the_store_of(
    code: Path, server: Server, store: str
) -> None:
    task = await begin(server)
    async with client(code, server, task, store, "snapshot") as lines:
        assert (await lines.next())["version"] == LATEST
        read = await lines.next()
        assert (read["what"], read["version"]) == ("events", LATEST)
        assert await lines.versions(LATEST) == [LATEST] * LATEST  # the replay
        for now in (LATEST + 1, LATEST + 2):
            await log(server, task)
            live = await lines.next()
            assert live["version"] == now
            assert live["watched"] == list(range(LATEST, now + 1))


@pytest.mark.parametrize("store", STORES)
async def test_the_deprecated_task_of_an_event_turns_back_the_store_of(
    code: Path, server: Server, store: str
) -> None:
    task = await begin(server)
    async with client(code, server, task, store, "task") as lines:
        assert (await lines.next())["version"] == LATEST
        assert (await lines.next())["version"] == 1  # the first event was read
        assert await lines.versions(LATEST) == list(range(1, LATEST + 1))
