"""Claims and contacts: a log ends one's own claim, and another's is in its way while it lasts."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from gql_app.work.results import ChangeResult
from gql_app.work.upkeep.expiry import free_lapsed
from models.event import TaskEventKind
from tests.office import Office
from tests.work.agents import FREE, all_events, assert_consistent, claim_on, claims_of
from tests.work.claiming import (
    LEASE,
    RELEASED,
    changes_nothing,
    codes,
    patient_with_two_tasks,
)


@pytest.mark.parametrize("act", ["claim", "release", "log", "log and close"])
async def test_anothers_live_claim_is_refused_with_who_and_until_when(
    office: Office, act: str
) -> None:
    recall, missed = await patient_with_two_tasks(office)
    office.clock.now = datetime(2026, 7, 1, 21, 50, tzinfo=UTC)  # 16:50 at the practice
    claims = claims_of(office)
    await claims.claim(office.supervisor, recall.id)
    office.clock.advance(minutes=9, seconds=59)
    acts: dict[str, Callable[[], Awaitable[ChangeResult]]] = {
        "claim": lambda: claims.claim(office.staff, missed.id),
        "release": lambda: claims.release(office.staff, missed.id),
        "log": lambda: office.log(missed),
        "log and close": lambda: office.log(missed, close=True),
    }

    outcome = await changes_nothing(office, acts[act]())

    (refusal,) = outcome.refusals
    assert refusal.code == "CLAIMED_BY_OTHER"
    assert refusal.field == "taskId"
    assert refusal.message == "Supervisor of maple has claimed this patient until 17:00."
    assert outcome.task is not None
    assert outcome.task.claimed_by_id == office.supervisor.staff_id


async def test_a_log_releases_the_claim_on_all_tasks_of_the_patient(office: Office) -> None:
    recall, missed = await patient_with_two_tasks(office)
    others = await office.make_task(patient=office.patients[1])
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)
    await claims.claim(office.staff, others.id)
    office.clock.advance(minutes=2)

    outcome = await office.log(recall)

    assert outcome.refusals == ()
    assert outcome.task is not None
    assert outcome.task.claimed_by_id is None
    assert [await claim_on(task) for task in (recall, missed)] == [FREE, FREE]
    assert (await claim_on(others))[0] == office.staff.staff_id
    logged, released = (await all_events(office))[-2:]
    assert (logged.kind, logged.task_id) == (TaskEventKind.CONTACT_LOGGED, recall.id)
    assert (released.kind, released.task_id) == (RELEASED, missed.id)
    assert released.actor_id == office.staff.staff_id
    assert office.rings[-1] == (office.practice.id, released.seq)
    await assert_consistent(office)


async def test_a_log_that_closes_the_task_releases_the_claim_too(office: Office) -> None:
    recall, missed = await patient_with_two_tasks(office)
    await claims_of(office).claim(office.staff, recall.id)

    await office.log(recall, close=True)

    assert [await claim_on(task) for task in (recall, missed)] == [FREE, FREE]
    await assert_consistent(office)


async def test_a_refused_log_keeps_the_claim(office: Office) -> None:
    task = await office.make_task()
    await claims_of(office).claim(office.staff, task.id)

    outcome = await changes_nothing(
        office, office.log(task, follow_up=office.today - timedelta(days=1))
    )

    assert codes(outcome) == ["FOLLOW_UP_IN_PAST"]


@pytest.mark.parametrize("swept", [False, True])
async def test_ones_own_lapsed_claim_does_not_stand_in_the_way_of_a_log(
    office: Office, swept: bool
) -> None:
    recall, missed = await patient_with_two_tasks(office)
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)
    office.clock.advance(minutes=11)
    if swept:
        await free_lapsed(claims, office.clock())

    assert (await office.log(recall)).refusals == ()
    assert [await claim_on(task) for task in (recall, missed)] == [FREE, FREE]
    await assert_consistent(office)


async def test_a_log_after_ones_lapsed_claim_is_refused_if_somebody_took_the_patient(
    office: Office,
) -> None:
    recall, missed = await patient_with_two_tasks(office)
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)
    office.clock.advance(minutes=10)
    assert (await claims.claim(office.supervisor, missed.id)).refusals == ()

    outcome = await changes_nothing(office, office.log(recall))

    assert codes(outcome) == ["CLAIMED_BY_OTHER"]


@pytest.mark.parametrize("act", ["claim", "claim next", "log"])
async def test_a_lapsed_claim_stands_in_nobodys_way_before_it_is_swept(
    office: Office, act: str
) -> None:
    recall, missed = await patient_with_two_tasks(office)
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)
    office.clock.advance(minutes=10)  # to the very moment of its end
    acts: dict[str, Callable[[], Awaitable[ChangeResult]]] = {
        "claim": lambda: claims.claim(office.supervisor, recall.id),
        "claim next": lambda: claims.claim_next(office.supervisor, None),
        "log": lambda: office.log(recall, viewer=office.supervisor),
    }

    outcome = await acts[act]()

    assert outcome.refusals == ()
    assert outcome.task is not None
    taken = (office.supervisor.staff_id, office.clock() + LEASE)
    for task in (recall, missed):
        assert await claim_on(task) == (FREE if act == "log" else taken)
    assert (await all_events(office))[-1].actor_id == office.supervisor.staff_id
    await assert_consistent(office)
