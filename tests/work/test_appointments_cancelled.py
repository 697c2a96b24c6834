"""A cancelled appointment brings the tasks back that it has closed, as they were."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.access import authenticate
from gql_app.work.archiving import archive_queue
from gql_app.work.merging import merge_patients
from gql_app.work.reopening import reopen_task
from models.appointment import Appointment, AppointmentClosing
from models.event import TaskEventKind
from models.lifecycle import ContactOutcome, TaskStatus
from models.roles import Role
from models.task import Task
from tests.office import Office
from tests.support.access import create_key
from tests.support.call_backs import promise
from tests.work.agents import assert_consistent, claims_of
from tests.work.booking import CANCELLED, automatic, book, cancel, closing, codes
from tests.work.records import events_of, everything
from tests.work.statuses import DO_NOT_CONTACT, put

MOVING = {"version", "claimed_by_id", "claimed_until", "claim_id"}


async def as_it_is(task: Task) -> dict[str, Any]:
    (row,) = await Task.filter(id=task.id).values()
    return {column: value for column, value in row.items() if column not in MOVING}


@pytest.fixture
async def task(office: Office) -> Task:
    """An automatic task that an appointment closes."""
    await closing(office)
    return await automatic(office)


async def is_open(task: Task) -> bool:
    return (await Task.get(id=task.id)).status.is_open


@pytest.mark.parametrize("contacts", [0, 1, 2])
async def test_a_task_comes_back_on_its_rung_of_the_ladder(
    office: Office, task: Task, contacts: int
) -> None:
    for _ in range(contacts):
        await office.log(task, ContactOutcome.LEFT_MESSAGE)
    before = await as_it_is(task)
    await book(office)
    assert not await is_open(task)

    result = await cancel(office)

    assert codes(result) == []
    assert [row.id for row in result.reopened] == [task.id]
    assert await as_it_is(task) == before
    assert result.appointment is not None
    assert result.appointment.status is CANCELLED
    row = await Appointment.get()
    assert (row.status, row.ended_at, row.ended_by_id) == (
        CANCELLED,
        office.clock(),
        office.partner.staff_id,
    )
    event = (await events_of(office))[-1]
    assert (event.kind, event.from_status, event.to_status, event.actor_id) == (
        TaskEventKind.REOPENED_BY_CANCELLATION,
        TaskStatus.CLOSED,
        TaskStatus.IN_PROGRESS if contacts else TaskStatus.OPEN,
        office.partner.staff_id,
    )
    await assert_consistent(office)


async def test_all_that_it_has_closed_comes_back_in_one_change_and_nothing_else(
    office: Office, task: Task
) -> None:
    await closing(office, office.missed)
    second, manual = await automatic(office, office.missed), await office.make_task()
    by_contact = await automatic(office)
    await office.log(by_contact, close=True)
    await claims_of(office).claim(office.staff, manual.id)
    recorded = await book(office)
    assert {row.id for row in recorded.closed} == {task.id, second.id}
    before = len(await events_of(office))

    result = await cancel(office)

    assert {row.id for row in result.reopened} == {task.id, second.id}
    assert not await is_open(by_contact)
    events = (await events_of(office))[before:]
    assert {event.change for event in events} == {before + 1}
    assert {(event.kind, event.task_id) for event in events} == {
        (TaskEventKind.REOPENED_BY_CANCELLATION, task.id),
        (TaskEventKind.REOPENED_BY_CANCELLATION, second.id),
        (TaskEventKind.PATIENT_CHANGED, manual.id),
    }
    # They are under the claim on their patient.
    assert (await Task.get(id=task.id)).claimed_by_id == office.staff.staff_id
    await assert_consistent(office)


@pytest.mark.parametrize("is_past", [False, True])
async def test_a_promise_to_call_back_comes_back_unless_its_time_has_passed(
    office: Office, task: Task, is_past: bool
) -> None:
    await promise(office, task, office.clock() + timedelta(hours=2))
    before = await as_it_is(task)
    assert before["follow_up_at"] is not None
    await book(office)
    office.clock.advance(hours=3 if is_past else 1)
    await cancel(office)
    after = await as_it_is(task)
    nothing = {"follow_up_at": None, "call_back_by_id": None, "call_back_told_at": None}
    assert after == before | (nothing if is_past else {})


async def test_one_whose_time_is_up_stays_closed(office: Office, task: Task) -> None:
    await book(office)
    office.clock.advance(days=10)
    result = await cancel(office)
    assert (codes(result), result.reopened) == ([], ())
    assert not await is_open(task)


async def test_one_of_an_archived_queue_stays_closed(office: Office, task: Task) -> None:
    await book(office)
    await archive_queue(office.changes, office.admin, office.recall.id)
    result = await cancel(office)
    assert (codes(result), result.reopened) == ([], ())
    assert not await is_open(task)


async def test_one_of_a_patient_who_is_not_to_be_called_stays_closed(
    office: Office, task: Task
) -> None:
    await book(office)
    await put(office, DO_NOT_CONTACT)
    result = await cancel(office)
    assert (codes(result), result.reopened) == ([], ())
    assert (await Appointment.get()).status is CANCELLED
    await assert_consistent(office)


async def test_what_went_over_to_another_patient_comes_back_there(
    office: Office, task: Task
) -> None:
    await book(office)
    amber, birch = office.patients[0].id, office.patients[1].id
    merged = await office.changes.make(office.supervisor, merge_patients, birch, amber)
    assert merged.refusals == ()
    result = await cancel(office)
    assert [(row.id, row.patient_id) for row in result.reopened] == [(task.id, birch)]
    await assert_consistent(office)


async def test_what_another_appointment_makes_needless_stays_closed_until_that_is_off_too(
    office: Office, task: Task
) -> None:
    await book(office)
    await book(office, external_id="b2", days=5)
    result = await cancel(office)
    assert (codes(result), result.reopened) == ([], ())
    assert not await is_open(task)
    result = await cancel(office, "b2")
    assert [row.id for row in result.reopened] == [task.id]


async def test_another_of_a_kind_that_the_queue_does_not_mean_keeps_nothing_closed(
    office: Office, task: Task
) -> None:
    await closing(office, appointment_kinds='["Cleaning"]')
    await book(office, kind="cleaning")
    await book(office, external_id="b2", kind="Crown")
    result = await cancel(office)
    assert [row.id for row in result.reopened] == [task.id]


async def test_what_was_opened_and_closed_again_since_is_left_alone(
    office: Office, task: Task
) -> None:
    await book(office)
    args = (task.id, "The patient wants to talk")
    await office.changes.make(office.supervisor, reopen_task, *args)
    await office.log(task, close=True)
    before = await as_it_is(task)
    result = await cancel(office)
    assert (codes(result), result.reopened) == ([], ())
    assert await as_it_is(task) == before


async def test_a_key_for_some_queues_brings_back_all_and_is_told_of_its_own(
    office: Office, task: Task
) -> None:
    await closing(office, office.missed)
    hidden = await automatic(office, office.missed)
    await book(office)
    key = await create_key(office.practice, Role.SUPERVISOR, "Desk", queue_ids=[office.recall.id])
    result = await cancel(office, viewer=await authenticate(key))
    assert [row.id for row in result.reopened] == [task.id]
    assert await is_open(hidden)
    await assert_consistent(office)


async def test_a_second_cancellation_and_one_that_comes_too_early_change_nothing(
    office: Office, task: Task
) -> None:
    before = await everything()
    assert codes(await cancel(office)) == [("NOT_FOUND", "externalId")]
    assert await everything() == before
    await book(office)
    await cancel(office)
    before = await everything()
    office.clock.advance(minutes=1)
    again = await cancel(office)
    assert codes(again) == [("APPOINTMENT_ENDED", "externalId")]
    assert "cancelled" in again.refusals[0].message
    assert again.appointment is not None
    assert again.appointment.status is CANCELLED
    assert await everything() == before


async def test_a_record_that_comes_after_the_cancellation_books_nothing(
    office: Office, task: Task
) -> None:
    await book(office)
    await cancel(office)
    before = await everything()
    late = await book(office)
    assert codes(late) == [("APPOINTMENT_ENDED", "externalId")]
    assert late.appointment is not None
    assert late.appointment.status is CANCELLED
    assert await everything() == before
    assert await is_open(task)


async def test_booked_and_cancelled_again_and_again_it_brings_the_same_back(
    office: Office, task: Task
) -> None:
    before = await as_it_is(task)
    for number in range(3):
        await book(office, external_id=f"b{number}")
        assert not await is_open(task)
        await cancel(office, f"b{number}")
        assert await as_it_is(task) == before
    assert await AppointmentClosing.all().count() == 1
    await assert_consistent(office)
