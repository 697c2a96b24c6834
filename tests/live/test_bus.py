"""The doorbell: what is rung is heard by all, and however much is rung, little is kept."""

import asyncio
import re
from typing import Any

import pytest

from gql_app.live import bus as bus_module
from models.event import SETTINGS
from tests.brokers import until
from tests.live.ears import listening, overheard, publish
from tests.office import task_id
from tests.serving import PATIENCE, serving

LATEST = 10**18
"""The greatest numbers have the most digits."""

SECRET = "Her daughter Quillon-Marsh has moved to 0044 1632 960983"

LOG = """mutation ($task: ID!, $date: Date!, $notes: String!) {
  logContact(taskId: $task, outcome: DID_NOT_SCHEDULE, followUp: $date, notes: $notes) {
    errors { code } contact { id } } }"""


async def test_a_ring_is_heard_with_its_practice_and_number() -> None:
    async with listening("memory://") as ears:
        ears.bus.ring(7, 41)
        await ears.until((7, 41))
        ears.bus.ring(7, 42)
        ears.bus.ring(8, 1)
        await ears.until((7, 42), (8, 1))
    assert sorted(ears.heard) == [(7, 41), (7, 42), (8, 1)]


async def test_what_was_rung_before_the_bus_ran_is_heard() -> None:
    async with listening("memory://", (7, 41)) as ears:
        await ears.until((7, 41))


async def test_what_was_rung_before_the_bus_ran_is_heard_elsewhere(bus_url: str) -> None:
    async with listening(bus_url) as there, listening(bus_url, (7, 41)) as here:
        await there.until((7, 41))
        assert here.bus.dropped_rings == 0


async def test_a_program_that_only_rings_is_heard_however_short_it_runs(bus_url: str) -> None:
    async with listening(bus_url) as there:
        async with bus_module.ringing(bus_url) as ring:
            ring(7, 41)
        await there.until((7, 41))


async def test_a_ring_that_is_being_sent_as_the_program_ends_is_heard(
    bus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = bus_module._line_of(bus_url)
    send, begun = line.send, asyncio.Event()

    async def stall_once(self: Any, text: str) -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        await send(self, text)

    async with listening(bus_url) as there:
        monkeypatch.setattr(line, "send", stall_once)
        async with bus_module.ringing(bus_url) as ring:
            ring(7, 41)
            await begun.wait()
        await there.until((7, 41))


async def test_a_program_is_done_with_rings_when_no_bus_answers() -> None:
    async with asyncio.timeout(PATIENCE), bus_module.ringing("redis://127.0.0.1:1") as ring:
        ring(7, 41)


async def test_rings_that_wait_are_one_a_practice_with_the_latest_number() -> None:
    rings = [(practice, seq) for seq in (*range(1, 1001), 5) for practice in (1, 2)]
    async with listening("memory://", *rings) as ears:
        await ears.until((1, 1000), (2, 1000))
    assert sorted(ears.heard) == [(1, 1000), (2, 1000)]


async def test_a_change_of_settings_is_rung_beside_the_number_of_an_event() -> None:
    rings = [(1, 41), (1, SETTINGS), (2, SETTINGS), (1, SETTINGS)]
    async with listening("memory://", *rings) as ears:
        await ears.until(*rings)
    assert sorted(ears.heard) == [(1, SETTINGS), (1, 41), (2, SETTINGS)]


@pytest.mark.parametrize("kind", ["memory", "redis", "postgres"])
async def test_nothing_is_left_running_when_the_bus_ends(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url = "memory://" if kind == "memory" else request.getfixturevalue(f"{kind}_url")
    before = asyncio.all_tasks()
    async with listening(url, (1, 1)) as ears:
        await ears.until((1, 1))
    await until(lambda: asyncio.all_tasks() == before)


async def test_every_process_hears_every_ring_from_the_very_first_one(bus_url: str) -> None:
    async with (
        listening(bus_url) as first,
        listening(bus_url) as second,
        listening(bus_url) as third,
    ):
        everybody = (first, second, third)
        for seq, ears in enumerate(everybody, start=1):
            ears.bus.ring(70 + seq, seq)
            for other in everybody:
                await other.until((70 + seq, seq))
    assert [ears.heard for ears in everybody] == [[(71, 1), (72, 2), (73, 3)]] * 3


async def test_a_burst_is_sent_as_one_message(
    bus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "COALESCE_SECONDS", 0.3)
    async with listening(bus_url) as ears, overheard(bus_url) as texts:
        for seq in (1, 2, 3):
            for practice in (1, 2, 3):
                ears.bus.ring(practice, seq)
            await publish(bus_url, f"9:{seq}")  # so there was time to send
            await ears.until((9, seq))
        await ears.until((1, 3), (2, 3), (3, 3))
        await until(lambda: len(texts) == 4)
    assert texts == ["9:1", "9:2", "9:3", "1:3 2:3 3:3"]


async def test_practices_by_the_hundred_fit_the_messages(bus_url: str) -> None:
    rings = [(LATEST + practice, LATEST) for practice in range(500)]
    async with listening(bus_url) as here, listening(bus_url) as there:
        async with overheard(bus_url) as texts:
            for ring in rings:
                here.bus.ring(*ring)
            await there.until(*rings)
            await until(lambda: len(texts) == 3)
        assert sorted(there.heard) == rings
        assert here.bus.dropped_rings == 0
    assert [text.count(":") for text in texts] == [200, 200, 100]
    assert max(map(len, texts)) < 8_000


async def test_the_last_rings_before_the_end_are_sent(bus_url: str) -> None:
    async with listening(bus_url) as there:
        async with listening(bus_url) as here:
            here.bus.ring(7, 40)
            await here.until((7, 40))
            here.bus.ring(7, 41)
            here.bus.ring(7, SETTINGS)  # in another message
        await there.until((7, 41), (7, SETTINGS))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "7:",
        "7:x",
        "-7:1",
        "7:1 ",
        "7:1  8:1",
        "7:1\n",
        "\u0667:\u0661",
        "7:1;secret",
        "9" * 40,
    ],
)
async def test_a_message_that_is_not_ours_is_ignored_and_not_shown(
    text: str, bus_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(bus_url) as ears:
        await publish(bus_url, text)
        await publish(bus_url, "8:1")
        await ears.until((8, 1))
    assert ears.heard == [(8, 1)]
    (line,) = [record.getMessage() for record in caplog.records if "bus" in record.name]
    assert line == "a message on the bus that is not ours was ignored"


@pytest.mark.parametrize(
    ("database_url", "bus"),
    [("sqlite", "redis"), ("postgres", "postgres")],
    indirect=["database_url"],
)
async def test_no_patient_data_crosses_the_bus(
    database_url: str, bus: str, request: pytest.FixtureRequest
) -> None:
    bus_url = request.getfixturevalue("redis_url") if bus == "redis" else database_url
    async with overheard(bus_url) as texts, serving(database_url, bus_url=bus_url) as server:
        task = await server.office.make_task()
        answer = await server.data(
            LOG,
            task=task_id(task),
            date=server.office.today.isoformat(),
            notes=SECRET,
        )
        assert answer["logContact"]["errors"] == []
        practice = server.office.practice
        await until(lambda: f"{practice.id}:2" in texts)
    for text in texts:
        assert re.fullmatch("[0-9: ]+", text)
