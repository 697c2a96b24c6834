"""A queue's number of attempts: with the last one a task waits for a supervisor, or closes."""

from datetime import time, timedelta
from typing import Any

import pytest

from gql_app.access import Forbidden, Viewer
from gql_app.work import next_claims
from gql_app.work.postponing import postpone_task
from gql_app.work.practices import update_practice
from gql_app.work.queues import update_queue
from gql_app.work.reads import next_tasks
from gql_app.work.reads.next_tasks import Candidate
from gql_app.work.reads.orders import TaskOrder
from gql_app.work.reads.queues import queue_counts, tasks_page
from gql_app.work.reads.task_filter import TaskQuery
from gql_app.work.results import ChangeResult
from gql_app.work.reviewing import resume_task
from gql_app.work.undoing import undo_contact
from models.call_back import CallBackBy, Wish
from models.event import TaskEvent
from models.lifecycle import CloseCause, ContactOutcome, TaskStatus
from models.task import Task
from tests.office import Office
from tests.work.agents import claims_of, make_agents
from tests.work.records import everything

SCHEDULED = ContactOutcome.SCHEDULED


async def allow(office: Office, attempts: int | None, *, then_close: bool = False) -> None:
    given = {"max_attempts": attempts, "closes_at_max_attempts": then_close}
    result = await office.changes.make_for(
        office.practice.id, update_queue, office.recall.id, given
    )
    assert not result.refusals


async def call(office: Office, task: Task, **how: Any) -> ChangeResult:
    """A call by somebody whom no rest of the patient keeps from it."""
    office.clock.advance(minutes=1)
    result = await office.log(task, **how)
    assert result.refusals == ()
    return result


async def resume(
    office: Office, task: Task, *more: Any, viewer: Viewer | None = None, **how: Any
) -> ChangeResult:
    viewer = viewer or office.supervisor
    return await office.changes.make(viewer, resume_task, task.id, *more, **how)


async def waits(task: Task) -> bool:
    await task.refresh_from_db()
    return task.review_since is not None


async def kinds(task: Task) -> list[str]:
    return [event.kind.value for event in await TaskEvent.filter(task_id=task.id).order_by("seq")]


def codes(result: ChangeResult) -> list[str]:
    return [refusal.code.value for refusal in result.refusals]


async def test_with_the_last_attempt_a_task_waits_and_is_handed_out_to_nobody(
    office: Office,
) -> None:
    await allow(office, 2)
    task = await office.make_task()

    await call(office, task)
    assert not await waits(task)
    result = await call(office, task)

    assert result.task is not None
    assert result.task.review_since == office.clock()
    assert (result.task.status, result.task.follow_up) == (
        TaskStatus.IN_PROGRESS,
        office.today + timedelta(days=1),
    )
    assert await kinds(task) == ["CREATED", "CONTACT_LOGGED", "CONTACT_LOGGED"]
    office.clock.advance(days=3)
    outcome = await claims_of(office).claim_next(office.staff, None)
    assert (outcome.task, outcome.nothing and outcome.nothing.next_at) == (None, None)
    (claimed,) = [(await claims_of(office).claim(office.staff, task.id)).task]
    assert claimed is not None, "it can be taken by hand: the patient may be at the counter"


async def test_what_begins_to_wait_between_look_and_lock_is_not_handed_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await allow(office, 1)
    task = await office.make_task(follow_up=office.today)
    look = next_tasks.most_urgent

    async def somebody_logs(*given: Any) -> list[Candidate]:
        found = await look(*given)
        await office.log(task, follow_up=office.today, is_incoming=False)
        return found

    monkeypatch.setattr(next_claims, "most_urgent", somebody_logs)
    await office.changes.make_for(office.practice.id, update_practice, {"rest_hours": 0})

    outcome = await claims_of(office).claim_next(office.supervisor, None)

    assert outcome.task is None
    assert await waits(task)


async def test_it_is_counted_and_found(office: Office) -> None:
    await allow(office, 1)
    waiting, other = await office.make_task(), await office.make_task(patient=office.patients[1])
    await call(office, waiting)

    (counts,) = await queue_counts(office.supervisor, [office.recall.id], office.clock())

    assert (counts.open, counts.in_progress, counts.needs_review) == (2, 1, 1)
    for wanted, task in ((True, waiting), (False, other)):
        query = TaskQuery(needs_review=wanted)
        page = await tasks_page(office.supervisor, query, TaskOrder.CREATED, 10, None)
        assert [row.id for row in page.rows] == [task.id]


async def test_neither_the_patients_own_calls_nor_undone_ones_are_attempts(office: Office) -> None:
    await allow(office, 2)
    task = await office.make_task()
    await call(office, task, is_incoming=True)
    mistaken = await call(office, task)
    assert mistaken.contact is not None
    await office.changes.make(office.staff, undo_contact, mistaken.contact.id)
    await call(office, task)
    assert not await waits(task)

    await call(office, task, is_incoming=True)
    assert not await waits(task)
    await call(office, task)

    assert await waits(task)


