"""Who has an appointment gets no new automatic task where the queue closes them on appointments."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.work.intake import NewTask
from models.lifecycle import TaskOrigin
from models.practice import Queue
from models.task import Task
from tests.commands.importing.rows import row
from tests.office import Office
from tests.work.booking import MISSED, becomes, book, cancel, closing, codes
from tests.work.imports.test_run import ALREADY_OPEN, BOOKED, CREATED, run_of, take


async def create(office: Office, queue: Queue | None = None, **given: Any) -> Any:
    patient = office.patients[0].id
    given = {"origin": TaskOrigin.AUTOMATIC} | given
    new = NewTask((queue or office.recall).id, patient, "Overdue", **given)
    return await office.create(office.partner, new)


async def test_no_automatic_task_is_made_for_who_has_an_appointment(office: Office) -> None:
    await closing(office)
    await book(office)
    refused = await create(office)
    assert codes(refused) == [("HAS_APPOINTMENT", "patientId")]
    assert refused.task is None
    assert await Task.all().count() == 0


async def test_it_is_made_by_hand_and_in_other_queues(office: Office) -> None:
    await closing(office)
    await book(office)
    assert codes(await create(office, origin=TaskOrigin.MANUAL)) == []
    assert codes(await create(office, office.missed)) == []


@pytest.mark.parametrize(("kind", "is_needless"), [("Cleaning", True), ("Crown", False)])
async def test_only_kinds_count_that_the_queue_names(
    office: Office, kind: str, is_needless: bool
) -> None:
    await closing(office, appointment_kinds='["Cleaning"]')
    await book(office, kind=kind)
    assert bool(codes(await create(office))) is is_needless


async def test_an_appointment_that_is_over_or_off_keeps_nothing_away(office: Office) -> None:
    await closing(office)
    await book(office, minutes=-1)
    assert codes(await create(office)) == []
    await Task.all().update(status="CLOSED")
    await book(office, external_id="b2")
    await cancel(office, "b2")
    assert codes(await create(office)) == []
    await becomes(office, MISSED)
    assert codes(await create(office)) == []


async def test_another_patients_appointment_keeps_nothing_away(office: Office) -> None:
    await closing(office)
    await book(office, 1)
    assert codes(await create(office)) == []


async def test_an_appointment_closes_only_tasks_of_queues_that_name_its_kind(
    office: Office,
) -> None:
    await closing(office, appointment_kinds='["Cleaning"]')
    await closing(office, office.missed)
    soon = office.clock() + timedelta(days=9)
    named = await office.make_task(expires_at=soon)
    all_kinds = await office.make_task(office.missed, expires_at=soon)
    recorded = await book(office, kind="Crown")
    assert [task.id for task in recorded.closed] == [all_kinds.id]
    recorded = await book(office, external_id="b2", kind="cleaning")
    assert [task.id for task in recorded.closed] == [named.id]


async def test_a_row_of_an_import_is_counted_apart(office: Office) -> None:
    await closing(office)
    assert await take(office, row("t1", patient_external_id="p1")) == [CREATED]
    task = await Task.get(external_id="t1")
    office.patients[0].id = task.patient_id
    await book(office)  # which closes it
    tasks = await Task.all().count()
    new = row("t2", patient_external_id="p1", name="Fern Newname")
    assert await take(office, new) == [BOOKED]
    trial = await (await run_of(office, is_trial=True)).take([new])
    assert [result.result for result in trial] == [BOOKED]
    assert await Task.all().count() == tasks
    patient = await task.patient
    assert patient.name == "Fern Newname"
    manual = row("t3", patient_external_id="p1", origin="MANUAL")
    assert await take(office, manual) == [CREATED]
    assert await take(office, new) == [ALREADY_OPEN]


async def test_rows_of_others_and_of_other_queues_come_in(office: Office) -> None:
    await closing(office)
    assert await take(office, row("t1", patient_external_id="p1")) == [CREATED]
    office.patients[0].id = (await Task.get(external_id="t1")).patient_id
    await book(office)
    assert await take(office, row("t2", patient_external_id="p2")) == [CREATED]
    rows = [row("t3", patient_external_id="p1")]
    assert await take(office, *rows, queue=office.missed) == [CREATED]
