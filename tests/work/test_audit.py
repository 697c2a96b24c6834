"""Every write has its row of the audit, in its own transaction."""

from datetime import timedelta

import pytest

from gql_app.access import SESSION, Origin, authenticate
from gql_app.access.keys import create_key
from gql_app.work.appointments import NewAppointment, record_appointment
from gql_app.work.changes import Change
from gql_app.work.practices import update_practice
from gql_app.work.queues import update_queue
from gql_app.work.upkeep.expiry import sweep
from gql_app.work.upkeep.verifying import verify_audit
from models.audit import AuditAction
from models.chain import BEGINNING
from models.contact import Contact
from models.practice import Practice
from models.roles import Role
from models.task import Task
from tests.commands.importing.rows import row
from tests.office import Office
from tests.support.access import create_link, sign_in, sign_in_by_link, sign_out
from tests.support.audited import audit_of, rows_of
from tests.work.agents import claims_of
from tests.work.claiming import patient_with_two_tasks
from tests.work.imports.test_run import take

CHANGE = AuditAction.CHANGE


async def test_a_contact_is_recorded_with_who_logged_it_from_where(office: Office) -> None:
    task = await office.make_task()
    office.changes = office.changes.asked(Origin("logContact", "203.0.113.7"))
    await office.log(task, notes="afraid of needles")
    *_, last = await rows_of(office.practice, CHANGE)
    assert last._replace(practice_id=0, seq=0, digest=BEGINNING) == (
        *(0, 0, office.clock(), CHANGE, "logContact", "203.0.113.7"),
        *(office.staff.staff_id, office.staff.key_id, task.patient_id, task.id),
        *(False, "OK", None, BEGINNING),
    )
    assert (await verify_audit(office.practice.id)).changed_at is None


async def test_one_change_has_one_row_a_patient_however_many_its_events(office: Office) -> None:
    recall, _ = await patient_with_two_tasks(office)
    await claims_of(office).claim(office.staff, recall.id)
    before = len(await audit_of(office.practice))
    await office.log(recall)  # it also ends the claim on the other task
    (row,) = (await audit_of(office.practice))[before:]
    assert (row.action, row.task_id) == (CHANGE, recall.id)


async def test_a_refusal_writes_nothing_and_is_left_to_those_who_asked(office: Office) -> None:
    task = await office.make_task()
    await office.log(task, close=True)
    before = await audit_of(office.practice)
    assert (await office.log(task)).refusals
    assert await audit_of(office.practice) == before


async def test_a_change_that_fails_leaves_neither_event_nor_row(office: Office) -> None:
    before = await audit_of(office.practice)

    async def fail(change: Change) -> None:
        change.note(AuditAction.SETTING, "never")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await office.changes.make(office.staff, fail)
    assert await audit_of(office.practice) == before


async def test_what_the_clock_brings_about_is_nobodys_doing(office: Office) -> None:
    soon = office.clock() + timedelta(hours=1)
    first, second = [
        await office.make_task(patient=patient, expires_at=soon) for patient in office.patients[:2]
    ]
    office.clock.advance(hours=2)
    before = len(await audit_of(office.practice))
    await office.log(first)  # found expired in somebody's change
    await sweep(office.changes, office.clock())
    rows = (await audit_of(office.practice))[before:]
    assert [(r.action, r.operation, r.task_id) for r in rows] == [
        (CHANGE, "the clock", first.id),
        (CHANGE, "the clock", second.id),
    ]
    assert {(r.staff_id, r.key_id, r.address) for r in rows} == {(None, None, None)}


async def test_changes_of_patients_without_open_tasks_are_recorded_too(office: Office) -> None:
    await take(office, row("t1", patient_external_id="p1"))
    (created,) = [r for r in await rows_of(office.practice, CHANGE) if r.staff_id]
    before = len(await audit_of(office.practice))
    await office.log(await Task.get(id=created.task_id), close=True)
    await take(office, row("t1", patient_external_id="p1", name="Fern Newname"))
    at = office.clock() + timedelta(days=3)
    assert created.patient_id is not None
    new = NewAppointment(created.patient_id, at, "a1")
    await office.changes.make(office.supervisor, record_appointment, new)
    rows = (await audit_of(office.practice))[before:]
    assert [(r.action, r.patient_id) for r in rows] == [(CHANGE, created.patient_id)] * 3


async def test_an_import_has_a_row_for_each_patient(office: Office) -> None:
    before = len(await audit_of(office.practice))
    await take(office, *(row(f"t{n}") for n in range(150)))
    rows = (await audit_of(office.practice))[before:]
    assert len({r.patient_id for r in rows}) == len(rows) == 150
    assert {(r.action, r.staff_id) for r in rows} == {(CHANGE, office.supervisor.staff_id)}
    assert (await verify_audit(office.practice.id)).changed_at is None


async def test_keys_and_settings_are_recorded(office: Office) -> None:
    changes, practice = office.changes.asked(Origin("callboard")), office.practice
    before = len(await audit_of(practice))
    made = await changes.make_for(practice.id, create_key, Role.PARTNER, "Robot")
    await changes.make_for(practice.id, update_practice, {"name": "Maple"})
    given = {"follow_up_ladder": [1, 7], "automatic_life_days": 90}
    await changes.make_for(practice.id, update_queue, office.recall.id, given)
    rows = (await audit_of(practice))[before:]
    assert [(r.action, r.detail) for r in rows] == [
        (AuditAction.KEY, f"key {made.id} made, PARTNER"),
        (AuditAction.SETTING, "practice: name"),
        (AuditAction.SETTING, f"queue {office.recall.id}: follow_up_ladder, automatic_life_days"),
    ]
    assert {(r.operation, r.staff_id, r.patient_id) for r in rows} == {("callboard", None, None)}


async def test_signing_in_and_out_is_recorded(office: Office) -> None:
    before = len(await audit_of(office.practice))
    session = await authenticate((await sign_in(office.keys["staff"])).token, SESSION)
    await sign_out(session)
    await sign_in_by_link(await create_link(office.keys["supervisor"]))
    rows = (await audit_of(office.practice))[before:]
    assert [(r.action, r.staff_id) for r in rows] == [
        (AuditAction.SIGN_IN, office.staff.staff_id),
        (AuditAction.SIGN_OUT, office.staff.staff_id),
        (AuditAction.KEY, office.supervisor.staff_id),
        (AuditAction.SIGN_IN, office.supervisor.staff_id),
    ]
    assert rows[0].key_id == session.key_id
    assert rows[0].detail == f"by key {office.staff.key_id}"


async def test_the_audit_goes_on_in_numbers_of_its_own(office: Office) -> None:
    await office.log(await office.make_task())
    practice = await Practice.get(id=office.practice.id)
    rows = await audit_of(office.practice)
    assert [r.seq for r in rows] == list(range(1, practice.audit_seq + 1))
    assert (practice.seq, practice.audit_digest) == (2, rows[-1].digest)
    assert await Contact.all().count() == 1
