"""The doorbell over lines that fail in every way: it drops what it cannot send, and never ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gql_app.live import bus
from gql_app.live.bus import MAX_HEARD, Doorbell, pause
from gql_app.live.lines import CHANNEL, Hear, LineLost
from tests.brokers import until
from tests.serving import PATIENCE

FAILURES: list[BaseException] = [
    LineLost(),
    ConnectionResetError(),
    TimeoutError(),
    EOFError(),
    ValueError("of which nobody has thought"),
    asyncio.CancelledError(),  # a library that gives up a task of its own
]


class BrokenLine:
    """Is lost with each failure in turn, as soon as `snap` is set."""

    def __init__(self, hear: Hear, failure: BaseException, snap: asyncio.Event) -> None:
        self.hear = hear
        self.sent: list[str] = []
        self.closed = False
        self._failure = failure
        self._snap = snap

    async def send(self, text: str) -> None:
        if self._snap.is_set() and isinstance(self._failure, Exception):
            raise self._failure
        self.sent.append(text)

    async def watch(self) -> None:
        await self._snap.wait()
        raise self._failure

    async def close(self) -> None:
        self.closed = True


class Broken:
    """Opens such lines; every other attempt fails too."""

    def __init__(self) -> None:
        self.attempts = 0
        self.rereads = 0
        self.lines: list[BrokenLine] = []
        self.snap = asyncio.Event()

    async def open(self, hear: Hear) -> BrokenLine:
        await asyncio.sleep(0)
        self.attempts += 1
        failure = FAILURES[self.attempts // 2 % len(FAILURES)]
        if self.attempts % 2 == 0:
            raise failure
        self.lines.append(BrokenLine(hear, failure, self.snap))
        return self.lines[-1]

    def reread(self) -> None:
        self.rereads += 1


@asynccontextmanager
async def kept(broken: Broken) -> AsyncIterator[Doorbell]:
    doorbell = Doorbell(broken.open, broken.reread)
    await doorbell.connect()
    try:
        yield doorbell
        assert not doorbell._keeper.done(), "it ends only when it is told to"
    finally:
        await asyncio.wait_for(doorbell.disconnect(), PATIENCE)
    assert doorbell._keeper.cancelled()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """After how many failures each pause was made; none of them takes any time."""
    made: list[int] = []

    def none_at_all(failures: int) -> float:
        made.append(failures)
        return 0.0

    monkeypatch.setattr(bus, "pause", none_at_all)
    return made


async def test_it_opens_a_line_again_whatever_has_ended_the_last(
    pauses: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    broken = Broken()
    async with kept(broken) as doorbell:
        assert doorbell.is_connected
        broken.snap.set()
        await until(lambda: broken.attempts >= 4 * len(FAILURES))
        broken.snap.clear()
        await until(lambda: doorbell.is_connected)
        assert broken.rereads == len(broken.lines), "once a line that was opened"
    assert pauses == list(range(1, len(pauses) + 1)), "lines that end at once are failures, too"
    assert all(line.closed for line in broken.lines)
    away = {f"the bus is away, will try again: {type(failure).__name__}" for failure in FAILURES}
    assert set(caplog.messages) == away | {"the bus is back; rings dropped since the start: 0"}


async def test_a_ring_that_cannot_be_sent_is_dropped_counted_and_heard_here() -> None:
    broken = Broken()
    async with kept(broken) as doorbell:
        await doorbell.publish(CHANNEL, "1:1")
        assert broken.lines[0].sent == ["1:1"]
        assert doorbell.dropped == 0
        broken.lines[0]._failure = ConnectionResetError()
        broken.snap.set()
        await doorbell.publish(CHANNEL, "2:1 3:1")
        assert doorbell.dropped == 2
        assert not doorbell.is_connected
        assert (await doorbell.next_published()).message == "2:1 3:1"


async def test_more_than_can_be_kept_is_dropped_and_all_is_read_again() -> None:
    broken = Broken()
    async with kept(broken) as doorbell:
        for seq in range(MAX_HEARD):
            broken.lines[0].hear(f"1:{seq}")
        assert (doorbell.dropped, broken.rereads) == (0, 1)
        broken.lines[0].hear("1:9 2:9")
        assert (doorbell.dropped, broken.rereads) == (2, 2)
        heard = [(await doorbell.next_published()).message for _ in range(MAX_HEARD)]
        assert heard == [f"1:{seq}" for seq in range(MAX_HEARD)]


async def test_a_start_that_is_given_up_leaves_nothing_running() -> None:
    before = asyncio.all_tasks()
    never = asyncio.Event()

    async def hang(_: Hear) -> BrokenLine:
        await never.wait()
        raise AssertionError

    starting = asyncio.create_task(Doorbell(hang, lambda: None).connect())
    await until(lambda: len(asyncio.all_tasks()) == len(before) + 2)
    starting.cancel()
    await asyncio.wait([starting], timeout=PATIENCE)
    assert starting.cancelled()
    assert asyncio.all_tasks() == before


def test_pauses_grow_have_a_bound_and_differ() -> None:
    def longest(failures: int) -> float:
        return max(pause(failures) for _ in range(500))

    assert 0 <= longest(0) <= 0.1
    assert 0.2 < longest(2) <= 0.4
    assert 2.5 < longest(6) <= 5
    assert 2.5 < longest(5_000) <= 5
    assert min(pause(6) for _ in range(500)) < 0.5, "full jitter begins at nothing"
