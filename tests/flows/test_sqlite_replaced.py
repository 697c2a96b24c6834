"""SQLite's files are replaced, removed or damaged under a server: nobody is told that what went
into them is kept, `/readyz` says so within a second, and so does the log, once."""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing, suppress
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

import httpx
import pytest

from gql_app.schema.ids import global_id
from models.database import opened
from tests.flows.commands import Program, free_port, running, serves
from tests.office import make_office
from tests.serving import PATIENCE

LOG = """mutation ($task: ID!, $date: Date!, $notes: String) {
  logContact(taskId: $task, outcome: NO_ANSWER, followUp: $date, notes: $notes) {
    errors { code } contact { id }
  }
}"""

AGENTS = 4

SOON = 1.5
"""Files are looked at twice a second, and before and after each commit."""


@dataclass
class Place:
    """A practice in a file, and an address to serve it at."""

    file: Path
    url: str
    key: str
    task: str
    date: str
    acknowledged: list[str] = field(default_factory=list)
    acknowledged_late: int = 0
    """How many contacts were sent after it had happened, and acknowledged."""
    codes: list[str] = field(default_factory=list)
    has_happened: bool = False
    may_stop: bool = False

    @property
    def environ(self) -> dict[str, str]:
        url = f"sqlite://{self.file}"
        return {"CALLBOARD_DATABASE_URL": url, "CALLBOARD_LOG_LEVEL": "warning"}

    def contacts_at(self, file: Path) -> set[str]:
        """The notes of all contacts in `file`, once it is read anew."""
        with closing(sqlite3.connect(file)) as connection:
            return {notes for (notes,) in connection.execute("SELECT notes FROM contact")}


@pytest.fixture
async def place(sqlite_template: Path, tmp_path: Path) -> Place:
    folder = tmp_path / "data"
    folder.mkdir()
    file = folder / "callboard.sqlite3"
    shutil.copy(sqlite_template, file)
    async with opened(f"sqlite://{file}"):
        office = await make_office()
        task = global_id("Task", (await office.make_task()).id)
        date = office.today.isoformat()
    return Place(file, f"http://127.0.0.1:{free_port()}", office.keys["staff"], task, date)


@pytest.fixture
def backup(place: Place) -> Path:
    """A copy of the database as it was before the server started."""
    copy = place.file.parent.parent / "backup.sqlite3"
    shutil.copy(place.file, copy)
    return copy


async def log_until_refused(place: Place, agent: int) -> None:
    headers = {"authorization": f"Bearer {place.key}"}
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE) as client:
        for number in count():
            if place.may_stop:
                return
            notes, is_late = f"{agent}-{number}", place.has_happened
            variables = {"task": place.task, "date": place.date, "notes": notes}
            body = {"query": LOG, "variables": variables}
            answer = (await client.post(f"{place.url}/graphql", json=body)).json()
            if "errors" in answer:
                place.codes.append(answer["errors"][0]["extensions"]["code"])
                return
            place.acknowledged.append(notes)
            place.acknowledged_late += is_late


def serving(place: Place) -> AbstractAsyncContextManager[Program]:
    return running("serve", "--port", place.url.rpartition(":")[2], **place.environ)


async def seconds_until_not_ready(place: Place) -> float:
    begun = time.monotonic()
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient() as client:
        while (await client.get(f"{place.url}/readyz")).status_code != 503:
            await asyncio.sleep(0.02)
    return time.monotonic() - begun


def renamed(place: Place, backup: Path) -> None:
    backup.rename(place.file)


def removed(place: Place, backup: Path) -> None:
    place.file.unlink()


def copied_over(place: Place, backup: Path) -> None:
    place.file.write_bytes(backup.read_bytes())


def overwritten(place: Place, backup: Path) -> None:
    place.file.write_bytes(os.urandom(place.file.stat().st_size))


def log_removed(place: Place, backup: Path) -> None:
    Path(f"{place.file}-wal").unlink()


def index_replaced(place: Place, backup: Path) -> None:
    index = Path(f"{place.file}-shm")
    index.with_suffix(".new").write_bytes(index.read_bytes())
    index.with_suffix(".new").rename(index)


WAYS = [renamed, removed, copied_over, overwritten, log_removed, index_replaced]


