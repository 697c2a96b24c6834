"""Automatic tasks close when their time is up, whoever looks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from gql_app.clock import Clock
from gql_app.work.changes import Changes
from gql_app.work.transitions import expire_task
from gql_app.work.upkeep import expiry
from gql_app.work.upkeep.expiry import BATCH, LONGEST_SLEEP, keep_sweeping, sweep
from models.contact import Contact
from models.database import write
from models.event import TaskEventKind
from models.lifecycle import CloseCause, TaskOrigin, TaskStatus
from models.task import Task
from tests.office import Office
from tests.work.records import events_cannot_be_written, events_of, eventually

HOUR = timedelta(hours=1)


@asynccontextmanager
async def sweeping(office: Office) -> AsyncIterator[None]:
    """The sweeper at work by the real clock for as long as the block lasts."""
    clock = await Clock.of_database()
    changes = Changes(lambda practice, seq: office.rings.append((practice, seq)), clock)
    sweeper = asyncio.create_task(keep_sweeping(changes, clock))
    try:
        yield
        assert not sweeper.done(), "the sweeper has given up"
    finally:
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper


async def is_closed(task: Task) -> bool:
    await task.refresh_from_db()
    return task.status is TaskStatus.CLOSED


async def test_a_sweep_closes_what_has_expired_and_nothing_else(office: Office) -> None:
    due = [await office.make_task(expires_at=office.clock() + n * HOUR) for n in (1, 2, 3)]
    contacted = await office.make_task(expires_at=office.clock() + 2 * HOUR)
    await office.log(contacted, follow_up=office.today)
    closed = await office.make_task(expires_at=office.clock() + HOUR)
    await office.log(closed, close=True)
    office.clock.advance(hours=2)

    assert await sweep(office.changes, office.clock()) == 3

    assert [await is_closed(task) for task in [*due, contacted]] == [True, True, False, True]
    assert contacted.close_cause is CloseCause.EXPIRED
    assert (contacted.closed_at, contacted.follow_up) == (office.clock(), None)
    await closed.refresh_from_db()
    assert (closed.close_cause, closed.version) == (CloseCause.CONTACT, 2)
    events = (await events_of(office))[-3:]
    assert {event.kind for event in events} == {TaskEventKind.CLOSED_BY_EXPIRY}
    assert {event.actor_id for event in events} == {None}
    assert office.rings[-3:] == [(office.practice.id, event.seq) for event in events]
    assert await sweep(office.changes, office.clock()) == 0


async def test_manual_tasks_never_expire(office: Office) -> None:
    task = await office.make_task()
    office.clock.advance(days=3650)

    assert await sweep(office.changes, office.clock()) == 0
    assert not await office.changes.make_for(office.practice.id, expire_task, task.id)
    assert not await is_closed(task)


async def test_more_expired_tasks_than_one_batch_are_all_closed(office: Office) -> None:
    await Task.bulk_create(
        Task(
            practice_id=office.practice.id,
            queue_id=office.recall.id,
            patient_id=office.patients[0].id,
            status=TaskStatus.OPEN,
            origin=TaskOrigin.AUTOMATIC,
            reason="Cleaning overdue",
            due_on=office.today,
            created_at=office.clock(),
            expires_at=office.clock(),
        )
        for _ in range(BATCH + 1)
    )

    assert await sweep(office.changes, office.clock()) == BATCH + 1
    assert await Task.exclude(status=TaskStatus.CLOSED).count() == 0
    assert [event.seq for event in await events_of(office)] == list(range(1, BATCH + 2))


async def test_two_sweepers_at_once_close_each_task_once(office: Office) -> None:
    for _ in range(10):
        await office.make_task(expires_at=office.clock() + HOUR)
    office.clock.advance(hours=1)

    counts = await asyncio.gather(
        *(sweep(office.changes, office.clock()) for _ in range(2)),
    )

    assert sum(counts) == 10
    assert [event.seq for event in await events_of(office)] == list(range(1, 21))


async def test_a_task_of_another_practice_is_not_expired_by_mistake(office: Office) -> None:
    task = await office.make_task(expires_at=office.clock() + HOUR)
    office.clock.advance(hours=1)

    assert not await office.changes.make_for(office.practice.id + 1, expire_task, task.id)
    assert not await is_closed(task)


async def test_the_sweeper_wakes_when_the_next_task_expires_and_not_before(office: Office) -> None:
    expires_at = datetime.now(UTC) + timedelta(seconds=0.5)
    task = await office.make_task(expires_at=expires_at)
    async with sweeping(office):
        # Well within its longest sleep of five seconds.
        await eventually(lambda: is_closed(task), patience=3)

    assert task.closed_at is not None
    assert task.closed_at >= expires_at
    assert await Contact.all().count() == 0


async def test_the_sweeper_goes_by_the_clock_it_is_given(office: Office) -> None:
    task = await office.make_task(expires_at=office.clock() + HOUR)
    office.clock.advance(hours=1)
    sweeper = asyncio.create_task(keep_sweeping(office.changes, office.clock))
    try:
        await eventually(lambda: is_closed(task), patience=3)
    finally:
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper


async def test_the_sweeper_finds_a_task_that_was_made_while_it_slept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "LONGEST_SLEEP", timedelta(seconds=0.1))
    first = await office.make_task(expires_at=office.clock() + timedelta(milliseconds=1))
    async with sweeping(office):
        await eventually(lambda: is_closed(first))
        second = await office.make_task(expires_at=office.clock() + timedelta(milliseconds=1))
        await eventually(lambda: is_closed(second))


async def test_the_sweeper_outlives_a_failing_database(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(expiry, "LONGEST_SLEEP", timedelta(seconds=0.1))
    task = await office.make_task(expires_at=office.clock() + timedelta(milliseconds=1))

    async def has_failed() -> bool:
        return "sweep failed" in caplog.text

    async with AsyncExitStack() as stack:
        async with events_cannot_be_written(office):
            await stack.enter_async_context(sweeping(office))
            await eventually(has_failed)
            assert not await is_closed(task)
        await eventually(lambda: is_closed(task))


async def test_a_row_that_cannot_be_read_holds_up_no_other_and_the_sweeper_rests(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    strange, task = [await office.make_task(expires_at=office.clock() + HOUR) for _ in range(2)]
    await write("UPDATE task SET origin = 'BY_HAND' WHERE id = $1", strange.id)
    office.clock.advance(hours=1)
    pauses: list[float] = []

    async def rest(seconds: float) -> None:
        pauses.append(seconds)
        raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", rest)
    with pytest.raises(asyncio.CancelledError):
        await keep_sweeping(office.changes, office.clock)

    assert await is_closed(task)
    assert f"task {strange.id} is not swept" in caplog.text
    assert pauses == [LONGEST_SLEEP.total_seconds()]
