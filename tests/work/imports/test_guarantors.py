"""Rows say who answers for their patients, before or after those have come in themselves."""

import asyncio
from typing import Any

import pytest

from gql_app.work.imports.batch import RowResult
from gql_app.work.imports.jobs import start_import
from gql_app.work.imports.rows import ImportResult, ImportRow
from gql_app.work.reads.imports import awaiting_guarantors
from models.event import TaskEventKind
from models.household import MAX_MEMBERS
from models.importing import ImportState
from models.people import Patient
from models.task import Task
from tests.commands.importing.rows import row
from tests.office import Office
from tests.work.agents import all_events, assert_consistent, claim_on, claims_of
from tests.work.families import answer
from tests.work.imports.test_jobs import job_of, order, run, sent, undone
from tests.work.imports.test_run import counts, run_of, take
from tests.work.test_merging import merge
from tests.work.test_patients_seen import desk_of

CREATED, UPDATED, UNCHANGED, *_ = ImportResult


def of(patient: str, guarantor: str = "", **given: str) -> ImportRow:
    """The row of a patient's task, with the guarantor that it names."""
    return row(
        f"t-{patient}", patient_external_id=patient, guarantor_external_id=guarantor, **given
    )


async def taken(office: Office, *rows: ImportRow, **how: Any) -> list[RowResult]:
    return await (await run_of(office, **how)).take(rows)


def notes(results: list[RowResult]) -> list[list[tuple[str, str | None]]]:
    return [[(note.code.value, note.field) for note in result.notes] for result in results]


async def awaiting(office: Office, source: str) -> int:
    return sum(found.number for found in await awaiting_guarantors(office.supervisor, [source]))


async def named(office: Office) -> dict[str, str | None]:
    """Who answers for whom, by their external ids, of all who have one."""
    patients = await Patient.filter(practice_id=office.practice.id, external_id__isnull=False)
    ids = {patient.id: patient.external_id for patient in patients}
    return {str(p.external_id): ids.get(p.guarantor_id) for p in patients}


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("is_first", [True, False])
async def test_a_guarantor_may_come_before_or_after_the_patient(
    office: Office, batches: int, is_first: bool
) -> None:
    rows = [of("mother", "mother"), of("child", "mother")]
    rows = rows if is_first else rows[::-1]
    results = []
    for some in [rows] if batches == 1 else [[one] for one in rows]:
        results += await taken(office, *some)
    assert [result.result for result in results] == [CREATED] * 2
    assert await named(office) == {"mother": None, "child": "mother"}
    waited = batches == 2 and not is_first
    expected = [("NOT_FOUND", "guarantorExternalId")] if waited else []
    assert notes(results) == [expected, []]
    assert await awaiting(office, "robot") == 0
    await assert_consistent(office)
    before = await counts(office)
    again = await taken(office, *rows)
    assert [result.result for result in again] == [UNCHANGED] * 2
    assert await counts(office) == before


async def test_a_guarantor_who_never_comes_is_said_and_the_row_comes_in(office: Office) -> None:
    results = await taken(office, of("child", "nobody"), of("other"))
    assert [result.result for result in results] == [CREATED] * 2
    assert notes(results) == [[("NOT_FOUND", "guarantorExternalId")], []]
    assert await named(office) == {"child": None, "other": None}
    assert await awaiting(office, "robot") == 1
    assert await awaiting(office, "elsewhere") == 0
    # Of another source, the same id is another patient.
    await taken(office, of("nobody"), source="elsewhere")
    assert await awaiting(office, "robot") == 1


async def test_who_was_given_a_guarantor_by_hand_waits_for_no_other(office: Office) -> None:
    await taken(office, of("child", "mother"), of("aunt"))
    child, aunt = [await Patient.get(external_id=name) for name in ("child", "aunt")]
    assert (await answer(office, child.id, aunt.id)).refusals == ()
    await taken(office, of("mother"))
    assert (await named(office))["child"] == "aunt"
    assert await awaiting(office, "robot") == 0


async def test_a_file_says_anew_who_answers_and_an_empty_cell_says_nothing(office: Office) -> None:
    await taken(office, of("mother"), of("father"), of("child", "mother"))
    assert [r.result for r in await taken(office, of("child"))] == [UNCHANGED]
    assert (await named(office))["child"] == "mother"
    assert [r.result for r in await taken(office, of("child", "father"))] == [UPDATED]
    assert (await named(office))["child"] == "father"
    told = [e for e in await all_events(office) if e.kind is TaskEventKind.PATIENT_CHANGED]
    assert len(told) == 3  # all of both households
    assert [r.result for r in await taken(office, of("child", "child"))] == [UPDATED]
    assert (await named(office))["child"] is None


