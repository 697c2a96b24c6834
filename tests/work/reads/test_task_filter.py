"""What each filter finds, and what cannot be asked for."""

import importlib
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.task_filter import TaskQuery
from gql_app.work.transitions import expire_task
from models.database import write
from models.lifecycle import ContactOutcome, TaskStatus
from models.task import Task
from tests.office import Office
from tests.work.worklists import EVERY_STATUS, listed

DAY = timedelta(days=1)


async def make_tasks(office: Office) -> dict[str, Task]:
    """One for each of the contacts that it has had; the first expires in 40 days."""
    logged = {
        "nobody called": (),
        "no answer": (ContactOutcome.NO_ANSWER,),
        "message": (ContactOutcome.NO_ANSWER, ContactOutcome.LEFT_MESSAGE),
        "refused": (*[ContactOutcome.LEFT_MESSAGE] * 2, ContactOutcome.DID_NOT_SCHEDULE),
        "scheduled": (ContactOutcome.SCHEDULED,),
    }
    tasks = {}
    for days, (name, outcomes) in enumerate(logged.items()):
        expires: dict[str, Any] = {} if days else {"expires_at": office.clock() + 40 * DAY}
        tasks[name] = await office.make_task(**expires)
        for outcome in outcomes:
            close = outcome is ContactOutcome.SCHEDULED
            due = None if close else office.today + days * DAY
            await office.log(tasks[name], outcome, close=close, follow_up=due, notes="Too far.")
        office.clock.advance(hours=1)
    return tasks


async def make_tasks_in_a_day(office: Office) -> dict[str, Task]:
    """The same, all on one day at the practice: it takes five hours to make them."""
    while office.clock().astimezone(ZoneInfo(office.practice.time_zone)).hour >= 18:
        office.clock.advance(hours=1)
    return await make_tasks(office)


async def found(office: Office, tasks: dict[str, Task], **given: Any) -> set[str]:
    """The names of the tasks of any status that are found; narrower in each status."""
    ids = await listed(office.staff, replace(EVERY_STATUS, **given))
    by_status = [await listed(office.staff, TaskQuery(status=(s,), **given)) for s in TaskStatus]
    assert set.union(*by_status) == ids
    return {name for name, task in tasks.items() if task.id in ids}


async def test_tasks_are_found_by_what_came_of_the_last_call(office: Office) -> None:
    tasks = await make_tasks(office)
    no_answer, message, refused, scheduled = ContactOutcome

    assert await found(office, tasks, last_outcome=(no_answer,)) == {"no answer"}
    assert await found(office, tasks, last_outcome=(message, refused)) == {"message", "refused"}
    assert await found(office, tasks, last_outcome=(scheduled,)) == {"scheduled"}
    assert await found(office, tasks, last_outcome=()) == set()


async def test_tasks_are_found_by_how_often_and_when_they_were_called_for(office: Office) -> None:
    begin = office.clock()
    tasks = await make_tasks(office)
    called = tasks.keys() - {"nobody called"}

    assert await found(office, tasks, max_contacts=0) == {"nobody called"}
    assert await found(office, tasks, min_contacts=0) == tasks.keys()
    assert await found(office, tasks, min_contacts=1) == called
    assert await found(office, tasks, min_contacts=2, max_contacts=2) == {"message"}
    assert await found(office, tasks, min_contacts=4) == set()
    hour = timedelta(hours=1)
    before = begin + 2 * hour
    assert await found(office, tasks, last_contacted_before=before) == {"no answer"}
    before += timedelta(microseconds=1)
    assert await found(office, tasks, last_contacted_before=before) == {"no answer", "message"}
    assert await found(office, tasks, last_contacted_before=begin + DAY) == called


async def test_a_contact_logged_late_counts_when_it_was_made(office: Office) -> None:
    tasks = await make_tasks(office)
    made = office.clock() - 2 * DAY
    await office.log(tasks["nobody called"], contacted_at=made)

    before = made + timedelta(microseconds=1)
    assert await found(office, tasks, last_contacted_before=before) == {"nobody called"}
    assert await found(office, tasks, last_contacted_before=made) == set()


