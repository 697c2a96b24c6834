"""Many tasks given to a queue or to somebody, or taken back: each by one event of its own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gql_app.access import Forbidden, Viewer, authenticate
from gql_app.work.batches import Moved
from gql_app.work.moves import reassign_tasks, withdraw_tasks
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.task_filter import TaskQuery
from models.access import AccessKey
from models.event import TaskEventKind
from models.lifecycle import CloseCause, TaskStatus
from models.refusals import RefusalCode
from models.roles import Role
from models.task import Task
from tests.office import Office, make_office
from tests.support.access import create_key
from tests.work.agents import claims_of, make_agents
from tests.work.records import events_of, everything
from tests.work.worklists import listed


def codes(moved: Moved) -> dict[int, RefusalCode]:
    return {skipped.task_id: skipped.refusal.code for skipped in moved.skipped}


def figures(moved: Moved) -> tuple[int, int, int]:
    return (moved.matched, moved.changed, moved.skipped_count)


async def to_missed(
    office: Office, tasks: Sequence[Task], viewer: Viewer | None = None, dry_run: bool = False
) -> Moved:
    return await reassign_tasks(
        office.changes,
        viewer or office.supervisor,
        [task.id for task in tasks],
        to_queue_id=office.missed.id,
        dry_run=dry_run,
    )


async def to_staff(office: Office, tasks: Sequence[Task], viewer: Viewer) -> Moved:
    return await reassign_tasks(
        office.changes,
        office.supervisor,
        [task.id for task in tasks],
        to_staff_id=viewer.staff_id,
    )


async def withdrawn(office: Office, tasks: Sequence[Task], reason: str = "Moved away") -> Moved:
    ids = [task.id for task in tasks]
    return await withdraw_tasks(office.changes, office.supervisor, ids, reason=reason)


async def test_a_task_that_is_moved_keeps_all_but_its_queue(office: Office) -> None:
    task = await office.make_task()
    await office.log(task)
    await task.refresh_from_db()
    follow_up = task.follow_up

    assert figures(await to_missed(office, [task])) == (1, 1, 0)

    await task.refresh_from_db()
    assert (task.queue_id, task.version) == (office.missed.id, 3)
    assert (task.status, task.follow_up) == (TaskStatus.IN_PROGRESS, follow_up)
    event = (await events_of(office))[-1]
    assert (event.seq, event.version, event.kind) == (3, 3, TaskEventKind.REASSIGNED)
    assert (event.from_queue_id, event.queue_id) == (office.recall.id, office.missed.id)
    assert event.from_status == event.to_status == TaskStatus.IN_PROGRESS
    assert event.from_follow_up == event.follow_up == follow_up
    assert office.rings[-1] == (office.practice.id, 3)


async def test_a_task_given_to_somebody_stays_in_its_queue_until_it_is_given_to_a_queue(
    office: Office,
) -> None:
    task, other = await office.make_task(), await office.make_task()

    assert figures(await to_staff(office, [task], office.staff)) == (1, 1, 0)

    await task.refresh_from_db()
    assert (task.queue_id, task.assignee_id) == (office.recall.id, office.staff.staff_id)
    event = (await events_of(office))[-1]
    assert (event.from_queue_id, event.assignee_id) == (None, office.staff.staff_id)
    mine = TaskQuery(assignee_id=office.staff.staff_id)
    assert await listed(office.staff, mine) == {task.id}
    await reassign_tasks(
        office.changes, office.supervisor, [task.id, other.id], to_queue_id=office.recall.id
    )
    await task.refresh_from_db()
    assert (task.queue_id, task.assignee_id, task.version) == (office.recall.id, None, 3)
    event = (await events_of(office))[-1]
    assert (event.from_queue_id, event.assignee_id) == (None, None)
    assert await listed(office.staff, mine) == set()


async def test_nobody_is_handed_what_is_anothers_work_but_may_claim_it(office: Office) -> None:
    theirs, mine, anybodys = [await office.make_task(patient=p) for p in office.patients]
    ann, ben = await make_agents(office, 2)
    await to_staff(office, [theirs], ben)
    await to_staff(office, [mine], ann)
    claims = claims_of(office)

    handed = [(await claims.claim_next(ann, None)).task for _ in range(3)]

    assert [task and task.id for task in handed] == [mine.id, anybodys.id, None]
    assert (await claims.claim(ann, theirs.id)).refusals == ()


async def test_closed_and_expired_tasks_and_those_of_others_calls_are_left_alone(
    office: Office,
) -> None:
    amber, birch, clover = office.patients
    closed = await office.make_task()
    await office.log(closed, close=True)
    expired = await office.make_task(expires_at=office.clock() + timedelta(minutes=1))
    office.clock.advance(minutes=1)
    called, own, lapsed = [await office.make_task(patient=p) for p in (amber, birch, clover)]
    claims = claims_of(office)
    await claims.claim(office.staff, lapsed.id)
    office.clock.advance(minutes=10)
    await claims.claim(office.staff, called.id)
    await claims.claim(office.supervisor, own.id)
    there = await office.make_task(office.missed, patient=birch)
    gone = Task(id=999_999)
    tasks = [closed, expired, called, own, lapsed, there, gone]
    before = await everything()

    counted = await to_missed(office, tasks, dry_run=True)

    assert await everything() == before
    moved = await to_missed(office, tasks)
    assert moved == counted
    assert figures(moved) == (7, 2, 4)
    assert codes(moved) == {
        closed.id: RefusalCode.TASK_CLOSED,
        expired.id: RefusalCode.TASK_CLOSED,
        called.id: RefusalCode.CLAIMED_BY_OTHER,
        gone.id: RefusalCode.NOT_FOUND,
    }
    changed = [e.task_id for e in await events_of(office) if e.kind == TaskEventKind.REASSIGNED]
    assert changed == [own.id, lapsed.id]
    await own.refresh_from_db()
    assert own.claimed_by_id == office.supervisor.staff_id
    assert codes(await withdrawn(office, tasks)) == codes(moved)


async def test_sent_again_it_changes_nothing(office: Office) -> None:
    tasks = [await office.make_task() for _ in range(3)]
    await to_missed(office, tasks)
    before, rung = await everything(), list(office.rings)

    assert figures(await to_missed(office, tasks)) == (3, 0, 0)

    assert (await everything(), office.rings) == (before, rung)


async def test_a_task_that_is_withdrawn_is_closed_with_the_reason(office: Office) -> None:
    task, other = await office.make_task(), await office.make_task()
    await office.log(task)
    await claims_of(office).claim(office.supervisor, task.id)

    assert figures(await withdrawn(office, [task], "  Moved away ")) == (1, 1, 0)

    await task.refresh_from_db()
    assert (task.status, task.close_cause) == (TaskStatus.CLOSED, CloseCause.WITHDRAWN)
    assert (task.withdrawn_reason, task.closed_at) == ("Moved away", office.clock())
    assert (task.follow_up, task.claimed_by_id) == (None, None)
    event = (await events_of(office))[-1]
    assert (event.kind, event.close_cause) == (TaskEventKind.WITHDRAWN, CloseCause.WITHDRAWN)
    assert (event.from_status, event.to_status) == (TaskStatus.IN_PROGRESS, TaskStatus.CLOSED)
    assert event.actor_id == office.supervisor.staff_id
    await other.refresh_from_db()
    assert other.claimed_by_id == office.supervisor.staff_id, "the patient is still being called"


@pytest.mark.parametrize(
    ("reason", "code"),
    [(" \n", RefusalCode.REASON_REQUIRED), ("x" * 501, RefusalCode.REASON_TOO_LONG)],
)
async def test_a_withdrawal_says_why_in_500_characters(
    office: Office, reason: str, code: RefusalCode
) -> None:
    task = await office.make_task()
    before = await everything()

    moved = await withdrawn(office, [task], reason)

    assert [(refusal.code, refusal.field) for refusal in moved.refusals] == [(code, "reason")]
    assert await everything() == before
    assert figures(await withdrawn(office, [task], "x" * 500)) == (1, 1, 0)


async def test_what_a_filter_matches_is_moved(office: Office) -> None:
    tasks = [await office.make_task() for _ in range(3)]
    await office.log(tasks[0])
    await office.make_task(office.missed)
    query = TaskQuery(queue_ids=(office.recall.id,), status=(TaskStatus.OPEN,))

    moved = await reassign_tasks(
        office.changes, office.supervisor, query, to_queue_id=office.missed.id
    )

    assert figures(moved) == (2, 2, 0)
    assert await listed(office.staff, TaskQuery(queue_ids=(office.recall.id,))) == {tasks[0].id}


async def test_more_than_may_be_moved_at_once_is_refused_with_how_many_there_are(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.work.batches.MAX_TASKS", 2)
    tasks = [await office.make_task() for _ in range(3)]
    before = await everything()

    with pytest.raises(BadInput, match="matches 3 tasks; at most 2"):
        await withdraw_tasks(office.changes, office.supervisor, TaskQuery(), reason="x")
    for asked in (tasks, []):
        with pytest.raises(BadInput, match="1 to 2 tasks"):
            await to_missed(office, asked)

    assert await everything() == before
    assert figures(await to_missed(office, [tasks[0]] * 3)) == (1, 1, 0)


async def test_supervisors_alone_move_tasks(office: Office) -> None:
    task = await office.make_task()
    for viewer in (office.staff, office.partner):
        with pytest.raises(Forbidden):
            await to_missed(office, [task], viewer)
        with pytest.raises(Forbidden):
            await withdraw_tasks(office.changes, viewer, [task.id], reason="x")


async def test_a_key_for_some_queues_moves_neither_into_nor_out_of_others(office: Office) -> None:
    oak = await make_office("oak")
    hidden, foreign = await office.make_task(office.missed), await oak.make_task()
    seen = await office.make_task()
    desk = replace(office.supervisor, queue_ids=frozenset([office.recall.id]))

    (refusal,) = (await to_missed(office, [seen], desk)).refusals
    assert (refusal.code, refusal.field) == (RefusalCode.NOT_FOUND, "toQueueId")
    moved = await reassign_tasks(
        office.changes, desk, [hidden.id, foreign.id], to_queue_id=office.recall.id
    )
    assert set(codes(moved).values()) == {RefusalCode.NOT_FOUND}
    assert figures(moved) == (2, 0, 2)
    everywhere = await withdraw_tasks(office.changes, desk, TaskQuery(), reason="x")
    assert figures(everywhere) == (1, 1, 0)


async def test_work_is_given_to_those_alone_who_can_do_it(office: Office) -> None:
    oak, task = await make_office("oak"), await office.make_task()
    gone = await authenticate(await create_key(office.practice, Role.STAFF, "Gone"))
    await AccessKey.filter(id=gone.key_id).update(revoked_at=datetime.now(UTC))
    soon = datetime.now(UTC) + timedelta(minutes=1)
    brief = await authenticate(
        await create_key(office.practice, Role.STAFF, "Brief", expires_at=soon)
    )
    assert (await to_staff(office, [task], brief)).refusals == ()
    office.clock.advance(minutes=2)

    for viewer in (oak.staff, gone, brief, office.partner):
        (refusal,) = (await to_staff(office, [task], viewer)).refusals
        assert (refusal.code, refusal.field) == (RefusalCode.NOT_FOUND, "toStaffId")


async def test_a_limited_key_gives_tasks_to_those_who_see_its_queues(office: Office) -> None:
    task = await office.make_task()
    desk = replace(office.supervisor, queue_ids=frozenset({office.recall.id}))
    for name, queue, refused in (
        ("Here", office.recall, []),
        ("Elsewhere", office.missed, [RefusalCode.NOT_FOUND]),
    ):
        key = await create_key(office.practice, Role.STAFF, name, queue_ids=[queue.id])
        staff_id = (await authenticate(key)).staff_id
        moved = await reassign_tasks(office.changes, desk, [task.id], to_staff_id=staff_id)
        assert [refusal.code for refusal in moved.refusals] == refused
        everywhere = await reassign_tasks(
            office.changes, office.supervisor, [task.id], to_staff_id=staff_id
        )
        assert everywhere.refusals == ()
