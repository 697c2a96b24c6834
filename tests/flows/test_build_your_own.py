"""The code of docs/build-your-own.md does what the page says, through a killed server."""

import asyncio
import json
import re
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from models.database import opened
from models.lifecycle import ContactOutcome
from models.task import Task
from tests.flows.commands import PATIENCE, free_port, printing, running, serves
from tests.npm import install
from tests.office import make_office

PAGE = Path(__file__).parents[2] / "docs/build-your-own.md"
BLOCK = re.compile(r"```js\n// (\w+\.js)\n(.*?)```", re.DOTALL)
LIBRARIES = ("urql.js", "apollo.js")

DRAW = """
export const draw = (tasks, counts) => console.log(JSON.stringify({
  tasks: Object.fromEntries([...tasks.values()].map((t) => [t.patient.name, t.statusLabel])),
  counts: Object.fromEntries([...counts.values()].map((c) => [c.queue.name, c.open])),
}));
"""

START = """
import WebSocket from 'ws';
const [library, SERVER, key] = process.argv.slice(2);
Object.assign(globalThis, { WebSocket, SERVER, SIGN_IN: { authorization: `Bearer ${key}` } });
await import(`./${library}`);
"""
"""What a browser has, and where the page's author has put the address and the key."""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's code and all that it imports."""
    folder = tmp_path_factory.mktemp("own") / "own"
    install(Path(__file__).with_name("own"), folder)
    for name, text in BLOCK.findall(PAGE.read_text()):
        (folder / name).write_text(text)
    (folder / "draw.js").write_text(DRAW)
    (folder / "start.js").write_text(START)
    return folder


def test_each_is_about_sixty_lines() -> None:
    lines = {
        name: len([line for line in text.splitlines() if line])
        for name, text in BLOCK.findall(PAGE.read_text())
    }
    assert lines.keys() == {"live.js", *LIBRARIES}
    for name in LIBRARIES:
        assert lines["live.js"] + lines[name] < 65


@asynccontextmanager
async def dashboard(code: Path, library: str, url: str, key: str) -> AsyncIterator[Any]:
    """A node process with one of the dashboards; what it gives waits for a picture drawn."""
    async with printing("node", "start.js", library, url, key, folder=code) as lines:

        async def draws(wanted: dict[str, Any]) -> None:
            last = ""
            try:
                async with asyncio.timeout(PATIENCE):
                    while not last.startswith("{") or json.loads(last) != wanted:
                        last = (await lines.readline()).decode()
                        assert last, f"{library} has ended"
            except TimeoutError:
                pytest.fail(f"{library} does not draw {wanted}, but {last}")

        yield draws


async def test_both_draw_the_queues_and_come_back_equal(
    code: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    database = f"sqlite://{shutil.copy(sqlite_template, tmp_path / 'callboard.sqlite3')}"
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    async with opened(database), AsyncExitStack() as stack:
        office = await make_office()
        tasks: list[Task] = [await office.make_task(patient=who) for who in office.patients[:2]]
        drawings: list[Callable[[Any], Awaitable[None]]] = []

        async def all_draw(statuses: dict[str, str], recall: int, missed: int) -> None:
            counts = {"Overdue recall": recall, "Missed appointments": missed}
            shown = {f"{name} Testwell": status for name, status in statuses.items()}
            await asyncio.gather(*(d({"tasks": shown, "counts": counts}) for d in drawings))

        serve = ("serve", "--port", port)
        async with running(*serve, CALLBOARD_DATABASE_URL=database) as server:
            await serves(url)
            for library in LIBRARIES:
                shown = dashboard(code, library, url, office.keys["staff"])
                drawings.append(await stack.enter_async_context(shown))
            await all_draw({"Amber": "Open", "Birch": "Open"}, recall=2, missed=0)
            await office.log(tasks[0])
            await all_draw({"Amber": "Open + In Progress", "Birch": "Open"}, recall=2, missed=0)
            await server.end(signal.SIGKILL)
        await office.log(tasks[1], ContactOutcome.SCHEDULED, close=True)
        await office.make_task(office.missed, patient=office.patients[2])
        async with running(*serve, CALLBOARD_DATABASE_URL=database):
            await all_draw({"Amber": "Open + In Progress", "Clover": "Open"}, recall=1, missed=1)
