"""A claim has an id, so that one person's two pages neither release nor renew each other's."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from gql_app.work.upkeep.expiry import free_lapsed
from models.database import write
from models.task import Task
from tests.office import Office
from tests.support.claims import Claims
from tests.work.agents import FREE, all_events, assert_consistent, claim_on, claims_of
from tests.work.claiming import changes_nothing, codes, patient_with_two_tasks

Ending = Callable[[Office, Claims, Task], Awaitable[object]]


async def id_on(task: Task) -> str | None:
    await task.refresh_from_db()
    return task.claim_id


async def test_claimed_anew_it_is_another_and_renewed_it_is_the_same(office: Office) -> None:
    recall, missed = await patient_with_two_tasks(office)
    claims = claims_of(office)
    first = (await claims.claim(office.staff, recall.id)).task
    second = (await claims.claim(office.staff, recall.id)).task
    assert first is not None
    assert second is not None
    assert first.claim != second.claim
    office.clock.advance(minutes=4)

    renewed = (await claims.claim(office.staff, recall.id, second.claim)).task

    assert renewed is not None
    assert renewed.claim == second.claim
    assert renewed.claimed_until == office.clock() + timedelta(minutes=10)
    new = await office.make_task()
    assert [await id_on(task) for task in (recall, missed, new)] == [second.claim] * 3
    assert (await all_events(office))[-1].claim_id == second.claim
    await assert_consistent(office)


@pytest.mark.parametrize("newer_first", [False, True])
async def test_of_two_pages_of_one_person_each_releases_only_its_own(
    office: Office, newer_first: bool
) -> None:
    task = await office.make_task()
    claims = claims_of(office)
    await claims.claim(office.staff, task.id, "older")
    await claims.claim(office.staff, task.id, "newer")
    if not newer_first:
        await changes_nothing(office, claims.release(office.staff, task.id, "older"))
        assert (await claim_on(task))[0] == office.staff.staff_id
    await claims.release(office.staff, task.id, "newer")
    assert await claim_on(task) == FREE
    if newer_first:
        await changes_nothing(office, claims.release(office.staff, task.id, "older"))


ENDINGS: dict[str, Ending] = {
    "released": lambda office, claims, task: claims.release(office.supervisor, task.id),
    "called": lambda office, claims, task: office.log(task),
    "claimed anew": lambda office, claims, task: claims.claim(office.staff, task.id),
}


@pytest.mark.parametrize("how", ENDINGS)
async def test_a_claim_that_has_ended_is_not_renewed(office: Office, how: str) -> None:
    task = await office.make_task()
    claims = claims_of(office)
    await claims.claim(office.staff, task.id, "mine")
    await ENDINGS[how](office, claims, task)

    outcome = await changes_nothing(office, claims.claim(office.staff, task.id, "mine"))

    assert codes(outcome) == ["CLAIM_LOST"]


async def test_a_lapsed_claim_is_renewed_until_it_is_swept(office: Office) -> None:
    task = await office.make_task()
    claims = claims_of(office)
    await claims.claim(office.staff, task.id, "mine")
    office.clock.advance(minutes=11)
    assert codes(await claims.claim(office.staff, task.id, "mine")) == []
    office.clock.advance(minutes=11)
    await free_lapsed(claims, office.clock())
    assert codes(await claims.claim(office.staff, task.id, "mine")) == ["CLAIM_LOST"]
    await claims.claim(office.supervisor, task.id)
    assert codes(await claims.claim(office.staff, task.id, "mine")) == ["CLAIMED_BY_OTHER"]


async def test_what_was_claimed_without_an_answer_is_given_back_by_its_id(office: Office) -> None:
    tasks = [await office.make_task(patient=patient) for patient in office.patients[:2]]
    claims = claims_of(office)
    await claims.claim(office.supervisor, tasks[1].id, "theirs")
    taken = (await claims.claim_next(office.staff, None, "lost")).task
    assert taken is not None
    assert (taken.id, taken.claim) == (tasks[0].id, "lost")
    for not_mine in ("theirs", "never"):
        outcome = await changes_nothing(office, claims.release_own(office.staff, not_mine))
        assert (outcome.task, outcome.refusals) == (None, ())
    await claims.release_own(office.staff, "lost")
    assert await claim_on(tasks[0]) == FREE


async def test_a_supervisor_releases_the_claim_that_was_seen_and_no_later_one(
    office: Office,
) -> None:
    task = await office.make_task()
    claims = claims_of(office)
    await claims.claim(office.staff, task.id, "seen")
    await claims.claim(office.staff, task.id, "later")
    await changes_nothing(office, claims.release(office.supervisor, task.id, "seen"))
    await claims.release(office.supervisor, task.id, "later")
    assert await claim_on(task) == FREE


async def test_a_claim_from_before_claims_had_ids_has_one_too(office: Office) -> None:
    task = await office.make_task()
    claims = claims_of(office)
    await claims.claim(office.staff, task.id)
    await write("UPDATE task SET claim_id = NULL WHERE practice_id = $1", office.practice.id)
    outcome = await changes_nothing(office, claims.release(office.staff, task.id, "another"))
    assert outcome.task is not None
    assert outcome.task.claim is not None
    await claims.release(office.staff, task.id, outcome.task.claim)
    assert await claim_on(task) == FREE
