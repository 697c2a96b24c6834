"""What a new user does first: start the demo, paste what it prints, watch it live."""

import asyncio
import json
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from gql_app.commands.demo.practice import COLLEAGUES, prepare
from gql_app.commands.demo.sample import QUEUES, TIME_ZONE
from tests.flows.commands import PATIENCE, Program, free_port, run, running, serves


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sample practice, made once for those tests that only read it or copy it."""
    folder = tmp_path_factory.mktemp("demo") / "made"
    asyncio.run(prepare(folder))
    return folder


@asynccontextmanager
async def demo(folder: Path, *arguments: str) -> AsyncIterator[tuple[Program, str]]:
    """A demo, and its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with running("demo", "--port", str(port), "--data", str(folder), *arguments) as program:
        await serves(url)
        yield program, url


@pytest.fixture
async def started(tmp_path: Path) -> AsyncIterator[Program]:
    async with demo(tmp_path / "demo") as (program, _):
        yield program


async def test_the_demo_prints_two_links_and_three_commands_that_work(started: Program) -> None:
    program = started
    await program.prints("Ctrl-C stops the demo.")
    agent, supervisor, watch, log, query = re.findall(r"^  (\S.*)$", program.output, re.MULTILINE)

    for link, name in ((agent, "Robin Callwell"), (supervisor, "Sam Overlook")):
        page, _, token = link.partition("#link=")
        async with httpx.AsyncClient(base_url=page, headers={"origin": page.rstrip("/")}) as client:
            assert "Callboard" in (await client.get("/")).text
            assert (await client.post("/session", json={"link": token})).status_code == 204
            query_name = {"query": "{ viewer { name } }"}
            answer = (await client.post("/graphql", json=query_name)).json()
            assert answer["data"]["viewer"]["name"] == name
            assert (await client.post("/session", json={"link": token})).status_code == 401

    async with running(*shlex.split(watch)[1:]) as watching:
        await watching.prints("Watching as Sam Overlook")
        logged = await _paste(log)
        assert logged["logContact"]["errors"] == []
        assert logged["logContact"]["task"]["statusLabel"] == "Open + In Progress"
        await watching.prints("Left message")
    queues = (await _paste(query))["queues"]
    assert [queue["name"] for queue in queues] == list(QUEUES)


async def test_a_demo_whose_port_is_taken_says_so_and_gives_no_link_away(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        folder = tmp_path / "demo"
        code, output = await run("demo", "--port", str(port), "--data", str(folder))
    assert code == 2
    assert output == f"callboard: port {port} is already in use\n"
    assert not folder.exists()


async def test_the_sample_practice_has_work_in_every_state_and_colleagues_who_do_it(
    made: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "demo"))
    async with demo(folder, "--lively") as (program, url):
        keys = _keys_for_nobody_else(folder)
        await _has_work_in_every_state(url, keys["staff"])
        async with asyncio.timeout(PATIENCE):
            while not await _who_called_today(url, keys["supervisor"]) & set(COLLEAGUES):
                await asyncio.sleep(0.1)
        await program.end(signal.SIGINT)
    assert "Traceback" not in program.output


def _keys_for_nobody_else(folder: Path) -> dict[str, str]:
    keys: dict[str, str] = json.loads((folder / "keys.json").read_text())
    assert set(keys) == {"staff", "supervisor", "admin", "partner"}
    assert stat.S_IMODE((folder / "keys.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    return keys


async def _has_work_in_every_state(url: str, key: str) -> None:
    query = "{ queues { counts { notContacted inProgress dueToday overdue closedToday } } }"
    counts = [queue["counts"] for queue in (await _asked(url, key, query))["queues"]]
    assert len(counts) == 4
    for state in ("notContacted", "inProgress", "dueToday", "overdue", "closedToday"):
        assert sum(count[state] for count in counts) > 0, state


async def _who_called_today(url: str, key: str) -> set[str]:
    day = datetime.now(ZoneInfo(TIME_ZONE)).date()
    query = f'''{{ activity(from: "{day}", to: "{day}", bucket: DAY) {{
        byStaff {{ staff {{ name }} contacts {{ total }} }} }} }}'''
    staff = (await _asked(url, key, query))["activity"]["byStaff"]
    return {one["staff"]["name"] for one in staff if one["contacts"]["total"]}


async def _asked(url: str, key: str, query: str) -> Any:
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/graphql", json={"query": query}, headers=headers)
    return answer.json()["data"]


async def test_the_sample_practice_is_the_same_each_time(made: Path, tmp_path: Path) -> None:
    await prepare(tmp_path / "again")
    first, second = _kept_in(made), _kept_in(tmp_path / "again")
    assert first == second
    assert len(first["patients"]) == 300
    assert all(re.fullmatch(r"\(\d{3}\) 555-01\d\d", phone) for _, phone in first["patients"])


def _kept_in(folder: Path) -> dict[str, Any]:
    database = sqlite3.connect(folder / "callboard.sqlite3")
    made = {
        "patients": database.execute("SELECT name, phone FROM patient ORDER BY id").fetchall(),
        "tasks": database.execute(
            "SELECT queue_id, patient_id, status, origin, reason, follow_up, version FROM task"
            " ORDER BY id"
        ).fetchall(),
        "contacts": database.execute(
            "SELECT task_id, outcome, follow_up, notes FROM contact ORDER BY id"
        ).fetchall(),
    }
    database.close()
    return made


async def _paste(command: str) -> Any:
    """What curl would do with the printed command; not every machine has curl."""
    words = shlex.split(command)
    headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1]
    url = next(word for word in words if word.startswith("http"))
    async with httpx.AsyncClient() as client:
        answer = (await client.post(url, content=body, headers=headers)).json()
    assert "errors" not in answer, answer
    return answer["data"]
