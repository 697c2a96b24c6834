"""A contact made before an automatic task expired, and logged after that, is kept on it."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.work.transitions import expire_task
from models.contact import Contact
from models.event import TaskEvent, TaskEventKind
from models.lifecycle import CloseCause, TaskStatus
from models.refusals import RefusalCode
from models.task import Task
from tests.office import Office

HOUR = timedelta(hours=1)


async def expired(office: Office, swept: bool = True) -> Task:
    """A task that expired half an hour ago."""
    task = await office.make_task(expires_at=office.clock() + HOUR / 2)
    office.clock.advance(hours=1)
    if swept:
        assert await office.changes.make_for(office.practice.id, expire_task, task.id)
    return task


@pytest.mark.parametrize("swept", [True, False], ids=["swept", "not swept yet"])
async def test_it_is_kept_on_the_closed_task_and_changes_no_status(
    office: Office, swept: bool
) -> None:
    task = await expired(office, swept)
    made = office.clock() - HOUR * 3 / 4
    outcome = await office.log(task, notes="rang twice", contacted_at=made)
    assert outcome.late
    assert outcome.refusals == ()
    assert outcome.task is not None
    assert (outcome.task.status, outcome.task.close_cause) == ("CLOSED", CloseCause.EXPIRED)
    assert (outcome.task.contact_count, outcome.task.version) == (1, 3)
    (contact,) = await Contact.all()
    assert (contact.notes, contact.contacted_at) == ("rang twice", made)
    assert outcome.task.last_contact_id == contact.id
    last = await TaskEvent.all().order_by("-seq").first()
    assert last is not None
    assert (last.kind, last.contact_id) == (TaskEventKind.CONTACT_LOGGED, contact.id)
    assert last.from_status == last.to_status == TaskStatus.CLOSED
    assert office.rings[-1] == (office.practice.id, last.seq)


async def test_sent_again_with_its_key_it_is_kept_once(office: Office) -> None:
    task = await expired(office)
    sent: dict[str, Any] = {
        "contacted_at": office.clock() - HOUR * 3 / 4,
        "idempotency_key": "late",
    }
    first, second = [await office.log(task, **sent) for _ in range(2)]
    assert first.contact == second.contact
    assert await Contact.all().count() == 1


@pytest.mark.parametrize("minutes_ago", [None, 0, 30])
async def test_one_that_was_made_after_the_expiry_is_refused(
    office: Office, minutes_ago: float | None
) -> None:
    task = await expired(office)
    made = None if minutes_ago is None else office.clock() - timedelta(minutes=minutes_ago)
    outcome = await office.log(task, contacted_at=made)
    assert [refusal.code for refusal in outcome.refusals] == [RefusalCode.TASK_CLOSED]
    assert await Contact.all().count() == 0


async def test_one_on_a_task_that_a_contact_has_closed_is_refused(office: Office) -> None:
    task = await office.make_task(expires_at=office.clock() + 2 * HOUR)
    await office.log(task, close=True)
    office.clock.advance(hours=1)
    outcome = await office.log(task, contacted_at=office.clock() - HOUR)
    assert [refusal.code for refusal in outcome.refusals] == [RefusalCode.TASK_CLOSED]


async def test_on_an_open_task_it_is_a_contact_like_any_other(office: Office) -> None:
    task = await office.make_task()
    office.clock.advance(days=2)
    outcome = await office.log(task, contacted_at=office.clock() - HOUR)
    assert not outcome.late
    assert outcome.task is not None
    assert outcome.task.status == "IN_PROGRESS"
