"""What becomes of an appointment: moved, completed, missed, or scheduled after all."""

from datetime import timedelta

import pytest

from gql_app.access import Forbidden, authenticate
from gql_app.work.appointment_changes import Named, set_appointment_status
from models.appointment import Appointment, AppointmentStatus
from models.audit import Audit
from models.event import TaskEventKind
from models.lifecycle import TaskOrigin
from models.practice import Queue
from models.roles import Role
from models.task import Task
from tests.office import Office, make_office
from tests.support.access import create_key
from tests.work.agents import assert_consistent, claims_of
from tests.work.booking import (
    CANCELLED,
    COMPLETED,
    MISSED,
    SCHEDULED,
    automatic,
    becomes,
    book,
    cancel,
    closing,
    codes,
)
from tests.work.records import events_of, everything
from tests.work.statuses import DO_NOT_CONTACT, put


async def set_for_missed(office: Office, queue: Queue | None = None, **settings: object) -> None:
    queue = queue or office.missed
    await Queue.filter(id=queue.id).update(missed_appointments=True, **settings)


async def now(external_id: str = "b1") -> AppointmentStatus:
    return (await Appointment.get(external_id=external_id)).status


@pytest.mark.parametrize("status", [COMPLETED, MISSED, CANCELLED])
async def test_it_is_what_it_was_said_to_be_and_ends_once(
    office: Office, status: AppointmentStatus
) -> None:
    await book(office, hours=-1)
    result = await becomes(office, status)
    assert codes(result) == []
    row = await Appointment.get()
    assert (row.status, row.ended_at, row.ended_by_id) == (
        status,
        office.clock(),
        office.partner.staff_id,
    )
    before = await everything()
    for other in (COMPLETED, MISSED, CANCELLED):
        again = await becomes(office, other)
        assert codes(again) == [("APPOINTMENT_ENDED", "externalId")]
        assert again.appointment is not None
        assert again.appointment.status is status
    assert codes(await book(office, days=9)) == [("APPOINTMENT_ENDED", "externalId")]
    assert await everything() == before


async def test_scheduled_after_all_it_closes_what_it_makes_needless(office: Office) -> None:
    await closing(office)
    task = await automatic(office)
    await book(office)
    assert codes(await becomes(office, SCHEDULED)) == [("APPOINTMENT_OPEN", "externalId")]
    await cancel(office)
    result = await becomes(office, SCHEDULED)
    assert [row.id for row in result.closed] == [task.id]
    row = await Appointment.get()
    assert (row.status, row.ended_at, row.ended_by_id) == (SCHEDULED, None, None)
    assert codes(await book(office, days=9)) == []  # and is moved as before
    await assert_consistent(office)


@pytest.mark.parametrize("status", [COMPLETED, MISSED])
async def test_nobody_has_come_or_missed_it_before_its_day(
    office: Office, status: AppointmentStatus
) -> None:
    await book(office, days=2)
    before = await everything()
    assert codes(await becomes(office, status)) == [("APPOINTMENT_IN_FUTURE", "externalId")]
    assert await everything() == before
    office.clock.advance(days=2, minutes=-1)  # on its day, if a little early
    assert codes(await becomes(office, status)) == []


async def test_a_missed_one_makes_a_task_in_the_queues_that_are_set_for_it(office: Office) -> None:
    await set_for_missed(office, automatic_life_days=30)
    other = await office.make_task()
    await claims_of(office).claim(office.staff, other.id)
    await book(office, hours=-1, kind="Crown")

    result = await becomes(office, MISSED)

    (task,) = result.created
    row = await Task.get(id=task.id)
    assert (row.queue_id, row.origin, row.patient_id) == (
        office.missed.id,
        TaskOrigin.AUTOMATIC,
        office.patients[0].id,
    )
    assert row.reason.startswith("Missed the appointment on ")
    assert row.reason.endswith("(Crown)")
    assert row.expires_at == office.clock() + timedelta(days=30)
    assert row.claimed_by_id == office.staff.staff_id
    event = (await events_of(office))[-2]
    assert (event.kind, event.task_id) == (TaskEventKind.CREATED, task.id)
    await assert_consistent(office)


