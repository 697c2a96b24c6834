"""The appointment that was agreed on in a contact goes when the contact is undone, and all is as
before."""

from typing import Any

import pytest

from gql_app.work.reopening import reopen_task
from models.appointment import Appointment, AppointmentStatus
from models.event import TaskEventKind
from models.task import Task
from tests.office import Office
from tests.work.agents import assert_consistent, claims_of
from tests.work.booking import CANCELLED, COMPLETED, MISSED, becomes, cancel, closing
from tests.work.booking import book as record
from tests.work.calling import codes, other
from tests.work.records import events_of, everything
from tests.work.statuses import DO_NOT_CONTACT, put
from tests.work.test_calls_booked import automatic, book
from tests.work.test_undoing import as_it_is, undo


@pytest.fixture
async def needless(office: Office) -> Task:
    """A task that an appointment closes."""
    await closing(office)
    task = await automatic(office)
    await office.log(task)
    return task


async def booked(office: Office, task: Task, *others: Any, **how: Any) -> int:
    result = await book(office, task, *others, **how)
    assert result.contact is not None, result.refusals
    return result.contact.id


async def appointments() -> list[dict[str, Any]]:
    """Those that are there, by what is said of them."""
    said = ("external_id", "patient_id", "at", "status", "kind")
    return await Appointment.filter(taken_back_at=None).order_by("id").values(*said)


async def test_all_is_as_it_was_before_the_call(office: Office, needless: Task) -> None:
    task = await office.make_task(office.missed)
    tasks = (task, needless)
    before = [await as_it_is(one) for one in tasks]
    contact = await booked(office, task)
    assert not (await Task.get(id=needless.id)).status.is_open
    office.clock.advance(minutes=3)
    seen = len(await events_of(office))

    assert codes(await undo(office, contact)) == []

    assert [await as_it_is(one) for one in tasks] == before
    assert await appointments() == []
    events = (await events_of(office))[seen:]
    assert [(event.kind, event.task_id) for event in events] == [
        (TaskEventKind.CONTACT_UNDONE, task.id),
        (TaskEventKind.REOPENED_BY_CANCELLATION, needless.id),
    ]
    await assert_consistent(office)


async def test_it_can_be_agreed_on_again_with_anybody(office: Office, needless: Task) -> None:
    task = await office.make_task(office.missed)
    await undo(office, await booked(office, task))
    amber = await office.make_task(office.missed, patient=office.patients[1])
    result = await book(office, amber)
    assert codes(result) == []
    (row,) = await appointments()
    assert row["patient_id"] == office.patients[1].id
    assert (await Task.get(id=needless.id)).status.is_open


async def test_one_that_the_call_has_moved_is_at_its_time_again(
    office: Office, needless: Task
) -> None:
    await record(office, kind="Crown")
    before = await appointments()
    contact = await booked(office, await office.make_task(office.missed), days=5)
    assert await appointments() != before
    assert codes(await undo(office, contact)) == []
    assert await appointments() == before
    assert not (await Task.get(id=needless.id)).status.is_open  # which the first has closed


async def test_one_that_the_booking_system_has_recorded_too_stays(
    office: Office, needless: Task
) -> None:
    task = await office.make_task(office.missed)
    contact = await booked(office, task)
    await record(office)  # at the same time
    assert codes(await undo(office, contact)) == []
    assert len(await appointments()) == 1
    assert not (await Task.get(id=needless.id)).status.is_open
    assert (await Task.get(id=task.id)).status.is_open


async def test_one_that_was_moved_since_keeps_the_contact(office: Office, needless: Task) -> None:
    task = await office.make_task(office.missed)
    contact = await booked(office, task)
    await record(office, days=5)
    before = await everything()
    result = await undo(office, contact)
    assert codes(result) == ["APPOINTMENT_CHANGED"]
    assert result.refusals[0].field == "contactId"
    assert await everything() == before


@pytest.mark.parametrize("status", [CANCELLED, COMPLETED, MISSED])
async def test_one_that_has_ended_since_keeps_the_contact(
    office: Office, needless: Task, status: AppointmentStatus
) -> None:
    contact = await booked(office, await office.make_task(office.missed), days=0)
    await becomes(office, status)
    before = await everything()
    assert codes(await undo(office, contact)) == ["APPOINTMENT_CHANGED"]
    assert await everything() == before


async def test_one_that_another_call_has_moved_is_taken_back_call_by_call(
    office: Office, needless: Task
) -> None:
    first = await booked(office, await office.make_task(office.missed))
    there = await appointments()
    second = await booked(office, await office.make_task(office.missed), days=5)
    assert codes(await undo(office, first)) == ["APPOINTMENT_CHANGED"]
    assert codes(await undo(office, second)) == []
    assert await appointments() == there
    assert codes(await undo(office, first)) == []
    assert await appointments() == []
    assert (await Task.get(id=needless.id)).status.is_open
    await assert_consistent(office)


async def test_what_the_call_has_closed_again_is_open_again(office: Office, needless: Task) -> None:
    await record(office)
    args = (needless.id, "Wants to talk", office.today)
    await office.changes.make(office.supervisor, reopen_task, *args)
    before = await as_it_is(needless)
    contact = await booked(office, await office.make_task(office.missed))  # the same, unmoved
    assert not (await Task.get(id=needless.id)).status.is_open
    assert codes(await undo(office, contact)) == []
    assert await as_it_is(needless) == before
    assert len(await appointments()) == 1


async def test_another_contact_of_the_call_leaves_the_appointment(
    office: Office, needless: Task
) -> None:
    task, second = [await office.make_task(office.missed) for _ in range(2)]
    result = await book(office, task, other(second, close=True))
    (also,) = result.others
    assert also.contact is not None
    assert codes(await undo(office, also.contact.id)) == []
    assert len(await appointments()) == 1


async def test_nothing_comes_back_for_who_is_not_to_be_called(
    office: Office, needless: Task
) -> None:
    contact = await booked(office, await office.make_task(office.missed))
    await put(office, DO_NOT_CONTACT)
    before = await everything()
    assert codes(await undo(office, contact)) == ["DO_NOT_CONTACT"]
    assert await everything() == before


async def test_what_comes_back_is_under_the_claim_of_who_calls_now(
    office: Office, needless: Task
) -> None:
    task, manual = [await office.make_task(office.missed) for _ in range(2)]
    contact = await booked(office, task)
    await claims_of(office).claim(office.staff, manual.id)
    assert codes(await undo(office, contact)) == []
    assert (await Task.get(id=needless.id)).claimed_by_id == office.staff.staff_id
    await assert_consistent(office)


async def test_a_cancelled_one_cannot_be_agreed_on(office: Office, needless: Task) -> None:
    await record(office)
    await cancel(office)
    task = await office.make_task(office.missed)
    before = await everything()
    refused = await book(office, task)
    assert codes(refused) == ["APPOINTMENT_ENDED"]
    assert (*refused.refusals[0].under, refused.refusals[0].field) == ("appointment", "externalId")
    assert await everything() == before
