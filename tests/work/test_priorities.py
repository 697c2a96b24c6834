"""How urgent a task is: said when it is made or later, and told to all who watch."""

import asyncio
from typing import Any

import pytest

from gql_app.access import Forbidden, Viewer
from gql_app.work.batches import Moved
from gql_app.work.idempotency import KEY_REUSED
from gql_app.work.intake import NewTask, create_task
from gql_app.work.next_claims import _is_free
from gql_app.work.priorities import set_task_priority
from gql_app.work.reads.next_tasks import most_urgent, where_to_look
from gql_app.work.reads.queues import tasks_by_id
from gql_app.work.reads.task_filter import TaskQuery
from gql_app.work.undoing import undo_contact
from models.event import STATUS_KINDS, TaskEventKind
from models.lifecycle import TaskStatus
from models.priority import TaskPriority
from models.refusals import RefusalCode
from models.task import Task
from tests.office import Office
from tests.work.agents import claims_of
from tests.work.records import events_of, everything
from tests.work.worklists import listed

HIGH, NORMAL, LOW = TaskPriority


async def set_to(
    office: Office, priority: TaskPriority, *tasks: Task, viewer: Viewer | None = None, **how: Any
) -> Moved:
    ids = [task.id for task in tasks]
    return await set_task_priority(
        office.changes, viewer or office.supervisor, ids, priority, **how
    )


async def test_a_task_is_normal_unless_it_is_said_otherwise(office: Office) -> None:
    plain, urgent = await office.make_task(), await office.make_task(priority=HIGH)

    assert [plain.priority, urgent.priority] == [NORMAL, HIGH]
    assert [event.priority for event in await events_of(office)] == [NORMAL, HIGH]


async def test_a_new_priority_changes_nothing_else_and_is_told(office: Office) -> None:
    task = await office.make_task()
    await office.log(task)
    before = (await Task.filter(id=task.id).values())[0]

    moved = await set_to(office, HIGH, task)

    assert (moved.matched, moved.changed, moved.skipped_count) == (1, 1, 0)
    after = (await Task.filter(id=task.id).values())[0]
    assert after == before | {"priority": HIGH, "version": 3}
    event = (await events_of(office))[-1]
    assert (event.kind, event.version, event.priority) == (
        TaskEventKind.PRIORITY_CHANGED,
        3,
        HIGH,
    )
    assert event.actor_id == office.supervisor.staff_id
    assert event.from_status == event.to_status == TaskStatus.IN_PROGRESS
    assert office.rings[-1] == (office.practice.id, 3)
    assert TaskEventKind.PRIORITY_CHANGED not in STATUS_KINDS


async def test_what_has_the_priority_already_is_not_changed(office: Office) -> None:
    task = await office.make_task()
    before = await everything()
    moved = await set_to(office, NORMAL, task)
    assert (moved.matched, moved.changed, moved.skipped_count) == (1, 0, 0)
    assert await everything() == before


async def test_closed_and_expired_tasks_are_left_alone(office: Office) -> None:
    closed = await office.make_task()
    expired = await office.make_task(expires_at=office.clock.now.replace(year=2100))
    await office.log(closed, close=True)
    await Task.filter(id=expired.id).update(expires_at=office.clock())
    before = await everything()

    for dry_run in (True, False):
        moved = await set_to(office, HIGH, closed, expired, dry_run=dry_run)

        codes = {skipped.refusal.code for skipped in moved.skipped}
        assert (moved.changed, moved.skipped_count, codes) == (0, 2, {RefusalCode.TASK_CLOSED})
    assert await everything() == before


async def test_a_dry_run_counts_and_changes_nothing(office: Office) -> None:
    task = await office.make_task()
    before = await everything()
    assert (await set_to(office, HIGH, task, dry_run=True)).changed == 1
    assert await everything() == before


