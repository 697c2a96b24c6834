"""The rows that a change locks and writes, whatever the change is.

Locks are taken in one order everywhere: patients by id, tasks by id, practice counter last. What
the viewer's key does not allow is not locked: to wait for it would tell of it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.idempotency import stored_key
from gql_app.work.intake import NewTask
from gql_app.work.outcomes import SentContact
from gql_app.work.reads.conditions import Conditions
from models.chain import chained
from models.contact import ContactRow
from models.database import (
    Statement,
    among,
    fetch,
    first_in_transaction,
    for_update,
    for_update_but_its_key,
    has_row_locks,
    insert,
    insert_and_update,
    update_and_insert,
    write,
)
from models.event import TaskEventKind, columns_of_event
from models.follow_up import local_date
from models.lifecycle import TaskStatus
from models.task import IS_OPEN, TASK_COLUMNS, TaskRow


class PatientId(NamedTuple):
    id: int


class Claim(NamedTuple):
    """Who works on a patient, and until when."""

    claimed_by_id: int
    claimed_until: datetime
    claim_id: str | None


async def lock_task(practice_id: int, task_id: int) -> TaskRow | None:
    sql = f"""SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND t.id = $2 {for_update()}"""
    return next(iter(await fetch(TaskRow, sql, practice_id, task_id)), None)


async def lock_tasks_around(
    practice_id: int, task_id: int, queue_ids: frozenset[int] | None = None
) -> list[TaskRow]:
    """The task, and the open tasks of the same patient in all queues, behind the patient; none if
    there is no such task, or it is in none of `queue_ids`."""
    values: list[object] = [practice_id, task_id]
    whose = "SELECT patient_id FROM task WHERE practice_id = $1 AND id = $2"
    if queue_ids is not None:
        values.append(list(queue_ids))
        whose += f" AND {among('queue_id', 3)}"
    if has_row_locks():
        patient = f"""
        SELECT p.id FROM patient p WHERE p.practice_id = $1 AND p.id = ({whose}) {for_update()}
        """
        await fetch(PatientId, patient, *values)
    sql = f"""
    SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND t.patient_id = ({whose})
      AND (t.id = $2 OR {IS_OPEN})
    ORDER BY t.id {for_update()}
    """
    return await fetch(TaskRow, sql, *values)


async def lock_tasks(viewer: Viewer, task_ids: list[int]) -> list[TaskRow]:
    """Those of the tasks that the key allows, by id, behind their patients."""
    where = Conditions.of(viewer, "t", "t.queue_id")
    where.among("t.id", task_ids)
    if has_row_locks():
        patients = f"""
        SELECT p.id FROM patient p WHERE p.practice_id = $1 AND p.id IN (
            SELECT t.patient_id FROM task t WHERE {where})
        ORDER BY p.id {for_update()}
        """
        await fetch(PatientId, patients, *where.values)
    sql = f"SELECT {TASK_COLUMNS} FROM task t WHERE {where} ORDER BY t.id {for_update()}"
    return await fetch(TaskRow, sql, *where.values)


async def lock_for(viewer: Viewer, task_id: int) -> tuple[list[TaskRow], TaskRow | None]:
    """What `lock_tasks_around` locks, and the task that is meant; nothing and None if the key does
    not allow it."""
    tasks = await lock_tasks_around(viewer.practice_id, task_id, viewer.queue_ids)
    return tasks, next((task for task in tasks if task.id == task_id), None)


async def live_claim(practice_id: int, patient_id: int, now: datetime) -> Claim | None:
    """The claim on the patient, who is locked."""
    sql = f"""
    SELECT t.claimed_by_id, t.claimed_until, t.claim_id FROM task t
    WHERE t.practice_id = $1 AND t.patient_id = $2
      AND {IS_OPEN} AND t.claimed_until > $3
    LIMIT 1
    """
    return next(iter(await fetch(Claim, sql, practice_id, patient_id, now)), None)


async def add_task(viewer: Viewer, new: NewTask, claim: Claim | None, now: datetime) -> TaskRow:
    """A new task. It comes under the claim that its patient is under."""
    task = new_task(viewer, new, claim, now)
    columns = _columns(task, stored_key(viewer, new.idempotency_key))
    return task._replace(id=await insert("task", **columns))


def new_task(viewer: Viewer, new: NewTask, claim: Claim | None, now: datetime) -> TaskRow:
    """The task as it will be, without its id."""
    assert new.queue_id is not None
    assert new.patient_id is not None
    return TaskRow(
        id=0,
        practice_id=viewer.practice_id,
        queue_id=new.queue_id,
        patient_id=new.patient_id,
        status=TaskStatus.OPEN,
        origin=new.origin,
        reason=new.reason,
        follow_up=new.follow_up,
        due_on=new.follow_up or local_date(now, viewer.time_zone),
        expires_at=new.expires_at,
        version=1,
        contact_count=0,
        last_contact_id=None,
        created_at=now,
        closed_at=None,
        close_cause=None,
        claimed_by_id=None if claim is None else claim.claimed_by_id,
        claimed_until=None if claim is None else claim.claimed_until,
        claim_id=None if claim is None else claim.claim_id,
        assignee_id=None,
        withdrawn_reason=None,
    )


class NewContact(NamedTuple):
    """A contact as it will be, without its id, and its idempotency key as it is stored."""

    row: ContactRow
    key: str | None


def new_contact(task: TaskRow, made: SentContact, viewer: Viewer, now: datetime) -> NewContact:
    attempt = made.attempt
    row = ContactRow(
        id=0,
        practice_id=task.practice_id,
        task_id=task.id,
        outcome=attempt.outcome,
        follow_up=attempt.follow_up,
        notes=attempt.notes,
        closed_task=attempt.close,
        contacted_at=made.contacted_at,
        logged_at=now,
        logged_by_id=viewer.staff_id,
    )
    return NewContact(row, stored_key(viewer, made.idempotency_key))


async def add_contact(new: NewContact, change: Statement) -> ContactRow:
    """Write a contact along with the `change` of its task, which has `NEW_ID` for the contact's."""
    columns = _columns(new.row, new.key)
    return new.row._replace(id=await insert_and_update("contact", columns, change))


