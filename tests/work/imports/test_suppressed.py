"""Imports of patients who are not to be called."""

from models.people import Patient
from models.task import Task
from tests.commands.importing.rows import row
from tests.office import Office
from tests.work.imports.test_run import CREATED, SUPPRESSED, UNCHANGED, run_of, take
from tests.work.statuses import DO_NOT_CONTACT, put


async def test_an_import_takes_the_name_over_makes_no_task_and_never_lifts_it(
    office: Office,
) -> None:
    assert await take(office, row("t1", patient_external_id="p1")) == [CREATED]
    patient = await Patient.get(external_id="p1")
    await put(office, DO_NOT_CONTACT, patient=patient.id, reason="asked")
    before = await Task.all().count()
    again = row("t1", patient_external_id="p1")
    new = row("t2", patient_external_id="p1", name="Fern Newname")
    assert await take(office, again, new) == [UNCHANGED, SUPPRESSED]
    assert await take(office, row("t3", patient_external_id="p1"), queue=office.missed) == [
        SUPPRESSED
    ]
    assert await Task.all().count() == before
    await patient.refresh_from_db()
    assert (patient.contact_status, patient.contact_status_reason) == (DO_NOT_CONTACT, "asked")
    trial = await (await run_of(office, is_trial=True)).take([row("t4", patient_external_id="p1")])
    assert [result.result for result in trial] == [SUPPRESSED]
    assert [result.task_id for result in trial] == [None]


async def test_an_import_of_a_suppressed_patient_still_says_what_they_are_called(
    office: Office,
) -> None:
    await take(office, row("t1", patient_external_id="p1"))
    patient = await Patient.get(external_id="p1")
    await put(office, DO_NOT_CONTACT, patient=patient.id)
    await take(office, row("t2", patient_external_id="p1", name="Fern Newname"))
    await patient.refresh_from_db()
    assert patient.name == "Fern Newname"
