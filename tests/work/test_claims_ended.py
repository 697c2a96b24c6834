"""A claim ends when it is released, or by the clock, and then the patient is free for anybody."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from gql_app.clock import Clock
from gql_app.work.changes import Changes
from gql_app.work.upkeep.expiry import free_lapsed, keep_freeing
from tests.office import Office
from tests.support.claims import Claims
from tests.work.agents import FREE, all_events, assert_consistent, claim_on, claims_of
from tests.work.claiming import (
    RELEASED,
    changes_nothing,
    codes,
    patient_with_two_tasks,
)
from tests.work.records import eventually, everything


async def test_releasing_frees_every_task_of_the_patient(office: Office) -> None:
    recall, missed = await patient_with_two_tasks(office)
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)

    outcome = await claims.release(office.staff, missed.id)

    assert outcome.refusals == ()
    assert outcome.task is not None
    assert (outcome.task.id, outcome.task.version) == (missed.id, 3)
    assert outcome.task.claimed_by_id is None
    assert [await claim_on(task) for task in (recall, missed)] == [FREE, FREE]
    events = (await all_events(office))[-2:]
    assert [event.kind for event in events] == [RELEASED, RELEASED]
    assert {event.actor_id for event in events} == {office.staff.staff_id}
    assert office.rings[-1] == (office.practice.id, events[-1].seq)
    assert (await claims.claim(office.supervisor, recall.id)).refusals == ()
    await assert_consistent(office)


async def test_releasing_what_nobody_holds_is_no_event(office: Office) -> None:
    task = await office.make_task()

    outcome = await changes_nothing(office, claims_of(office).release(office.staff, task.id))

    assert outcome.refusals == ()
    assert outcome.task is not None
    assert outcome.task.id == task.id


async def test_a_supervisor_may_release_anothers_claim_but_not_log_on_it(office: Office) -> None:
    task = await office.make_task()
    claims = claims_of(office)
    await claims.claim(office.staff, task.id)

    outcome = await changes_nothing(office, office.log(task, viewer=office.supervisor))
    assert codes(outcome) == ["CLAIMED_BY_OTHER"]
    assert (await claims.release(office.supervisor, task.id)).refusals == ()

    assert await claim_on(task) == FREE
    assert (await all_events(office))[-1].actor_id == office.supervisor.staff_id


async def test_anothers_claim_cannot_be_released_by_way_of_the_patients_closed_task(
    office: Office,
) -> None:
    closed = await office.make_task()
    await office.log(closed, close=True)
    task = await office.make_task()
    claims = claims_of(office)
    await claims.claim(office.supervisor, task.id)

    outcome = await changes_nothing(office, claims.release(office.staff, closed.id))

    assert codes(outcome) == ["CLAIMED_BY_OTHER"]


async def test_a_claim_whose_time_is_up_returns_to_the_pool_by_the_clock(office: Office) -> None:
    recall, missed = await patient_with_two_tasks(office)
    renewed = await office.make_task(patient=office.patients[1])
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)
    await claims.claim(office.staff, renewed.id)
    office.clock.advance(minutes=5)
    await claims.claim(office.staff, renewed.id)
    office.clock.advance(minutes=4, seconds=59)
    before = await everything()
    assert await free_lapsed(claims, office.clock()) == 0
    assert await everything() == before
    office.clock.advance(seconds=1)

    assert await free_lapsed(claims, office.clock()) == 1

    assert [await claim_on(task) for task in (recall, missed)] == [FREE, FREE]
    assert (await claim_on(renewed))[0] == office.staff.staff_id
    events = (await all_events(office))[-2:]
    assert [event.kind for event in events] == [RELEASED, RELEASED]
    assert [event.task_id for event in events] == [recall.id, missed.id]
    assert {event.actor_id for event in events} == {None}
    assert office.rings[-1] == (office.practice.id, events[-1].seq)
    assert await free_lapsed(claims, office.clock()) == 0
    await assert_consistent(office)


async def test_a_claim_that_is_renewed_before_the_sweeper_comes_to_it_is_kept(
    office: Office,
) -> None:
    task = await office.make_task()
    claims = claims_of(office)
    await claims.claim(office.staff, task.id)
    office.clock.advance(minutes=10)
    await claims.claim(office.staff, task.id)
    before = await everything()

    # What a sweeper does that looked for lapsed claims just before this one was renewed.
    assert not await claims.lapse(office.practice.id, task.id)

    assert not await claims.lapse(office.practice.id, 999_999)
    assert await everything() == before


async def test_the_sweeper_wakes_when_the_next_claim_ends_and_not_before(office: Office) -> None:
    task = await office.make_task()
    clock = await Clock.of_database()
    changes = Changes(lambda practice, seq: office.rings.append((practice, seq)), clock)
    claims = Claims(changes, timedelta(seconds=0.5))
    outcome = await claims.claim(office.staff, task.id)
    assert outcome.task is not None
    sweeper = asyncio.create_task(keep_freeing(claims, clock))

    async def is_free() -> bool:
        return await claim_on(task) == FREE

    try:
        await eventually(is_free, patience=3)  # well within its longest sleep of five seconds
    finally:
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper
    released = (await all_events(office))[-1]
    assert (released.kind, released.actor_id) == (RELEASED, None)
    assert outcome.task.claimed_until is not None
    assert released.at >= outcome.task.claimed_until
