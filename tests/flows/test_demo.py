"""What a new user does first: start the demo, paste what it prints, watch it live."""

import json
import re
import shlex
import socket
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gql_app.commands.demo import practice as demo
from tests.flows.commands import Program, free_port, run, running, serves


@pytest.fixture
async def started(tmp_path: Path) -> AsyncIterator[tuple[Program, str, Path]]:
    port = free_port()
    folder = tmp_path / "demo"
    url = f"http://127.0.0.1:{port}"
    async with running("demo", "--port", str(port), "--data", str(folder)) as program:
        await serves(url)
        yield program, url, folder


async def test_the_demo_prints_two_links_and_three_commands_that_work(
    started: tuple[Program, str, Path],
) -> None:
    program, _, _ = started
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
    assert [queue["name"] for queue in queues] == list(demo.QUEUES)


async def test_a_demo_whose_port_is_taken_says_so_and_gives_no_link_away(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        folder = tmp_path / "demo"
        code, output = await run("demo", "--port", str(port), "--data", str(folder))
    assert code == 2
    assert output == f"callboard: port {port} is already in use\n"
    assert not folder.exists()


async def test_the_sample_practice_has_work_in_every_state(
    started: tuple[Program, str, Path],
) -> None:
    _, url, folder = started
    keys = json.loads((folder / "keys.json").read_text())
    assert set(keys) == {"staff", "supervisor", "partner"}
    assert stat.S_IMODE((folder / "keys.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    query = "{ queues { counts { notContacted inProgress dueToday overdue closedToday } } }"
    body = {"query": query}
    headers = {"authorization": f"Bearer {keys['staff']}"}
    async with httpx.AsyncClient() as client:
        answer = (await client.post(f"{url}/graphql", json=body, headers=headers)).json()
    counts = [queue["counts"] for queue in answer["data"]["queues"]]
    assert len(counts) == 4
    for state in ("notContacted", "inProgress", "dueToday", "overdue", "closedToday"):
        assert sum(count[state] for count in counts) > 0, state


async def test_the_sample_practice_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = [await _made_in(tmp_path / name) for name in ("first", "second")]
    assert first == second
    assert len(first["patients"]) == 300
    assert all(re.fullmatch(r"\(\d{3}\) 555-01\d\d", phone) for _, phone in first["patients"])


async def _made_in(folder: Path) -> dict[str, Any]:
    await demo.prepare(folder)
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
