"""A queue is archived when nobody calls for one of its tasks, and none is left in it."""

import asyncio
from typing import Any

import pytest

from gql_app.work import archiving
from gql_app.work.archiving import ArchivedQueue, archive_queue
from gql_app.work.intake import NewTask, create_task
from gql_app.work.moves import reassign_tasks
from gql_app.work.queues import update_queue
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.targets import find_target
from models.database import Number, fetch
from models.lifecycle import CloseCause, TaskOrigin
from models.practice import Queue
from models.queue_checks import MAX_QUEUES
from models.task import Task
from tests.office import Office
from tests.serving import PATIENCE
from tests.work.agents import claims_of

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@on_sqlite
async def test_closed_tasks_say_why(office: Office) -> None:
    task = await office.make_task()
    archived = await archive_queue(office.changes, office.admin, office.recall.id)
    assert (archived.queue.refusals, archived.tasks) == ((), 1)
    await task.refresh_from_db()
    assert task.close_cause is CloseCause.WITHDRAWN
    assert task.withdrawn_reason == "The queue Overdue recall was archived."


@on_sqlite
async def test_a_call_that_begins_meanwhile_keeps_the_queue(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [await office.make_task(patient=patient) for patient in office.patients[:2]]
    claims, clear = claims_of(office), archiving._clear

    async def claim_first(*given: Any) -> Any:
        assert not (await claims.claim(office.staff, tasks[0].id)).refusals
        return await clear(*given)

    with monkeypatch.context() as patched:
        patched.setattr(archiving, "_clear", claim_first)
        archived = await archive_queue(office.changes, office.admin, office.recall.id)
    assert [refusal.code for refusal in archived.queue.refusals] == ["QUEUE_HAS_CLAIMS"]
    assert archived.tasks == 1
    assert (await Queue.get(id=office.recall.id)).archived_at is None
    await claims.release(office.staff, tasks[0].id)
    archived = await archive_queue(office.changes, office.admin, office.recall.id)
    assert (archived.queue.refusals, archived.tasks) == ((), 1)


@on_sqlite
async def test_of_two_at_once_the_last_queue_stays_and_none_is_archived_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [office.recall.id, office.missed.id]
    checked = asyncio.Barrier(3)

    async def no_tasks(*_: object) -> list[int]:
        await checked.wait()
        return []

    monkeypatch.setattr(archiving, "task_ids", no_tasks)
    asked = [both[0], *both]
    told = await asyncio.gather(
        *(archive_queue(office.changes, office.admin, queue_id) for queue_id in asked)
    )
    codes = [refusal.code for archived in told for refusal in archived.queue.refusals]
    assert sorted(codes) in (["LAST_QUEUE", "LAST_QUEUE"], ["LAST_QUEUE", "QUEUE_ARCHIVED"])
    assert await Queue.filter(archived_at=None).count() == 1


@on_sqlite
async def test_what_refuses_the_move_refuses_the_archiving(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.make_task()
    clear = archiving._clear

    async def archive_first(*given: Any) -> Any:
        await Queue.filter(id=office.missed.id).update(archived_at=office.clock())
        return await clear(*given)

    monkeypatch.setattr(archiving, "_clear", archive_first)
    for code in ("NOT_FOUND", "QUEUE_ARCHIVED"):
        archived = await archive_queue(
            office.changes, office.admin, office.recall.id, move_to=office.missed.id
        )
        told = [(refusal.code, refusal.field) for refusal in archived.queue.refusals]
        assert told == [(code, "moveTo")]
        await Queue.filter(id=office.missed.id).update(archived_at=None)

        async def archived_later(*_: object) -> tuple[()]:
            return ()

        monkeypatch.setattr("gql_app.work.moves._check_target", archived_later)
    assert (await Queue.get(id=office.recall.id)).archived_at is None


async def waiting() -> int:
    """How many statements wait for a lock."""
    sql = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted"
    return (await fetch(Number, sql))[0].number


@on_postgres
async def test_a_task_that_comes_in_meanwhile_is_closed_as_well(office: Office) -> None:
    viewer = office.supervisor
    new = NewTask(office.recall.id, office.patients[0].id, "Call", TaskOrigin.MANUAL)
    found = asyncio.Event()

    async def archive() -> ArchivedQueue:
        await found.wait()
        return await archive_queue(office.changes, office.admin, office.recall.id)

    archiving = asyncio.create_task(archive())  # outside of the transaction that follows
    async with office.changes.begin(office.practice.id, viewer) as change:
        assert await find_target(viewer, office.recall.id) is not None
        found.set()
        async with asyncio.timeout(PATIENCE):
            while not await waiting():
                await asyncio.sleep(0.01)
        created = await create_task(change, new)
    archived = await archiving
    assert (archived.queue.refusals, archived.tasks) == ((), 1)
    assert created.task is not None
    assert not (await Task.get(id=created.task.id)).status.is_open


@on_sqlite
async def test_tasks_are_not_moved_into_a_queue_that_was_archived_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await office.make_task()

    async def archive_first(*_: object) -> tuple[()]:
        await archive_queue(office.changes, office.admin, office.missed.id)
        return ()

    monkeypatch.setattr("gql_app.work.moves._check_target", archive_first)
    with pytest.raises(BadInput, match="archived meanwhile"):
        await reassign_tasks(
            office.changes, office.supervisor, [task.id], to_queue_id=office.missed.id
        )
    await task.refresh_from_db()
    assert task.queue_id == office.recall.id


async def test_one_that_comes_back_counts_among_the_most_that_a_practice_has(
    office: Office,
) -> None:
    recall, practice = office.recall.id, office.practice.id
    assert not (await archive_queue(office.changes, office.admin, recall)).queue.refusals
    await Queue.bulk_create(
        Queue(practice_id=practice, name=f"{n}", position=n, created_at=office.clock())
        for n in range(1, MAX_QUEUES)
    )
    given = {"name": "Recall"}
    changes, admin = office.changes, office.admin
    result = await changes.make(admin, update_queue, recall, given, bring_back=True)
    assert [refusal.code for refusal in result.refusals] == ["TOO_MANY_QUEUES"]
    kept = await Queue.get(id=recall)
    assert (kept.name, kept.archived_at is None) == ("Overdue recall", False)
    await archive_queue(office.changes, office.admin, office.missed.id)
    result = await changes.make(admin, update_queue, recall, given, bring_back=True)
    assert (result.refusals, result.changed) == ((), ("name", "archived_at"))
