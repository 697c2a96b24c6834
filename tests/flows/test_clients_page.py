"""The programs of docs/clients.md take each change once, through a killed server."""

import asyncio
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from models.database import opened
from models.lifecycle import ContactOutcome
from tests.flows.commands import PATIENCE, free_port, printing, running, serves
from tests.npm import install
from tests.office import make_office

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
PROGRAM = re.compile(r"```(?:js|python)\n(?://|#) (\w+\.\w+)\n(.*?)```", re.DOTALL)
PROGRAMS = dict(PROGRAM.findall(PAGE.read_text()))


class Printed:
    """What a program prints. The programs show changes in lines, which are kept."""

    def __init__(self, lines: asyncio.StreamReader) -> None:
        self._lines = lines
        self.all: list[str] = []

    async def until(self, wanted: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not self.all or wanted not in self.all[-1]:
                    line = (await self._lines.readline()).decode().rstrip("\n")
                    assert line, f"it has ended: {self.all}"
                    self.all.append(line)
        except TimeoutError:
            pytest.fail(f"it does not print {wanted!r}, but {self.all}")


@asynccontextmanager
async def program(folder: Path, *command: str, **environment: str) -> AsyncIterator[Printed]:
    async with printing(*command, folder=folder, environ=environment) as lines:
        yield Printed(lines)


def test_the_page_has_both_programs() -> None:
    assert PROGRAMS.keys() == {"dashboard.mjs", "partner.py"}


async def test_the_partner_takes_each_event_once(sqlite_template: Path, tmp_path: Path) -> None:
    (tmp_path / "partner.py").write_text(PROGRAMS["partner.py"])
    database = f"sqlite://{shutil.copy(sqlite_template, tmp_path / 'callboard.sqlite3')}"
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    serve = ("serve", "--port", port)
    async with opened(database):
        office = await make_office()
        tasks = [await office.make_task(patient=who) for who in office.patients[:2]]
        partner = (sys.executable, "-u", "partner.py")
        seen = {"URL": url, "PARTNER": office.keys["partner"]}
        async with running(*serve, CALLBOARD_DATABASE_URL=database) as server:
            await serves(url)
            async with program(tmp_path, *partner, **seen) as first:
                await first.until("2 CREATED OPEN Birch Testwell")
                await office.log(tasks[0])
                await first.until("3 CONTACT_LOGGED IN_PROGRESS Amber Testwell")
                await server.end(signal.SIGKILL)
                await first.until("lost the server")
                await office.log(tasks[1], ContactOutcome.SCHEDULED, close=True)
                async with running(*serve, CALLBOARD_DATABASE_URL=database):
                    await first.until("4 CONTACT_LOGGED CLOSED Birch Testwell")
        await office.log(tasks[0], ContactOutcome.NO_ANSWER, close=True)
        async with (
            running(*serve, CALLBOARD_DATABASE_URL=database),
            program(tmp_path, *partner, **seen) as second,
        ):
            await second.until("5 CONTACT_LOGGED CLOSED Amber Testwell")

    taken = [line for line in first.all + second.all if not line.startswith("lost")]
    assert [line.split()[0] for line in taken] == ["1", "2", "3", "4", "5"]


async def test_the_dashboard_goes_on_after_its_cursor(
    sqlite_template: Path, tmp_path: Path
) -> None:
    folder = install(Path(__file__).with_name("own"), tmp_path / "own")
    (folder / "dashboard.mjs").write_text(PROGRAMS["dashboard.mjs"])
    database = f"sqlite://{shutil.copy(sqlite_template, tmp_path / 'callboard.sqlite3')}"
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    serve = ("serve", "--port", port)
    node = shutil.which("node") or "node"
    async with opened(database):
        office = await make_office()
        tasks = [await office.make_task(patient=who) for who in office.patients[:2]]
        async with running(*serve, CALLBOARD_DATABASE_URL=database) as server:
            await serves(url)
            key = office.keys["staff"]
            async with program(folder, node, "dashboard.mjs", URL=url, STAFF=key) as page:
                await page.until("Overdue recall: 2 open, first of them")
                await office.log(tasks[0])
                await page.until("Amber Testwell: Open + In Progress")
                await server.end(signal.SIGKILL)
                await page.until("closed 1006")
                await office.log(tasks[1], ContactOutcome.SCHEDULED, close=True)
                async with running(*serve, CALLBOARD_DATABASE_URL=database):
                    await page.until("Birch Testwell: Closed")
                    await page.until("Overdue recall: 1 open")

    assert [line for line in page.all if "Testwell" in line] == [
        "Amber Testwell: Open + In Progress",
        "Birch Testwell: Closed",
    ]
    assert len([line for line in page.all if "first of them" in line]) == 2  # one a queue