def _columns(row: TaskRow | ContactRow, idempotency_key: str | None) -> dict[str, object]:
    columns = row._asdict()
    del columns["id"]
    return columns | {"idempotency_key": idempotency_key}


async def change_claim(
    tasks: Sequence[TaskRow],
    claim: Claim | None,
    kind: TaskEventKind,
    now: datetime,
    viewer: Viewer | None = None,
) -> tuple[list[TaskRow], int]:
    """Put tasks (at least one, locked) under the claim, or free them, each with its event. Returns
    them, and the number of the last event."""
    by, until, claim_id = claim or (None, None, None)
    changed = [
        task._replace(
            claimed_by_id=by, claimed_until=until, claim_id=claim_id, version=task.version + 1
        )
        for task in tasks
    ]
    sql = f"""UPDATE task SET claimed_by_id = $3, claimed_until = $4, claim_id = $5,
        version = version + 1
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, tasks[0].practice_id, [task.id for task in tasks], by, until, claim_id)
    seq = await add_events(list(zip(tasks, changed, strict=True)), kind, now, viewer)
    return changed, seq


async def tell_of_patients(viewer: Viewer, patient_ids: list[int], now: datetime) -> int | None:
    """Record on every open task of these patients, locked and just written, that they are shown in
    another way now. Returns the number of the last event, None if they have no open task."""
    if not patient_ids:
        return None
    sql = f"""
    SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND {among("t.patient_id", 2)}
      AND {IS_OPEN}
    ORDER BY t.id {for_update()}
    """
    tasks = await fetch(TaskRow, sql, viewer.practice_id, patient_ids)
    if not tasks:
        return None
    sql = f"UPDATE task SET version = version + 1 WHERE practice_id = $1 AND {among('id', 2)}"
    await write(sql, viewer.practice_id, [task.id for task in tasks])
    changes = [(task, task._replace(version=task.version + 1)) for task in tasks]
    return await add_events(changes, TaskEventKind.PATIENT_CHANGED, now, viewer)


async def add_event(
    task: TaskRow,
    kind: TaskEventKind,
    now: datetime,
    *,
    before: tuple[TaskStatus | None, date | None] | None = None,
    contact: ContactRow | None = None,
    viewer: Viewer | None = None,
) -> int:
    """Record what happened under the practice's next number, and return that. `before` is the
    status and follow-up date that the task had, unless it has them still."""
    event = _event(task, kind, before or (task.status, task.follow_up), viewer)
    event["contact_id"] = None if contact is None else contact.id
    return await _record(task.practice_id, [event], now)


async def add_events(
    changes: Sequence[tuple[TaskRow | None, TaskRow]],
    kind: TaskEventKind,
    now: datetime,
    viewer: Viewer | None,
) -> int:
    """Record many changes (at least one) at once, each a task before (None for one that was made)
    and after, under the practice's next numbers. Returns the last."""
    events = []
    for old, task in changes:
        before = (None, None) if old is None else (old.status, old.follow_up)
        event = _event(task, kind, before, viewer)
        moved = old is not None and old.queue_id != task.queue_id
        event["from_queue_id"] = old.queue_id if old is not None and moved else None
        events.append(event)
    return await _record(changes[0][1].practice_id, events, now)


_COUNT = "UPDATE practice SET seq = $2, digest = $3, last_event_at = $4 WHERE id = $1"


class _Counter(NamedTuple):
    """A practice's last event."""

    seq: int
    digest: bytes
    last_event_at: datetime | None


async def _record(practice_id: int, events: list[dict[str, object]], now: datetime) -> int:
    """Number events (at least one), chain them to the one before them, and write them. Returns the
    last number.

    The counter is taken last: its row lock holds the practice's other writers back until this
    transaction commits. The lock is the weaker one that an UPDATE takes, because rows that point to
    the practice are inserted before it: a stronger one would make their writers deadlock.
    """
    sql = f"""SELECT seq, digest, last_event_at FROM practice
    WHERE id = $1 {for_update_but_its_key()}"""
    ((seq, digest, last_event_at),) = await fetch(_Counter, sql, practice_id)
    at = now if last_event_at is None else max(now, last_event_at)
    first = first_in_transaction(seq + 1)
    for event in events:
        seq += 1
        event |= {"practice_id": practice_id, "seq": seq, "at": at, "change": first}
        digest = chained(digest, event)
        event["digest"] = digest
    counter = Statement(_COUNT, (practice_id, seq, digest, at))
    await update_and_insert(counter, "task_event", events)
    return seq


def _event(
    task: TaskRow,
    kind: TaskEventKind,
    before: tuple[TaskStatus | None, date | None],
    viewer: Viewer | None,
) -> dict[str, object]:
    """The columns of an event on a task as it is right after it, without its place in history."""
    event = columns_of_event(task)
    event["kind"] = kind
    event["from_status"], event["from_follow_up"] = before
    event["actor_id"] = None if viewer is None else viewer.staff_id
    return event
