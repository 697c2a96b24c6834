"""A refusal changes nothing, rings no bell, and says what the task looks like now."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from gql_app.access import Forbidden
from gql_app.work.contacts import log_contact
from models.lifecycle import Attempt, ContactOutcome, TaskStatus
from models.task import Task
from tests.office import Office, make_office
from tests.work.records import everything

NO_ANSWER = ContactOutcome.NO_ANSWER
DID_NOT_SCHEDULE = ContactOutcome.DID_NOT_SCHEDULE

# The outcome, the follow-up in days from today, the notes, the button, and the answer. The task
# expires in 30 days.
BY_THE_WORKFLOW = [
    (ContactOutcome.SCHEDULED, None, None, False, "MUST_CLOSE"),
    (NO_ANSWER, None, None, False, "FOLLOW_UP_REQUIRED"),
    (NO_ANSWER, 1, None, True, "FOLLOW_UP_NOT_ALLOWED"),
    (NO_ANSWER, -1, None, False, "FOLLOW_UP_IN_PAST"),
    (NO_ANSWER, 32, None, False, "FOLLOW_UP_AFTER_EXPIRY"),
    (DID_NOT_SCHEDULE, 1, " ", False, "NOTES_REQUIRED"),
    (NO_ANSWER, 1, "x" * 10_001, False, "NOTES_TOO_LONG"),
]


def codes(outcome: Any) -> list[str]:
    return [refusal.code.value for refusal in outcome.refusals]


async def claim(task: Task, staff_id: int, **lasts: float) -> None:
    """Put a claim into the row, as somebody else's work would."""
    await Task.filter(id=task.id).update(
        claimed_by_id=staff_id, claimed_until=task.created_at + timedelta(**lasts)
    )


@pytest.mark.parametrize(("result", "days", "notes", "close", "code"), BY_THE_WORKFLOW)
async def test_what_the_workflow_refuses_changes_nothing(
    result: ContactOutcome,
    days: int | None,
    notes: str | None,
    close: bool,
    code: str,
    office: Office,
) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(days=30))
    await office.log(task)
    before, rung = await everything(), list(office.rings)
    follow_up = None if days is None else office.today + timedelta(days=days)

    outcome = await office.changes.make(
        office.staff, log_contact, task.id, Attempt(result, follow_up, notes, close)
    )

    assert codes(outcome) == [code]
    assert outcome.contact is None
    assert outcome.task is not None
    assert (outcome.task.status, outcome.task.version) == (TaskStatus.IN_PROGRESS, 2)
    assert await everything() == before
    assert office.rings == rung


async def test_a_follow_up_more_than_two_years_ahead_is_refused(office: Office) -> None:
    outcome = await office.log(await office.make_task(), follow_up=date(9999, 12, 31))

    assert codes(outcome) == ["FOLLOW_UP_TOO_FAR"]


async def test_a_closed_task_stays_as_it_is(office: Office) -> None:
    task = await office.make_task()
    await office.log(task, close=True)
    before, rung = await everything(), list(office.rings)

    for close in (False, True):
        # What the agent saw was older still; that the task is closed is what matters.
        outcome = await office.log(task, close=close, expected_version=1)
        assert codes(outcome) == ["TASK_CLOSED"]
        assert outcome.task is not None
        assert (outcome.task.status, outcome.task.version) == (TaskStatus.CLOSED, 2)
    assert await everything() == before
    assert office.rings == rung


async def test_a_stale_version_is_refused_and_the_version_there_is_accepted(office: Office) -> None:
    task = await office.make_task()
    await office.log(task)
    before, rung = await everything(), list(office.rings)

    for stale in (0, 1, 3):
        outcome = await office.log(task, expected_version=stale)
        assert codes(outcome) == ["VERSION_CONFLICT"]
        assert outcome.task is not None
        assert outcome.task.version == 2
    assert await everything() == before
    assert office.rings == rung
    assert codes(await office.log(task, expected_version=2)) == []


async def test_anothers_claim_is_refused_until_it_runs_out(office: Office) -> None:
    task = await office.make_task()
    await claim(task, office.supervisor.staff_id, minutes=10)
    before, rung = await everything(), list(office.rings)

    outcome = await office.log(task)

    assert codes(outcome) == ["CLAIMED_BY_OTHER"]
    assert outcome.task is not None
    assert outcome.task.version == 1
    assert await everything() == before
    assert office.rings == rung
    office.clock.advance(minutes=10)
    assert codes(await office.log(task)) == []


async def test_whoever_has_claimed_a_task_may_log_and_thereby_ends_the_claim(
    office: Office,
) -> None:
    task = await office.make_task()
    await claim(task, office.staff.staff_id, minutes=10)

    assert codes(await office.log(task)) == []
    await task.refresh_from_db()
    assert (task.claimed_by_id, task.claimed_until) == (None, None)


async def test_a_missing_a_foreign_and_a_hidden_task_are_answered_alike(office: Office) -> None:
    elsewhere = await (await make_office("oak")).make_task()
    hidden = await office.make_task(office.recall)
    limited = replace(office.staff, queue_ids=frozenset({office.missed.id}))
    attempt = Attempt(NO_ANSWER, None, None, close=True)
    before, rung = await everything(), list(office.rings)

    answers = [
        await office.changes.make(viewer, log_contact, task_id, attempt)
        for viewer, task_id in (
            (office.staff, 0),
            (office.staff, 10**12),
            (office.staff, elsewhere.id),
            (limited, hidden.id),
        )
    ]

    assert codes(answers[0]) == ["NOT_FOUND"]
    assert answers[0].task is None
    assert [answer for answer in answers if answer != answers[0]] == []
    assert await everything() == before
    assert office.rings == rung


async def test_a_partner_may_not_log_contacts(office: Office) -> None:
    task = await office.make_task()
    before = await everything()

    with pytest.raises(Forbidden):
        await office.log(task, viewer=office.partner)
    assert await everything() == before
