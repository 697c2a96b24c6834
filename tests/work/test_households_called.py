"""A household is called as one: one claim, one rest, one call that is logged for several."""

import asyncio
from typing import Any

import pytest

from gql_app.work.contact_status import NewStatus, set_contact_status
from gql_app.work.contacts import log_contact
from gql_app.work.upkeep.expiry import free_lapsed
from models.contact_status import ContactStatus
from models.event import TaskEventKind
from models.lifecycle import Attempt, ContactOutcome
from models.people import Patient
from models.task import Task
from tests.office import Office
from tests.work.agents import all_events, assert_consistent, claim_on, claims_of, make_agents
from tests.work.calling import call, codes, other, paths, tomorrow
from tests.work.families import answer, family, rows
from tests.work.test_claim_next import handed_out
from tests.work.test_undoing import undo

LEFT_MESSAGE = ContactOutcome.LEFT_MESSAGE
FREE = (None, None)


@pytest.mark.parametrize("claimed", [0, 1])
async def test_one_claim_covers_the_household(office: Office, claimed: int) -> None:
    tasks = await family(office)
    clovers = await office.make_task(patient=office.patients[2])
    claims = claims_of(office)
    held = await claims.claim(office.staff, tasks[claimed].id, "c1")
    assert held.task is not None
    for task in tasks:
        assert (await claim_on(task))[0] == office.staff.staff_id
        assert task.claim_id == "c1"
    sibling = tasks[1 - claimed]
    refused = await claims.claim(office.supervisor, sibling.id)
    assert codes(refused) == ["CLAIMED_BY_OTHER"]
    assert codes(await office.log(sibling, viewer=office.supervisor)) == ["CLAIMED_BY_OTHER"]
    following = await claims.claim_next(office.supervisor, None)
    assert following.task is not None
    assert following.task.id == clovers.id
    await assert_consistent(office)
    await claims.release(office.staff, sibling.id)
    assert [await claim_on(task) for task in tasks] == [FREE, FREE]


async def test_the_next_claim_takes_the_household_and_a_new_task_comes_under_it(
    office: Office,
) -> None:
    tasks = await family(office)
    claims = claims_of(office)
    first = await claims.claim_next(office.staff, None)
    assert first.task is not None
    assert [(await claim_on(task))[0] for task in tasks] == [office.staff.staff_id] * 2
    assert (await claims.claim_next(office.supervisor, None)).task is None
    third = await office.make_task(patient=office.patients[1], reason="Another")
    assert (await claim_on(third))[0] == office.staff.staff_id
    assert (await claims.claim_next(office.supervisor, None)).task is None
    await assert_consistent(office)


async def test_a_claim_on_a_household_lapses_whole(office: Office) -> None:
    tasks = await family(office)
    await claims_of(office, minutes=1).claim(office.staff, tasks[0].id)
    office.clock.advance(minutes=2)
    await free_lapsed(office.changes, office.clock())
    assert [await claim_on(task) for task in tasks] == [FREE, FREE]
    await assert_consistent(office)


async def test_each_task_of_the_household_is_logged_on_its_own_in_one_change(
    office: Office,
) -> None:
    mother, child = await family(office)
    await claims_of(office).claim(office.staff, mother.id)
    before = len(await all_events(office))
    result = await call(
        office, mother, other(child, LEFT_MESSAGE, tomorrow(office), notes="with his mother")
    )
    assert codes(result) == []
    (one,) = result.others
    assert one.contact is not None
    assert (one.contact.outcome, one.contact.notes) == (LEFT_MESSAGE, "with his mother")
    assert result.contact is not None
    assert result.contact.notes is None
    events = (await all_events(office))[before:]
    assert [event.kind for event in events] == [TaskEventKind.CONTACT_LOGGED] * 2
    assert {event.change for event in events} == {before + 1}
    assert [await claim_on(task) for task in (mother, child)] == [FREE, FREE]
    await assert_consistent(office)


