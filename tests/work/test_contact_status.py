"""Patients who are not to be called: what closes and is kept out, who may lift it, when it ends."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from gql_app.access import Forbidden, Viewer
from gql_app.clock import Doubtful
from gql_app.work.appointments import NewAppointment, record_appointment
from gql_app.work.changes import Change
from gql_app.work.contact_status import NewStatus, StatusResult, set_contact_status
from gql_app.work.contacts import log_contact
from gql_app.work.intake import NewTask
from gql_app.work.upkeep.expiry import end_statuses
from models.audit import Audit
from models.contact import Contact
from models.contact_status import ContactStatus
from models.event import TaskEvent, TaskEventKind
from models.lifecycle import Attempt, CloseCause, ContactOutcome, TaskStatus
from models.people import Patient
from models.task import Task
from tests.commands.importing.rows import row
from tests.office import Office, make_office
from tests.work.agents import assert_consistent, claims_of
from tests.work.imports.test_run import CREATED, SUPPRESSED, UNCHANGED, run_of, take
from tests.work.test_patients_seen import desk_of

OK, DO_NOT_CONTACT, INACTIVE, DECEASED = ContactStatus
BARRED = (DO_NOT_CONTACT, INACTIVE, DECEASED)


async def put(
    office: Office,
    status: ContactStatus,
    viewer: Viewer | None = None,
    *,
    patient: int | None = None,
    reason: str | None = None,
    until: date | None = None,
) -> StatusResult:
    new = NewStatus(status, reason, until)
    patient = office.patients[0].id if patient is None else patient
    return await office.changes.make(viewer or office.staff, set_contact_status, patient, new)


def codes(result: Any) -> list[tuple[str, str | None]]:
    return [(refusal.code.value, refusal.field) for refusal in result.refusals]


async def said(office: Office, **how: Any) -> Any:
    """Log and close the patient's first task: the patient has said not to be called again."""
    task = how.pop("task")
    status = how.pop("status", DO_NOT_CONTACT)
    close = how.pop("close", True)
    attempt = Attempt(ContactOutcome.DID_NOT_SCHEDULE, None, how.pop("notes", None), close, status)
    viewer = how.pop("viewer", office.staff)
    return await office.changes.make(viewer, log_contact, task.id, attempt, **how)


async def both_tasks(office: Office) -> list[Task]:
    """An open task of the first patient in each queue."""
    return [await office.make_task(queue) for queue in (office.recall, office.missed)]


async def status_of(office: Office) -> tuple[ContactStatus, str | None]:
    patient = await Patient.get(id=office.patients[0].id)
    return patient.contact_status, patient.contact_status_reason


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


async def test_a_contact_and_what_was_said_in_it_are_one_change(office: Office) -> None:
    task, other = await both_tasks(office)
    await claims_of(office).claim(office.staff, task.id)
    before = await TaskEvent.all().count()
    logged = await said(office, task=task, notes="Never again", idempotency_key="k")
    assert logged.refusals == ()
    assert (logged.task.close_cause, logged.contact.notes) == (CloseCause.CONTACT, "Never again")
    await other.refresh_from_db()
    assert (other.close_cause, other.claimed_by_id) == (CloseCause.DO_NOT_CONTACT, None)
    assert await status_of(office) == (DO_NOT_CONTACT, None)  # notes stay with their task
    events = await TaskEvent.filter(seq__gt=before).order_by("seq")
    assert [event.kind for event in events] == [
        TaskEventKind.CONTACT_LOGGED,
        TaskEventKind.CLOSED_BY_DO_NOT_CONTACT,
    ]
    assert len({event.change for event in events}) == 1
    again = await said(office, task=task, notes="Never again", idempotency_key="k")
    assert again.contact == logged.contact
    other_way = await said(
        office, task=task, notes="Never again", idempotency_key="k", status=DECEASED
    )
    assert codes(other_way) == [("IDEMPOTENCY_MISMATCH", "idempotencyKey")]
    await assert_consistent(office)