async def test_a_call_goes_on_while_its_task_becomes_more_urgent(office: Office) -> None:
    task = await office.make_task()
    claimed = await claims_of(office).claim(office.staff, task.id)
    assert claimed.task is not None

    assert (await set_to(office, HIGH, task)).changed == 1

    await task.refresh_from_db()
    assert task.claimed_by_id == office.staff.staff_id
    logged = await office.log(task, expected_version=claimed.task.version)
    assert logged.refusals == ()
    await task.refresh_from_db()
    assert task.priority is HIGH


async def test_an_undo_is_not_held_up_by_it_and_leaves_it_as_it_is(office: Office) -> None:
    task = await office.make_task()
    logged = await office.log(task)
    assert logged.contact is not None
    await set_to(office, HIGH, task)

    undone = await office.changes.make(office.staff, undo_contact, logged.contact.id, None)

    assert undone.refusals == ()
    await task.refresh_from_db()
    assert (task.status, task.priority) == (TaskStatus.OPEN, HIGH)


async def test_only_who_may_move_tasks_says_how_urgent_they_are(office: Office) -> None:
    task = await office.make_task()
    before = await everything()
    for viewer in (office.staff, office.partner):
        with pytest.raises(Forbidden):
            await set_to(office, HIGH, task, viewer=viewer)
    assert await everything() == before
    assert (await set_to(office, HIGH, task, viewer=office.admin)).changed == 1


async def test_all_that_a_filter_matches_get_the_priority(office: Office) -> None:
    tasks = [await office.make_task(q) for q in (office.recall, office.missed, office.recall)]
    query = TaskQuery(queue_ids=(office.recall.id,))
    await set_task_priority(office.changes, office.supervisor, query, LOW)
    found = {task.id: task.priority for task in await Task.all()}
    assert [found[task.id] for task in tasks] == [LOW, NORMAL, LOW]


async def test_a_filter_finds_tasks_by_their_priority(office: Office) -> None:
    low, high, normal = [await office.make_task(priority=p) for p in (LOW, HIGH, NORMAL)]
    for asked, expected in (
        ((HIGH,), {high}),
        ((HIGH, LOW), {high, low}),
        (tuple(TaskPriority), {high, low, normal}),
        ((), set()),
    ):
        ids = {task.id for task in expected}
        assert await listed(office.staff, TaskQuery(priority=asked)) == ids


async def test_a_key_that_made_a_task_makes_no_other_of_another_priority(office: Office) -> None:
    def new(priority: TaskPriority) -> NewTask:
        return NewTask(
            office.recall.id,
            office.patients[0].id,
            "Cleaning overdue",
            idempotency_key="k",
            priority=priority,
        )

    first, again, other = [
        await office.changes.make(office.supervisor, create_task, new(priority))
        for priority in (HIGH, HIGH, LOW)
    ]

    assert first.task is not None
    assert again.task is not None
    assert again.task.id == first.task.id
    assert [refusal.code for refusal in other.refusals] == [KEY_REUSED.code]
    assert await Task.all().count() == 1


async def test_nobody_is_handed_a_task_that_has_become_less_urgent_meanwhile(
    office: Office,
) -> None:
    task = await office.make_task(priority=HIGH)
    where = await where_to_look(office.staff, None, ())
    (seen,) = await most_urgent(office.staff, where, office.clock())
    await set_to(office, LOW, task)
    (now,) = await most_urgent(office.staff, where, office.clock())

    locked = await tasks_by_id(office.staff, [task.id])
    assert not _is_free(locked, seen, office.clock())
    assert _is_free(locked, now, office.clock())


async def test_two_supervisors_at_once_lose_no_version(office: Office) -> None:
    tasks = [await office.make_task(patient=patient) for patient in office.patients]
    await asyncio.gather(
        *(set_to(office, priority, *tasks) for priority in (HIGH, LOW, NORMAL, HIGH))
    )
    events = [e for e in await events_of(office) if e.kind is TaskEventKind.PRIORITY_CHANGED]
    for task in tasks:
        await task.refresh_from_db()
        own = [event for event in events if event.task_id == task.id]
        assert [event.version for event in own] == list(range(2, task.version + 1))
        assert own[-1].priority is task.priority