async def test_a_task_outside_of_the_household_is_refused_and_nothing_is_logged(
    office: Office,
) -> None:
    mother, child = await family(office)
    clovers = await office.make_task(patient=office.patients[2])
    before = await rows(office)
    result = await call(
        office, child, other(mother, follow_up=tomorrow(office)), other(clovers, close=True)
    )
    assert codes(result) == ["OTHER_PATIENT"]
    assert paths(result) == [("others", "1", "taskId")]
    assert await rows(office) == before


async def test_a_logged_call_ends_the_claim_on_the_household(office: Office) -> None:
    mother, child = await family(office)
    await claims_of(office).claim(office.staff, mother.id)
    await office.log(mother)
    assert [await claim_on(task) for task in (mother, child)] == [FREE, FREE]


async def test_what_one_says_of_being_called_touches_nobody_else(office: Office) -> None:
    mother, child = await family(office)
    await claims_of(office).claim(office.staff, mother.id)
    attempt = Attempt(
        ContactOutcome.DID_NOT_SCHEDULE,
        None,
        None,
        True,
        contact_status=ContactStatus.DO_NOT_CONTACT,
    )
    result = await office.changes.make(office.staff, log_contact, mother.id, attempt)
    assert codes(result) == []
    amber, birch = [await Patient.get(id=patient.id) for patient in office.patients[:2]]
    assert amber.contact_status is ContactStatus.DO_NOT_CONTACT
    assert birch.contact_status is ContactStatus.OK
    await child.refresh_from_db()
    assert child.status == "OPEN"
    assert await claim_on(child) == FREE
    await assert_consistent(office)


async def test_a_status_closes_the_tasks_of_one_member_under_a_claim(office: Office) -> None:
    mother, child = await family(office)
    await claims_of(office).claim(office.supervisor, child.id)
    new = NewStatus(ContactStatus.DECEASED)
    await office.changes.make(office.supervisor, set_contact_status, mother.patient_id, new)
    assert (await claim_on(child))[0] == office.supervisor.staff_id
    assert await claim_on(mother) == FREE
    await assert_consistent(office)


async def test_a_call_to_one_member_rests_the_household_but_for_a_promise(office: Office) -> None:
    mother, _ = await family(office)
    await office.log(mother)
    assert await handed_out(office) == []
    clovers = await office.make_task(patient=office.patients[2], reason="of Clover")
    assert await handed_out(office) == ["of Clover"]
    await office.log(clovers, close=True)
    await undo(office, await _last_contact(mother))
    assert len(await handed_out(office)) == 1  # nobody has called the household any more
    await assert_consistent(office)


async def _last_contact(task: Task) -> int:
    await task.refresh_from_db()
    assert task.last_contact_id is not None
    return int(task.last_contact_id)


async def test_who_leaves_a_household_rests_no_longer_for_its_calls(office: Office) -> None:
    mother, child = await family(office)
    await office.log(mother)
    assert await handed_out(office) == []
    await answer(office, child.patient_id, None)
    assert await handed_out(office) == [child.reason]


async def test_a_skipped_task_passes_its_household_over(office: Office) -> None:
    mother, child = await family(office)
    claims = claims_of(office)
    for skipped in (mother, child):
        result = await claims.claim_next(office.staff, None, skipped=[skipped.id])
        assert result.task is None
        assert result.nothing is not None
        assert "skipped" in result.nothing.reason


async def test_however_many_claim_members_at_once_one_gets_the_household(office: Office) -> None:
    tasks = list(await family(office))
    agents = await make_agents(office, 6)
    claims = claims_of(office)
    for number in range(6):
        async with asyncio.timeout(30):
            results: Any = await asyncio.gather(
                *(claims.claim(agent, tasks[n % 2].id) for n, agent in enumerate(agents)),
                *(claims.claim_next(agent, None) for agent in agents[:3]),
                answer(office, office.patients[2].id, office.patients[0].id),
                office.make_task(patient=office.patients[number % 3], reason=f"More {number}"),
            )
        assert len({r.task.claimed_by_id for r in results[:6] if not r.refusals}) <= 1
        await assert_consistent(office)
        office.clock.advance(minutes=11)
        await free_lapsed(office.changes, office.clock())
        await assert_consistent(office)
