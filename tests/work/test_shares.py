"""The share of the connections that a practice's changes may use."""

import asyncio

import pytest

from gql_app.work import shares
from gql_app.work.shares import BusyLog, Shares
from models.limits import Busy


async def use(all_shares: Shares, practice_id: int, may_end: asyncio.Event) -> None:
    async with all_shares.place(practice_id):
        await may_end.wait()


async def test_a_practice_has_its_places_and_no_more_and_others_have_theirs() -> None:
    all_shares, may_end = Shares(places=2, wait=0.01), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for practice_id in (1, 1, 2, 2):
            group.create_task(use(all_shares, practice_id, may_end))
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="not done"):
            await use(all_shares, 1, may_end)
        may_end.set()
    async with asyncio.timeout(1):
        await use(all_shares, 1, may_end)
    assert not all_shares._shares  # nothing is kept of those who are gone


async def test_a_change_waits_for_a_place_and_one_that_is_cancelled_leaves_the_line() -> None:
    all_shares, may_end = Shares(places=1, wait=5), asyncio.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(use(all_shares, 1, may_end))
        await asyncio.sleep(0)
        gone = group.create_task(use(all_shares, 1, may_end))
        waiting = group.create_task(use(all_shares, 1, may_end))
        await asyncio.sleep(0)
        gone.cancel()
        assert not waiting.done()
        may_end.set()
    assert not all_shares._shares


async def test_a_line_that_is_too_long_refuses_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "MOST_WAITING", 1)
    all_shares, may_end = Shares(places=1, wait=5), asyncio.Event()
    async with asyncio.timeout(1), asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(use(all_shares, 1, may_end))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await use(all_shares, 1, may_end)
        may_end.set()


def test_the_log_names_a_busy_practice_at_once_and_then_now_and_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [100.0]
    log, busy = BusyLog(lambda: now[0]), Busy("a lock was not free in time")
    for _ in range(5):
        log.note(7, busy)
    log.note(8, busy)
    now[0] += shares.QUIET_SECONDS
    log.note(7, busy)
    reason = "a lock was not free in time; refused since the last message"
    assert [record.message for record in caplog.records] == [
        f"practice 7 is busy: {reason}: 1",
        f"practice 8 is busy: {reason}: 1",
        f"practice 7 is busy: {reason}: 5",
    ]
