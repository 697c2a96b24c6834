"""Who answers for a patient: said by hand, never in a circle or a chain, and never for too many."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gql_app.access import Forbidden
from models.audit import Audit
from models.event import TaskEventKind
from models.household import MAX_MEMBERS
from models.people import Patient
from models.task import WAITS, Task
from tests.office import Office, make_office
from tests.work.agents import all_events, assert_consistent, claim_on, claims_of, make_patients
from tests.work.families import answer, codes, family, guarantors, rows
from tests.work.test_merging import merge
from tests.work.test_patient_edits import make
from tests.work.test_patients_seen import desk_of


async def test_a_patient_gets_a_guarantor_and_all_who_watch_the_household_are_told(
    office: Office,
) -> None:
    amber, birch, clover = office.patients
    tasks = [await office.make_task(patient=patient) for patient in (amber, birch, clover)]
    audited = await Audit.all().count()

    result = await answer(office, birch.id, amber.id)

    assert codes(result) == []
    assert result.patient is not None
    assert (result.patient.id, result.patient.version) == (birch.id, birch.version + 1)
    assert await guarantors(office) == {birch.id: amber.id}
    told = [e.task_id for e in await all_events(office) if e.kind is TaskEventKind.PATIENT_CHANGED]
    assert told == [tasks[0].id, tasks[1].id]
    rows = await Audit.all().order_by("seq").offset(audited)
    assert ("guarantor", birch.id) in {(row.detail, row.patient_id) for row in rows}
    await assert_consistent(office)


async def test_without_a_guarantor_or_as_ones_own_a_patient_leaves_the_household(
    office: Office,
) -> None:
    amber, birch, clover = (patient.id for patient in office.patients)
    await answer(office, birch, amber)
    await answer(office, clover, amber)
    assert codes(await answer(office, birch, None)) == []
    assert await guarantors(office) == {clover: amber}
    assert codes(await answer(office, clover, clover)) == []
    assert await guarantors(office) == {}


async def test_claims_look_again_at_what_a_changed_household_waits_for(office: Office) -> None:
    amber, birch, _ = office.patients
    task = await office.make_task(patient=birch)
    until = office.clock() + timedelta(minutes=30)
    await Task.filter(id=task.id).update(rests_since=WAITS, waits_until=until)

    assert codes(await answer(office, birch.id, amber.id)) == []

    await task.refresh_from_db()
    assert (task.rests_since, task.waits_until) == (None, None)


async def test_what_is_so_already_changes_nothing(office: Office) -> None:
    await family(office)
    amber, birch, clover = (patient.id for patient in office.patients)
    before = await rows(office)
    for patient, guarantor in ((birch, amber), (amber, None), (clover, None), (clover, clover)):
        assert codes(await answer(office, patient, guarantor)) == []
    assert await rows(office) == before


async def test_households_are_neither_circles_nor_chains(office: Office) -> None:
    await family(office)
    amber, birch, clover = (patient.id for patient in office.patients)
    before = await rows(office)
    refused = {
        (amber, birch): "GUARANTOR_CIRCLE",
        (clover, birch): "GUARANTOR_CHAIN",
        (amber, clover): "GUARANTOR_CHAIN",
    }
    for (patient, guarantor), code in refused.items():
        result = await answer(office, patient, guarantor)
        assert codes(result) == [(code, "guarantorId")]
        assert result.patient is not None
        assert result.patient.id == patient
    assert await rows(office) == before


async def test_a_household_of_sixty_is_refused(office: Office) -> None:
    amber = office.patients[0].id
    others = await make_patients(office, MAX_MEMBERS)
    for other in others[:-1]:
        assert codes(await answer(office, other.id, amber)) == []
    result = await answer(office, others[-1].id, amber)
    assert codes(result) == [("HOUSEHOLD_FULL", "guarantorId")]
    assert str(MAX_MEMBERS) in result.refusals[0].message
    assert len(await guarantors(office)) == MAX_MEMBERS - 1
    assert codes(await answer(office, others[0].id, amber)) == []  # who is in it already


async def test_who_is_not_there_cannot_answer(office: Office) -> None:
    amber, birch, clover = (patient.id for patient in office.patients)
    foreign = (await make_office("pine")).patients[0].id
    for stranger in (foreign, 10**9):
        assert codes(await answer(office, amber, stranger)) == [("NOT_FOUND", "guarantorId")]
        assert codes(await answer(office, stranger, amber)) == [("NOT_FOUND", "patientId")]
    await Patient.filter(id=clover).update(taken_back_at=office.clock())
    assert codes(await answer(office, amber, clover)) == [("NOT_FOUND", "guarantorId")]
    await merge(office, amber, birch)
    assert codes(await answer(office, birch, birch)) == []  # who was merged away is the survivor
    assert await guarantors(office) == {}


async def test_a_limited_key_sets_guarantors_among_patients_whom_it_sees(office: Office) -> None:
    amber, birch, clover = (patient.id for patient in office.patients)
    viewer = desk_of(office)
    for patient in office.patients[1:]:
        await office.make_task(patient=patient)
    before = await rows(office)
    assert codes(await answer(office, birch, amber, viewer)) == [("NOT_FOUND", "guarantorId")]
    assert codes(await answer(office, amber, birch, viewer)) == [("NOT_FOUND", "patientId")]
    assert await rows(office) == before
    assert codes(await answer(office, birch, clover, viewer)) == []


async def test_those_who_may_not_edit_patients_may_not(office: Office) -> None:
    amber, birch, _ = (patient.id for patient in office.patients)
    for viewer in (office.staff, replace(office.partner, may_create_tasks=False)):
        with pytest.raises(Forbidden):
            await answer(office, birch, amber, viewer)


async def test_a_patient_who_joins_a_claimed_household_is_claimed_with_it(office: Office) -> None:
    amber, birch, clover = office.patients
    held = await office.make_task(patient=amber)
    coming = await office.make_task(patient=birch)
    await claims_of(office).claim(office.supervisor, held.id, "c1")
    assert codes(await answer(office, birch.id, amber.id)) == []
    assert await claim_on(coming) == await claim_on(held)
    assert coming.claim_id == "c1"
    told = [event.kind for event in await all_events(office) if event.task_id == held.id]
    assert told.count(TaskEventKind.CLAIMED) == 1  # it was held already
    await assert_consistent(office)
    # One who leaves stays claimed, with all others: nobody knows whom the call is to.
    assert codes(await answer(office, birch.id, None)) == []
    assert await claim_on(coming) == await claim_on(held)
    await assert_consistent(office)
    result = await claims_of(office).release(office.supervisor, coming.id)
    assert result.task is not None
    assert (await claim_on(held))[0] == office.supervisor.staff_id
    assert await claim_on(coming) == (None, None)
    assert clover.id not in await guarantors(office)


async def test_who_joins_a_household_comes_under_no_claim_that_is_over(office: Office) -> None:
    amber, birch, _ = office.patients
    held = await office.make_task(patient=amber)
    coming = await office.make_task(patient=birch)
    await claims_of(office, minutes=1).claim(office.staff, held.id)
    office.clock.advance(minutes=2)
    assert codes(await answer(office, birch.id, amber.id)) == []
    assert await claim_on(coming) == (None, None)


@pytest.mark.parametrize("which", ["patient", "guarantor", "member"])
async def test_nobody_changes_a_household_that_somebody_else_is_calling(
    office: Office, which: str
) -> None:
    amber, birch, clover = office.patients
    await answer(office, clover.id, amber.id)
    called = {"patient": birch, "guarantor": amber, "member": clover}[which]
    task = await office.make_task(patient=called)
    await claims_of(office).claim(office.staff, task.id)
    before = await rows(office)
    result = await answer(office, birch.id, amber.id)
    assert codes(result) == [("CLAIMED_BY_OTHER", None)]
    assert await rows(office) == before


async def test_a_new_patient_made_by_hand_is_in_no_household(office: Office) -> None:
    made: Any = await make(office, "Dale Testwell", "217 555 0123")
    assert made.patient is not None
    assert await guarantors(office) == {}