async def test_circles_and_chains_of_a_file_are_said_and_not_made(office: Office) -> None:
    results = await taken(office, of("a", "b"), of("b", "c"), of("c", "b"), of("b2", "a"))
    assert [result.result for result in results] == [CREATED] * 4
    chain, circle = (
        [("GUARANTOR_CHAIN", "guarantorExternalId")],
        [("GUARANTOR_CIRCLE", "guarantorExternalId")],
    )
    assert notes(results) == [[], chain, [], chain]
    assert await named(office) == {"a": "b", "b": None, "c": "b", "b2": None}
    assert notes(await taken(office, of("b", "a"))) == [circle]
    assert await awaiting(office, "robot") == 2
    assert notes(await taken(office, of("c", "a"))) == [chain]
    assert (await named(office))["c"] == "b"  # as before
    await assert_consistent(office)


async def test_sixty_patients_of_a_guarantor_are_no_household(office: Office) -> None:
    results = await taken(office, of("home"), *(of(f"p{n}", "home") for n in range(60)))
    assert [result.result for result in results] == [CREATED] * 61
    full = [note for note in notes(results) if note]
    assert full == [[("HOUSEHOLD_FULL", "guarantorExternalId")]] * (61 - MAX_MEMBERS)
    assert list((await named(office)).values()).count("home") == MAX_MEMBERS - 1


async def test_a_merged_guarantor_is_the_survivor(office: Office) -> None:
    await taken(office, of("one"), of("two"), of("child", "two"))
    one, two = [(await Patient.get(external_id=name)).id for name in ("one", "two")]
    assert (await merge(office, one, two)).merge is not None
    assert (await named(office))["child"] == "one"
    assert [r.result for r in await taken(office, of("child", "two"))] == [UNCHANGED]
    await taken(office, of("late", "two"))
    assert (await named(office))["late"] == "one"
    await assert_consistent(office)


async def test_a_limited_key_links_nobody_whom_it_does_not_see(office: Office) -> None:
    await taken(office, of("mother"), queue=office.missed)
    results = await taken(office, of("child", "mother"), viewer=desk_of(office))
    assert notes(results) == [[("NOT_FOUND", "guarantorExternalId")]]
    assert (await named(office))["child"] is None
    assert [r.result for r in await taken(office, of("child", "mother"))] == [UPDATED]
    assert (await named(office))["child"] == "mother"


async def test_a_new_task_comes_under_the_claim_on_its_household(office: Office) -> None:
    await taken(office, of("mother"))
    task = await Task.get(external_id="t-mother")
    await claims_of(office).claim(office.staff, task.id, "c1")
    await taken(office, of("child", "mother"), of("sister"))
    await taken(office, of("sister", "mother"))
    for name in ("child", "sister"):
        other = await Task.get(external_id=f"t-{name}")
        assert await claim_on(other) == await claim_on(task)
    await taken(office, of("child"), queue=office.missed, source="robot")
    await assert_consistent(office)


async def test_a_new_task_of_a_member_comes_under_the_claim_on_a_guarantor_not_in_the_file(
    office: Office,
) -> None:
    await taken(office, of("mother"), of("child", "mother"))
    mothers, childs = [await Task.get(external_id=f"t-{name}") for name in ("mother", "child")]
    await office.log(childs, close=True)
    await claims_of(office).claim(office.staff, mothers.id, "c1")
    assert await take(office, row("again", patient_external_id="child")) == [CREATED]
    assert await claim_on(await Task.get(external_id="again")) == await claim_on(mothers)
    await assert_consistent(office)


async def test_a_new_task_comes_under_no_claim_that_is_over(office: Office) -> None:
    await taken(office, of("mother"))
    task = await Task.get(external_id="t-mother")
    await claims_of(office, minutes=1).claim(office.staff, task.id)
    office.clock.advance(minutes=2)
    await taken(office, of("child", "mother"))
    assert await claim_on(await Task.get(external_id="t-child")) == (None, None)


