"""An idempotency key is kept for a day. Then it is as if it were new, swept or not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gql_app.work.idempotency import KEPT, forget_old_keys
from gql_app.work.intake import NewTask, create_task
from gql_app.work.moves import reassign_tasks
from models.contact import Contact
from models.idempotency import IdempotencyKey
from models.lifecycle import ContactOutcome, TaskStatus
from models.refusals import RefusalCode
from models.task import Task
from tests.office import Office

REUSED = (RefusalCode.IDEMPOTENCY_MISMATCH,)


def new_task(office: Office, reason: str = "Cleaning overdue") -> NewTask:
    return NewTask(office.recall.id, office.patients[0].id, reason, idempotency_key="k")


async def test_a_key_is_new_again_a_day_after_its_log_and_not_a_moment_before(
    office: Office,
) -> None:
    task = await office.make_task()
    first = await office.log(task, idempotency_key="k")
    office.clock.now += KEPT - timedelta(microseconds=1)
    # The follow-up that was sent is tomorrow's date no more, but it is the same request.
    assert first.contact is not None
    same: dict[str, Any] = {"follow_up": first.contact.follow_up, "idempotency_key": "k"}
    assert (await office.log(task, **same)).contact == first.contact

    office.clock.now += timedelta(microseconds=1)
    other = await office.log(task, ContactOutcome.LEFT_MESSAGE, idempotency_key="k")

    assert other.refusals == ()
    (use,) = await IdempotencyKey.all()
    assert (use.key, use.at) == ("k", office.clock())


async def test_a_key_is_new_again_a_day_after_its_task_was_made(office: Office) -> None:
    create = office.create
    first = await create(office.supervisor, new_task(office))
    office.clock.now += KEPT - timedelta(microseconds=1)
    assert (await create(office.supervisor, new_task(office))).task == first.task
    refused = await create(office.supervisor, new_task(office, "Filling"))
    assert tuple(refusal.code for refusal in refused.refusals) == REUSED

    office.clock.now += timedelta(microseconds=1)
    other = await create(office.supervisor, new_task(office, "Filling"))

    assert other.refusals == ()
    (use,) = await IdempotencyKey.all()
    assert (use.key, use.at) == ("k", office.clock())


async def test_the_sweeper_forgets_old_keys_and_leaves_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.work.idempotency.BATCH", 2)
    task = await office.make_task(idempotency_key="old task")
    for number in range(5):
        await office.log(task, idempotency_key=f"old {number}")
    office.clock.now += KEPT
    await office.make_task(idempotency_key="new task")
    await office.log(task, idempotency_key="new")

    assert await forget_old_keys(office.changes, office.clock()) == 6
    assert await forget_old_keys(office.changes, office.clock()) == 0

    kept = await IdempotencyKey.all().order_by("id")
    assert [(use.operation, use.key) for use in kept] == [
        ("createTask", "new task"),
        ("logContact", "new"),
    ]


async def test_one_key_serves_two_operations(office: Office) -> None:
    task = await office.make_task(idempotency_key="k")
    logged = await office.log(task, idempotency_key="k")
    assert (await office.log(task, idempotency_key="k")).contact == logged.contact
    assert (await office.changes.make(office.supervisor, create_task, new_task(office))).task


async def test_nothing_of_a_contact_can_be_changed(office: Office) -> None:
    await office.log(await office.make_task(), notes="as it was", idempotency_key="k")

    for change in ({"notes": "other"}, {"follow_up": None}):
        with pytest.raises(Exception, match="contact is append-only"):
            await Contact.all().update(**change)

    (contact,) = await Contact.all()
    assert contact.notes == "as it was"


async def test_another_time_of_the_call_is_another_request(office: Office) -> None:
    task, called = await office.make_task(), office.clock() - timedelta(hours=1)
    first = await office.log(task, contacted_at=called, idempotency_key="k")

    for other in (None, called - timedelta(minutes=1)):
        outcome = await office.log(task, contacted_at=other, idempotency_key="k")
        assert tuple(refusal.code for refusal in outcome.refusals) == REUSED
    again = await office.log(task, contacted_at=called, idempotency_key="k")
    assert (again.refusals, again.contact) == ((), first.contact)


async def test_a_late_contact_is_late_again_and_one_that_was_in_time_is_not(
    office: Office,
) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(hours=1))
    follow_up = office.today
    await office.log(task, follow_up=follow_up, idempotency_key="in time")
    office.clock.advance(hours=2)
    made = office.clock() - timedelta(minutes=90)
    late: dict[str, Any] = {"contacted_at": made, "follow_up": follow_up, "idempotency_key": "late"}
    assert (await office.log(task, **late)).late

    assert (await office.log(task, **late)).late
    assert not (await office.log(task, follow_up=follow_up, idempotency_key="in time")).late


async def test_a_repeat_is_answered_also_when_the_task_has_left_the_keys_queues(
    office: Office,
) -> None:
    desk = replace(office.supervisor, queue_ids=frozenset([office.recall.id]))
    await office.make_task()  # without which the patient is none of the desk's
    made = await office.changes.make(desk, create_task, new_task(office))
    assert made.task is not None
    task = await Task.get(id=made.task.id)
    first = await office.log(task, viewer=desk, idempotency_key="log")
    await reassign_tasks(office.changes, office.supervisor, [task.id], to_queue_id=office.missed.id)

    again = await office.log(task, viewer=desk, idempotency_key="log")
    assert (again.task, again.contact, again.refusals) == (None, first.contact, ())
    other = await office.log(task, viewer=desk, notes="other", idempotency_key="log")
    assert [refusal.code for refusal in other.refusals] == [RefusalCode.NOT_FOUND]
    assert await office.changes.make(desk, create_task, new_task(office)) == made


async def test_a_stale_version_is_refused_with_who_changed_the_task_and_when(
    office: Office,
) -> None:
    task = await office.make_task()
    await office.log(task, viewer=office.supervisor)

    async def refused() -> str:
        outcome = await office.log(task, expected_version=1, close=True)
        (refusal,) = outcome.refusals
        assert refusal.code == RefusalCode.VERSION_CONFLICT
        assert outcome.task is not None
        assert outcome.task.status == TaskStatus.IN_PROGRESS
        return refusal.message

    at = office.clock().astimezone(ZoneInfo(office.practice.time_zone))
    said = "Supervisor of maple changed this task {}at {}; it is at version 2 now."
    assert await refused() == said.format("", f"{at:%H:%M}")
    office.clock.advance(days=1)
    assert await refused() == said.format(f"on {at:%Y-%m-%d} ", f"{at:%H:%M}")


async def test_where_nobody_can_be_named_the_version_is_said_all_the_same(
    office: Office,
) -> None:
    task = await office.make_task()
    await Task.all().update(version=2)  # as it is when retention has removed its events

    outcome = await office.log(task, expected_version=1)

    (refusal,) = outcome.refusals
    assert refusal.message == "This task has changed meanwhile; it is at version 2 now."


async def test_what_a_limited_key_sends_is_its_holders_own(office: Office) -> None:
    """Or else a refusal would tell that the key was used for a task in another queue."""
    limited = replace(office.supervisor, queue_ids=frozenset([office.recall.id]))
    desk = replace(limited, staff_id=office.partner.staff_id)
    other = replace(limited, staff_id=office.staff.staff_id)
    task = await office.make_task()
    hidden = await office.make_task(office.missed, idempotency_key="k")
    logged = await office.log(hidden, idempotency_key="k")

    made = await office.changes.make(desk, create_task, new_task(office))
    assert made.task is not None
    assert made.task.id != hidden.id
    first = await office.log(task, viewer=desk, idempotency_key="k")
    assert None not in (first.contact, logged.contact)
    assert first.contact != logged.contact

    assert await office.changes.make(desk, create_task, new_task(office)) == made
    again = await office.log(task, viewer=desk, idempotency_key="k")
    assert again.contact == first.contact
    different = await office.log(task, viewer=desk, notes="other", idempotency_key="k")
    assert tuple(refusal.code for refusal in different.refusals) == REUSED
    others = await office.changes.make(other, create_task, new_task(office))
    assert others.task not in (None, made.task)
    assert await Contact.all().count() == 2


async def test_a_repeat_is_known_when_its_sender_has_another_key(office: Office) -> None:
    desk = replace(office.supervisor, queue_ids=frozenset([office.recall.id]))
    task = await office.make_task()
    for key, (first, then) in {
        "limited first": (desk, office.supervisor),
        "limited then": (office.supervisor, desk),
    }.items():
        new = replace(new_task(office), idempotency_key=key)
        made = await office.changes.make(first, create_task, new)
        assert await office.changes.make(then, create_task, new) == made
        logged = await office.log(task, viewer=first, idempotency_key=key)
        again = await office.log(task, viewer=then, idempotency_key=key)
        assert (again.contact, again.refusals) == (logged.contact, ())


async def test_a_limited_keys_own_is_new_again_after_a_day(office: Office) -> None:
    desk = replace(office.supervisor, queue_ids=frozenset([office.recall.id]))
    task = await office.make_task()
    first = await office.log(task, viewer=desk, idempotency_key="k")
    made = await office.changes.make(desk, create_task, new_task(office))
    office.clock.advance(hours=24)
    assert (await office.log(task, viewer=desk, idempotency_key="k")).contact != first.contact
    assert (await office.changes.make(desk, create_task, new_task(office))).task != made.task
    assert await Contact.all().count() == 2
