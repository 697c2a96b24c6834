"""A request with an idempotency key is carried out once, however often it is sent."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gql_app.work.intake import NewTask
from models.contact import Contact
from models.lifecycle import ContactOutcome, TaskOrigin
from models.refusals import RefusalCode
from models.task import Task
from tests.office import Office
from tests.work.records import events_of, everything

REUSED = [RefusalCode.IDEMPOTENCY_MISMATCH]


def codes(outcome: Any) -> list[RefusalCode]:
    return [refusal.code for refusal in outcome.refusals]


def new_task(office: Office, **changes: Any) -> NewTask:
    new = NewTask(
        office.recall.id,
        office.patients[0].id,
        "Cleaning overdue",
        TaskOrigin.AUTOMATIC,
        expires_at=office.clock() + timedelta(days=9),
        idempotency_key="import 7",
    )
    return replace(new, **changes)


async def test_a_log_sent_again_is_answered_with_its_contact_and_changes_nothing(
    office: Office,
) -> None:
    task = await office.make_task()
    first = await office.log(task, notes="once", idempotency_key="k")
    before, rung = await everything(), list(office.rings)

    again = await office.log(task, notes="once", idempotency_key="k", expected_version=1)

    assert codes(again) == []
    assert again.contact == first.contact
    assert again.task == first.task
    assert await everything() == before
    assert office.rings == rung


async def test_a_log_is_replayed_also_after_the_task_has_been_closed(office: Office) -> None:
    task = await office.make_task()
    first = await office.log(task, idempotency_key="k")
    await office.log(task, close=True)

    again = await office.log(task, idempotency_key="k")

    assert (codes(again), again.contact) == ([], first.contact)
    assert again.task is not None
    assert not again.task.is_open


async def test_a_log_sent_many_times_at_once_is_carried_out_once(office: Office) -> None:
    task = await office.make_task()

    outcomes = await asyncio.gather(*(office.log(task, idempotency_key="k") for _ in range(20)))

    [contact] = await Contact.all()
    assert {outcome.contact and outcome.contact.id for outcome in outcomes} == {contact.id}
    assert len(await events_of(office)) == 2
    assert len(office.rings) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"outcome": ContactOutcome.LEFT_MESSAGE},
        {"notes": "others"},
        {"close": True},
        {"follow_up": "today"},
        {"viewer": "supervisor"},
        {"task": "another"},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_a_key_used_for_another_log_is_refused(other: dict[str, Any], office: Office) -> None:
    other = dict(other)
    task, another = await office.make_task(), await office.make_task()
    await office.log(task, idempotency_key="k")
    before = await everything()
    if "follow_up" in other:
        other["follow_up"] = office.today
    if "viewer" in other:
        other["viewer"] = office.supervisor
    sent_to = another if other.pop("task", None) else task

    outcome = await office.log(sent_to, idempotency_key="k", **other)

    assert (codes(outcome), outcome.contact) == (REUSED, None)
    assert outcome.task is not None
    assert outcome.task.id == sent_to.id
    assert await everything() == before


async def test_a_key_used_at_once_on_many_tasks_serves_one_and_is_refused_to_the_others(
    office: Office,
) -> None:
    tasks = [await office.make_task() for _ in range(10)]

    outcomes = await asyncio.gather(*(office.log(task, idempotency_key="k") for task in tasks))

    assert sorted(map(codes, outcomes)) == [[], *[REUSED] * 9]
    assert await Contact.all().count() == 1
    assert [event.seq for event in await events_of(office)] == list(range(1, 12))


async def test_a_key_refused_at_once_on_many_tasks_says_what_each_task_looks_like_now(
    office: Office,
) -> None:
    tasks = [await office.make_task() for _ in range(10)]
    await asyncio.gather(*map(office.log, tasks))  # opens all connections that there are

    outcomes = await asyncio.gather(*(office.log(task, idempotency_key="k") for task in tasks))

    assert [outcome.task and outcome.task.id for outcome in outcomes] == [t.id for t in tasks]


async def test_a_refused_log_does_not_use_its_key_up(office: Office) -> None:
    task = await office.make_task()
    yesterday = office.today - timedelta(days=1)

    refused = await office.log(task, follow_up=yesterday, idempotency_key="k")
    mended = await office.log(task, idempotency_key="k")

    assert codes(refused) == [RefusalCode.FOLLOW_UP_IN_PAST]
    assert mended.contact is not None


async def test_a_new_task_sent_again_is_made_once(office: Office) -> None:
    create = office.create
    outcomes = await asyncio.gather(
        *(create(office.supervisor, new_task(office)) for _ in range(8))
    )
    outcomes.append(await create(office.supervisor, new_task(office)))

    [task] = await Task.all()
    assert [codes(outcome) for outcome in outcomes] == [[]] * 9
    assert {outcome.task and outcome.task.id for outcome in outcomes} == {task.id}
    assert [event.seq for event in await events_of(office)] == [1]
    assert office.rings == [(office.practice.id, 1)]


async def test_a_new_task_sent_again_is_answered_also_when_its_dates_have_passed(
    office: Office,
) -> None:
    create = office.create
    soon = office.clock() + timedelta(hours=2)
    new = new_task(office, follow_up=office.today, expires_at=soon)
    first = await create(office.supervisor, new)
    office.clock.advance(hours=23)

    again = await create(office.supervisor, new)

    assert (codes(again), again.task) == ([], first.task)


@pytest.mark.parametrize(
    "change", ["queue_id", "patient_id", "reason", "origin", "expires_at", "follow_up"]
)
async def test_a_key_used_for_another_new_task_is_refused(change: str, office: Office) -> None:
    changes: dict[str, dict[str, Any]] = {
        "queue_id": {"queue_id": office.missed.id},
        "patient_id": {"patient_id": office.patients[1].id},
        "reason": {"reason": "Filling"},
        "origin": {"origin": TaskOrigin.MANUAL, "expires_at": None},
        "expires_at": {"expires_at": office.clock() + timedelta(days=8)},
        "follow_up": {"follow_up": office.today},
    }
    create = office.create
    await create(office.supervisor, new_task(office))
    before = await everything()

    outcome = await create(office.supervisor, new_task(office, **changes[change]))

    assert codes(outcome) == REUSED
    assert await everything() == before