async def test_what_two_people_hold_as_a_household_forms_each_goes_on_to_hold(
    office: Office,
) -> None:
    await taken(office, of("mother"), of("child"))
    tasks = [await Task.get(external_id=f"t-{name}") for name in ("mother", "child")]
    claims, viewers = claims_of(office), (office.staff, office.supervisor)
    for task, viewer in zip(tasks, viewers, strict=True):
        await claims.claim(viewer, task.id)
    before = [await claim_on(task) for task in tasks]
    assert await take(office, of("child", "mother")) == [UPDATED]
    assert [await claim_on(task) for task in tasks] == before
    for name, held in zip(("mother", "child"), before, strict=True):
        more = row(f"more-{name}", patient_external_id=name)
        assert await take(office, more, queue=office.missed) == [CREATED]
        assert await claim_on(await Task.get(external_id=f"more-{name}")) == held
    # To claim or log what is one's own takes nothing from the other one either.
    await claims.claim(office.staff, tasks[0].id)
    assert await claim_on(tasks[1]) == before[1]
    await office.log(tasks[0])
    assert await claim_on(tasks[1]) == before[1]


async def test_a_trial_changes_no_household(office: Office) -> None:
    await taken(office, of("mother"), of("child"))
    assert await take(office, of("child", "mother"), is_trial=True) == [UNCHANGED]
    assert (await named(office))["child"] is None


async def test_families_that_are_imported_and_claimed_at_once_stay_whole(office: Office) -> None:
    rows = [of("mother"), *(of(f"c{n}", "mother") for n in range(4))]
    await taken(office, *rows[:2])
    tasks = [task.id for task in await Task.all()]
    claims = claims_of(office)
    for turn in range(5):
        mothers = ("mother", "c1", "mother")[turn % 3]
        async with asyncio.timeout(30):
            await asyncio.gather(
                *(claims.claim(office.staff, task_id) for task_id in tasks),
                *(claims.claim_next(office.supervisor, None) for _ in range(2)),
                taken(office, *rows),
                taken(office, *(of(f"c{n}", mothers) for n in (3, 2))),
            )
        await assert_consistent(office)
        for task_id in tasks:
            await claims.release(office.supervisor, task_id)
    await assert_consistent(office)


HEAD = "Nr;Guarantor;Name;Telefon;Grund\n"


async def file_of(office: Office, *rows: tuple[str, str]) -> int:
    text = HEAD + "".join(f"{nr};{of};Fern {nr};217 555 0123;Recall\n" for nr, of in rows)
    job_id = await sent(office, text)

    result = await office.changes.make(office.supervisor, start_import, job_id, order(office))
    assert result.refusals == ()
    await run(office)
    return job_id


async def test_an_import_that_is_taken_back_takes_its_guarantors_back(office: Office) -> None:
    await file_of(office, ("mother", ""), ("father", ""), ("child", "mother"), ("aunt", ""))
    job_id = await file_of(office, ("child", "father"), ("baby", "aunt"), ("son", "father"))
    assert await named(office) == {
        **dict.fromkeys(("mother", "father", "aunt")),
        "child": "father",
        "baby": "aunt",
        "son": "father",
    }
    son, mother = [await Patient.get(external_id=name) for name in ("son", "mother")]
    await answer(office, son.id, mother.id)  # by hand, which stays

    assert (await undone(office, job_id)).refusals == ()

    assert (await job_of(office, job_id)).state is ImportState.UNDONE
    assert await named(office) == {
        **dict.fromkeys(("mother", "father", "aunt")),
        "child": "mother",
        "son": "mother",
    }
    gone = await Patient.exclude(taken_back_at=None).get()
    assert (gone.name, gone.guarantor_id) == ("Fern baby", None)
    await assert_consistent(office)


async def test_a_guarantor_who_came_with_an_import_goes_with_it(office: Office) -> None:
    await file_of(office, ("child", ""))
    job_id = await file_of(office, ("child", "mother"), ("mother", ""))
    assert (await named(office))["child"] == "mother"
    await undone(office, job_id)
    assert await named(office) == {"child": None}
    await assert_consistent(office)


async def test_who_is_taken_back_is_in_no_household_and_a_guarantor_is_not_taken_back(
    office: Office,
) -> None:
    child_of = await file_of(office, ("child", "mother"))
    mother_of = await file_of(office, ("mother", ""), ("aunt", ""))
    assert (await named(office))["child"] == "mother"
    child, aunt = [await Patient.get(external_id=name) for name in ("child", "aunt")]
    await answer(office, office.patients[0].id, aunt.id)  # by hand, after the import

    assert (await undone(office, child_of)).refusals == ()
    assert (await undone(office, mother_of)).refusals == ()

    await child.refresh_from_db()
    assert (child.taken_back_at is None, child.guarantor_id) == (False, None)
    await aunt.refresh_from_db()
    assert aunt.taken_back_at is None
    await assert_consistent(office)
