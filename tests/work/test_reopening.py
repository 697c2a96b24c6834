"""A closed task that a supervisor opens again."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from typing import Any

import pytest

from gql_app.access import Forbidden
from gql_app.work.archiving import archive_queue
from gql_app.work.moves import withdraw_tasks
from gql_app.work.reads.queues import day_bounds
from gql_app.work.reopening import reopen_task
from gql_app.work.results import ChangeResult
from gql_app.work.transitions import expire_task
from models.chain import Position
from models.event import TaskEvent, events_after
from models.people import Patient
from models.task import Task
from tests.office import Office
from tests.work.agents import claims_of
from tests.work.records import everything
from tests.work.test_undoing import codes, logged, undo

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def reopen(
    office: Office, task: Task, follow_up: date | None = None, **how: Any
) -> ChangeResult:
    reason = how.pop("reason", "The patient rang back")
    viewer = how.pop("viewer", office.supervisor)
    return await office.changes.make(viewer, reopen_task, task.id, reason, follow_up, **how)


async def by_contact(office: Office, task: Task) -> None:
    await office.log(task, close=True)


async def by_withdrawal(office: Office, task: Task) -> None:
    await withdraw_tasks(office.changes, office.supervisor, [task.id], reason="Moved away")


async def by_expiry(office: Office, task: Task) -> None:
    office.clock.advance(days=11)
    assert await office.changes.make_for(office.practice.id, expire_task, task.id)


Closing = Callable[[Office, Task], Coroutine[Any, Any, None]]


@pytest.mark.parametrize("close", [by_contact, by_withdrawal, by_expiry])
async def test_a_task_is_open_again_as_far_as_it_had_come(office: Office, close: Closing) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(days=10))
    await close(office, task)
    closed = (await events_after(office.practice.id, Position(0), 100))[-1]
    tomorrow = office.today + timedelta(days=1)

    result = await reopen(office, task, tomorrow)

    assert result.refusals == ()
    await task.refresh_from_db()
    is_contacted = close is by_contact
    assert task.status == ("IN_PROGRESS" if is_contacted else "OPEN")
    assert (task.follow_up, task.due_on) == (tomorrow, tomorrow)
    assert [task.closed_at, task.close_cause, task.withdrawn_reason] == [None] * 3
    assert task.contact_count == is_contacted
    event = await TaskEvent.all().order_by("-seq").first()
    assert event is not None
    assert (event.kind, event.from_status, event.to_status) == ("REOPENED", "CLOSED", task.status)
    assert event.given_reason == "The patient rang back"
    assert event.from_closed_at == closed.closed_at
    assert event.actor_id == office.supervisor.staff_id
    again = await events_after(office.practice.id, Position(0), 100)
    assert again[-1].task == result.task
    assert again[-2].task == closed.task  # the past is told as it was


async def test_a_task_whose_time_is_up_needs_a_date_and_lives_as_long_again(
    office: Office,
) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(days=10))
    await by_expiry(office, task)
    before = await everything()
    refused = await reopen(office, task)
    assert codes(refused) == ["FOLLOW_UP_REQUIRED"]
    assert await everything() == before
    far = office.today + timedelta(days=60)
    result = await reopen(office, task, far)
    assert result.task is not None
    end_of_day = day_bounds(far, office.practice.time_zone)[1]
    assert result.task.expires_at == end_of_day + timedelta(days=10)
    assert not await office.changes.make_for(office.practice.id, expire_task, task.id)
    assert codes(await office.log(task, follow_up=far + timedelta(days=10))) == []
    events = await events_after(office.practice.id, Position(0), 100)
    expiries = [event.task.expires_at for event in events]
    assert expiries == [task.expires_at] * 2 + [result.task.expires_at] * 2


@on_sqlite
async def test_a_task_that_nobody_has_called_for_needs_no_date(office: Office) -> None:
    task = await office.make_task()
    due_on = task.due_on
    await by_withdrawal(office, task)
    assert codes(await reopen(office, task)) == []
    await task.refresh_from_db()
    assert (task.status, task.follow_up, task.due_on) == ("OPEN", None, due_on)


@on_sqlite
async def test_all_that_is_wrong_is_said_at_once_and_changes_nothing(office: Office) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(days=10))
    await by_contact(office, task)
    await archive_queue(office.changes, office.admin, office.recall.id)
    before = await everything()
    past = office.today - timedelta(days=1)
    for reason, follow_up, expected in (
        (" ", None, ["REASON_REQUIRED", "FOLLOW_UP_REQUIRED", "QUEUE_ARCHIVED"]),
        ("x" * 501, past, ["REASON_TOO_LONG", "FOLLOW_UP_IN_PAST", "QUEUE_ARCHIVED"]),
        ("x", past + timedelta(days=13), ["FOLLOW_UP_AFTER_EXPIRY", "QUEUE_ARCHIVED"]),
    ):
        assert codes(await reopen(office, task, follow_up, reason=reason)) == expected
    assert await everything() == before


@on_sqlite
async def test_an_open_task_is_not_reopened(office: Office) -> None:
    task = await office.make_task()
    before = await everything()
    assert codes(await reopen(office, task, office.today)) == ["TASK_OPEN"]
    await office.log(task)
    assert codes(await reopen(office, task, office.today)) == ["TASK_OPEN"]
    assert await everything() != before  # by the contact alone
    assert await TaskEvent.all().count() == 2


@on_sqlite
async def test_a_patient_whom_an_undone_import_took_back_is_not_called(office: Office) -> None:
    task = await office.make_task()
    await by_withdrawal(office, task)
    await Patient.filter(id=office.patients[0].id).update(taken_back_at=office.clock())
    assert codes(await reopen(office, task)) == ["IMPORT_UNDONE"]


@on_sqlite
async def test_only_supervisors_and_admins_may(office: Office) -> None:
    task = await office.make_task()
    await by_withdrawal(office, task)
    for viewer in (office.staff, office.partner):
        with pytest.raises(Forbidden):
            await reopen(office, task, viewer=viewer)
    assert codes(await reopen(office, task, viewer=office.admin)) == []


async def test_it_comes_under_the_claim_on_its_patient(office: Office) -> None:
    task, other = [await office.make_task(queue) for queue in (office.recall, office.missed)]
    await by_withdrawal(office, task)
    await claims_of(office).claim(office.staff, other.id, "calling")
    assert codes(await reopen(office, task)) == []
    await task.refresh_from_db()
    assert (task.claim_id, task.claimed_by_id) == ("calling", office.staff.staff_id)


async def test_sent_again_with_its_key_it_is_reopened_once(office: Office) -> None:
    task = await office.make_task()
    await by_withdrawal(office, task)
    results = await asyncio.gather(
        *(reopen(office, task, idempotency_key="again") for _ in range(2))
    )
    assert [codes(result) for result in results] == [[], []]
    assert await TaskEvent.filter(kind="REOPENED").count() == 1
    other = await reopen(office, task, reason="Another", idempotency_key="again")
    assert codes(other) == ["IDEMPOTENCY_MISMATCH"]


async def test_a_contact_that_was_undone_is_none(office: Office) -> None:
    task = await office.make_task()
    await undo(office, await logged(office, task))
    await by_withdrawal(office, task)
    assert codes(await reopen(office, task)) == []
    await task.refresh_from_db()
    assert (task.status, task.contact_count) == ("OPEN", 0)


async def test_after_it_a_contact_from_before_is_not_undone(office: Office) -> None:
    task = await office.make_task()
    contact = await logged(office, task, close=True)
    assert codes(await reopen(office, task, office.today)) == []
    assert codes(await undo(office, contact)) == ["FOLLOWED"]
