"""A contact that is undone: its task is as before, and it counts nowhere."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from gql_app.access import authenticate
from gql_app.work.archiving import archive_queue
from gql_app.work.moves import reassign_tasks, withdraw_tasks
from gql_app.work.practices import update_practice
from gql_app.work.results import ChangeResult
from gql_app.work.transitions import expire_task
from gql_app.work.undoing import undo_contact
from gql_app.work.upkeep.retention import prune
from models.audit import Audit
from models.contact import Contact, ContactUndo
from models.database import transaction
from models.event import TaskEvent
from models.lifecycle import ContactOutcome
from models.roles import Role
from models.task import Task
from tests.office import Office
from tests.support.access import create_key
from tests.work.agents import claims_of
from tests.work.records import everything

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MOVING = {"version", "claimed_by_id", "claimed_until", "claim_id"}
"""What an undo does not put back: versions only grow, and the call is over."""


async def undo(office: Office, contact: int, viewer: Any = None, **how: Any) -> ChangeResult:
    reason = how.pop("reason", None)
    return await office.changes.make(viewer or office.staff, undo_contact, contact, reason, **how)


async def as_it_is(task: Task) -> dict[str, Any]:
    (row,) = await Task.filter(id=task.id).values()
    return {column: value for column, value in row.items() if column not in MOVING}


async def logged(office: Office, task: Task, **given: Any) -> int:
    result = await office.log(task, **given)
    assert result.contact is not None, result.refusals
    return result.contact.id


def codes(result: ChangeResult) -> list[str]:
    return [refusal.code.value for refusal in result.refusals]


@pytest.mark.parametrize("outcome", ContactOutcome)
@pytest.mark.parametrize("close", [False, True])
@pytest.mark.parametrize("earlier", [0, 1])
async def test_the_task_is_as_it_was_before(
    office: Office, outcome: ContactOutcome, close: bool, earlier: int
) -> None:
    if outcome is ContactOutcome.SCHEDULED and not close:
        return
    task = await office.make_task(
        expires_at=office.clock() + timedelta(days=30), follow_up=office.today
    )
    for _ in range(earlier):
        await office.log(task, ContactOutcome.LEFT_MESSAGE, notes="before")
    before = await as_it_is(task)
    office.clock.advance(minutes=3)
    contact = await logged(office, task, outcome=outcome, close=close, notes="by mistake")
    assert await as_it_is(task) != before

    result = await undo(office, contact, reason="  Wrong patient ")

    assert result.refusals == ()
    assert await as_it_is(task) == before
    (row,) = await ContactUndo.all()
    assert (row.contact_id, row.by_id, row.at, row.reason) == (
        contact,
        office.staff.staff_id,
        office.clock(),
        "Wrong patient",
    )
    assert await Contact.filter(id=contact, notes="by mistake").exists()
    event = await TaskEvent.all().order_by("-seq").first()
    assert event is not None
    assert (event.kind, event.contact_id, event.actor_id) == (
        "CONTACT_UNDONE",
        contact,
        office.staff.staff_id,
    )
    assert result.task is not None
    assert (event.version, event.due_on, event.change) == (
        result.task.version,
        before["due_on"],
        event.seq,
    )
    assert office.rings[-1] == (office.practice.id, event.seq)
    audit = await Audit.all().order_by("-seq").first()
    assert audit is not None
    assert (audit.task_id, audit.staff_id) == (task.id, office.staff.staff_id)


async def test_contacts_are_undone_one_after_the_other_back_to_the_first(office: Office) -> None:
    task = await office.make_task()
    looks = [await as_it_is(task)]
    contacts = []
    for days in (2, 5):
        follow_up = office.today + timedelta(days=days)
        contacts.append(await logged(office, task, follow_up=follow_up))
        looks.append(await as_it_is(task))
    contacts.append(await logged(office, task, close=True))
    for contact, look in zip(reversed(contacts), reversed(looks), strict=True):
        assert codes(await undo(office, contact)) == []
        assert await as_it_is(task) == look
    assert codes(await undo(office, contacts[-1])) == ["ALREADY_UNDONE"]


async def test_an_undone_contact_can_be_logged_and_undone_again(office: Office) -> None:
    task = await office.make_task()
    before = await as_it_is(task)
    for _ in range(2):
        assert codes(await undo(office, await logged(office, task, close=True))) == []
    assert await as_it_is(task) == before


async def _nothing(_: Office, task: Task) -> None:
    pass


async def _a_claim(office: Office, task: Task) -> None:
    claims = claims_of(office)
    await claims.claim(office.supervisor, task.id)
    await claims.release(office.supervisor, task.id)


async def _another_queue(office: Office, task: Task) -> None:
    await reassign_tasks(office.changes, office.supervisor, [task.id], to_queue_id=office.missed.id)


@pytest.mark.parametrize("meanwhile", [_nothing, _a_claim, _another_queue])
async def test_what_does_not_rest_on_the_contact_may_follow_and_stays(
    office: Office, meanwhile: Callable[[Office, Task], Coroutine[Any, Any, None]]
) -> None:
    task = await office.make_task()
    before = await as_it_is(task)
    contact = await logged(office, task)
    await meanwhile(office, task)
    (now,) = await Task.filter(id=task.id).values()
    assert codes(await undo(office, contact)) == []
    assert await as_it_is(task) == before | {"queue_id": now["queue_id"]}


async def _later_contact(office: Office, task: Task) -> None:
    await office.log(task)


async def _withdrawal(office: Office, task: Task) -> None:
    await withdraw_tasks(office.changes, office.supervisor, [task.id], reason="Moved away")


async def _expiry(office: Office, task: Task) -> None:
    office.clock.advance(hours=2)
    assert await office.changes.make_for(office.practice.id, expire_task, task.id)


async def _expiry_that_nobody_has_swept(office: Office, task: Task) -> None:
    office.clock.advance(hours=2)


@pytest.mark.parametrize(
    "meanwhile", [_later_contact, _withdrawal, _expiry, _expiry_that_nobody_has_swept]
)
@pytest.mark.parametrize("pruned", [False, True])
async def test_a_contact_on_which_something_rests_is_not_undone(
    office: Office, meanwhile: Callable[[Office, Task], Coroutine[Any, Any, None]], pruned: bool
) -> None:
    expires = meanwhile in {_expiry, _expiry_that_nobody_has_swept}
    life: dict[str, Any] = {"expires_at": office.clock() + timedelta(hours=1)} if expires else {}
    task = await office.make_task(**life)
    contact = await logged(office, task, follow_up=office.today)
    await meanwhile(office, task)
    if pruned:
        office.clock.advance(days=40)
        await prune(office.changes, timedelta(days=30), office.clock(), forced=True)
    before = await as_it_is(task)
    result = await undo(office, contact, office.supervisor, reason="Wrong")
    swept = meanwhile is _expiry_that_nobody_has_swept
    assert codes(result) == ["UNDO_TOO_LATE" if pruned and not swept else "FOLLOWED"]
    assert await ContactUndo.all().count() == 0
    if not swept:  # else it has just been closed by the clock
        assert await as_it_is(task) == before


@on_sqlite
async def test_a_contact_is_undone_though_no_event_of_its_task_is_kept(office: Office) -> None:
    task = await office.make_task()
    before = await as_it_is(task)
    contact = await logged(office, task, close=True)
    office.clock.advance(days=40)
    assert await prune(office.changes, timedelta(days=30), office.clock(), forced=True) == 2
    assert codes(await undo(office, contact, office.supervisor, reason="Wrong")) == []
    assert await as_it_is(task) == before


@on_sqlite
async def test_a_contact_of_an_older_version_is_not_undone(office: Office) -> None:
    contact = await logged(office, await office.make_task())
    async with transaction() as connection:
        await connection.execute_query("DROP TRIGGER contact_is_append_only_update")
        await connection.execute_query("UPDATE contact SET task_before = NULL")
    assert codes(await undo(office, contact)) == ["UNDO_TOO_LATE"]


async def test_its_author_may_undo_it_for_some_minutes(office: Office) -> None:
    task = await office.make_task()
    contact = await logged(office, task)
    office.clock.advance(minutes=15, seconds=1)
    before = await everything()
    refused = await undo(office, contact)
    assert codes(refused) == ["UNDO_TOO_LATE"]
    assert "15 minutes" in refused.refusals[0].message
    assert await everything() == before
    await office.changes.make(office.admin, update_practice, {"undo_minutes": 16})
    assert codes(await undo(office, contact)) == []


@on_sqlite
async def test_with_no_minutes_only_supervisors_may(office: Office) -> None:
    await office.changes.make(office.admin, update_practice, {"undo_minutes": 0})
    contact = await logged(office, await office.make_task())
    assert codes(await undo(office, contact)) == ["UNDO_TOO_LATE"]
    assert codes(await undo(office, contact, office.supervisor, reason="Wrong")) == []


@on_sqlite
async def test_another_contact_is_for_supervisors_who_say_why(office: Office) -> None:
    contact = await logged(office, await office.make_task())
    other = await authenticate(await create_key(office.practice, Role.STAFF, "Robin"))
    before = await everything()
    assert codes(await undo(office, contact, other, reason="Wrong")) == ["NOT_AUTHOR"]
    for reason, code in ((None, "REASON_REQUIRED"), (" \n", "REASON_REQUIRED")):
        assert codes(await undo(office, contact, office.supervisor, reason=reason)) == [code]
    too_long = await undo(office, contact, office.staff, reason="x" * 501)
    assert codes(too_long) == ["REASON_TOO_LONG"]
    assert await everything() == before
    office.clock.advance(days=3)
    assert codes(await undo(office, contact, office.admin, reason="Wrong")) == []


@on_sqlite
async def test_a_late_contact_has_moved_nothing(office: Office) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(minutes=30))
    made = office.clock()
    office.clock.advance(hours=1)
    late = await office.log(task, contacted_at=made)
    assert late.late
    assert late.contact is not None
    before = await everything()
    assert codes(await undo(office, late.contact.id)) == ["CONTACT_LATE"]
    assert await everything() == before


async def test_nobody_is_disturbed_who_is_calling_the_patient(office: Office) -> None:
    first, second = [await office.make_task(queue) for queue in (office.recall, office.missed)]
    contact = await logged(office, first, close=True)
    claims = claims_of(office)
    await claims.claim(office.supervisor, second.id)
    before = await everything()
    refused = await undo(office, contact)
    assert codes(refused) == ["CLAIMED_BY_OTHER"]
    assert await everything() == before
    await claims.release(office.supervisor, second.id)
    await claims.claim(office.staff, second.id, "mine")
    result = await undo(office, contact)
    assert result.task is not None
    assert (result.task.claim_id, result.task.claimed_by_id) == ("mine", office.staff.staff_id)
    await first.refresh_from_db()
    await second.refresh_from_db()
    assert first.claim_id == second.claim_id == "mine"


@on_sqlite
async def test_no_task_is_opened_in_an_archived_queue(office: Office) -> None:
    contact = await logged(office, await office.make_task(), close=True)
    await archive_queue(office.changes, office.admin, office.recall.id)
    before = await everything()
    assert codes(await undo(office, contact)) == ["QUEUE_ARCHIVED"]
    assert await everything() == before


async def test_a_task_whose_time_is_up_meanwhile_is_closed_by_the_clock(office: Office) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(minutes=5))
    contact = await logged(office, task, close=True)
    office.clock.advance(minutes=10)
    result = await undo(office, contact)
    assert result.task is not None
    assert (result.task.status, result.task.close_cause) == ("CLOSED", "EXPIRED")
    assert result.task.contact_count == 0
    events = await TaskEvent.all().order_by("seq")
    assert [event.kind for event in events[-2:]] == ["CONTACT_UNDONE", "CLOSED_BY_EXPIRY"]
    assert events[-1].change == events[-2].change == events[-2].seq


async def test_sent_again_with_its_key_it_is_done_once(office: Office) -> None:
    contacts = [
        await logged(office, await office.make_task(patient=patient))
        for patient in office.patients[:2]
    ]
    first, second = await asyncio.gather(
        *(undo(office, contacts[0], idempotency_key="undo") for _ in range(2))
    )
    assert codes(first) == codes(second) == []
    assert first.task == second.task
    assert await ContactUndo.all().count() == 1
    other = await undo(office, contacts[1], idempotency_key="undo")
    assert codes(other) == ["IDEMPOTENCY_MISMATCH"]
    assert await ContactUndo.all().count() == 1


async def test_of_two_at_once_one_is_refused(office: Office) -> None:
    contact = await logged(office, await office.make_task())
    results = await asyncio.gather(*(undo(office, contact) for _ in range(4)))
    assert sorted(map(codes, results)) == [[], *[["ALREADY_UNDONE"]] * 3]


async def test_an_undo_cannot_be_changed_or_deleted(office: Office) -> None:
    await undo(office, await logged(office, await office.make_task()), reason="Wrong")
    with pytest.raises(Exception, match="contact_undo is append-only"):
        await ContactUndo.all().update(reason="Right")
    with pytest.raises(Exception, match="contact_undo is append-only"):
        await ContactUndo.all().delete()
