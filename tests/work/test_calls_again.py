"""A call under an idempotency key is logged once on all its tasks, and answered each time."""

import asyncio
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from gql_app.access import authenticate
from gql_app.work.calls import Booking, Call
from gql_app.work.calls_again import request_of
from gql_app.work.changes import Change
from gql_app.work.transitions import SentContact
from models.contact import Contact
from models.lifecycle import Attempt, ContactOutcome
from models.practice import Queue
from models.roles import Role
from models.task import Task
from tests.office import Office
from tests.support.access import create_key
from tests.work.calling import call, codes, other
from tests.work.records import everything

SCHEDULED = ContactOutcome.SCHEDULED


async def test_sent_again_it_has_the_same_answer_and_changes_nothing(office: Office) -> None:
    await Queue.filter(id=office.missed.id).update(closes_on_appointment=True)
    task, second, third = [await office.make_task() for _ in range(3)]
    await office.make_task(office.missed, expires_at=office.clock() + timedelta(days=9))
    sent: dict[str, Any] = {
        "outcome": SCHEDULED,
        "close": True,
        "booking": Booking(office.clock() + timedelta(days=3), "b1"),
        "idempotency_key": "k",
    }
    others = [other(third, close=True, notes="x "), other(second, follow_up=office.today)]
    first = await call(office, task, *others, **sent)
    assert len(first.needless) == 1
    before, rung = await everything(), list(office.rings)

    again = await call(office, task, *others, **sent)

    assert again == first
    assert await everything() == before
    assert office.rings == rung


async def test_sent_many_times_at_once_it_is_carried_out_once(office: Office) -> None:
    task, second = await office.make_task(), await office.make_task()
    sent = other(second, close=True)
    results = await asyncio.gather(
        *(call(office, task, sent, idempotency_key="k") for _ in range(20))
    )
    assert await Contact.all().count() == 2
    assert {result.others[0].contact and result.others[0].contact.id for result in results} == {
        (await Contact.get(task_id=second.id)).id
    }


async def test_the_tasks_are_shown_as_they_are_now(office: Office) -> None:
    task, second = await office.make_task(), await office.make_task(office.missed)
    sent = other(second, follow_up=office.today)
    await call(office, task, sent, idempotency_key="k")
    await office.log(second, close=True)
    again = await call(office, task, sent, idempotency_key="k")
    assert codes(again) == []
    (one,) = again.others
    assert one.task is not None
    assert one.contact is not None
    assert (one.task.status, one.contact.closed_task) == ("CLOSED", False)


@pytest.mark.parametrize("change", ["none", "another", "outcome", "notes", "order", "booking"])
async def test_the_key_of_another_call_is_refused(office: Office, change: str) -> None:
    task, second, third = [await office.make_task() for _ in range(3)]
    sent = [other(second, follow_up=office.today), other(third, follow_up=office.today)]
    booking = Booking(office.clock(), "b1")
    given: dict[str, Any] = {"outcome": SCHEDULED, "close": True, "idempotency_key": "k"}
    await call(office, task, *sent, **given, booking=booking)
    before = await everything()
    changed = {
        "none": [],
        "another": sent[:1],
        "outcome": [other(second, ContactOutcome.LEFT_MESSAGE, office.today), sent[1]],
        "notes": [other(second, follow_up=office.today, notes="x"), sent[1]],
        "order": sent[::-1],
        "booking": sent,
    }[change]
    moved = Booking(booking.at, "b2") if change == "booking" else booking
    result = await call(office, task, *changed, **given, booking=moved)
    assert codes(result) == ["IDEMPOTENCY_MISMATCH"]
    assert await everything() == before


async def test_a_refused_call_does_not_use_its_key_up(office: Office) -> None:
    task, second = await office.make_task(), await office.make_task()
    assert codes(await call(office, task, other(second), idempotency_key="k"))
    mended = await call(office, task, other(second, close=True), idempotency_key="k")
    assert codes(mended) == []


async def test_a_task_that_was_moved_out_of_reach_is_not_shown_again(office: Office) -> None:
    task, second = await office.make_task(), await office.make_task()
    key = await create_key(office.practice, Role.STAFF, "Desk", queue_ids=[office.recall.id])
    sent, how = other(second, follow_up=office.today), {"idempotency_key": "k"}
    viewer = await authenticate(key)
    first = await call(office, task, sent, **how, viewer=viewer)
    await Task.filter(id=second.id).update(queue_id=office.missed.id)
    again = await call(office, task, sent, **how, viewer=viewer)
    assert [one.contact for one in again.others] == [one.contact for one in first.others]
    assert [one.task for one in again.others] == [None]


def test_a_call_for_one_task_asks_for_the_same_as_before_there_were_others(
    office: Office,
) -> None:
    """Keys that are kept at an upgrade go on to hold."""
    attempt = Attempt(ContactOutcome.NO_ANSWER, office.today, "x", False)
    change = Change(office.practice.id, office.staff, office.clock)
    request = request_of(change, Call(7, SentContact(attempt)), "k")
    assert request is not None
    asked = (office.staff.staff_id, 7, "NO_ANSWER", office.today, "x", False, None)
    assert request.content == asked


def test_the_same_moment_in_another_time_zone_is_the_same(office: Office) -> None:
    change = Change(office.practice.id, office.staff, office.clock)
    sent = SentContact(Attempt(SCHEDULED, None, None, True))
    at = office.clock()
    there = at.astimezone(timezone(timedelta(hours=5)))
    digests = {
        request.digest
        for moment in (at.astimezone(UTC), there)
        if (request := request_of(change, Call(7, sent, booking=Booking(moment, "b")), "k"))
    }
    assert len(digests) == 1
