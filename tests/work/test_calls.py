"""One call that is logged on several tasks of a patient: one change, each task by its own rules."""

import asyncio
from datetime import timedelta

import pytest

from gql_app.work.reads.last_calls import last_call
from gql_app.work.reports.activity import read_activity
from gql_app.work.reports.buckets import BucketSize
from models.audit import Audit
from models.contact import Contact
from models.database import has_row_locks
from models.event import TaskEventKind
from models.lifecycle import CloseCause, ContactOutcome
from models.task import Task
from tests.office import Office
from tests.work.agents import assert_consistent, claims_of
from tests.work.calling import call, codes, other, tomorrow
from tests.work.records import events_of, unscoped
from tests.work.test_undoing import as_it_is, undo

LEFT_MESSAGE, SCHEDULED = ContactOutcome.LEFT_MESSAGE, ContactOutcome.SCHEDULED
HOUR = timedelta(hours=1)


async def three(office: Office) -> list[Task]:
    return [
        await office.make_task(),
        await office.make_task(office.missed),
        await office.make_task(office.missed, reason="Plan presented"),
    ]


async def test_each_task_goes_its_own_way_in_one_change(office: Office) -> None:
    task, second, third = await three(office)
    await office.log(third)
    before, audited = len(await events_of(office)), await Audit.all().count()

    result = await call(
        office,
        task,
        other(third, LEFT_MESSAGE, office.today, notes=" with her son "),
        other(second, ContactOutcome.DID_NOT_SCHEDULE, close=True),
        notes="no answer at home",
    )

    assert codes(result) == []
    assert result.task is not None
    assert (result.task.id, result.task.status, result.task.follow_up) == (
        task.id,
        "IN_PROGRESS",
        tomorrow(office),
    )
    one, two = result.others
    assert one.task is not None
    assert one.contact is not None
    assert two.task is not None
    assert (one.task.id, one.task.status, one.task.contact_count) == (third.id, "IN_PROGRESS", 2)
    assert (one.contact.notes, one.contact.follow_up) == ("with her son", office.today)
    assert (two.task.id, two.task.close_cause) == (second.id, CloseCause.CONTACT)
    events = (await events_of(office))[before:]
    assert [event.kind for event in events] == [TaskEventKind.CONTACT_LOGGED] * 3
    assert [event.task_id for event in events] == [task.id, third.id, second.id]
    assert {event.change for event in events} == {before + 1}
    assert office.rings[-1] == (office.practice.id, before + 3)
    (row,) = await Audit.all().order_by("seq").offset(audited)  # one a patient, as for all changes
    assert (row.patient_id, row.task_id) == (office.patients[0].id, task.id)
    await assert_consistent(office)


async def test_the_claim_ends_on_all_tasks_of_the_patient(office: Office) -> None:
    task, second, third = await three(office)
    await claims_of(office).claim(office.staff, task.id)

    result = await call(office, task, other(second, close=True))

    assert codes(result) == []
    kinds = [event.kind for event in (await events_of(office))[-3:]]
    assert kinds == [*[TaskEventKind.CONTACT_LOGGED] * 2, TaskEventKind.RELEASED]
    assert (await Task.get(id=third.id)).claimed_by_id is None
    await assert_consistent(office)


async def test_the_version_that_was_seen_is_of_the_tasks_own(office: Office) -> None:
    task, second, _ = await three(office)
    await claims_of(office).claim(office.staff, task.id)  # which changes the version of all
    result = await call(office, task, other(second, close=True), expected_version=1)
    assert codes(result) == []
    refused = await call(office, task, expected_version=1)
    assert codes(refused) == ["VERSION_CONFLICT"]


async def test_a_call_is_one_call_for_the_rest_and_a_contact_of_each_task(office: Office) -> None:
    task, second, third = await three(office)
    made = office.clock() - HOUR
    await call(office, task, other(second, close=True), other(third, close=True), contacted_at=made)

    assert await last_call(office.practice.id, office.patients[0].id) == made
    assert (await claims_of(office).claim_next(office.staff, None)).task is None
    activity = await read_activity(
        office.supervisor, office.today, office.today, BucketSize.DAY, None
    )
    assert (activity.total.contacts.total, activity.total.tasks_closed.contact) == (3, 2)
    assert [queue.figures.contacts.total for queue in activity.by_queue] == [1, 2]
    assert [row.contacted_at for row in await Contact.all()] == [made] * 3


async def test_each_contact_is_undone_by_itself(office: Office) -> None:
    task, second, third = await three(office)
    before = await as_it_is(second)
    result = await call(office, task, other(second, close=True), other(third, close=True))
    first, two, _ = [await Contact.get(task_id=each.id) for each in (task, second, third)]
    logged = [await as_it_is(each) for each in (task, third)]

    undone = await undo(office, two.id)

    assert codes(undone) == []
    assert await as_it_is(second) == before
    assert [await as_it_is(each) for each in (task, third)] == logged
    # The others stand, so the patient still rests.
    assert await last_call(office.practice.id, office.patients[0].id) is not None
    assert codes(await undo(office, first.id)) == []
    assert result.contact is not None
    await assert_consistent(office)


async def test_late_and_in_time_each_task_is_kept_by_its_own_expiry(office: Office) -> None:
    expired = await office.make_task(expires_at=office.clock() + HOUR)
    task = await office.make_task()
    called = office.clock() + HOUR / 2
    office.clock.advance(hours=2)

    result = await call(office, task, other(expired, close=True), contacted_at=called)

    assert codes(result) == []
    assert not result.late
    (one,) = result.others
    assert one.late
    assert one.task is not None
    assert (one.task.close_cause, one.task.contact_count) == (CloseCause.EXPIRED, 1)
    await assert_consistent(office)


async def test_a_late_contact_takes_others_along_and_ends_their_claim(office: Office) -> None:
    expired = await office.make_task(expires_at=office.clock() + HOUR)
    second, third = await office.make_task(), await office.make_task()
    called = office.clock() + HOUR / 2
    office.clock.advance(hours=2)
    await claims_of(office).claim(office.staff, second.id)

    result = await call(office, expired, other(second, close=True), contacted_at=called)

    assert codes(result) == []
    assert result.late
    assert (await Task.get(id=third.id)).claimed_by_id is None
    await assert_consistent(office)


async def test_calls_that_name_each_other_at_once_do_not_wait_for_each_other(
    office: Office,
) -> None:
    task, second, third = await three(office)
    tasks = [task, second, third]
    calls = [
        call(office, one, *(other(each, follow_up=office.today) for each in tasks if each != one))
        for one in tasks * 5
    ]
    results = await asyncio.gather(*calls)
    assert [codes(result) for result in results] == [[]] * 15
    assert [(await Task.get(id=each.id)).contact_count for each in tasks] == [15] * 3
    await assert_consistent(office)


@pytest.mark.parametrize("others", [0, 2])
async def test_a_call_for_one_task_carries_out_no_statement_more_than_it_did(
    office: Office, caplog: pytest.LogCaptureFixture, others: int
) -> None:
    task, *rest = await three(office)
    caplog.set_level("DEBUG", logger="tortoise.db_client")
    caplog.clear()
    await call(office, task, *(other(each, close=True) for each in rest[:others]))
    statements = [record.getMessage().split()[0] for record in caplog.records]
    # Locks; task and contact; the counter's lock; counter, event and audit. SQLite has one writer,
    # so it locks no patient, and writes each table by itself.
    one, each = (5, 1) if has_row_locks() else (7, 2)
    assert len(statements) == one + each * others
    assert unscoped(caplog, at_least=2) == []
