"""Merges of patients who answer for others, or for whom others answer."""

import pytest

from models.event import TaskEventKind
from models.household import MAX_MEMBERS
from models.people import Patient
from tests.office import Office
from tests.work.agents import all_events, assert_consistent, claim_on, claims_of, make_patients
from tests.work.families import answer, family, guarantors, rows
from tests.work.test_claim_next import handed_out
from tests.work.test_merging import merge, undo
from tests.work.test_patient_edits import codes


async def merged(office: Office, survivor: int, gone: int) -> int:
    """Merge the second into the first. The number of the merge."""
    result = await merge(office, survivor, gone)
    assert codes(result) == []
    assert result.merge is not None
    await assert_consistent(office)
    return int(result.merge.id)


async def undone(office: Office, merge_id: int, **how: bool) -> None:
    assert codes(await undo(office, merge_id, **how)) == []
    await assert_consistent(office)


async def people(office: Office, number: int) -> list[int]:
    return [patient.id for patient in await make_patients(office, number)]


async def test_members_follow_a_guarantor_who_is_merged_and_come_back(office: Office) -> None:
    mother, child, son, other = await people(office, 4)
    await answer(office, child, mother)
    await answer(office, son, mother)
    before = await guarantors(office)
    merge_id = await merged(office, other, mother)
    assert await guarantors(office) == {child: other, son: other}
    await undone(office, merge_id)
    assert await guarantors(office) == before


async def test_a_merged_child_leaves_the_guarantor_to_the_survivor_who_has_none(
    office: Office,
) -> None:
    mother, child, other = await people(office, 3)
    await answer(office, child, mother)
    merge_id = await merged(office, other, child)
    assert await guarantors(office) == {other: mother}
    await undone(office, merge_id)
    assert await guarantors(office) == {child: mother}


async def test_the_survivors_own_guarantor_stays(office: Office) -> None:
    mother, child, father, other = await people(office, 4)
    await answer(office, child, mother)
    await answer(office, other, father)
    merge_id = await merged(office, other, child)
    assert await guarantors(office) == {other: father}
    await undone(office, merge_id)
    assert await guarantors(office) == {other: father, child: mother}


async def test_a_survivor_who_answers_for_others_gets_no_guarantor(office: Office) -> None:
    mother, child, other, baby = await people(office, 4)
    await answer(office, child, mother)
    await answer(office, baby, other)
    merge_id = await merged(office, other, child)
    assert await guarantors(office) == {baby: other}
    await undone(office, merge_id)
    assert await guarantors(office) == {baby: other, child: mother}


async def test_members_of_one_who_is_merged_into_a_child_get_its_guarantor(office: Office) -> None:
    mother, child, other, baby = await people(office, 4)
    await answer(office, child, mother)
    await answer(office, baby, other)
    merge_id = await merged(office, child, other)
    assert await guarantors(office) == {child: mother, baby: mother}
    await undone(office, merge_id)
    assert await guarantors(office) == {child: mother, baby: other}


@pytest.mark.parametrize("is_survivor", [True, False])
async def test_two_of_one_household_are_merged(office: Office, is_survivor: bool) -> None:
    mother, child, son = await people(office, 3)
    await answer(office, child, mother)
    await answer(office, son, mother)
    before = await guarantors(office)
    pair = (mother, child) if is_survivor else (child, mother)
    merge_id = await merged(office, *pair)
    assert await guarantors(office) == {son: pair[0]}
    await undone(office, merge_id)
    assert await guarantors(office) == before


@pytest.mark.parametrize("is_survivor", [True, False])
async def test_two_who_are_all_of_a_household_are_merged(office: Office, is_survivor: bool) -> None:
    mother, child = await people(office, 2)
    await answer(office, child, mother)
    merge_id = await merged(office, *((mother, child) if is_survivor else (child, mother)))
    assert await guarantors(office) == {}
    await undone(office, merge_id)
    assert await guarantors(office) == {child: mother}


async def test_a_guarantor_who_was_set_since_stays_when_a_merge_is_undone(office: Office) -> None:
    mother, child, other, aunt = await people(office, 4)
    await answer(office, child, mother)
    merge_id = await merged(office, other, mother)
    await answer(office, child, aunt)
    await undone(office, merge_id)
    assert await guarantors(office) == {child: aunt}


async def test_who_has_a_guarantor_by_now_is_none_when_a_merge_is_undone(office: Office) -> None:
    mother, child, other, aunt = await people(office, 4)
    await answer(office, child, mother)
    merge_id = await merged(office, other, child)
    assert await guarantors(office) == {other: mother}
    await answer(office, mother, aunt)  # refused: she answers for the survivor
    await answer(office, other, None)
    await answer(office, mother, aunt)
    assert await guarantors(office) == {mother: aunt}
    await undone(office, merge_id, keep_later_changes=True)
    assert await guarantors(office) == {mother: aunt}


async def test_who_was_merged_away_since_is_no_guarantor_when_a_merge_is_undone(
    office: Office,
) -> None:
    mother, child, other, aunt = await people(office, 4)
    await answer(office, child, mother)
    merge_id = await merged(office, other, child)
    await merged(office, aunt, mother)
    assert await guarantors(office) == {other: aunt}
    await undone(office, merge_id, keep_later_changes=True)
    assert await guarantors(office) == {other: aunt}


async def test_a_merge_that_makes_a_household_too_large_is_refused(office: Office) -> None:
    one, two, *others = await people(office, MAX_MEMBERS + 2)
    for place, other in enumerate(others):
        await answer(office, other, (one, two)[place % 2])
    before = await rows(office)
    assert codes(await merge(office, one, two)) == [("HOUSEHOLD_FULL", None)]
    assert codes(await merge(office, one, two, dry_run=True)) == [("HOUSEHOLD_FULL", None)]
    assert await rows(office) == before


async def test_tasks_that_come_into_a_claimed_household_are_claimed_with_it(
    office: Office,
) -> None:
    amber, birch, clover = office.patients
    await answer(office, birch.id, amber.id)
    held = await office.make_task(patient=birch)
    await claims_of(office).claim(office.staff, held.id, "c1")
    coming = await office.make_task(patient=clover)
    merge_id = await merged(office, amber.id, clover.id)  # nobody calls for one of these two
    assert await claim_on(coming) == await claim_on(held)
    told = [event.kind for event in await all_events(office) if event.task_id == coming.id]
    assert told[-2:] == [TaskEventKind.PATIENT_CHANGED, TaskEventKind.CLAIMED]
    await claims_of(office).release(office.staff, held.id)
    await undone(office, merge_id)
    assert (await Patient.get(id=clover.id)).merged_into_id is None


async def test_members_rest_no_longer_for_calls_that_go_back_with_a_merge(office: Office) -> None:
    mothers, _ = await family(office)
    clovers = await office.make_task(patient=office.patients[2])
    await office.log(clovers)
    merge_id = await merged(office, mothers.patient_id, clovers.patient_id)
    assert await handed_out(office) == []
    await undone(office, merge_id)
    assert await handed_out(office) == [mothers.reason]
