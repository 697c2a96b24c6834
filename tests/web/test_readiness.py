"""Whether requests can be answered: tried once for all who ask, and told in time."""

import asyncio

import pytest

from gql_app.web import readiness
from gql_app.web.readiness import Readiness
from models.limits import Busy

POLLERS = 50


class Steps:
    """Two steps; the second one fails with what `trouble` says, or hangs until it may go on."""

    def __init__(self) -> None:
        self.trials = 0
        self.trouble: Exception | None = None
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.readiness = Readiness({"first": self.first, "second": self.second})

    async def first(self) -> None:
        self.trials += 1

    async def second(self) -> None:
        await self.may_go_on.wait()
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "READY_SECONDS", 0.1)
    monkeypatch.setattr(readiness, "FRESH_SECONDS", 0.0)


async def test_all_who_ask_share_a_trial() -> None:
    steps = Steps()
    results = await asyncio.gather(*(steps.readiness.failed_step() for _ in range(POLLERS)))
    assert results == [None] * POLLERS
    assert await steps.readiness.failed_step() is None  # soon after it, without another one
    assert steps.trials == 1


@pytest.mark.usefixtures("quick")
async def test_the_step_that_fails_is_named_until_it_succeeds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    steps = Steps()
    for steps.trouble in (OSError("a secret"), Busy("a lock was not free in time")):
        assert await steps.readiness.failed_step() == "second"
    steps.trouble = None
    assert await steps.readiness.failed_step() is None
    assert [record.message for record in caplog.records] == [
        "not ready: second failed: OSError",
        "ready again",
    ]


@pytest.mark.usefixtures("quick")
async def test_a_step_that_hangs_is_told_in_time_though_it_does_not_end() -> None:
    steps = Steps()
    steps.may_go_on.clear()

    async def stubborn() -> None:
        try:
            await steps.may_go_on.wait()
        except asyncio.CancelledError:
            await steps.may_go_on.wait()  # as a connection does that has to be given back

    hanging = Readiness({"stubborn": stubborn})
    async with asyncio.timeout(5):
        for _ in range(3):
            assert await hanging.failed_step() == "stubborn"
        steps.may_go_on.set()
        while await hanging.failed_step() is not None:
            pass
        await hanging.end()
