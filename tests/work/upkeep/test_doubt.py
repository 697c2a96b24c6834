"""What cannot be undone is not done by a clock that nothing on record supports."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from gql_app.clock import Doubtful
from gql_app.work.upkeep import expiry, retention
from gql_app.work.upkeep.expiry import keep_freeing, keep_sweeping, sweep
from gql_app.work.upkeep.retention import keep_pruning, prune
from models.event import TaskEvent
from models.lifecycle import TaskStatus
from models.task import Task
from tests.flows.commands import free_port, run, running
from tests.office import Office
from tests.support.claims import Claims
from tests.work.agents import FREE, claim_on
from tests.work.records import eventually

KEEP = timedelta(days=30)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def work(office: Office, days: int, *, a_day: int = 5) -> None:
    """Some days of work: each makes tasks that live for twenty days."""
    for _ in range(days):
        for _ in range(a_day):
            await office.make_task(expires_at=office.clock() + 20 * DAY + HOUR)
        office.clock.advance(days=1)


async def still_open() -> int:
    return await Task.exclude(status=TaskStatus.CLOSED).count()


async def has_closed_some() -> bool:
    return await still_open() < 15


@asynccontextmanager
async def at_work(job: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(job)
    try:
        yield
        assert not task.done(), "it has given up"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_clock_a_month_ahead_removes_and_closes_nothing(office: Office) -> None:
    await work(office, 3)
    office.clock.advance(days=31)
    with pytest.raises(Doubtful, match=r"15 of 15 are long due at once.*prune --force"):
        await prune(office.changes, KEEP, office.clock())
    with pytest.raises(Doubtful, match=r"15 of 15 are long due at once.*expire --force"):
        await sweep(office.changes, office.clock())
    assert (await TaskEvent.all().count(), await still_open()) == (15, 15)


async def test_what_is_recorded_by_a_wrong_clock_does_not_make_it_right(office: Office) -> None:
    await work(office, 3)
    office.clock.advance(days=31)
    await office.log(await office.make_task(office.missed), close=True)
    with pytest.raises(Doubtful):
        await prune(office.changes, KEEP, office.clock())
    with pytest.raises(Doubtful):
        await sweep(office.changes, office.clock())


async def test_force_does_it_all_the_same(office: Office) -> None:
    await work(office, 3)
    office.clock.advance(days=31)
    assert await sweep(office.changes, office.clock(), forced=True) == 15
    assert await prune(office.changes, KEEP, office.clock(), forced=True) == 15


async def test_after_a_long_weekend_the_sweepers_go_on(office: Office) -> None:
    await work(office, 5)
    office.clock.advance(days=4)
    await Task.all().update(expires_at=office.clock() - DAY)
    assert await sweep(office.changes, office.clock()) == 25
    assert await prune(office.changes, timedelta(days=6), office.clock()) == 15


async def test_after_weeks_in_which_the_server_was_off_three_days_of_work_are_enough(
    office: Office,
) -> None:
    await work(office, 3)
    office.clock.advance(days=31)
    await work(office, 3)
    with pytest.raises(Doubtful):
        await prune(office.changes, KEEP, office.clock() - HOUR)
    await work(office, 1)
    assert await prune(office.changes, KEEP, office.clock()) == 15
    assert await sweep(office.changes, office.clock()) == 15


async def test_a_small_practice_is_not_asked(office: Office) -> None:
    await work(office, 1, a_day=10)
    office.clock.advance(days=60)
    assert await prune(office.changes, KEEP, office.clock()) == 10
    assert await sweep(office.changes, office.clock()) == 10


async def test_what_falls_due_together_goes_together(office: Office) -> None:
    await work(office, 1, a_day=20)
    office.clock.advance(days=19, hours=1, minutes=30)
    assert await sweep(office.changes, office.clock()) == 20
    office.clock.advance(days=9, hours=23)
    assert await prune(office.changes, KEEP, office.clock()) == 20


async def test_a_tenth_of_what_is_kept_may_go_at_once(office: Office) -> None:
    await work(office, 1, a_day=11)
    office.clock.advance(days=20)
    await work(office, 1, a_day=110)
    office.clock.advance(days=9)
    assert await prune(office.changes, KEEP, office.clock()) == 11


async def test_the_sweeper_says_once_that_it_stops_and_goes_on_by_itself(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(expiry, "LONGEST_SLEEP", timedelta(seconds=0.01))
    await work(office, 3)
    right = office.clock()
    office.clock.advance(days=31)
    rounds = 0

    def check() -> None:
        nonlocal rounds
        rounds += 1

    async def some_rounds() -> bool:
        return rounds > 3

    monkeypatch.setattr(office.clock, "check", check)
    async with at_work(keep_sweeping(office.changes, office.clock)):
        await eventually(some_rounds)
        assert caplog.text.count("expire --force") == 1
        assert await still_open() == 15
        office.clock.now = right + 18 * DAY + 2 * HOUR  # the first day's are due, an hour ago
        await eventually(has_closed_some)


async def test_where_the_clock_has_jumped_all_that_goes_by_it_stops(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(expiry, "LONGEST_SLEEP", timedelta(seconds=0.01))
    monkeypatch.setattr(retention, "ROUND_SECONDS", 0.01)
    claims, has_jumped = Claims(office.changes), True
    task = await office.make_task(expires_at=office.clock() + 2 * HOUR)
    held = await office.make_task(patient=office.patients[1])
    await claims.claim(office.staff, held.id)
    office.clock.advance(days=40)

    def check() -> None:
        if has_jumped:
            raise Doubtful("the clock has jumped")

    async def all_have_said_so() -> bool:
        return "pruning stops" in caplog.text and caplog.text.count("a sweep stops") == 2

    async def all_is_done() -> bool:
        await task.refresh_from_db()
        pruned = await TaskEvent.filter(seq__lte=3).count() == 0
        return pruned and not task.status.is_open and await claim_on(held) == FREE

    monkeypatch.setattr(office.clock, "check", check)
    async with (
        at_work(keep_sweeping(office.changes, office.clock)),
        at_work(keep_freeing(claims.changes, office.clock)),
        at_work(keep_pruning(office.changes, KEEP, office.clock)),
    ):
        await eventually(all_have_said_so)
        assert await TaskEvent.all().count() == 3
        assert await claim_on(held) != FREE
        has_jumped = False
        await eventually(all_is_done)


async def test_a_clock_that_goes_back_does_not_send_the_sweeper_to_sleep(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "LONGEST_SLEEP", timedelta(seconds=0.2))
    task = await office.make_task(expires_at=office.clock() + timedelta(milliseconds=100))
    shown = office.clock()
    looks = 0

    class Back:
        """It is an hour back now and then, and right in the end."""

        def __call__(self) -> datetime:
            nonlocal looks
            looks += 1
            return shown - HOUR * (looks % 3 == 0) if looks < 10 else shown + timedelta(seconds=1)

        def check(self) -> None: ...

    async def is_closed() -> bool:
        await task.refresh_from_db()
        return not task.status.is_open

    office.clock.advance(seconds=1)
    async with at_work(keep_sweeping(office.changes, Back())):  # type: ignore[arg-type]
        await eventually(is_closed, patience=3)


@pytest.fixture
async def a_month_ago(office: Office) -> Office:
    """An office that worked for three days, and that a server finds now: it cannot know whether
    that was a month ago, or its clock is a month ahead."""
    office.clock.advance(days=-34)
    await work(office, 3)
    return office


async def test_a_server_whose_clock_is_a_month_ahead_serves_and_leaves_all_as_it_was(
    a_month_ago: Office, database_url: str
) -> None:
    environ = {"CALLBOARD_DATABASE_URL": database_url}
    async with running("serve", "--port", str(free_port()), **environ) as server:
        await server.prints("callboard prune --force")
        await server.prints("callboard expire --force")
    assert (await TaskEvent.all().count(), await still_open()) == (15, 15)


async def test_the_command_line_asks_for_force(a_month_ago: Office, database_url: str) -> None:
    environ = {"CALLBOARD_DATABASE_URL": database_url}
    for verb in ("expire", "prune"):
        code, said = await run(verb, **environ)
        assert (code, said.count("\n")) == (2, 1)
        assert f"callboard {verb} --force" in said
    assert (await TaskEvent.all().count(), await still_open()) == (15, 15)
    assert await run("expire", "--force", **environ) == (0, "15 closed\n")
    assert await run("prune", "--force", **environ) == (0, "15 events and 0 audit rows removed\n")
