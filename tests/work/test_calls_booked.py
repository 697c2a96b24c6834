"""An appointment that was agreed on in a call comes in with its contact, and closes what it makes
needless."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.work.appointments import NewAppointment, record_appointment
from gql_app.work.calls import Booking
from gql_app.work.results import ChangeResult
from models.appointment import Appointment
from models.event import TaskEventKind
from models.lifecycle import CloseCause, ContactOutcome
from models.practice import Queue
from models.task import Task
from tests.office import Office
from tests.work.agents import assert_consistent, claims_of
from tests.work.calling import call, codes, other, paths
from tests.work.records import events_of, everything

SCHEDULED = ContactOutcome.SCHEDULED


async def book(
    office: Office, task: Task, *others: Any, days: int = 3, external_id: str = "b1", **how: Any
) -> ChangeResult:
    booking = Booking(office.clock() + timedelta(days=days), external_id)
    given = {"outcome": SCHEDULED, "close": True, "booking": booking} | how
    return await call(office, task, *others, **given)


@pytest.fixture
async def needless(office: Office) -> Task:
    """A task that an appointment closes."""
    await Queue.filter(id=office.recall.id).update(closes_on_appointment=True)
    return await automatic(office)


async def automatic(office: Office) -> Task:
    return await office.make_task(expires_at=office.clock() + timedelta(days=9))


async def test_it_is_recorded_by_who_has_logged_it_and_closes_the_rest(
    office: Office, needless: Task
) -> None:
    task, manual = await office.make_task(office.missed), await office.make_task()
    await claims_of(office).claim(office.staff, task.id)
    before = len(await events_of(office))

    result = await book(office, task)

    assert codes(result) == []
    row = await Appointment.get()
    assert (row.external_id, row.patient_id, row.recorded_by_id) == (
        "b1",
        office.patients[0].id,
        office.staff.staff_id,
    )
    assert result.appointment is not None
    assert result.appointment.id == row.id
    (closed,) = result.needless
    assert (closed.id, closed.close_cause) == (needless.id, CloseCause.APPOINTMENT_BOOKED)
    events = (await events_of(office))[before:]
    assert [(event.kind, event.task_id) for event in events] == [
        (TaskEventKind.CONTACT_LOGGED, task.id),
        (TaskEventKind.CLOSED_BY_APPOINTMENT, needless.id),
        (TaskEventKind.RELEASED, manual.id),
    ]
    assert {event.change for event in events} == {before + 1}
    await assert_consistent(office)


async def test_a_task_that_the_call_names_stays_as_the_call_says(
    office: Office, needless: Task
) -> None:
    task, second = await office.make_task(office.missed), await automatic(office)
    result = await book(office, task, other(second, follow_up=office.today))
    assert [row.id for row in result.needless] == [needless.id]
    assert (await Task.get(id=second.id)).status == "IN_PROGRESS"


async def test_one_that_was_recorded_before_is_moved(office: Office, needless: Task) -> None:
    new = NewAppointment(office.patients[0].id, office.clock(), "b1")
    recorded = await office.changes.make(office.partner, record_appointment, new)
    assert recorded.appointment is not None
    result = await book(office, await office.make_task(office.missed), days=5)
    assert result.appointment is not None
    assert result.appointment.id == recorded.appointment.id
    assert (await Appointment.get()).at == office.clock() + timedelta(days=5)


async def test_with_another_outcome_it_is_refused(office: Office, needless: Task) -> None:
    task = await office.make_task()
    before = await everything()
    refused = await book(office, task, outcome=ContactOutcome.LEFT_MESSAGE, follow_up=office.today)
    assert codes(refused) == ["FOLLOW_UP_NOT_ALLOWED", "APPOINTMENT_NOT_ALLOWED"]
    assert paths(refused)[-1] == ("appointment",)
    assert codes(await book(office, task, close=False)) == ["MUST_CLOSE"]
    assert await everything() == before
    assert await Appointment.all().count() == 0


async def test_it_is_refused_with_a_late_contact_of_another_outcome_too(office: Office) -> None:
    task = await automatic(office)
    called = office.clock() + timedelta(days=8)
    office.clock.advance(days=10)
    how: dict[str, Any] = {"contacted_at": called}
    refused = await book(office, task, outcome=ContactOutcome.NO_ANSWER, **how)
    assert codes(refused) == ["APPOINTMENT_NOT_ALLOWED"]
    kept = await book(office, task, **how)
    assert (kept.late, codes(kept)) == (True, [])
    assert await Appointment.all().count() == 1


async def test_anothers_external_id_keeps_the_whole_call_out(
    office: Office, needless: Task
) -> None:
    new = NewAppointment(office.patients[1].id, office.clock(), "b1")
    await office.changes.make(office.partner, record_appointment, new)
    task, second = await office.make_task(office.missed), await office.make_task(office.missed)
    before = await everything()
    refused = await book(office, task, other(second, close=True))
    assert codes(refused) == ["EXTERNAL_ID_TAKEN"]
    assert paths(refused) == [("appointment", "externalId")]
    assert await everything() == before
    assert (await Task.get(id=needless.id)).status.is_open