async def test_a_promise_is_kept_before_the_task_waits(office: Office) -> None:
    await allow(office, 1)
    task = await office.make_task()
    await call(office, task, follow_up=office.today, call_back=Wish(time(23, 0), CallBackBy.ANYONE))
    assert not await waits(task)

    await call(office, task)

    assert await waits(task)


@pytest.mark.parametrize("close", [True, False])
async def test_an_undo_leaves_what_was_before_the_last_attempt(office: Office, close: bool) -> None:
    await allow(office, 2, then_close=close)
    task = await office.make_task()
    await call(office, task)
    (before,) = await Task.all().values()
    last = await call(office, task)
    assert last.contact is not None

    result = await office.changes.make(office.staff, undo_contact, last.contact.id)

    assert result.refusals == ()
    (after,) = await Task.all().values()
    assert after | {"version": 0} == before | {"version": 0}


async def test_with_the_last_attempt_a_task_closes_if_its_queue_says_so(office: Office) -> None:
    await allow(office, 2, then_close=True)
    task = await office.make_task()
    await call(office, task)
    assert await kinds(task) == ["CREATED", "CONTACT_LOGGED"]

    result = await call(office, task, idempotency_key="once")

    assert result.task is not None
    assert (result.task.status, result.task.close_cause) == (
        TaskStatus.CLOSED,
        CloseCause.MAX_ATTEMPTS,
    )
    assert (result.task.follow_up, result.task.review_since) == (None, None)
    assert (await kinds(task))[-2:] == ["CONTACT_LOGGED", "CLOSED_BY_MAX_ATTEMPTS"]
    before = await everything()
    again = await call(office, task, idempotency_key="once")
    assert again.contact == result.contact
    assert await everything() == before


async def test_a_supervisor_lets_it_go_on_for_one_more_attempt(office: Office) -> None:
    await allow(office, 1)
    task = await office.make_task()
    await call(office, task)
    then = office.today + timedelta(days=7)

    result = await resume(office, task, then)

    assert result.task is not None
    assert (result.task.follow_up, result.task.due_on, result.task.review_since) == (
        then,
        then,
        None,
    )
    assert (await kinds(task))[-1] == "RESUMED"
    office.clock.advance(days=7)
    outcome = await claims_of(office).claim_next(office.staff, None)
    assert outcome.task is not None
    assert outcome.task.id == task.id
    await call(office, task)
    assert await waits(task)
    resumed = await resume(office, task)
    assert resumed.task is not None
    assert resumed.task.follow_up == office.today + timedelta(days=1), "it keeps its date"


async def test_what_cannot_go_on_says_why_and_changes_nothing(office: Office) -> None:
    await allow(office, 1)
    waiting, other = await office.make_task(), await office.make_task(patient=office.patients[1])
    await call(office, waiting)
    closed = await office.make_task(patient=office.patients[2])
    await call(office, closed, outcome=SCHEDULED, close=True)
    (agent,) = await make_agents(office, 1)
    before = await everything()

    with pytest.raises(Forbidden):
        await resume(office, waiting, viewer=office.staff)
    assert codes(await resume(office, other)) == ["NOT_IN_REVIEW"]
    assert codes(await resume(office, closed)) == ["TASK_CLOSED"]
    yesterday = office.today - timedelta(days=1)
    assert codes(await resume(office, waiting, yesterday)) == ["FOLLOW_UP_IN_PAST"]
    assert codes(await resume(office, waiting, expected_version=1)) == ["VERSION_CONFLICT"]
    assert await everything() == before
    await claims_of(office).claim(agent, waiting.id)
    assert codes(await resume(office, waiting)) == ["CLAIMED_BY_OTHER"]


async def test_an_agent_postpones_what_waits_but_does_not_end_the_wait(office: Office) -> None:
    await allow(office, 1)
    task = await office.make_task()
    await call(office, task)

    then = office.today + timedelta(days=2)
    result = await office.changes.make(office.staff, postpone_task, task.id, then, "On leave")

    assert result.refusals == ()
    assert await waits(task)


async def test_a_queue_without_a_number_never_has_one_wait(office: Office) -> None:
    await allow(office, None, then_close=True)
    task = await office.make_task()
    for _ in range(3):
        await call(office, task)
    assert not await waits(task)
    assert task.status is TaskStatus.IN_PROGRESS


async def test_who_calls_is_logged_whoever_has_claimed_them(office: Office) -> None:
    task, beside = await office.make_task(), await office.make_task(office.missed)
    (holder,) = await make_agents(office, 1)
    await claims_of(office).claim(holder, task.id)
    refused = await office.log(task)
    assert codes(refused) == ["CLAIMED_BY_OTHER"]

    result = await call(office, task, is_incoming=True, outcome=SCHEDULED, close=True)

    assert result.contact is not None
    assert result.contact.is_incoming
    await beside.refresh_from_db()
    assert beside.claimed_by_id is None, "the call is over for all tasks of the patient"
    again = await claims_of(office).claim(office.staff, beside.id)
    assert again.refusals == ()
