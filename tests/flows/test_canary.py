"""A patient's name, number and notes go every way through a server and an import, into refusals and
failures too: no log, no terminal and no file of PostgreSQL's shows them."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from models.database import opened
from tests.commands.importing.rows import csv_file, row
from tests.conftest import with_database
from tests.flows.commands import Program, free_port, run, running, serves
from tests.office import Office, make_office, task_id
from tests.schema.documents import CREATE_TASK, LOG_CONTACT, STATUS_CHANGED
from tests.serving import METRICS_TOKEN, PATIENCE, TestSocket

WORD = "Zebulonneedles"
NUMBER = "2175557781"
BROKEN = f"{WORD} broken"
CANARIES = (WORD.lower(), NUMBER[-7:])

RULES = (
    # As a constraint that a programmer got wrong: PostgreSQL shows the row that fails it.
    f"ALTER TABLE contact ADD CONSTRAINT canary CHECK (notes <> '{BROKEN}')",
    f"ALTER TABLE patient ADD CONSTRAINT canary CHECK (name <> '{BROKEN}')",
)
SERVER_SETTINGS = ("log_error_verbosity = 'terse'", "log_parameter_max_length = 0")
"""What docs/operations.md tells to set in PostgreSQL."""

SLOW = ("log_min_duration_statement = 0",)
"""As somebody sets it who looks for slow statements."""


class Stage:
    """A server in a process of its own, a practice, and all that was ever shown of them."""

    def __init__(self, server: Program, office: Office, url: str, folder: Path) -> None:
        self.server, self.office, self.url, self.folder = server, office, url, folder
        self.headers = {"authorization": f"Bearer {office.keys['supervisor']}"}

    async def post(self, client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        return (await client.post("/graphql", json=body, headers=self.headers)).json()


@pytest.fixture
async def stage(postgres_url: str, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    name = database_url.partition("?")[0].rpartition("/")[2]
    admin = await asyncpg.connect(with_database(postgres_url, name))
    for setting in (*SERVER_SETTINGS, *SLOW):
        await admin.execute(f"ALTER DATABASE {name} SET {setting}")
    for rule in RULES:
        await admin.execute(rule)
    await admin.close()
    port = free_port()
    environ = {
        "CALLBOARD_DATABASE_URL": database_url,
        "CALLBOARD_METRICS_TOKEN": METRICS_TOKEN,
        "CALLBOARD_SECURITY_LOG": str(tmp_path / "security.log"),
    }
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(opened(database_url))
        office = await make_office()
        server = await stack.enter_async_context(running("serve", "--port", str(port), **environ))
        url = f"http://127.0.0.1:{port}"
        await serves(url)
        yield Stage(server, office, url, tmp_path)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_nothing_of_a_patient_is_in_any_log(
    stage: Stage, database_url: str, postgres_url: str
) -> None:
    if os.environ.get("CALLBOARD_TEST_DATABASE_URL"):
        pytest.skip("the log of a server that is named cannot be read here")
    async with httpx.AsyncClient(base_url=stage.url, timeout=PATIENCE) as client:
        await speak(stage, client)
        failed = await fail(stage, client)
        await mumble(stage, client)
    imported = await import_files(stage, database_url)
    await stage.server.end()
    security = (stage.folder / "security.log").read_text()
    lines = [json.loads(line) for line in stage.server.output.splitlines() if line[:1] == "{"]
    internal = [line for line in lines if line["event"].startswith("internal error")]
    assert [line["request_id"] for line in internal] == failed
    assert "key_refused" in security
    assert "key_refused" not in stage.server.output
    of_postgres = log_of(postgres_url)
    assert 'violates check constraint "canary"' in of_postgres
    assert "INSERT INTO" in of_postgres
    for where, shown in (
        ("the server", stage.server.output),
        ("the security log", security),
        ("the import", imported),
        ("PostgreSQL", of_postgres.replace("\n".join(RULES), "")),
    ):
        for canary in CANARIES:
            told = [line for line in shown.lower().splitlines() if canary in line]
            assert [line for line in told if "add constraint canary" not in line] == [], where


async def speak(stage: Stage, client: httpx.AsyncClient) -> None:
    """What a day brings, by all transports, with refusals."""
    office = stage.office
    task = await office.make_task()
    given = {"taskId": task_id(task), "outcome": "SCHEDULED", "close": True, "notes": WORD}
    stream = {**stage.headers, "accept": "text/event-stream"}
    body = {"query": STATUS_CHANGED}
    async with (
        connect(f"{stage.url}/graphql".replace("http", "ws"), subprotocols=PROTOCOLS) as raw,
        TestSocket(raw) as socket,
        client.stream("POST", "/graphql", json=body, headers=stream) as events,
    ):
        await socket.init(office.keys["staff"])
        await socket.subscribe(STATUS_CHANGED, "watch")
        lines = events.aiter_lines()
        assert (await anext(lines)) == ": connected"
        await until_followed(client, 2)
        assert not (await stage.post(client, LOG_CONTACT, **given))["data"]["logContact"]["errors"]
        told = await socket.next_data()
        assert told["taskStatusChanged"]["contact"]["notes"] == WORD
        while not (line := await anext(lines)).startswith("data:"):
            pass
        assert WORD in line
    again = await stage.post(client, LOG_CONTACT, **given)
    assert again["data"]["logContact"]["errors"][0]["code"] == "TASK_CLOSED"
    search = f'{{ tasks(filter: {{patient: "{WORD} {NUMBER}"}}) {{ nodes {{ id }} }} }}'
    assert "errors" not in await stage.post(client, search)
    new = {"queueId": WORD, "patientId": NUMBER, "reason": WORD}
    assert (await stage.post(client, CREATE_TASK, input=new))["errors"]


def log_of(postgres_url: str) -> str:
    """The log of the server that the tests have started."""
    return Path(postgres_url.partition("host=")[2], "log").read_text(errors="replace")


PROTOCOLS = [Subprotocol("graphql-transport-ws")]


async def until_followed(client: httpx.AsyncClient, number: int) -> None:
    token = {"authorization": f"Bearer {METRICS_TOKEN}"}
    figure = f"callboard_live_streams {number}.0"
    async with asyncio.timeout(PATIENCE):
        while figure not in (await client.get("/metrics", headers=token)).text:
            await asyncio.sleep(0.01)


async def fail(stage: Stage, client: httpx.AsyncClient) -> list[str]:
    """Contacts that the database refuses with the whole row in its message. Returns the ids."""
    task = await stage.office.make_task()
    given = {"taskId": task_id(task), "outcome": "SCHEDULED", "close": True, "notes": BROKEN}
    answer = await stage.post(client, LOG_CONTACT, **given)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert WORD not in json.dumps(answer)
    return [error["extensions"]["correlationId"]]


async def mumble(stage: Stage, client: httpx.AsyncClient) -> None:
    """Requests that are no requests, with a patient in every part of them."""
    headers = {**stage.headers, "x-request-id": f"{WORD} {NUMBER}", "origin": f"http://{WORD} x"}
    named = f'{{"query": "{{ x }}", "operationName": "{WORD} "}}'
    for body in (WORD, f'{{"query": "{WORD}"}}', named):
        as_json = {**headers, "content-type": "application/json"}
        await client.post("/graphql", content=body, headers=as_json)
    for path in (f"/graphql?query={WORD}", f"/{WORD}", f"/dashboard/{WORD}"):
        await client.get(path, headers=headers)
    await client.post("/graphql", json={}, headers={"authorization": f"Bearer cb_1_{WORD}"})
    await client.post("/session", json={"key": WORD}, headers={"origin": stage.url})
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
    writer.write(f"{WORD} {NUMBER}\r\n\r\n".encode())
    await reader.read()
    writer.close()
    for text in (WORD, f'{{"type": "{WORD}"}}'):
        address = f"{stage.url}/graphql".replace("http", "ws")
        async with connect(address, subprotocols=PROTOCOLS) as socket:
            await socket.send(text)
            await socket.wait_closed()


async def import_files(stage: Stage, database_url: str) -> str:
    """Import a file with rows that are rejected, and one that the database fails on."""
    shown = ""
    environ = {"CALLBOARD_DATABASE_URL": database_url}
    for name, rows, code in (
        ("good.csv", [row("t1", name=WORD, phone=NUMBER), row("t2", name=WORD, phone=WORD)], 1),
        ("bad.csv", [row("t3", name=BROKEN, phone=NUMBER)], 2),
    ):
        path = stage.folder / name
        path.write_text(csv_file(*rows))
        order = ("--practice", "maple", "--queue", "Overdue recall")
        ended, output = await run("import", str(path), *order, **environ)
        assert ended == code, output
        shown += output
    assert (stage.folder / "good.rejects.csv").stat().st_mode & 0o077 == 0
    return shown
