"""An import makes what is missing, once, and leaves everything else as it is."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gql_app.access import Forbidden, Viewer
from gql_app.work.imports.rows import ImportResult, ImportRow
from gql_app.work.imports.run import BATCH, Import
from gql_app.work.reads.queues import queue_counts
from gql_app.work.reads.targets import find_target
from models.event import TaskEvent, TaskEventKind
from models.lifecycle import TaskOrigin, TaskStatus
from models.people import Patient
from models.practice import Queue
from models.task import Task
from tests.commands.importing.rows import row
from tests.office import Office, make_office
from tests.work.agents import assert_consistent, claims_of

CREATED, UPDATED, UNCHANGED, ALREADY_OPEN, SUPPRESSED, BOOKED, REJECTED = ImportResult


async def run_of(office: Office, viewer: Viewer | None = None, **how: Any) -> Import:
    viewer = viewer or office.supervisor
    source = how.pop("source", "robot")
    target = await find_target(viewer, (how.pop("queue", None) or office.recall).id)
    assert target is not None
    return Import(office.changes, viewer, target, source, **how)


async def take(office: Office, *rows: ImportRow, **how: Any) -> list[Any]:
    """What comes of each row in a run of its own: the result, or the code that rejects it."""
    results = await (await run_of(office, **how)).take(rows)
    return [r.refusals[0].code if r.refusals else r.result for r in results]


async def counts(office: Office) -> tuple[int, int, int]:
    here = {"practice_id": office.practice.id}
    return (
        await Patient.filter(**here).count(),
        await Task.filter(**here).count(),
        await TaskEvent.filter(**here).count(),
    )


async def test_rows_become_patients_and_tasks_with_their_events(office: Office) -> None:
    rows = [row(f"t{n}", patient_external_id=f"p{n}") for n in range(BATCH + 5)]
    assert await take(office, *rows) == [CREATED] * (BATCH + 5)
    task = await Task.get(external_id="t7")
    assert (task.source, task.status, task.origin) == ("robot", "OPEN", TaskOrigin.AUTOMATIC)
    assert (task.queue_id, task.due_on, task.version) == (office.recall.id, office.today, 1)
    patient = await Patient.get(id=task.patient_id)
    assert (patient.external_id, patient.phone) == ("p7", "+12175550123")
    event = await TaskEvent.get(task_id=task.id)
    assert (event.kind, event.actor_id) == (TaskEventKind.CREATED, office.supervisor.staff_id)
    assert [event.from_status, event.to_status] == [None, "OPEN"]
    await assert_consistent(office)
    assert office.rings == [(office.practice.id, BATCH), (office.practice.id, BATCH + 5)]


async def test_run_again_nothing_is_doubled_and_the_patient_is_brought_up_to_date(
    office: Office,
) -> None:
    rows = [row(f"t{n}") for n in range(3)]
    await take(office, *rows)
    before = await counts(office)
    assert await take(office, *rows) == [UNCHANGED] * 3
    changed = rows[1]._replace(phone="217 555 0199", name="Fern Newname")
    assert await take(office, rows[0], changed, rows[2]) == [UNCHANGED, UPDATED, UNCHANGED]
    patients, tasks, events = before
    assert await counts(office) == (patients, tasks, events + 1)  # which tells of the new name
    patient = await Patient.get(external_id="t1")
    assert (patient.name, patient.phone) == ("Fern Newname", "+12175550199")
    assert (await Patient.get(external_id="t2")).name == "Fern Testwell"


async def test_a_task_that_is_closed_by_now_does_not_come_back(office: Office) -> None:
    soon = (office.clock() + timedelta(days=1)).isoformat()
    await take(office, row(expires_at=soon))
    await office.log(await Task.get(external_id="t1"), close=True)
    office.clock.advance(days=2)  # nor is its expiry, which has passed, held against it
    assert await take(office, row(expires_at=soon)) == [UNCHANGED]
    assert await take(office, row("t2", expires_at=soon)) == ["EXPIRY_IN_PAST"]
    assert await Task.all().count() == 1


async def test_who_should_have_been_called_long_ago_comes_in_as_overdue(office: Office) -> None:
    due = office.today - timedelta(days=400)
    assert await take(office, row(follow_up=due.isoformat())) == [CREATED]
    task = await Task.get(external_id="t1")
    assert (task.follow_up, task.due_on, task.status) == (due, due, TaskStatus.OPEN)
    (counts,) = await queue_counts(office.supervisor, [office.recall.id], office.clock())
    assert counts.overdue == 1
    await assert_consistent(office)


async def test_another_source_is_another_numbering(office: Office) -> None:
    assert await take(office, row()) == [CREATED]
    assert await take(office, row(), source="desk") == [CREATED]
    assert await Patient.filter(external_id="t1").count() == 2


async def test_a_patient_with_an_open_task_in_the_queue_gets_no_second_one(
    office: Office,
) -> None:
    first, second, elsewhere = (row(f"t{n}", patient_external_id="p1") for n in range(3))
    assert await take(office, first, second) == [CREATED, ALREADY_OPEN]
    assert await take(office, second) == [ALREADY_OPEN]
    assert await take(office, elsewhere, queue=office.missed) == [CREATED]
    await office.log(await Task.get(external_id="t0"), close=True)
    assert await take(office, second) == [CREATED]


async def test_an_expired_task_is_not_open_though_nobody_has_swept_it(office: Office) -> None:
    soon = (office.clock() + timedelta(hours=1)).isoformat()
    await take(office, row("t1", patient_external_id="p1", expires_at=soon))
    office.clock.advance(hours=2)
    assert await take(office, row("t2", patient_external_id="p1")) == [CREATED]


async def test_the_answer_names_the_task_that_a_row_stands_for(office: Office) -> None:
    rows = [row(f"t{n}", patient_external_id="p1") for n in range(2)]
    (created, already) = await (await run_of(office)).take(rows)
    task = await Task.get(external_id="t0")
    assert created.task_id == already.task_id == task.id
    (again,) = await (await run_of(office)).take([rows[0]])
    assert again.task_id == task.id


async def test_bad_rows_are_rejected_and_good_ones_come_in(office: Office) -> None:
    rows = [row("t1"), row("t2", phone="none"), row("t1", name="Twice"), row("t3")]
    codes = [CREATED, "PHONE_INVALID", "EXTERNAL_ID_TWICE", CREATED]
    assert await take(office, *rows) == codes
    assert {p.name for p in await Patient.filter(source="robot")} == {"Fern Testwell"}


async def test_an_id_that_came_in_an_earlier_batch_is_found_too(office: Office) -> None:
    run = await run_of(office)
    await run.take([row("t1")])
    (result,) = await run.take([row("t1")])
    assert result.refusals[0].code == "EXTERNAL_ID_TWICE"


async def test_a_tasks_id_does_not_move_to_another_patient(office: Office) -> None:
    await take(office, row("t1", patient_external_id="p1"), row("t2", patient_external_id="p2"))
    before = await counts(office)
    for other in ("p2", "p3"):
        moved = row("t1", patient_external_id=other, name="Not Fern")
        assert await take(office, moved) == ["EXTERNAL_ID_TAKEN"]
    assert await counts(office) == before
    assert await Patient.filter(name="Not Fern").count() == 0


async def test_a_new_task_comes_under_the_claim_on_its_patient(office: Office) -> None:
    await take(office, row("t1", patient_external_id="p1"))
    held = await Task.get(external_id="t1")
    await claims_of(office).claim(office.staff, held.id)
    await take(office, row("t2", patient_external_id="p1"), queue=office.missed)
    assert (await Task.get(external_id="t2")).claimed_by_id == office.staff.staff_id
    await assert_consistent(office)


async def test_an_automatic_task_without_an_expiry_gets_its_queues_default_life(
    office: Office,
) -> None:
    await Queue.filter(id=office.recall.id).update(automatic_life_days=90)
    late = (office.today + timedelta(days=100)).isoformat()
    rows = [row("t1"), row("t2", origin="MANUAL"), row("t3", follow_up=late)]
    assert await take(office, *rows) == [CREATED, CREATED, "FOLLOW_UP_AFTER_EXPIRY"]
    expiry = (await Task.get(external_id="t1")).expires_at
    assert expiry == office.clock() + timedelta(days=90)
    assert (await Task.get(external_id="t2")).expires_at is None


async def test_a_trial_says_what_would_come_and_changes_nothing(office: Office) -> None:
    await take(office, row("t0", patient_external_id="p0"))
    before, rings = await counts(office), list(office.rings)
    run = await run_of(office, is_trial=True)
    rows = [
        row("t0", patient_external_id="p0", name="Changed"),
        row("t1", patient_external_id="p1"),
        row("t2", patient_external_id="p1"),
        row("t3", phone="none"),
    ]
    assert [r.result for r in await run.take(rows)] == [UPDATED, CREATED, ALREADY_OPEN, REJECTED]
    (later,) = await run.take([row("t4", patient_external_id="p1")])
    assert later.result is ALREADY_OPEN
    assert (await counts(office), office.rings) == (before, rings)
    assert await Patient.filter(name="Changed").count() == 0


async def test_two_imports_of_the_same_rows_at_once_make_each_task_once(office: Office) -> None:
    forth = [row(f"t{n}", patient_external_id=f"p{n}") for n in range(40)]
    back = list(reversed(forth))
    runs = [await run_of(office) for _ in range(4)]
    await asyncio.gather(
        *(run.take(rows) for run, rows in zip(runs, [forth, back] * 2, strict=True))
    )
    assert await Task.all().count() == 40
    assert await Patient.filter(source="robot").count() == 40
    await assert_consistent(office)


async def test_imports_at_once_make_one_task_for_a_patient_whom_all_know(office: Office) -> None:
    known = range(BATCH)
    await take(office, *(row(f"{n}", patient_external_id=f"p{n}") for n in known))
    runs = [await run_of(office, queue=office.missed) for _ in range(4)]
    await asyncio.gather(*(Task.all().count() for _ in runs))  # each has a connection by now
    results = await asyncio.gather(
        *(
            run.take([row(f"{n} of {place}", patient_external_id=f"p{n}") for n in known])
            for place, run in enumerate(runs)
        )
    )
    made = [result for of_run in results for result in of_run if result.result is CREATED]
    assert len(made) == await Task.filter(queue_id=office.missed.id).count() == BATCH
    await assert_consistent(office)


async def test_only_supervisors_may_import_and_only_into_queues_of_theirs(office: Office) -> None:
    for viewer in (office.staff, office.partner):
        with pytest.raises(Forbidden):
            await take(office, row(), viewer=viewer)
    limited = replace(office.supervisor, queue_ids=frozenset({office.missed.id}))
    assert await find_target(limited, office.recall.id) is None
    other = await make_office("oak")
    assert await find_target(office.supervisor, other.recall.id) is None
    assert await find_target(office.supervisor, 0) is None


async def test_what_a_key_does_not_see_is_taken_and_not_shown(office: Office) -> None:
    await take(office, row())
    limited = replace(office.supervisor, queue_ids=frozenset({office.missed.id}))
    changed = row(name="Not Fern")
    assert await take(office, changed, viewer=limited, queue=office.missed) == ["EXTERNAL_ID_TAKEN"]
    assert await Patient.filter(name="Not Fern").count() == 0
