"""Patients who are not to be called: what closes and is kept out, and who may lift it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gql_app.access import Forbidden
from gql_app.work.appointments import NewAppointment, record_appointment
from gql_app.work.intake import NewTask
from models.audit import Audit
from models.contact_status import ContactStatus
from models.event import TaskEvent, TaskEventKind
from models.lifecycle import CloseCause, TaskStatus
from models.people import Patient
from models.task import Task
from tests.office import Office, make_office
from tests.work.agents import assert_consistent, claims_of
from tests.work.statuses import (
    BARRED,
    DECEASED,
    DO_NOT_CONTACT,
    INACTIVE,
    OK,
    both_tasks,
    codes,
    put,
    status_of,
)
from tests.work.test_patients_seen import desk_of


@pytest.mark.parametrize("status", BARRED)
async def test_every_open_task_closes_in_one_change_and_its_claim_ends(
    office: Office, status: ContactStatus
) -> None:
    tasks = await both_tasks(office)
    other = await office.make_task(patient=office.patients[1])
    await office.log(tasks[0])
    await claims_of(office).claim(office.supervisor, tasks[0].id)
    before = await TaskEvent.all().count()

    result = await put(office, status, reason="  Told us on the phone ")

    assert result.patient is not None
    assert result.patient.contact_status is status
    assert [task.id for task in result.closed] == [task.id for task in tasks]
    for task in tasks:
        await task.refresh_from_db()
        assert (task.status, task.close_cause) == (TaskStatus.CLOSED, CloseCause.DO_NOT_CONTACT)
        assert (task.claimed_by_id, task.claimed_until, task.closed_at) == (
            None,
            None,
            office.clock(),
        )
    events = await TaskEvent.filter(seq__gt=before).order_by("seq")
    assert [event.kind for event in events] == [TaskEventKind.CLOSED_BY_DO_NOT_CONTACT] * 2
    assert len({event.change for event in events}) == 1
    assert {event.actor_id for event in events} == {office.staff.staff_id}
    assert await status_of(office) == (status, "Told us on the phone")
    noted = await Audit.filter(detail=f"contact status {status}")
    assert [row.patient_id for row in noted] == [office.patients[0].id]
    await other.refresh_from_db()
    assert other.status.is_open
    await assert_consistent(office)


async def test_the_same_once_more_changes_nothing(office: Office) -> None:
    await office.make_task()
    await put(office, DO_NOT_CONTACT, reason="asked")
    before = await Patient.all().values(), await Audit.all().count()
    result = await put(office, DO_NOT_CONTACT, reason="asked")
    assert (result.refusals, result.closed) == ((), ())
    assert (await Patient.all().values(), await Audit.all().count()) == before


async def test_a_task_whose_time_was_up_has_expired_and_not_been_closed_by_it(
    office: Office,
) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(minutes=1))
    office.clock.advance(minutes=2)
    await put(office, DO_NOT_CONTACT)
    await task.refresh_from_db()
    assert task.close_cause is CloseCause.EXPIRED


async def test_no_task_is_made_and_none_is_handed_out(office: Office) -> None:
    task = await office.make_task()
    await put(office, DECEASED)
    refused = await office.create(
        office.supervisor, NewTask(office.recall.id, office.patients[0].id, "Call")
    )
    assert codes(refused) == [("DO_NOT_CONTACT", "patientId")]
    assert "Deceased" in refused.refusals[0].message
    claims = claims_of(office)
    assert (await claims.claim_next(office.staff, None)).task is None
    assert codes(await claims.claim(office.staff, task.id)) == [("TASK_CLOSED", None)]
    assert await Task.all().count() == 1


async def test_a_task_that_was_made_before_is_answered_with_under_its_key(office: Office) -> None:
    new = NewTask(office.recall.id, office.patients[0].id, "Call", idempotency_key="k")
    made = await office.create(office.supervisor, new)
    await put(office, INACTIVE)
    again = await office.create(office.supervisor, new)
    assert made.task is not None
    assert again.task is not None
    assert again.task.id == made.task.id


async def test_appointments_may_still_be_recorded(office: Office) -> None:
    await put(office, DO_NOT_CONTACT)
    new = NewAppointment(office.patients[0].id, office.clock() + timedelta(days=3), "b1")
    recorded = await office.changes.make(office.partner, record_appointment, new)
    assert recorded.appointment is not None


async def test_who_may_set_it_and_who_may_lift_it(office: Office) -> None:
    for viewer in (office.staff, office.supervisor, office.admin, office.partner):
        await put(office, DO_NOT_CONTACT, viewer)
        lifts = viewer in (office.supervisor, office.admin)
        if lifts:
            assert codes(await put(office, OK, viewer)) == []
        else:
            with pytest.raises(Forbidden):
                await put(office, OK, viewer)
            assert (await status_of(office))[0] is DO_NOT_CONTACT
            await put(office, OK, office.supervisor)
    with pytest.raises(Forbidden):
        await put(office, DECEASED, replace(office.partner, may_create_tasks=False))
    assert (await status_of(office))[0] is OK


async def test_only_supervisors_make_it_milder_or_shorter(office: Office) -> None:
    soon, later = (office.today + timedelta(days=days) for days in (10, 20))
    await put(office, DO_NOT_CONTACT, until=later)
    for milder in ({"status": INACTIVE}, {"status": DO_NOT_CONTACT, "until": soon}):
        for viewer in (office.staff, office.partner):
            refused = await put(office, viewer=viewer, **milder)
            assert codes(refused) == [("LIFT_NOT_ALLOWED", "status")]
            assert refused.patient is not None
            assert refused.patient.contact_status is DO_NOT_CONTACT
    assert codes(await put(office, DO_NOT_CONTACT)) == []  # for good
    assert codes(await put(office, DECEASED)) == []
    assert codes(await put(office, INACTIVE, office.supervisor, until=soon)) == []


async def test_what_cannot_be_kept_is_refused_all_at_once(office: Office) -> None:
    task = await office.make_task()
    past = office.today - timedelta(days=1)
    refused = await put(office, DO_NOT_CONTACT, reason="x" * 501, until=past)
    assert codes(refused) == [("REASON_TOO_LONG", "reason"), ("UNTIL_INVALID", "until")]
    oak = await make_office("oak")
    for patient in (oak.patients[0].id, 10**6):
        assert codes(await put(office, DECEASED, patient=patient)) == [("NOT_FOUND", "patientId")]
    await task.refresh_from_db()
    assert task.status.is_open
    assert (await status_of(office))[0] is OK
    assert codes(await put(office, DO_NOT_CONTACT, reason="x" * 500)) == []


async def test_lifting_it_offers_what_it_closed_and_nothing_else(office: Office) -> None:
    by_contact = await office.make_task()
    await office.log(by_contact, close=True)
    await put(office, INACTIVE, office.supervisor)
    await put(office, OK, office.supervisor)
    office.clock.advance(minutes=1)
    tasks = await both_tasks(office)
    await put(office, DO_NOT_CONTACT)
    office.clock.advance(minutes=1)
    await put(office, DECEASED)  # the same person, still not to be called
    before = await TaskEvent.all().count()
    lifted = await put(office, OK, office.supervisor, reason="It was her mother")
    assert [task.id for task in lifted.offered] == [task.id for task in tasks]
    assert lifted.closed == ()
    assert await status_of(office) == (OK, "It was her mother")
    # Those who look at one of them learn of it.
    events = await TaskEvent.filter(seq__gt=before)
    assert {event.kind for event in events} == {TaskEventKind.PATIENT_CHANGED}
    assert {event.to_status for event in events} == {TaskStatus.CLOSED}
    await assert_consistent(office)
    assert (await office.make_task()).status.is_open
    assert (await put(office, OK, office.supervisor, reason="It was her mother")).offered == ()


async def test_a_key_for_one_queue_sets_it_for_all_and_is_shown_its_own(office: Office) -> None:
    desk = desk_of(office)
    here, there = await both_tasks(office)
    hidden = await office.make_task(office.missed, patient=office.patients[1])
    result = await put(office, DO_NOT_CONTACT, desk)
    assert [task.id for task in result.closed] == [here.id]
    await there.refresh_from_db()
    assert there.close_cause is CloseCause.DO_NOT_CONTACT
    lifted = await put(office, OK, desk)
    assert [task.id for task in lifted.offered] == [here.id]
    unknown = await put(office, DO_NOT_CONTACT, desk, patient=office.patients[1].id)
    assert codes(unknown) == [("NOT_FOUND", "patientId")]
    await hidden.refresh_from_db()
    assert hidden.status.is_open
