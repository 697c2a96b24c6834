"""`callboard serve --workers N`: processes that serve together hear each other, or do not start."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from models.database import opened
from tests.office import make_office, task_id
from tests.serving import METRICS_TOKEN, PATIENCE, Server, TestSocket

CALLBOARD = Path(sys.executable).with_name("callboard")

START_SECONDS = 60.0
"""Each worker imports everything anew, on a machine that may be busy."""

SOCKETS = 6

WATCH = "subscription { taskStatusChanged { seq } }"

LOG = """mutation ($task: ID!, $date: Date!) {
  logContact(taskId: $task, outcome: NO_ANSWER, followUp: $date) { errors { code } contact { id } }
}"""

POSTGRES = "postgres://nobody@127.0.0.1:9/nothing"
REDIS = "redis://127.0.0.1:9"

postgres_only = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


async def callboard(*arguments: str, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    """The command in a process group of its own, with these settings and no others."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CALLBOARD_")}
    return await asyncio.create_subprocess_exec(
        str(CALLBOARD),
        *arguments,
        env=inherited | dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


@asynccontextmanager
async def two_workers(database_url: str, bus_url: str) -> AsyncIterator[Server]:
    """A server of two processes; `office` is a small practice in it, open in this one too."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"CALLBOARD_DATABASE_URL": database_url, "CALLBOARD_BUS_URL": bus_url}
    settings["CALLBOARD_METRICS_TOKEN"] = METRICS_TOKEN
    settings["CALLBOARD_LOG_LEVEL"] = "warning"  # a line for each request would come at the end
    process = await callboard("serve", "--workers", "2", "--port", str(port), environment=settings)
    try:
        url = f"http://127.0.0.1:{port}"
        async with opened(database_url), httpx.AsyncClient(base_url=url, timeout=60) as client:
            async with asyncio.timeout(START_SECONDS):
                while not await _answers(client):
                    assert process.returncode is None, "the server has ended"
                    await asyncio.sleep(0.05)
            yield Server(port, await make_office(), client)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(START_SECONDS):
            out, err = await process.communicate()
        assert out.startswith(f"Callboard serves at {url}/graphql;".encode())
        assert (process.returncode, out.count(b"\n"), err) == (0, 1, b"")
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return bool((await client.get("/readyz")).json() == {"database": True, "bus": True})
    except httpx.TransportError:
        return False


async def streams_here(server: Server) -> int:
    """How many streams are followed in the process that happens to answer."""
    lines = (await server.metrics()).text.splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith("callboard_live_streams "))
    return int(float(value))


@postgres_only
@pytest.mark.parametrize("bus", ["postgres", "redis"])
async def test_a_change_reaches_the_sockets_of_every_process(
    database_url: str, bus: str, request: pytest.FixtureRequest
) -> None:
    bus_url = database_url if bus == "postgres" else request.getfixturevalue("redis_url")
    async with two_workers(database_url, bus_url) as server, AsyncExitStack() as stack:
        sockets: list[TestSocket] = []
        async with asyncio.timeout(START_SECONDS):
            # The kernel deals the connections out: there are enough when both processes have some.
            while len(sockets) < SOCKETS or not 0 < await streams_here(server) < len(sockets):
                sockets.append(await stack.enter_async_context(server.socket()))
                await sockets[-1].subscribe(WATCH)
        task = task_id(await server.office.make_task())
        date = server.office.today.isoformat()
        # The first may have to wait for a poll: a process may only just have started, and what
        # this one did was not rung at all.
        await server.data(LOG, task=task, date=date)
        for seq in (1, 2):
            assert {(await s.next_data())["taskStatusChanged"]["seq"] for s in sockets} == {seq}
        # By polling alone each of these would take 5 s to reach the other process.
        async with asyncio.timeout(8):
            for seq in (3, 4, 5):
                await server.data(LOG, task=task, date=date)
                assert {(await s.next_data())["taskStatusChanged"]["seq"] for s in sockets} == {seq}


@postgres_only
async def test_workers_end_with_their_parent(database_url: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"CALLBOARD_DATABASE_URL": database_url, "CALLBOARD_BUS_URL": database_url}
    process = await callboard("serve", "--workers", "2", "--port", str(port), environment=settings)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            async with asyncio.timeout(START_SECONDS):
                while not await _answers(client):
                    await asyncio.sleep(0.05)
            process.kill()
            async with asyncio.timeout(PATIENCE):
                await process.wait()  # ends when nobody has its pipes any more
                while not is_free(port):
                    await asyncio.sleep(0.05)
    finally:
        with suppress(ProcessLookupError):  # its workers are in the group
            os.killpg(process.pid, signal.SIGKILL)


def is_free(port: int) -> bool:
    """Whether nobody has the port any more."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"DATABASE_URL": POSTGRES}, "CALLBOARD_BUS_URL memory://"),
        ({"DATABASE_URL": POSTGRES, "BUS_URL": "memory://"}, "CALLBOARD_BUS_URL memory://"),
        ({"DATABASE_URL": "sqlite://x", "BUS_URL": REDIS}, "CALLBOARD_DATABASE_URL sqlite://"),
        ({}, "CALLBOARD_DATABASE_URL sqlite://"),
    ],
)
async def test_workers_that_could_not_hear_each_other_do_not_start(
    settings: dict[str, str], named: str
) -> None:
    err = await refused("serve", "--workers", "2", settings=settings)
    assert err.startswith("callboard: 2 workers cannot share")
    assert named in err


@pytest.mark.parametrize(
    "url", ["kafka://me:hunter2@host", "hunter2", "redis://me:hunter2@host:high", ""]
)
async def test_a_bus_that_cannot_be_is_refused_without_showing_its_password(url: str) -> None:
    err = await refused("serve", settings={"BUS_URL": url})
    assert err.startswith("callboard: CALLBOARD_BUS_URL ")
    assert "hunter2" not in err
    assert "high" not in err


async def test_fewer_workers_than_one_are_no_server() -> None:
    process = await callboard("serve", "--workers", "0", environment={})
    async with asyncio.timeout(PATIENCE * 3):
        _, err = await process.communicate()
    assert process.returncode == 2
    assert b"--workers" in err.splitlines()[-1]


async def refused(*arguments: str, settings: dict[str, str]) -> str:
    """What the command says before it ends: one line, nothing else, and code 2."""
    environment = {f"CALLBOARD_{name}": value for name, value in settings.items()}
    process = await callboard(*arguments, environment=environment)
    try:
        async with asyncio.timeout(PATIENCE * 3):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    assert (process.returncode, out) == (2, b"")
    (line,) = err.decode().splitlines()
    return line
