"""Patients whom a limited key may see and change: those with a task in its queues."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from gql_app.access import Viewer
from gql_app.work.appointments import NewAppointment, record_appointment
from gql_app.work.intake import NewTask, create_task
from gql_app.work.locking import lock_patient
from gql_app.work.moves import reassign_tasks
from gql_app.work.reads.history import colleagues_by_id
from gql_app.work.reads.patients import patients_by_id
from gql_app.work.upkeep.retention import prune
from models.appointment import Appointment
from models.database import transaction
from models.lifecycle import CloseCause
from models.people import Patient, Staff
from models.practice import Queue
from models.refusals import RefusalCode
from models.roles import Role
from models.task import Task
from tests.commands.importing.rows import row
from tests.office import Office
from tests.support.access import create_key
from tests.work.agents import claims_of
from tests.work.imports.test_run import take


def desk_of(office: Office) -> Viewer:
    """A supervisor for the recall queue alone."""
    return replace(office.supervisor, queue_ids=frozenset({office.recall.id}))


async def sees(viewer: Viewer, patient: Patient) -> bool:
    """Whether the one look-up finds the patient, which is the same for reads and for writes."""
    read = await patients_by_id(viewer, [patient.id])
    async with transaction():
        assert (await lock_patient(viewer, patient.id) is not None) == bool(read)
    return bool(read)


async def create(office: Office, viewer: Viewer, patient_id: int, **given: Any) -> Any:
    new = NewTask(office.recall.id, patient_id, "Call", **given)
    return await office.changes.make(viewer, create_task, new)


async def test_a_task_in_its_queue_open_or_closed_brings_a_patient_into_a_keys_reach(
    office: Office,
) -> None:
    desk, (amber, birch, clover) = desk_of(office), office.patients
    await office.log(await office.make_task(patient=amber), close=True)
    await office.make_task(office.missed, patient=birch)
    assert [await sees(desk, patient) for patient in (amber, birch, clover)] == [True, False, False]
    assert [await sees(office.supervisor, patient) for patient in office.patients] == [True] * 3


async def test_a_patient_outside_is_not_found_as_one_who_is_not_there(office: Office) -> None:
    desk, (_, birch, clover) = desk_of(office), office.patients
    await office.make_task(office.missed, patient=birch)
    missing = await create(office, desk, 999_999)
    assert [refusal.code for refusal in missing.refusals] == [RefusalCode.NOT_FOUND]
    for patient in (birch, clover):
        assert await create(office, desk, patient.id) == missing
        assert (await create(office, office.supervisor, patient.id)).task is not None
        assert (await create(office, desk, patient.id)).task is not None, "now it has one there"
    assert await create(office, desk, 0) == missing


async def test_a_patient_whom_a_key_brought_in_stays_in_its_reach_as_long_as_events_tell_of_it(
    office: Office,
) -> None:
    desk = desk_of(office)
    assert await take(office, row(), viewer=desk) == ["CREATED"]
    patient, task = await Patient.get(source="robot"), await Task.get()
    await reassign_tasks(office.changes, office.supervisor, [task.id], to_queue_id=office.missed.id)
    assert await sees(desk, patient)
    assert await take(office, row("t2", patient_external_id="t1"), viewer=desk) == ["CREATED"]

    await reassign_tasks(
        office.changes,
        office.supervisor,
        [task.id for task in await Task.all()],
        to_queue_id=office.missed.id,
    )
    await prune(office.changes, timedelta(0), office.clock() + timedelta(seconds=1))
    assert not await sees(desk, patient)
    assert await take(office, row("t3", patient_external_id="t1"), viewer=desk) == [
        "EXTERNAL_ID_TAKEN"
    ]


async def test_an_appointment_closes_what_the_key_sees_and_the_rest_when_another_records_it(
    office: Office,
) -> None:
    await Queue.filter(practice_id=office.practice.id).update(closes_on_appointment=True)
    soon = office.clock() + timedelta(days=9)
    seen = await office.make_task(expires_at=soon)
    hidden = await office.make_task(office.missed, expires_at=soon)
    new = NewAppointment(office.patients[0].id, soon, "b1")
    make = office.changes.make

    first = await make(desk_of(office), record_appointment, new)
    assert [task.id for task in first.closed] == [seen.id]
    assert (await Task.get(id=hidden.id)).status.is_open

    again = await make(office.partner, record_appointment, new)
    assert again.appointment == first.appointment
    assert [task.id for task in again.closed] == [hidden.id]
    assert (await Task.get(id=hidden.id)).close_cause == CloseCause.APPOINTMENT_BOOKED


async def test_an_external_id_is_taken_in_the_same_words_whoever_has_it(office: Office) -> None:
    amber, birch, clover = office.patients
    for patient in (amber, birch):
        await office.make_task(patient=patient)
    await office.make_task(office.missed, patient=clover)
    make, soon = office.changes.make, office.clock() + timedelta(days=3)
    for patient, external_id in ((birch, "of one seen"), (clover, "of one hidden")):
        new = NewAppointment(patient.id, soon, external_id)
        await make(office.partner, record_appointment, new)
    seen, hidden = [
        await make(desk_of(office), record_appointment, NewAppointment(amber.id, soon, external_id))
        for external_id in ("of one seen", "of one hidden")
    ]
    assert seen == hidden
    assert [refusal.code for refusal in hidden.refusals] == [RefusalCode.EXTERNAL_ID_TAKEN]
    assert await Appointment.all().count() == 2


async def test_a_row_that_names_a_hidden_patient_or_task_is_rejected_in_the_same_words(
    office: Office,
) -> None:
    await take(office, row("hidden", patient_external_id="whose"), queue=office.missed)
    await take(office, row("seen", patient_external_id="p"))
    await take(office, row("also hidden", patient_external_id="p"), queue=office.missed)
    desk, before = desk_of(office), await Patient.all().order_by("id").values()
    for rejected in (
        row("new", patient_external_id="whose", name="Not Fern"),
        row("whose", name="Not Fern"),
        row("hidden", name="Not Fern"),
        row("hidden", patient_external_id="p", name="Not Fern"),
        row("also hidden", patient_external_id="p", name="Not Fern"),
    ):
        for how in ({}, {"is_trial": True}):
            assert await take(office, rejected, viewer=desk, **how) == ["EXTERNAL_ID_TAKEN"]
    assert await Patient.all().order_by("id").values() == before
    assert await Task.all().count() == 3
    assert await take(office, row("seen", patient_external_id="p", name="N"), viewer=desk) == [
        "UPDATED"
    ]


async def test_a_claim_stands_on_all_tasks_of_a_patient_and_changes_nothing_else(
    office: Office,
) -> None:
    """What a limited key changes beyond its queues: nobody else may call its patient meanwhile."""
    desk = desk_of(office)
    seen, hidden = await office.make_task(), await office.make_task(office.missed)
    before = await Task.filter(id=hidden.id).values()

    await claims_of(office).claim(desk, seen.id)
    claimed = await Task.get(id=hidden.id)
    assert (claimed.claimed_by_id, claimed.version) == (desk.staff_id, 2)
    await claims_of(office).release(desk, seen.id)

    after = await Task.filter(id=hidden.id).values()
    assert after == [before[0] | {"version": 3}]


async def test_staff_are_found_by_id_who_have_a_key_for_a_queue_of_the_viewers(
    office: Office,
) -> None:
    for name, queues in (
        ("Near", [office.recall.id, office.missed.id]),
        ("Far", [office.missed.id]),
        ("Nowhere", []),
        ("Everywhere", None),
    ):
        await create_key(office.practice, Role.STAFF, name, queue_ids=queues)
    await Staff.create(practice_id=office.practice.id, name="No key", created_at=office.clock())
    named = {staff.name: staff.id for staff in await Staff.all()}
    asked = list(named.values())

    everyone = {row.name for row in await colleagues_by_id(office.supervisor, asked)}
    assert everyone == named.keys()
    found = {row.name for row in await colleagues_by_id(desk_of(office), asked)}
    assert everyone - found == {"Far", "Nowhere", "No key"}
    far = replace(desk_of(office), staff_id=named["Far"])
    assert "Far" in {row.name for row in await colleagues_by_id(far, asked)}, "itself"