@pytest.mark.parametrize("happens", WAYS)
async def test_nothing_is_acknowledged_into_files_that_are_not_the_database(
    place: Place, backup: Path, happens: Callable[[Place, Path], None]
) -> None:
    async with serving(place) as server:
        await serves(place.url)
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as agents:
            for agent in range(AGENTS):
                agents.create_task(log_until_refused(place, agent))
            while len(place.acknowledged) < 40:
                await asyncio.sleep(0.01)
            happens(place, backup)
            place.has_happened = True
            assert await seconds_until_not_ready(place) < SOON
        assert place.acknowledged_late == 0
        assert place.codes == ["UNAVAILABLE"] * AGENTS
    assert server.output.count("nothing is read or written any more") == 1
    lines = [
        line
        for line in server.output.splitlines()
        if not line.startswith("Callboard serves at ") and '"event":"not ready: ' not in line
    ]
    assert len(lines) == 1, server.output


@pytest.mark.parametrize("happens", [renamed, copied_over])
async def test_a_server_without_work_notices_it_and_ends_its_streams(
    place: Place, backup: Path, happens: Callable[[Place, Path], None]
) -> None:
    body = {"query": "subscription { taskStatusChanged { seq } }"}
    headers = {"authorization": f"Bearer {place.key}", "accept": "text/event-stream"}
    async with serving(place), httpx.AsyncClient(timeout=PATIENCE, headers=headers) as client:
        await serves(place.url)
        url = f"{place.url}/graphql"
        async with client.stream("POST", url, json=body) as stream:
            happens(place, backup)
            assert await seconds_until_not_ready(place) < SOON
            async with asyncio.timeout(PATIENCE):
                async for _ in stream.aiter_lines():
                    pass
        refused = await client.post(url, json=body)
        assert refused.status_code == 503
        assert refused.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


async def test_checkpoints_of_other_processes_are_no_damage(place: Place) -> None:
    def keep_checkpointing() -> None:
        with closing(sqlite3.connect(place.file, isolation_level=None)) as elsewhere:
            for how in cycle(("PASSIVE", "RESTART", "TRUNCATE")):
                if place.may_stop:
                    return
                with suppress(sqlite3.OperationalError):  # it is locked
                    elsewhere.execute(f"PRAGMA wal_checkpoint({how})").fetchall()
                    elsewhere.execute("UPDATE practice SET name = name || ''")

    async with serving(place) as server:
        await serves(place.url)
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as work:
            work.create_task(asyncio.to_thread(keep_checkpointing))
            for agent in range(AGENTS):
                work.create_task(log_until_refused(place, agent))
            while len(place.acknowledged) < 400 and not place.codes:
                await asyncio.sleep(0.05)
            place.may_stop = True
    assert place.codes == []
    assert server.output.count("\n") == 1, "it says where it listens, and nothing else"
    assert set(place.acknowledged) <= place.contacts_at(place.file)


@pytest.mark.parametrize("happens", [renamed, copied_over])
async def test_a_restart_serves_the_backup_and_nothing_of_what_was_there_before(
    place: Place, backup: Path, happens: Callable[[Place, Path], None]
) -> None:
    async with serving(place):
        await serves(place.url)
        await log_some(place, 20)
        happens(place, backup)
        await seconds_until_not_ready(place)
    async with serving(place) as server:
        await serves(place.url)
    assert server.output.count("\n") == 1, "it says where it listens, and nothing else"
    assert place.contacts_at(place.file) == set()
    assert intact(place.file)


async def test_a_log_that_was_removed_costs_no_contact(place: Place, backup: Path) -> None:
    async with serving(place):
        await serves(place.url)
        await log_some(place, 20)
        log_removed(place, backup)
        await seconds_until_not_ready(place)
    assert place.contacts_at(place.file) == set(place.acknowledged)


async def test_a_file_that_was_moved_away_and_back_costs_no_contact(place: Place) -> None:
    away = place.file.with_suffix(".away")
    async with serving(place):
        await serves(place.url)
        await log_some(place, 20)
        place.file.rename(away)
        await seconds_until_not_ready(place)
        away.rename(place.file)
    assert place.contacts_at(place.file) == set(place.acknowledged)


async def log_some(place: Place, number: int) -> None:
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as work:
        agent = work.create_task(log_until_refused(place, 0))
        while len(place.acknowledged) < number and not agent.done():
            await asyncio.sleep(0.01)
        place.may_stop = True


def intact(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
