"""One change is one transaction, one event with the next number, and one ring after the commit."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from gql_app.work.changes import Changes
from gql_app.work.contacts import log_contact
from gql_app.work.intake import NewTask, create_task
from gql_app.work.transitions import expire_task
from models.chain import Position
from models.contact import Contact
from models.event import TaskEventKind, events_after
from models.lifecycle import Attempt, CloseCause, ContactOutcome, TaskOrigin, TaskStatus
from models.task import Task
from tests.office import Office, make_office
from tests.work.records import (
    committed_seqs,
    events_cannot_be_written,
    events_of,
    everything,
    unscoped,
)


async def test_logging_a_contact_moves_the_task_and_records_the_contact_and_the_event(
    office: Office,
) -> None:
    task = await office.make_task()
    office.clock.advance(minutes=5)
    follow_up = office.today + timedelta(days=3)

    outcome = await office.log(
        task, ContactOutcome.LEFT_MESSAGE, follow_up=follow_up, notes="on the machine"
    )

    await task.refresh_from_db()
    [contact] = await Contact.all()
    event = (await events_of(office))[-1]
    assert outcome.refusals == ()
    assert (task.status, task.follow_up, task.due_on) == ("IN_PROGRESS", follow_up, follow_up)
    assert (task.version, task.contact_count, task.last_contact_id) == (2, 1, contact.id)
    assert [task.closed_at, task.close_cause] == [None, None]
    assert (contact.task_id, contact.outcome, contact.follow_up, contact.notes) == (
        task.id,
        "LEFT_MESSAGE",
        follow_up,
        "on the machine",
    )
    assert (contact.closed_task, contact.logged_by_id) == (False, office.staff.staff_id)
    assert (event.seq, event.kind, event.at) == (2, TaskEventKind.CONTACT_LOGGED, office.clock())
    assert (event.from_status, event.to_status) == (TaskStatus.OPEN, TaskStatus.IN_PROGRESS)
    assert (event.contact_id, event.actor_id) == (contact.id, office.staff.staff_id)


async def test_log_and_close_ends_the_task_and_takes_its_follow_up_away(office: Office) -> None:
    task = await office.make_task()
    await office.log(task)

    outcome = await office.log(task, ContactOutcome.SCHEDULED, close=True)

    await task.refresh_from_db()
    event = (await events_of(office))[-1]
    assert outcome.contact is not None
    assert outcome.contact.closed_task
    assert (task.status, task.close_cause) == (TaskStatus.CLOSED, CloseCause.CONTACT)
    assert (task.closed_at, task.follow_up) == (office.clock(), None)
    assert (task.version, task.contact_count) == (3, 2)
    assert (event.from_status, event.to_status) == (TaskStatus.IN_PROGRESS, TaskStatus.CLOSED)
    assert event.close_cause == CloseCause.CONTACT


async def test_events_hold_what_the_task_looked_like_right_after_each(office: Office) -> None:
    new = NewTask(
        office.recall.id,
        office.patients[1].id,
        "  Cleaning overdue ",
        TaskOrigin.AUTOMATIC,
        follow_up=office.today,
        expires_at=office.clock() + timedelta(days=30),
    )
    made = await office.changes.make(office.supervisor, create_task, new)
    assert made.task is not None
    task = await Task.get(id=made.task.id)
    looks: list[Any] = [made.task]
    attempts: list[dict[str, Any]] = [{}, {"follow_up": office.today}, {"close": True}]
    for attempt in attempts:
        office.clock.advance(minutes=1)
        looks.append((await office.log(task, **attempt)).task)

    events = await events_after(office.practice.id, Position(0), 100)

    assert [event.task for event in events] == looks
    assert [event.from_status for event in events] == [None, "OPEN", "IN_PROGRESS", "IN_PROGRESS"]
    assert [event.from_follow_up for event in events] == [
        None,
        *(look and look.follow_up for look in looks[:3]),
    ]
    assert [event.kind for event in events] == ["CREATED", *["CONTACT_LOGGED"] * 3]


@pytest.mark.parametrize("close", [False, True])
async def test_a_change_that_fails_at_its_last_step_leaves_nothing_behind(
    close: bool, office: Office
) -> None:
    task = await office.make_task()
    before = await everything()
    async with events_cannot_be_written(office):
        with pytest.raises(Exception, match="task_event"):
            await office.log(task, close=close)

    assert await everything() == before
    assert office.rings == [(office.practice.id, 1)]
    assert (await office.log(task, close=close)).refusals == ()


async def test_a_task_whose_event_cannot_be_written_is_not_made(office: Office) -> None:
    before = await everything()
    async with events_cannot_be_written(office):
        with pytest.raises(Exception, match="task_event"):
            await office.make_task()

    assert await everything() == before
    assert office.rings == []


async def test_the_bell_is_rung_once_a_change_and_after_its_commit(
    office: Office, database_url: str
) -> None:
    heard = []

    def ring(practice_id: int, seq: int) -> None:
        heard.append((practice_id, seq, committed_seqs(database_url)))

    office.changes = Changes(ring, office.clock)
    here = office.practice.id

    task = await office.make_task(expires_at=office.clock() + timedelta(days=5))
    await office.log(task)
    office.clock.advance(days=6)
    await office.changes.make_for(here, expire_task, task.id)

    assert heard == [(here, 1, [1]), (here, 2, [1, 2]), (here, 3, [1, 2, 3])]


async def test_a_caller_cancelled_in_the_middle_leaves_a_whole_change_and_a_rung_bell(
    office: Office,
) -> None:
    task = await office.make_task()
    cancelled: list[bool] = []

    def clock() -> datetime:
        # The time is asked for inside the transaction: here the caller's socket closes.
        if not cancelled:
            cancelled.append(caller.cancel())
        return office.clock()

    changes = Changes(lambda practice, seq: office.rings.append((practice, seq)), clock)
    attempt = Attempt(ContactOutcome.NO_ANSWER, None, None, close=True)
    caller = asyncio.create_task(changes.make(office.staff, log_contact, task.id, attempt))
    with pytest.raises(asyncio.CancelledError):
        await caller
    await changes.drain()

    assert cancelled == [True]
    await task.refresh_from_db()
    [contact] = await Contact.all()
    assert (task.status, task.version, task.last_contact_id) == ("CLOSED", 2, contact.id)
    assert [event.contact_id for event in await events_of(office)] == [None, contact.id]
    assert office.rings == [(office.practice.id, 1), (office.practice.id, 2)]
    assert (await office.log(await office.make_task())).refusals == ()


async def test_every_statement_of_a_change_names_its_practice(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="tortoise.db_client")
    task = await office.make_task(expires_at=office.clock() + timedelta(days=5))
    caplog.clear()

    await office.log(task, idempotency_key="k")
    office.clock.advance(days=6)
    await office.changes.make_for(office.practice.id, expire_task, task.id)

    # Else the tables could not be distributed by practice, nor the keys that begin with it be used.
    assert unscoped(caplog, at_least=4) == []


async def test_each_practice_counts_its_own_events(office: Office) -> None:
    other = await make_office("oak")

    for place in (office, other, office):
        await place.make_task()

    assert [event.seq for event in await events_of(office)] == [1, 2]
    assert [event.seq for event in await events_of(other)] == [1]
    assert other.rings == [(other.practice.id, 1)]
