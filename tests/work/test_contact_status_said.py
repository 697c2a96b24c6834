"""What a patient says of being called while a contact is logged: one change with the contact."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.work.changes import Change
from models.contact import Contact
from models.event import TaskEvent, TaskEventKind
from models.lifecycle import CloseCause
from tests.office import Office
from tests.work.agents import assert_consistent, claims_of
from tests.work.statuses import (
    DECEASED,
    DO_NOT_CONTACT,
    INACTIVE,
    OK,
    both_tasks,
    codes,
    put,
    said,
    status_of,
)


async def test_a_contact_and_what_was_said_in_it_are_one_change(office: Office) -> None:
    task, other = await both_tasks(office)
    await claims_of(office).claim(office.staff, task.id)
    before = await TaskEvent.all().count()
    logged = await said(office, task=task, notes="Never again", idempotency_key="k")
    assert logged.refusals == ()
    assert (logged.task.close_cause, logged.contact.notes) == (CloseCause.CONTACT, "Never again")
    await other.refresh_from_db()
    assert (other.close_cause, other.claimed_by_id) == (CloseCause.DO_NOT_CONTACT, None)
    assert await status_of(office) == (DO_NOT_CONTACT, None)  # notes stay with their task
    events = await TaskEvent.filter(seq__gt=before).order_by("seq")
    assert [event.kind for event in events] == [
        TaskEventKind.CONTACT_LOGGED,
        TaskEventKind.CLOSED_BY_DO_NOT_CONTACT,
    ]
    assert len({event.change for event in events}) == 1
    again = await said(office, task=task, notes="Never again", idempotency_key="k")
    assert again.contact == logged.contact
    other_way = await said(
        office, task=task, notes="Never again", idempotency_key="k", status=DECEASED
    )
    assert codes(other_way) == [("IDEMPOTENCY_MISMATCH", "idempotencyKey")]
    await assert_consistent(office)


@pytest.mark.parametrize("how", [{"close": False}, {"expected_version": 99}])
async def test_a_refused_contact_sets_nothing(office: Office, how: dict[str, Any]) -> None:
    task, other = await both_tasks(office)
    refused = await said(office, task=task, **how)
    assert [code for code, _ in codes(refused)] in (["MUST_CLOSE"], ["VERSION_CONFLICT"])
    assert (await status_of(office))[0] is OK
    await other.refresh_from_db()
    assert other.status.is_open
    assert await Contact.all().count() == 0


async def test_what_fails_after_the_contact_takes_it_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, other = await both_tasks(office)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Change, "note", fail)
    with pytest.raises(RuntimeError):
        await said(office, task=task)
    monkeypatch.undo()
    for each in (task, other):
        await each.refresh_from_db()
        assert each.status.is_open
    assert await Contact.all().count() == 0
    assert (await status_of(office))[0] is OK


async def test_whoever_was_on_the_phone_meanwhile_is_refused_or_keeps_the_call(
    office: Office,
) -> None:
    task = await office.make_task()
    await claims_of(office).claim(office.supervisor, task.id)
    office.clock.advance(minutes=5)
    called = office.clock()
    office.clock.advance(minutes=1)
    await put(office, DO_NOT_CONTACT, reason="asked")
    office.clock.advance(minutes=1)
    refused = await office.log(task, viewer=office.supervisor, notes="reached")
    assert codes(refused) == [("TASK_CLOSED", None)]
    after = await office.log(
        task, viewer=office.supervisor, contacted_at=office.clock() - timedelta(seconds=30)
    )
    assert codes(after) == [("TASK_CLOSED", None)]
    kept = await office.log(task, viewer=office.supervisor, notes="reached", contacted_at=called)
    assert (kept.late, kept.refusals) == (True, ())
    assert kept.task is not None
    assert (kept.task.close_cause, kept.task.contact_count) == (CloseCause.DO_NOT_CONTACT, 1)
    # What they were told meanwhile counts, if it is stricter.
    late = {"contacted_at": called, "notes": "sister"}
    await said(office, task=task, status=INACTIVE, **late)
    assert await status_of(office) == (DO_NOT_CONTACT, "asked")
    await said(office, task=task, status=DECEASED, **late)
    assert await status_of(office) == (DECEASED, None)
