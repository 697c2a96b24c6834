"""Call-backs by the clock: told once when it is time, and passed on where who promised is away."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from gql_app.work.promises import pass_call_back_on, tell_call_back
from gql_app.work.upkeep.call_backs import (
    keep_calling_back,
    pass_call_backs_on,
    tell_call_backs,
)
from models.access import AccessKey
from models.call_back import AWAY_AFTER, GRACE, CallBackBy
from models.event import TaskEventKind
from models.task import Task
from tests.office import Office, make_office
from tests.support.access import invite, retire
from tests.support.call_backs import NONE, is_here, promise, promise_on
from tests.work.agents import assert_consistent, claims_of
from tests.work.records import events_cannot_be_written, events_of, eventually

TEN = datetime(2026, 7, 1, 15, tzinfo=UTC)
SOON = TEN + timedelta(minutes=20)


@pytest.fixture(autouse=True)
def begin(office: Office) -> None:
    office.clock.now = TEN


async def promised(office: Office, by: CallBackBy | None = None, patient: int = 0) -> Task:
    task = await office.make_task(patient=office.patients[patient])
    assert not (await promise(office, task, SOON, by)).refusals
    return task


async def told(office: Office) -> list[tuple[TaskEventKind, int, int | None]]:
    """What was told by the clock: the kind, of which task, and by whom the call is to be."""
    return [
        (event.kind, event.task_id, event.call_back_by_id)
        for event in await events_of(office)
        if event.kind in (TaskEventKind.CALL_BACK_DUE, TaskEventKind.CALL_BACK_PASSED_ON)
    ]


async def test_it_is_told_when_it_is_time_once_and_not_before(office: Office) -> None:
    task, other = await promised(office), await promised(office, patient=1)
    await office.log(other)
    office.clock.now = SOON - timedelta(microseconds=1)
    assert await tell_call_backs(office.changes, office.clock()) == 0
    assert not await office.changes.make_for(office.practice.id, tell_call_back, task.id)
    office.clock.now = SOON
    assert await tell_call_backs(office.changes, office.clock()) == 1
    assert await tell_call_backs(office.changes, office.clock()) == 0
    assert not await office.changes.make_for(office.practice.id, tell_call_back, task.id)
    assert await told(office) == [(TaskEventKind.CALL_BACK_DUE, task.id, None)]
    event = (await events_of(office))[-1]
    assert (event.actor_id, event.call_back_told_at, event.at) == (None, SOON, SOON)
    assert office.rings[-1] == (office.practice.id, event.seq)
    assert await promise_on(task) == (SOON, None, SOON)
    await assert_consistent(office)


async def test_two_sweepers_at_once_tell_each_call_back_once(office: Office) -> None:
    for n in range(12):
        await promised(office, patient=n % 3)
    office.clock.now = SOON
    counts = await asyncio.gather(
        *(tell_call_backs(office.changes, office.clock()) for _ in range(3))
    )
    assert sum(counts) == 12
    assert len(await told(office)) == 12
    await assert_consistent(office)


async def test_a_crash_before_the_event_leaves_all_for_the_next_sweep(office: Office) -> None:
    task = await promised(office)
    office.clock.now = SOON
    async with events_cannot_be_written(office):
        with pytest.raises(Exception, match="task_event"):
            await tell_call_backs(office.changes, office.clock())
    assert await promise_on(task) == (SOON, None, None)
    assert await tell_call_backs(office.changes, office.clock()) == 1
    assert len(await told(office)) == 1


async def test_by_me_it_is_mine_when_it_is_time_and_anyones_after_the_grace(office: Office) -> None:
    task = await promised(office, CallBackBy.ME)
    me = office.staff.staff_id
    office.clock.now = SOON
    await is_here(office, office.staff)
    await tell_call_backs(office.changes, office.clock())
    assert await pass_call_backs_on(office.changes, office.clock()) == 0
    office.clock.now = SOON + GRACE - timedelta(seconds=1)
    assert await pass_call_backs_on(office.changes, office.clock()) == 0
    assert not await office.changes.make_for(office.practice.id, pass_call_back_on, task.id)
    assert await promise_on(task) == (SOON, me, SOON)
    office.clock.now = SOON + GRACE
    assert await pass_call_backs_on(office.changes, office.clock()) == 1
    assert await pass_call_backs_on(office.changes, office.clock()) == 0
    assert await promise_on(task) == (SOON, None, SOON)
    assert await told(office) == [
        (TaskEventKind.CALL_BACK_DUE, task.id, me),
        (TaskEventKind.CALL_BACK_PASSED_ON, task.id, None),
    ]
    await assert_consistent(office)


async def test_who_is_away_when_it_is_time_is_not_waited_for(office: Office) -> None:
    task = await promised(office, CallBackBy.ME)
    await is_here(office, office.staff)
    office.clock.now = max(SOON, TEN + AWAY_AFTER)
    await tell_call_backs(office.changes, office.clock())
    assert await told(office) == [(TaskEventKind.CALL_BACK_DUE, task.id, None)]


async def test_who_goes_away_within_the_grace_is_not_waited_for(office: Office) -> None:
    task = await promised(office, CallBackBy.ME)
    office.clock.now = SOON - AWAY_AFTER + timedelta(minutes=1)
    await is_here(office, office.staff)
    office.clock.now = SOON
    await tell_call_backs(office.changes, office.clock())
    assert await pass_call_backs_on(office.changes, office.clock()) == 0
    office.clock.advance(minutes=1)
    assert await pass_call_backs_on(office.changes, office.clock()) == 1
    assert (await promise_on(task))[1] is None


async def test_who_has_retired_is_not_waited_for(office: Office) -> None:
    await invite(office.changes, office.practice, "Kim")
    kim = await AccessKey.get(practice_id=office.practice.id, staff__name="Kim", kind="PERSON")
    task = await promised(office)
    await Task.filter(id=task.id).update(call_back_by_id=kim.staff_id)
    office.clock.now = SOON
    await AccessKey.filter(id=kim.id).update(last_used_at=SOON)
    assert await tell_call_backs(office.changes, office.clock()) == 1
    assert (await promise_on(task))[1] == kim.staff_id
    await retire(office.changes, office.practice, "Kim")
    assert await pass_call_backs_on(office.changes, office.clock()) == 1
    assert (await promise_on(task))[1] is None


async def test_nothing_is_passed_on_while_somebody_is_calling(office: Office) -> None:
    task = await promised(office, CallBackBy.ME)
    office.clock.now = SOON
    await is_here(office, office.staff)
    await tell_call_backs(office.changes, office.clock())
    await claims_of(office).claim(office.staff, task.id)
    office.clock.now = SOON + GRACE
    assert await pass_call_backs_on(office.changes, office.clock()) == 0
    assert not await office.changes.make_for(office.practice.id, pass_call_back_on, task.id)
    await claims_of(office).release(office.staff, task.id)
    assert await pass_call_backs_on(office.changes, office.clock()) == 1


async def test_a_call_that_was_made_in_time_is_told_by_nobody(office: Office) -> None:
    task = await promised(office)
    await office.log(task, close=True)
    office.clock.now = SOON
    assert await tell_call_backs(office.changes, office.clock()) == 0
    assert await promise_on(task) == NONE
    assert await told(office) == []


async def test_a_task_that_has_expired_is_not_told(office: Office) -> None:
    task = await office.make_task(expires_at=SOON + timedelta(minutes=1))
    await promise(office, task, SOON)
    office.clock.now = SOON + timedelta(minutes=1)
    assert await tell_call_backs(office.changes, office.clock()) == 0
    assert await told(office) == []


async def test_each_practice_is_told_of_its_own(office: Office) -> None:
    oak = await make_office("oak")
    oak.clock.now = TEN
    task, theirs = await promised(office), await promised(oak)
    office.clock.now = SOON
    assert not await office.changes.make_for(oak.practice.id, tell_call_back, task.id)
    assert await tell_call_backs(office.changes, office.clock()) == 2
    assert await told(office) == [(TaskEventKind.CALL_BACK_DUE, task.id, None)]
    assert await told(oak) == [(TaskEventKind.CALL_BACK_DUE, theirs.id, None)]


async def test_the_sweeper_wakes_when_the_next_one_is_due(office: Office) -> None:
    """By the clock that it is given, and well within its longest sleep of five seconds."""
    task = await promised(office)
    begun = datetime.now(UTC)
    clock = type(office.clock)()
    due = SOON - timedelta(seconds=0.5)

    class Running(type(clock)):  # type: ignore[misc]
        def __call__(self) -> datetime:
            return due + (datetime.now(UTC) - begun)

    office.clock.now = SOON  # what the change itself goes by
    sweeper = asyncio.create_task(keep_calling_back(office.changes, Running()))

    async def is_told() -> bool:
        return (await promise_on(task))[2] is not None

    try:
        await eventually(is_told, patience=3)
    finally:
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper
    assert datetime.now(UTC) - begun >= timedelta(seconds=0.5)