async def test_it_makes_none_where_there_is_an_open_one_or_nobody_is_to_be_called(
    office: Office,
) -> None:
    await set_for_missed(office)
    await automatic(office, office.missed)
    await book(office, hours=-1)
    assert (await becomes(office, MISSED)).created == ()
    await book(office, 1, "b2", hours=-1)
    await put(office, DO_NOT_CONTACT, patient=office.patients[1].id)
    result = await becomes(office, MISSED, "b2")
    assert (codes(result), result.created) == ([], ())


async def test_it_makes_none_where_another_appointment_would_close_it(office: Office) -> None:
    await set_for_missed(office, closes_on_appointment=True)
    await book(office, external_id="b2", days=2)
    await book(office, hours=-1)
    result = await becomes(office, MISSED)
    assert (codes(result), result.created) == ([], ())


@pytest.mark.parametrize(("kind", "made"), [("Crown", 1), ("crown", 1), ("Cleaning", 0), (None, 0)])
async def test_a_queue_that_names_kinds_wants_no_others(
    office: Office, kind: str | None, made: int
) -> None:
    await set_for_missed(office, appointment_kinds='["Crown"]')
    await book(office, hours=-1, kind=kind)
    assert len((await becomes(office, MISSED)).created) == made


async def test_it_makes_tasks_only_where_the_key_may(office: Office) -> None:
    await set_for_missed(office)
    await office.make_task()
    await book(office, hours=-1)
    key = await create_key(office.practice, Role.SUPERVISOR, "Desk", queue_ids=[office.recall.id])
    result = await becomes(office, MISSED, viewer=await authenticate(key))
    assert (codes(result), result.created) == ([], ())


async def test_a_key_that_does_not_see_the_patient_finds_no_appointment(office: Office) -> None:
    await office.make_task(office.missed)
    await book(office)
    key = await create_key(office.practice, Role.SUPERVISOR, "Desk", queue_ids=[office.recall.id])
    desk = await authenticate(key)
    assert codes(await cancel(office, viewer=desk)) == [("NOT_FOUND", "externalId")]
    other = await make_office("oak")
    result = await other.changes.make(
        other.supervisor, set_appointment_status, Named((await Appointment.get()).id), CANCELLED
    )
    assert codes(result) == [("NOT_FOUND", "id")]
    assert await now() is SCHEDULED


async def test_a_key_without_the_right_to_record_may_not_cancel(office: Office) -> None:
    await book(office)
    with pytest.raises(Forbidden):
        await cancel(office, viewer=office.staff)


async def test_it_is_audited_and_told_beside_open_tasks(office: Office) -> None:
    task = await office.make_task()
    await book(office)
    event = (await events_of(office))[-1]
    assert (event.kind, event.task_id) == (TaskEventKind.PATIENT_CHANGED, task.id)
    events = len(await events_of(office))
    await book(office)  # as it is already
    assert len(await events_of(office)) == events
    await cancel(office)
    event = (await events_of(office))[-1]
    assert (event.kind, event.seq) == (TaskEventKind.PATIENT_CHANGED, events + 1)
    assert office.rings[-1] == (office.practice.id, events + 1)
    rows = await Audit.filter(detail="appointment cancelled")
    assert [(row.patient_id, row.staff_id) for row in rows] == [
        (office.patients[0].id, office.partner.staff_id)
    ]


async def test_a_kind_that_is_left_out_stays_as_it_was(office: Office) -> None:
    await book(office, kind="Crown")
    await book(office, days=5)
    assert (await Appointment.get()).kind == "Crown"
    await book(office, days=5, kind="Cleaning")
    assert (await Appointment.get()).kind == "Cleaning"
