"""A task that cannot be worked is not made."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gql_app.access import Forbidden
from gql_app.work.intake import NewTask, create_task
from models.lifecycle import TaskOrigin, TaskStatus
from tests.office import Office, make_office
from tests.work.records import everything

DAY = timedelta(days=1)


def new_task(office: Office, **changes: Any) -> NewTask:
    return replace(NewTask(office.recall.id, office.patients[0].id, "Cleaning overdue"), **changes)


def refusals(outcome: Any) -> list[tuple[str, str | None]]:
    return [(refusal.code.value, refusal.field) for refusal in outcome.refusals]


async def test_a_new_task_is_open_due_today_and_says_why_to_call(office: Office) -> None:
    outcome = await office.changes.make(
        office.supervisor, create_task, new_task(office, reason="  Cleaning overdue\n")
    )

    task = outcome.task
    assert task is not None
    assert (task.status, task.version, task.origin) == (TaskStatus.OPEN, 1, TaskOrigin.MANUAL)
    assert (task.follow_up, task.due_on, task.reason) == (None, office.today, "Cleaning overdue")
    assert (task.contact_count, task.last_contact_id, task.closed_at) == (0, None, None)


async def test_a_new_task_may_bring_the_day_of_its_first_call_and_its_expiry(
    office: Office,
) -> None:
    first_call, expires_at = office.today + DAY, office.clock() + 3 * DAY
    new = new_task(office, origin=TaskOrigin.AUTOMATIC, follow_up=first_call, expires_at=expires_at)

    task = (await office.changes.make(office.supervisor, create_task, new)).task

    assert task is not None
    assert (task.follow_up, task.due_on) == (first_call, first_call)
    assert (task.origin, task.expires_at) == (TaskOrigin.AUTOMATIC, expires_at)


REFUSED = {
    "no reason": ("reason", "", "REASON_REQUIRED"),
    "a blank reason": ("reason", " \n", "REASON_REQUIRED"),
    "a long reason": ("reason", "x" * 501, "REASON_TOO_LONG"),
    "a manual task that expires": ("expires_at", DAY, "EXPIRY_NOT_ALLOWED"),
    "a follow-up yesterday": ("follow_up", -DAY, "FOLLOW_UP_IN_PAST"),
    "a follow-up in three years": ("follow_up", 1096 * DAY, "FOLLOW_UP_TOO_FAR"),
}
GRAPHQL_NAME = {"reason": "reason", "expires_at": "expiresAt", "follow_up": "followUp"}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_task_that_cannot_be_worked_is_refused_and_nothing_is_changed(
    case: str, office: Office
) -> None:
    field, value, code = REFUSED[case]
    if isinstance(value, timedelta):
        value = (office.clock() if field == "expires_at" else office.today) + value
    before = await everything()

    outcome = await office.changes.make(
        office.supervisor, create_task, new_task(office, **{field: value})
    )

    assert refusals(outcome) == [(code, GRAPHQL_NAME[field])]
    assert outcome.task is None
    assert await everything() == before
    assert office.rings == []


@pytest.mark.parametrize("ago", [0, 1])
async def test_an_automatic_task_that_has_expired_already_is_refused(
    ago: int, office: Office
) -> None:
    expires_at = office.clock() - timedelta(seconds=ago)
    new = new_task(office, origin=TaskOrigin.AUTOMATIC, expires_at=expires_at)

    outcome = await office.changes.make(office.supervisor, create_task, new)

    assert refusals(outcome) == [("EXPIRY_IN_PAST", "expiresAt")]


async def test_a_first_call_after_the_expiry_is_refused(office: Office) -> None:
    new = new_task(
        office,
        origin=TaskOrigin.AUTOMATIC,
        expires_at=office.clock() + 3 * DAY,
        follow_up=office.today + 5 * DAY,
    )

    outcome = await office.changes.make(office.supervisor, create_task, new)

    assert refusals(outcome) == [("FOLLOW_UP_AFTER_EXPIRY", "followUp")]


async def test_all_refusals_are_told_at_once(office: Office) -> None:
    new = new_task(
        office, reason=" ", expires_at=office.clock() + DAY, follow_up=office.today - DAY
    )

    outcome = await office.changes.make(office.supervisor, create_task, new)

    assert refusals(outcome) == [
        ("REASON_REQUIRED", "reason"),
        ("EXPIRY_NOT_ALLOWED", "expiresAt"),
        ("FOLLOW_UP_IN_PAST", "followUp"),
    ]


async def test_a_missing_a_foreign_and_a_hidden_queue_are_answered_alike(office: Office) -> None:
    oak = await make_office("oak")
    limited = replace(office.supervisor, queue_ids=frozenset({office.missed.id}))
    before = await everything()

    answers = [
        await office.changes.make(viewer, create_task, new_task(office, queue_id=queue_id))
        for viewer, queue_id in (
            (office.supervisor, None),
            (office.supervisor, 10**12),
            (office.supervisor, oak.recall.id),
            (limited, office.recall.id),
        )
    ]

    assert refusals(answers[0]) == [("NOT_FOUND", "queueId")]
    assert [answer for answer in answers if answer != answers[0]] == []
    assert await everything() == before


async def test_a_missing_and_a_foreign_patient_are_answered_alike(office: Office) -> None:
    oak = await make_office("oak")
    before = await everything()

    answers = [
        await office.changes.make(office.supervisor, create_task, new_task(office, patient_id=i))
        for i in (None, 10**12, oak.patients[0].id)
    ]

    assert refusals(answers[0]) == [("NOT_FOUND", "patientId")]
    assert [answer for answer in answers if answer != answers[0]] == []
    assert await everything() == before


async def test_a_key_without_the_right_may_not_make_tasks(office: Office) -> None:
    viewer = replace(office.partner, may_create_tasks=False)

    with pytest.raises(Forbidden):
        await office.changes.make(viewer, create_task, new_task(office))
