"""Nothing that is taken back leads to a call to a patient who is not to be called."""

import asyncio
from datetime import timedelta

import pytest

from gql_app.work.intake import NewTask
from gql_app.work.postponing import postpone_task
from models.contact_status import ContactStatus
from models.event import TaskEvent, TaskEventKind
from models.lifecycle import CloseCause, TaskStatus
from models.task import Task
from tests.office import Office
from tests.work.agents import assert_consistent
from tests.work.records import everything
from tests.work.statuses import (
    BARRED,
    DECEASED,
    DO_NOT_CONTACT,
    INACTIVE,
    OK,
    both_tasks,
    codes,
    put,
    said,
)
from tests.work.test_reopening import reopen
from tests.work.test_undoing import logged, undo

ROUNDS = 8
PATIENCE = 30.0


@pytest.mark.parametrize("status", BARRED)
async def test_no_task_is_reopened_until_it_is_lifted(
    office: Office, status: ContactStatus
) -> None:
    by_contact, by_status = await both_tasks(office)
    await office.log(by_contact, close=True)
    await put(office, status)
    before = await everything()
    for task in (by_contact, by_status):
        refused = await reopen(office, task, office.today)
        assert codes(refused) == [("DO_NOT_CONTACT", "taskId")]
        assert status.label in refused.refusals[0].message
    assert await everything() == before
    offered = (await put(office, OK, office.supervisor)).offered
    assert [task.id for task in offered] == [by_status.id]
    assert codes(await reopen(office, by_status)) == []
    await by_status.refresh_from_db()
    assert by_status.status is TaskStatus.OPEN
    assert codes(await reopen(office, by_contact, office.today)) == []
    await assert_consistent(office)


async def test_what_was_reopened_is_closed_and_offered_once_more(office: Office) -> None:
    task = await office.make_task()
    for _ in range(2):
        office.clock.advance(minutes=1)
        assert [closed.id for closed in (await put(office, INACTIVE)).closed] == [task.id]
        office.clock.advance(minutes=1)
        offered = (await put(office, OK, office.supervisor)).offered
        assert [lifted.id for lifted in offered] == [task.id]
        assert codes(await reopen(office, task)) == []
    await assert_consistent(office)


async def test_a_status_whose_last_day_is_over_keeps_nothing_closed(office: Office) -> None:
    first, second = await both_tasks(office)
    await office.log(first, close=True)
    await put(office, DO_NOT_CONTACT, until=office.today)
    assert codes(await reopen(office, second)) == [("DO_NOT_CONTACT", "taskId")]
    office.clock.advance(hours=25)  # the clock decides, not the sweeper
    assert codes(await reopen(office, second)) == []
    assert codes(await reopen(office, first, office.today)) == []


@pytest.mark.parametrize("status", BARRED)
async def test_no_contact_is_undone_that_would_open_its_task(
    office: Office, status: ContactStatus
) -> None:
    task = await office.make_task()
    contact = await logged(office, task, close=True)
    await put(office, status)
    before = await everything()
    refused = await undo(office, contact)
    assert codes(refused) == [("DO_NOT_CONTACT", "contactId")]
    assert status.label in refused.refusals[0].message
    assert await everything() == before
    await put(office, OK, office.supervisor)
    assert codes(await undo(office, contact)) == []
    await task.refresh_from_db()
    assert task.status is TaskStatus.OPEN
    await assert_consistent(office)


async def test_nor_is_the_one_in_which_it_was_said(office: Office) -> None:
    task, other = await both_tasks(office)
    result = await said(office, task=task)
    refused = await undo(office, result.contact.id)
    assert codes(refused) == [("DO_NOT_CONTACT", "contactId")]
    await put(office, OK, office.supervisor)
    assert codes(await undo(office, result.contact.id)) == []
    await task.refresh_from_db()
    await other.refresh_from_db()
    assert (task.status, other.status) == (TaskStatus.OPEN, TaskStatus.CLOSED)
    assert codes(await reopen(office, other)) == []
    await assert_consistent(office)


async def test_a_task_that_the_status_has_closed_rests_on_its_contact(office: Office) -> None:
    task = await office.make_task()
    contact = await logged(office, task)
    await put(office, DECEASED)
    assert codes(await undo(office, contact)) == [("FOLLOWED", "contactId")]
    await put(office, OK, office.supervisor)
    assert codes(await undo(office, contact)) == [("FOLLOWED", "contactId")]


async def test_a_contact_that_was_kept_late_has_moved_nothing(office: Office) -> None:
    task = await office.make_task()
    called = office.clock()
    office.clock.advance(minutes=1)
    await put(office, DO_NOT_CONTACT)
    late = await office.log(task, contacted_at=called)
    assert late.contact is not None
    assert codes(await undo(office, late.contact.id)) == [("CONTACT_LATE", "contactId")]


async def test_there_is_nothing_to_postpone(office: Office) -> None:
    task = await office.make_task()
    await put(office, DO_NOT_CONTACT)
    tomorrow = office.today + timedelta(days=1)
    refused = await office.changes.make(office.staff, postpone_task, task.id, tomorrow, "Later")
    assert codes(refused) == [("TASK_CLOSED", None)]


async def test_whatever_happens_at_once_who_is_not_to_be_called_has_no_open_task(
    office: Office,
) -> None:
    reopened, undone, logged_on = [await office.make_task() for _ in range(3)]
    contact = await logged(office, undone, close=True)
    await put(office, DO_NOT_CONTACT)
    for _ in range(ROUNDS):
        await put(office, OK, office.supervisor)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(
                reopen(office, reopened, office.today),
                undo(office, contact),
                office.log(logged_on, follow_up=office.today),
                put(office, DO_NOT_CONTACT),
                office.create(office.supervisor, new_task(office)),
            )
        assert await Task.filter(status__not="CLOSED").count() == 0
        await assert_consistent(office)
    kinds = {event.kind for event in await TaskEvent.all()}
    assert TaskEventKind.CLOSED_BY_DO_NOT_CONTACT in kinds
    causes = {task.close_cause for task in await Task.all()}
    assert CloseCause.DO_NOT_CONTACT in causes


def new_task(office: Office) -> NewTask:
    return NewTask(office.recall.id, office.patients[0].id, "Call")
