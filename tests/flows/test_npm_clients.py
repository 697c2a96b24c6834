"""npm's clients, as published: they follow a stream through restarts and sleep, and are answered as
they expect."""

import asyncio
import json
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from gql_app.app import server_config
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from models.database import opened
from models.task import Task
from tests.flows.commands import PATIENCE, free_port, running, serves
from tests.npm import install
from tests.office import Office, make_office, task_id
from tests.schema.documents import LOG_CONTACT
from tests.serving import serving
from tests.web.streams import until_streams

SOON = 5.0
"""Seconds within which a server has stopped."""

CLIENTS = [(transport, way) for transport in ("ws", "sse") for way in ("retry", "loop")]


RESPONSE, JSON = "application/graphql-response+json", "application/json"
# Each asks for one thing, another, and the first again. A document is not found by its hash, and is
# then sent whole, once.
LEARNED = [f"POST {status} {RESPONSE}" for status in (400, 200, 400, 200, 200)]
ASKED = {
    "apollo as it is POST": LEARNED,
    # A hash by GET is refused: all go by POST, whole.
    "apollo as it is GET": [f"GET 405 {RESPONSE}", *[f"POST 200 {RESPONSE}"] * 3],
    # The first of these clients has sent both already.
    f"apollo {JSON} POST": [f"POST 200 {JSON}"] * 3,
    f"apollo {JSON} GET": [f"GET 405 {JSON}", *[f"POST 200 {JSON}"] * 3],
    "urql plain": [f"POST 200 {RESPONSE}"] * 3,
    "urql persisted": LEARNED,
}


@pytest.fixture(scope="module")
def npm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of npm/ with the clients installed."""
    return install(Path(__file__).with_name("npm"), tmp_path_factory.mktemp("clients") / "npm")


class Client:
    """A node process that follows the stream; `lines` is all that it has told."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.lines: list[dict[str, Any]] = []
        self._process = process
        self._grown = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @property
    def seqs(self) -> list[int]:
        return [line["seq"] for line in self.lines if "seq" in line]

    def told(self, what: str) -> list[Any]:
        return [line[what] for line in self.lines if what in line]

    async def sees(self, seq: int) -> None:
        """Wait until it has been given event `seq`, or a later one."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not self.seqs or self.seqs[-1] < seq:
                    assert not self._reader.done(), f"it has ended; it told: {self.lines}"
                    await self._grown.wait()
                    self._grown.clear()
        except TimeoutError:
            pytest.fail(f"{self.name} has not seen {seq}; it told: {self.lines}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            text = line.decode()
            self.lines.append(json.loads(text) if text.startswith("{") else {"output": text})
            self._grown.set()
        self._grown.set()


@asynccontextmanager
async def following(
    folder: Path, url: str, office: Office, which: Sequence[tuple[str, str]] = CLIENTS
) -> AsyncIterator[list[Client]]:
    """The clients, from the practice's first event on."""
    given = (f"{url}/graphql", office.keys["staff"], event_cursor(office.practice.id, Position(0)))
    async with AsyncExitStack() as stack:
        clients = []
        for transport, way in which:
            process = await asyncio.create_subprocess_exec(
                *("node", "client.mjs", transport, way, *given),
                cwd=folder,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            clients.append(Client(f"{transport} {way}", process))
            stack.push_async_callback(clients[-1].end)
        yield clients


async def log_over_http(url: str, office: Office, task: Task) -> None:
    given = {
        "taskId": task_id(task),
        "outcome": "NO_ANSWER",
        "followUp": office.today.isoformat(),
    }
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        answer = await client.post(
            f"{url}/graphql",
            json={"query": LOG_CONTACT, "variables": given},
            headers={"authorization": f"Bearer {office.keys['staff']}"},
        )
    assert answer.json()["data"]["logContact"]["errors"] == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
async def test_the_clients_see_each_event_once_and_in_order_though_the_server_is(
    how: signal.Signals, npm_folder: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    database_url = f"sqlite://{shutil.copy(sqlite_template, tmp_path / 'callboard.sqlite3')}"
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    async with opened(database_url):
        office = await make_office()
        task = await office.make_task()
        async with following(npm_folder, url, office) as clients:
            last = 1
            for _ in range(3):
                async with running(
                    "serve", "--port", port, CALLBOARD_DATABASE_URL=database_url
                ) as server:
                    await serves(url)
                    for _ in range(2):
                        await log_over_http(url, office, task)
                    last += 2
                    await asyncio.gather(*(client.sees(last) for client in clients))
                    async with asyncio.timeout(SOON):
                        await server.end(how)
                await office.log(task)  # while nobody serves
                last += 1
        for client in clients:
            assert client.seqs == list(range(1, last)), client.name
            assert len(client.told("connected")) >= 3, client.name
            assert not client.told("complete"), f"{client.name}: it was told to come back no more"
            assert not client.told("errors"), client.name
            if "retry" in client.name:
                assert not client.told("error"), client.name


async def test_a_client_that_was_asleep_comes_back_and_goes_on(
    npm_folder: Path, sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hurried(*given: Any) -> uvicorn.Config:
        config = server_config(*given)
        config.ws_ping_interval = config.ws_ping_timeout = 0.3
        return config

    monkeypatch.setattr("tests.serving.server_config", hurried)
    database_url = f"sqlite://{shutil.copy(sqlite_template, tmp_path / 'callboard.sqlite3')}"
    async with serving(database_url) as server:
        task = await server.office.make_task()
        which = [("ws", "retry")]
        async with following(npm_folder, server.url, server.office, which) as (client,):
            await client.sees(1)
            client.signal(signal.SIGSTOP)
            await until_streams(server, 0)
            await server.office.log(task)
            client.signal(signal.SIGCONT)
            await client.sees(2)
            assert client.told("closed") == [1001]
            assert client.seqs == [1, 2]
            assert not client.told("error")


async def test_stock_clients_are_answered_as_they_expect(
    npm_folder: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    database_url = f"sqlite://{shutil.copy(sqlite_template, tmp_path / 'callboard.sqlite3')}"
    async with serving(database_url) as server:
        process = await asyncio.create_subprocess_exec(
            *("node", "stock.mjs", f"{server.url}/graphql", server.office.keys["staff"]),
            cwd=npm_folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, output.decode()
    told = [json.loads(line) for line in output.decode().splitlines()]
    assert {line["client"]: line["asked"] for line in told if "client" in line} == ASKED
    assert all(
        line["names"] == [["viewer"], ["queues"], ["viewer"]] for line in told if "client" in line
    )
    audits = [line for line in told if "audit" in line]
    assert len(audits) == 61
    assert [line for line in audits if line["status"] not in {"ok", "notice"}] == []
