"""Thousands of tasks are moved while agents log contacts: nobody waits for the whole."""

import asyncio

from gql_app.work.moves import reassign_tasks, withdraw_tasks
from models.event import TaskEventKind
from models.task import Task
from tests.office import Office
from tests.work.agents import all_events, assert_consistent
from tests.work.crowds import make_many_tasks

MANY = 2_000
AGENTS = 5


async def test_contacts_are_logged_between_the_batches(office: Office) -> None:
    called = [await office.make_task(patient=patient) for patient in office.patients]
    ids = await make_many_tasks(office, MANY)
    move = asyncio.create_task(
        reassign_tasks(office.changes, office.supervisor, ids, to_queue_id=office.missed.id)
    )

    async def keep_logging(task: Task) -> int:
        logs = 0
        while not move.done():
            outcome = await office.log(task)
            assert outcome.refusals == ()
            logs += not move.done()
        return logs

    logs = await asyncio.gather(*(keep_logging(called[n % 3]) for n in range(AGENTS)))

    moved = await move
    assert (moved.matched, moved.changed, moved.skipped_count) == (MANY, MANY, 0)
    # There are 40 batches. Each agent got in between time and again, though it calls patients whose
    # tasks are among those that are moved.
    assert min(logs) >= 10
    events = await all_events(office)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    reassigned = [e.task_id for e in events if e.kind == TaskEventKind.REASSIGNED]
    assert sorted(reassigned) == ids
    assert max(office.rings) == (office.practice.id, len(events))
    assert await Task.filter(queue_id=office.missed.id).count() == MANY


async def test_two_who_move_and_one_who_withdraws_the_same_tasks_at_once(office: Office) -> None:
    tasks = [await office.make_task(patient=office.patients[n % 3]) for n in range(120)]
    ids = [task.id for task in tasks]
    changes, supervisor = office.changes, office.supervisor

    there, back, taken = await asyncio.gather(
        reassign_tasks(changes, supervisor, ids, to_queue_id=office.missed.id),
        reassign_tasks(changes, supervisor, ids, to_queue_id=office.recall.id),
        withdraw_tasks(changes, supervisor, ids, reason="Moved away"),
    )

    assert taken.changed == 120
    kinds = [event.kind for event in await all_events(office)]
    assert kinds.count(TaskEventKind.WITHDRAWN) == 120
    assert kinds.count(TaskEventKind.REASSIGNED) == there.changed + back.changed
    await assert_consistent(office)
