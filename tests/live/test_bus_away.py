"""A bus that goes away and comes back: nobody stops for it, and what was missed is read again."""

import asyncio
import logging
import os
import signal
from functools import partial

import pytest

from gql_app.live import lines
from gql_app.live.bus import Bus
from tests.brokers import Broker, PostgresBroker, RedisServer, until
from tests.live.ears import listening
from tests.office import task_id
from tests.serving import PATIENCE, Server, serving

LOG = """mutation ($task: ID!, $date: Date!) {
  logContact(taskId: $task, outcome: NO_ANSWER, followUp: $date) { errors { code } contact { id } }
}"""

WATCH = "subscription { taskStatusChanged { seq } }"

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_a_bus_that_was_away_is_heard_again_and_all_is_read_again(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(broker.url) as here, listening(broker.url) as there:
        assert (here.rereads, there.rereads) == (1, 1), "rings were missed before the start, too"
        await broker.stop()
        await until(lambda: not here.bus.is_connected and not there.bus.is_connected)
        here.bus.ring(1, 1)
        await here.until((1, 1))
        assert here.bus.dropped_rings == 1
        await broker.start()
        await until(lambda: here.bus.is_connected and there.bus.is_connected)
        assert here.rereads >= 2
        assert there.rereads >= 2
        here.bus.ring(1, 2)
        there.bus.ring(2, 1)
        await here.until((2, 1))
        await there.until((1, 2))
        assert (1, 1) not in there.heard
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert sum("the bus is away" in line for line in told) == 2, "each says so once"


async def test_a_connection_that_is_cut_is_noticed_though_the_next_one_stands(
    broker: Broker,
) -> None:
    async with listening(broker.url) as here, listening(broker.url) as there:

        def has_reread(least: int) -> bool:
            return min(here.rereads, there.rereads) >= least

        for time in (2, 3):
            await broker.cut()
            await until(partial(has_reread, time))
        here.bus.ring(1, 1)
        await there.until((1, 1))


async def test_a_bus_that_is_away_at_the_start_is_found_when_it_comes(broker: Broker) -> None:
    await broker.stop()
    starting = asyncio.create_task(_hear_one(broker.url))
    await asyncio.wait([starting], timeout=0.2)
    assert not starting.done(), "it neither gives up nor takes itself for connected"
    await broker.start()
    await starting


async def test_a_bus_may_be_stopped_at_any_moment_of_its_start(broker: Broker) -> None:
    for turns in range(60):
        bus = Bus(broker.url, lambda _practice, _seq: None, lambda: None)
        running = asyncio.create_task(bus.run())
        for _ in range(turns):
            await asyncio.sleep(0.0002)
        running.cancel()
        ended, _ = await asyncio.wait({running}, timeout=PATIENCE)
        assert ended, turns


async def _hear_one(url: str) -> None:
    async with listening(url) as ears:
        ears.bus.ring(1, 1)
        await ears.until((1, 1))
        assert ears.bus.is_connected


async def test_a_peer_that_says_nothing_any_more_is_given_up(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(lines, "LIMIT_SECONDS", 0.3)
    async with listening(broker.url) as ears:
        if isinstance(broker, RedisServer):
            with broker.frozen():
                await until(lambda: not ears.bus.is_connected)
                ears.bus.ring(1, 1)
                await ears.until((1, 1))
        else:
            assert isinstance(broker, PostgresBroker)
            (backend,) = await broker.backends()
            try:
                os.kill(backend, signal.SIGSTOP)
            except ProcessLookupError:
                pytest.skip("PostgreSQL runs elsewhere: its processes cannot be stopped")
            try:
                await until(lambda: ears.rereads >= 2)
            finally:
                os.kill(backend, signal.SIGCONT)
        await until(lambda: ears.bus.is_connected and ears.rereads >= 2)
        ears.bus.ring(1, 2)
        await ears.until((1, 2))


async def test_a_quiet_line_is_not_given_up(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "QUIET_SECONDS", 0.02)
    probes = 0
    watched = lines.PostgresLine._execute
    received = lines.RedisLine._receive

    async def execute(line: lines.PostgresLine, *statement: str) -> None:
        nonlocal probes
        probes += statement == ("SELECT 1",)
        await watched(line, *statement)

    async def receive(line: lines.RedisLine, seconds: float) -> str | None:
        nonlocal probes
        kind = await received(line, seconds)
        probes += kind == "pong"
        return kind

    monkeypatch.setattr(lines.PostgresLine, "_execute", execute)
    monkeypatch.setattr(lines.RedisLine, "_receive", receive)
    async with listening(broker.url) as ears:
        await until(lambda: probes >= 5)
        assert ears.rereads == 1
        ears.bus.ring(1, 1)
        await ears.until((1, 1))


@sqlite_only
async def test_writing_goes_on_and_dashboards_are_told_while_the_bus_is_away(
    database_url: str, broker: Broker
) -> None:
    async with serving(database_url, bus_url=broker.url) as server:
        await until_bus(server, True)
        task = task_id(await server.office.make_task())
        async with server.socket() as socket:
            await socket.subscribe(WATCH)
            await until_streams(server, 1)
            await broker.stop()
            seen = []
            for _ in range(3):
                await log(server, task)
                seen.append((await socket.next_data())["taskStatusChanged"]["seq"])
            await until_bus(server, False)
            await log(server, task)
            seen.append((await socket.next_data())["taskStatusChanged"]["seq"])
            assert (await metric(server, "callboard_bus_dropped_rings_total")) >= 1
            await broker.start()
            await until_bus(server, True)
            async with listening(broker.url) as elsewhere:
                await log(server, task)
                seen.append((await socket.next_data())["taskStatusChanged"]["seq"])
                await elsewhere.until((server.office.practice.id, 6))
        assert seen == [2, 3, 4, 5, 6]


async def log(server: Server, task: str) -> None:
    date = server.office.today.isoformat()
    assert (await server.data(LOG, task=task, date=date))["logContact"]["errors"] == []


async def metric(server: Server, name: str) -> float:
    lines = (await server.metrics()).text.splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith(f"{name} "))
    return float(value)


async def until_streams(server: Server, number: int) -> None:
    async with asyncio.timeout(10):
        while await metric(server, "callboard_live_streams") != number:
            await asyncio.sleep(0.01)


async def until_bus(server: Server, connected: bool) -> None:
    """Wait until /readyz says so; whatever it says of the bus, the server is ready."""
    async with asyncio.timeout(10):
        while True:
            answer = await server.client.get("/readyz")
            assert answer.status_code == 200
            assert answer.json()["database"] is True
            if answer.json()["bus"] is connected:
                break
            await asyncio.sleep(0.01)
    assert await metric(server, "callboard_bus_connected") == connected
