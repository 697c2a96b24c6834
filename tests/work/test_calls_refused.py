"""A call that is refused on one of its tasks is logged on none, and says which it is about."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gql_app.access import authenticate
from gql_app.work.calls import MAX_OTHERS, OtherTask
from models.contact import Contact
from models.event import TaskEventKind
from models.lifecycle import ContactOutcome
from models.roles import Role
from models.task import Task
from tests.office import Office, make_office
from tests.support.access import create_key
from tests.work.agents import claims_of
from tests.work.calling import call, codes, other, paths, tomorrow
from tests.work.records import events_of, everything

DID_NOT_SCHEDULE, SCHEDULED = ContactOutcome.DID_NOT_SCHEDULE, ContactOutcome.SCHEDULED

Sent = Callable[[Office, Task], OtherTask]

WRONG: dict[str, tuple[Sent, dict[str, str]]] = {
    "no date": (lambda o, t: other(t), {"followUp": "FOLLOW_UP_REQUIRED"}),
    "a date and closed": (
        lambda o, t: other(t, follow_up=o.today, close=True),
        {"followUp": "FOLLOW_UP_NOT_ALLOWED"},
    ),
    "a date that has passed, and no reason": (
        lambda o, t: other(t, DID_NOT_SCHEDULE, o.today - timedelta(days=1)),
        {"followUp": "FOLLOW_UP_IN_PAST", "notes": "NOTES_REQUIRED"},
    ),
    "after the expiry": (
        lambda o, t: other(t, follow_up=o.today + timedelta(days=20)),
        {"followUp": "FOLLOW_UP_AFTER_EXPIRY"},
    ),
    "scheduled and kept open": (
        lambda o, t: other(t, SCHEDULED, o.today),
        {"close": "MUST_CLOSE"},
    ),
    "too many words": (
        lambda o, t: other(t, close=True, notes="x" * 10_001),
        {"notes": "NOTES_TOO_LONG"},
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_the_workflow_refuses_on_one_is_logged_on_none(
    office: Office, wrong: str
) -> None:
    task, fine = await office.make_task(), await office.make_task()
    bad = await office.make_task(office.missed, expires_at=office.clock() + timedelta(days=9))
    before = await everything()
    sent, expected = WRONG[wrong]

    result = await call(office, task, other(fine, close=True), sent(office, bad))

    assert dict(zip([path[-1] for path in paths(result)], codes(result), strict=True)) == expected
    assert {path[:-1] for path in paths(result)} == {("others", "1")}
    assert result.contact is None
    assert [one.contact for one in result.others] == [None, None]
    assert [one.task and one.task.id for one in result.others] == [fine.id, bad.id]
    assert await everything() == before


async def test_all_that_is_wrong_with_a_call_is_said_at_once(office: Office) -> None:
    task, second = await office.make_task(), await office.make_task()
    result = await call(office, task, other(second), other(0), outcome=SCHEDULED)
    assert paths(result) == [
        ("close",),
        ("others", "0", "followUp"),
        ("others", "1", "taskId"),
    ]
    assert codes(result) == ["MUST_CLOSE", "FOLLOW_UP_REQUIRED", "NOT_FOUND"]


async def test_each_task_must_be_another_open_one_of_the_patient(office: Office) -> None:
    task, second, closed = [await office.make_task() for _ in range(3)]
    strange = await office.make_task(patient=office.patients[1])
    elsewhere = await make_office("oak")
    foreign = await elsewhere.make_task()
    await office.log(closed, close=True)
    before = await everything()
    named: list[Task | int] = [closed, strange, foreign, 999_999, task, second, second]

    result = await call(office, task, *(other(each, close=True) for each in named))

    assert codes(result) == [
        "TASK_CLOSED",
        "OTHER_PATIENT",
        "NOT_FOUND",
        "NOT_FOUND",
        "TASK_TWICE",
        "TASK_TWICE",
    ]
    assert paths(result) == [("others", str(place), "taskId") for place in (0, 1, 2, 3, 4, 6)]
    assert result.others[0].task is not None
    assert result.others[1].task is None
    assert await everything() == before


@pytest.mark.parametrize("number", [MAX_OTHERS, MAX_OTHERS + 1, 200])
async def test_a_call_is_about_so_many_tasks_at_most(office: Office, number: int) -> None:
    task = await office.make_task()
    tasks = [await office.make_task() for _ in range(min(number, MAX_OTHERS))]
    sent = [other(each, close=True) for each in tasks]
    sent += [other(tasks[0], close=True)] * (number - len(sent))
    before = await everything()

    result = await call(office, task, *sent)

    if number == MAX_OTHERS:
        assert codes(result) == []
        assert await Contact.all().count() == MAX_OTHERS + 1
        return
    assert (codes(result), paths(result)) == (["TOO_MANY_TASKS"], [("others",)])
    assert result.task is not None
    assert await everything() == before


async def test_a_task_in_a_queue_that_the_key_does_not_allow_is_not_there(office: Office) -> None:
    task, hidden = await office.make_task(), await office.make_task(office.missed)
    closed = await office.make_task(office.missed)
    await office.log(closed, close=True)
    key = await create_key(office.practice, Role.STAFF, "Desk", queue_ids=[office.recall.id])
    viewer = await authenticate(key)
    before = await everything()

    sent = [other(each, close=True) for each in (hidden, closed, 999_999)]
    result = await call(office, task, *sent, viewer=viewer)

    assert codes(result) == ["NOT_FOUND"] * 3
    assert [one.task for one in result.others] == [None] * 3
    assert len({refusal.message for refusal in result.refusals}) == 1
    assert await everything() == before


async def test_what_somebody_else_is_calling_for_is_refused(office: Office) -> None:
    task, second = await office.make_task(), await office.make_task()
    await claims_of(office).claim(office.supervisor, task.id)
    before = await everything()
    result = await call(office, task, other(second, close=True))
    assert codes(result) == ["CLAIMED_BY_OTHER"] * 2
    assert paths(result) == [("taskId",), ("others", "0", "taskId")]
    assert await everything() == before


async def test_one_of_them_may_be_claimed_by_another_though_the_first_is_closed(
    office: Office,
) -> None:
    expired = await office.make_task(expires_at=office.clock() + timedelta(hours=1))
    second = await office.make_task()
    called = office.clock() + timedelta(minutes=30)
    office.clock.advance(hours=2)
    await claims_of(office).claim(office.supervisor, second.id)
    result = await call(office, expired, other(second, close=True), contacted_at=called)
    assert (codes(result), paths(result)) == (["CLAIMED_BY_OTHER"], [("others", "0", "taskId")])
    assert await Contact.all().count() == 0


async def test_one_that_has_expired_is_closed_by_the_clock_all_the_same(office: Office) -> None:
    task = await office.make_task()
    expired = await office.make_task(expires_at=office.clock() + timedelta(hours=1))
    office.clock.advance(hours=2)
    result = await call(office, task, other(expired, close=True))
    assert (codes(result), paths(result)) == (["TASK_CLOSED"], [("others", "0", "taskId")])
    (last,) = (await events_of(office))[-1:]
    assert (last.kind, last.actor_id) == (TaskEventKind.CLOSED_BY_EXPIRY, None)
    assert await Contact.all().count() == 0


@pytest.mark.parametrize("given", [{"follow_up": "past"}, {"contacted_at": "future"}])
async def test_what_is_wrong_with_the_call_itself_keeps_all_out(
    office: Office, given: dict[str, Any]
) -> None:
    task, second = await office.make_task(), await office.make_task()
    values = {
        "past": office.today - timedelta(days=1),
        "future": office.clock() + timedelta(hours=1),
    }
    sent = {name: values[value] for name, value in given.items()}
    result = await call(office, task, other(second, follow_up=tomorrow(office)), **sent)
    assert len(result.refusals) == 1
    assert await Contact.all().count() == 0
