"""However many act at once: no number is left out or given twice, and a task closes once."""

import asyncio
from datetime import timedelta

from models.contact import Contact
from models.event import TaskEventKind
from models.lifecycle import CloseCause, TaskStatus
from models.refusals import RefusalCode
from tests.office import Office
from tests.work.records import events_of


async def test_fifty_logs_at_once_on_one_task_are_carried_out_one_after_the_other(
    office: Office,
) -> None:
    task = await office.make_task()

    outcomes = await asyncio.gather(*(office.log(task, notes=str(n)) for n in range(50)))

    await task.refresh_from_db()
    events = await events_of(office)
    contacts = await Contact.all()
    assert [outcome.refusals for outcome in outcomes] == [()] * 50
    assert (task.version, task.contact_count) == (51, 50)
    assert task.last_contact_id == events[-1].contact_id
    assert [event.seq for event in events] == list(range(1, 52))
    assert [event.version for event in events] == list(range(1, 52))
    assert [event.contact_count for event in events] == list(range(51))
    assert {contact.notes for contact in contacts} == {str(n) for n in range(50)}
    assert sorted(event.contact_id for event in events[1:]) == sorted(c.id for c in contacts)
    assert office.rings[-1] == (office.practice.id, 51)  # one ring may be for several


async def test_of_many_that_would_close_a_task_exactly_one_does(office: Office) -> None:
    task = await office.make_task()

    outcomes = await asyncio.gather(*(office.log(task, close=n % 2 == 1) for n in range(50)))

    await task.refresh_from_db()
    events = await events_of(office)
    done = [outcome.contact for outcome in outcomes if outcome.contact is not None]
    refused = [outcome.refusals for outcome in outcomes if outcome.contact is None]
    assert (task.status, task.close_cause) == (TaskStatus.CLOSED, CloseCause.CONTACT)
    assert [contact.closed_task for contact in done].count(True) == 1
    assert [event.to_status for event in events].count(TaskStatus.CLOSED) == 1
    assert events[-1].to_status == TaskStatus.CLOSED
    assert {r.code for refusals in refused for r in refusals} == {RefusalCode.TASK_CLOSED}
    assert len(done) + len(refused) == 50
    assert task.contact_count == len(done) == await Contact.all().count()
    assert [event.version for event in events] == list(range(1, len(done) + 2))
    assert [event.seq for event in events] == list(range(1, len(done) + 2))


async def test_changes_of_many_tasks_at_once_share_one_row_of_numbers(office: Office) -> None:
    tasks = [await office.make_task() for _ in range(5)]

    await asyncio.gather(*(office.log(task) for task in tasks * 6), office.make_task())

    events = await events_of(office)
    assert [event.seq for event in events] == list(range(1, 37))
    for task in tasks:
        versions = [event.version for event in events if event.task_id == task.id]
        assert versions == list(range(1, 8))


async def test_of_those_who_saw_the_same_version_only_one_gets_through(office: Office) -> None:
    task = await office.make_task()

    outcomes = await asyncio.gather(*(office.log(task, expected_version=1) for _ in range(10)))

    codes = [[refusal.code for refusal in outcome.refusals] for outcome in outcomes]
    assert sorted(codes) == [[], *[[RefusalCode.VERSION_CONFLICT]] * 9]
    assert await Contact.all().count() == 1


async def test_a_log_and_the_sweeper_at_the_same_moment_close_an_expired_task_once(
    office: Office,
) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(hours=1))
    office.clock.advance(hours=1)

    expire = office.changes.expire
    results = await asyncio.gather(
        *(expire(office.practice.id, task.id) for _ in range(5)),
        *(office.log(task, close=True) for _ in range(5)),
    )

    assert results[:5].count(True) <= 1
    kinds = [event.kind for event in await events_of(office)]
    assert kinds == [TaskEventKind.CREATED, TaskEventKind.CLOSED_BY_EXPIRY]
    assert await Contact.all().count() == 0