async def test_the_last_contact_stays_known_when_a_task_closes_by_itself(office: Office) -> None:
    tasks = await make_tasks(office)
    task = tasks["nobody called"]
    await office.log(task, ContactOutcome.LEFT_MESSAGE)
    at = office.clock()
    office.clock.advance(days=41)
    assert await office.changes.make_for(office.practice.id, expire_task, task.id)

    await task.refresh_from_db()
    assert (task.last_outcome, task.last_contacted_at) == (ContactOutcome.LEFT_MESSAGE, at)
    late = at + 35 * DAY
    outcome = await office.log(task, ContactOutcome.NO_ANSWER, contacted_at=late)
    assert outcome.late
    await task.refresh_from_db()
    assert (task.last_outcome, task.last_contacted_at) == (ContactOutcome.NO_ANSWER, late)


async def test_tasks_are_found_by_due_dates_and_by_being_overdue(office: Office) -> None:
    tasks = await make_tasks_in_a_day(office)
    today = office.today
    days = {"no answer": 1, "message": 2, "refused": 3}

    def due(low: int, high: int) -> set[str]:
        fresh = {"nobody called", "scheduled"} if low <= 0 <= high else set()
        return {name for name, day in days.items() if low <= day <= high} | fresh

    assert await found(office, tasks, due_from=today + DAY) == due(1, 9)
    assert await found(office, tasks, due_from=today, due_by=today + DAY) == due(0, 1)
    assert await found(office, tasks, due_from=today + 2 * DAY, due_by=today + 2 * DAY) == due(2, 2)
    for ahead in range(5):
        day = today + ahead * DAY
        late = due(1, ahead - 1)
        assert await found(office, tasks, follow_up_before=day) == late
        assert await found(office, tasks, no_follow_up_before=day) == tasks.keys() - late


async def test_tasks_are_found_by_when_they_expire(office: Office) -> None:
    tasks = await make_tasks(office)
    expires = tasks["nobody called"].expires_at
    assert expires is not None
    tick = timedelta(microseconds=1)
    expiring = {"nobody called"}

    for given, names in (
        ({"expires_from": expires}, expiring),
        ({"expires_from": expires + tick}, set()),
        ({"expires_before": expires + tick}, expiring),
        ({"expires_before": expires}, set()),
        ({"expires_before": expires + 300_000 * DAY}, expiring),
        ({"expires_from": expires, "expires_before": expires + tick}, expiring),
        ({"expires_from": expires, "expires_before": expires}, set()),
    ):
        assert await found(office, tasks, **given) == names, given


async def test_all_that_is_given_must_hold(office: Office) -> None:
    tasks = await make_tasks_in_a_day(office)
    given = {"min_contacts": 1, "max_contacts": 2, "due_from": office.today + 2 * DAY}
    assert await found(office, tasks, **given) == {"message"}
    assert await found(office, tasks, **given, patient="amber") == {"message"}
    assert await found(office, tasks, **given, patient="birch") == set()


async def test_what_nothing_could_meet_is_refused(office: Office) -> None:
    now, today = office.clock(), office.today
    for given, message in (
        ({"min_contacts": -1}, "minContacts"),
        ({"max_contacts": -1}, "maxContacts"),
        ({"min_contacts": 3, "max_contacts": 2}, "minContacts"),
        ({"due_from": today, "due_by": today - DAY}, "dueFrom"),
        ({"expires_from": now, "expires_before": now - DAY}, "expiresFrom"),
    ):
        with pytest.raises(BadInput, match=message):
            await listed(office.staff, TaskQuery(**given))


async def test_what_the_last_contacts_were_is_filled_in_by_the_migration(office: Office) -> None:
    tasks = await make_tasks(office)
    await office.log(tasks["message"], contacted_at=office.clock() - DAY)
    columns = ("id", "last_outcome", "last_contacted_at")
    written = await Task.all().order_by("id").values_list(*columns)
    await Task.all().update(last_outcome=None, last_contacted_at=None)

    await write(importlib.import_module("models.migrations.0007_finding").LAST_CONTACTS)

    assert await Task.all().order_by("id").values_list(*columns) == written
    assert len({outcome for _, outcome, _ in written}) == 4