@pytest.mark.parametrize("how", [{"close": False}, {"expected_version": 99}])
async def test_a_refused_contact_sets_nothing(office: Office, how: dict[str, Any]) -> None:
    task, other = await both_tasks(office)
    refused = await said(office, task=task, **how)
    assert [code for code, _ in codes(refused)] in (["MUST_CLOSE"], ["VERSION_CONFLICT"])
    assert (await status_of(office))[0] is OK
    await other.refresh_from_db()
    assert other.status.is_open
    assert await Contact.all().count() == 0


async def test_what_fails_after_the_contact_takes_it_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, other = await both_tasks(office)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Change, "note", fail)
    with pytest.raises(RuntimeError):
        await said(office, task=task)
    monkeypatch.undo()
    for each in (task, other):
        await each.refresh_from_db()
        assert each.status.is_open
    assert await Contact.all().count() == 0
    assert (await status_of(office))[0] is OK


async def test_whoever_was_on_the_phone_meanwhile_is_refused_or_keeps_the_call(
    office: Office,
) -> None:
    task = await office.make_task()
    await claims_of(office).claim(office.supervisor, task.id)
    office.clock.advance(minutes=5)
    called = office.clock()
    office.clock.advance(minutes=1)
    await put(office, DO_NOT_CONTACT, reason="asked")
    office.clock.advance(minutes=1)
    refused = await office.log(task, viewer=office.supervisor, notes="reached")
    assert codes(refused) == [("TASK_CLOSED", None)]
    after = await office.log(
        task, viewer=office.supervisor, contacted_at=office.clock() - timedelta(seconds=30)
    )
    assert codes(after) == [("TASK_CLOSED", None)]
    kept = await office.log(task, viewer=office.supervisor, notes="reached", contacted_at=called)
    assert (kept.late, kept.refusals) == (True, ())
    assert kept.task is not None
    assert (kept.task.close_cause, kept.task.contact_count) == (CloseCause.DO_NOT_CONTACT, 1)
    # What they were told meanwhile counts, if it is stricter.
    late = {"contacted_at": called, "notes": "sister"}
    await said(office, task=task, status=INACTIVE, **late)
    assert await status_of(office) == (DO_NOT_CONTACT, "asked")
    await said(office, task=task, status=DECEASED, **late)
    assert await status_of(office) == (DECEASED, None)


async def test_it_ends_by_itself_after_its_last_day_at_the_practice(office: Office) -> None:
    task = await office.make_task()
    await put(office, DO_NOT_CONTACT, until=office.today + timedelta(days=1), reason="until then")
    day = office.today
    while office.today == day:
        office.clock.advance(hours=1)
    assert await end_statuses(office.changes, office.clock()) == 0
    assert (await status_of(office))[0] is DO_NOT_CONTACT
    day = office.today
    while office.today == day:
        office.clock.advance(hours=1)
    # The clock decides, not the sweeper.
    assert (await office.make_task(office.missed)).status.is_open
    assert await end_statuses(office.changes, office.clock()) == 1
    assert await end_statuses(office.changes, office.clock()) == 0
    assert await status_of(office) == (OK, None)
    last = await TaskEvent.filter(task_id=task.id).order_by("-seq").first()
    assert last is not None
    assert (last.kind, last.actor_id) == (TaskEventKind.PATIENT_CHANGED, None)
    await assert_consistent(office)


async def test_a_status_that_has_ended_keeps_no_import_out(office: Office) -> None:
    await take(office, row("t1", patient_external_id="p1"))
    patient = await Patient.get(external_id="p1")
    await put(office, DO_NOT_CONTACT, patient=patient.id, until=office.today)
    office.clock.advance(hours=25)
    assert await take(office, row("t2", patient_external_id="p1")) == [CREATED]


async def test_a_clock_that_has_jumped_ends_nothing(office: Office) -> None:
    for number in range(12):
        patient = await Patient.create(
            practice_id=office.practice.id,
            name=f"Patient {number}",
            phone="555-0100",
            created_at=office.clock(),
        )
        await put(office, INACTIVE, patient=patient.id, until=office.today)
    office.clock.advance(days=60)
    with pytest.raises(Doubtful):
        await end_statuses(office.changes, office.clock())
    assert await end_statuses(office.changes, office.clock(), forced=True) == 12
