"""The clock, not the sweeper, decides whether a task is still there to be worked."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.work.reads.queues import day_bounds
from models.contact import Contact
from models.event import TaskEventKind
from models.lifecycle import CloseCause, TaskStatus
from tests.office import Office
from tests.work.records import events_of, everything


def codes(outcome: Any) -> list[str]:
    return [refusal.code.value for refusal in outcome.refusals]


@pytest.mark.parametrize("late", [0, 1, 10_000])
async def test_the_clock_and_not_the_sweeper_decides_that_a_task_has_expired(
    late: int, office: Office
) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(seconds=60))
    office.clock.advance(seconds=60 + late)

    outcome = await office.log(task, close=True)

    await task.refresh_from_db()
    event = (await events_of(office))[-1]
    assert codes(outcome) == ["TASK_CLOSED"]
    assert outcome.task is not None
    assert (outcome.task.status, outcome.task.version) == (TaskStatus.CLOSED, 2)
    assert (task.status, task.close_cause) == (TaskStatus.CLOSED, CloseCause.EXPIRED)
    assert (task.closed_at, task.contact_count) == (office.clock(), 0)
    assert (event.kind, event.close_cause) == (TaskEventKind.CLOSED_BY_EXPIRY, CloseCause.EXPIRED)
    assert (event.actor_id, event.contact_id) == (None, None)
    assert await Contact.all().count() == 0
    assert office.rings == [(office.practice.id, 1), (office.practice.id, 2)]
    before = await everything()
    assert codes(await office.log(task)) == ["TASK_CLOSED"]
    assert await everything() == before


async def test_a_contact_can_be_logged_until_the_last_moment_before_expiry(office: Office) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(seconds=60))
    office.clock.advance(seconds=59.999)

    assert codes(await office.log(task, follow_up=office.today)) == []


async def test_the_day_that_ends_when_a_task_expires_at_midnight_is_the_last_for_a_follow_up(
    office: Office,
) -> None:
    # At 00:00 in Chicago two days from now the task is gone: nothing of that day is left.
    midnight = day_bounds(office.today + timedelta(days=2), "America/Chicago")[0]
    task = await office.make_task(expires_at=midnight)

    lost = await office.log(task, follow_up=office.today + timedelta(days=2))
    kept = await office.log(task, follow_up=office.today + timedelta(days=1))

    assert (codes(lost), codes(kept)) == (["FOLLOW_UP_AFTER_EXPIRY"], [])
