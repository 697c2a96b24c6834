"""The transition service: the only writer of a task's status.

Each change is one transaction that locks the task, decides by the workflow's table, and writes the
task, the contact and the event with the practice's next number together. Locks are taken in one
order everywhere (patient, task, practice counter last), and the bell is rung after the commit.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from tortoise.exceptions import IntegrityError

from gql_app.access import Viewer
from gql_app.work.intake import NewTask, check_new_task
from gql_app.work.outcomes import NOT_FOUND, Outcome, earlier_creation, earlier_log, missing
from models.contact import ContactRow
from models.database import fetch_joined, for_update, insert, transaction, write
from models.event import TaskEventKind
from models.lifecycle import (
    TASK_CLOSED,
    Attempt,
    Refusal,
    RefusalCode,
    Rule,
    TaskStatus,
    decide,
    expire,
    last_day,
    local_date,
)
from models.people import Patient
from models.practice import Queue
from models.task import TASK_COLUMNS, ClaimRow, TaskRow

T = TypeVar("T")

_CHANGE = """
UPDATE task SET status = $3, version = $4, close_cause = $5, follow_up = $6, due_on = $7,
    closed_at = $8, contact_count = $9, last_contact_id = $10,
    claimed_by_id = NULL, claimed_until = NULL
WHERE practice_id = $1 AND id = $2
"""


class Transitions:
    """`ring(practice_id, seq)` is called after each commit; `clock` gives the aware time."""

    def __init__(
        self,
        ring: Callable[[int, int], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ring = ring
        self._clock = clock
        self._running: set[asyncio.Task[Any]] = set()

    async def log_contact(
        self,
        viewer: Viewer,
        task_id: int | None,
        attempt: Attempt,
        *,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Outcome:
        """Log a contact on a task. Refusals change nothing and come back in the outcome.

        With an `idempotency_key` the same request may be sent again: it is carried out once, and
        the answer is the contact that it made. Raises `Forbidden`.
        """
        viewer.require(viewer.may_log_contacts, "log contacts")
        if task_id is None:
            return Outcome(None, refusals=(NOT_FOUND,))
        sent = (viewer, task_id, attempt, expected_version, idempotency_key)
        try:
            return await self._finish(self._log_contact(*sent))
        except IntegrityError:
            if idempotency_key is None:
                raise
            # Another log took the key between our look and our write; now it can be seen.
            return await self._finish(self._log_contact(*sent))

    async def create_task(self, viewer: Viewer, new: NewTask) -> Outcome:
        """Make a task. Refusals change nothing and come back in the outcome. Raises `Forbidden`."""
        viewer.require(viewer.may_create_tasks, "create tasks")
        new = replace(new, reason=new.reason.strip())
        # Before it is checked: what was in order when it was first sent need not be so again.
        if earlier := await earlier_creation(viewer, new):
            return earlier
        refusals = check_new_task(new, viewer.time_zone, self._clock())
        if refusals:
            return Outcome(None, refusals=refusals)
        try:
            return await self._finish(self._create_task(viewer, new))
        except IntegrityError:
            if earlier := await earlier_creation(viewer, new):
                return earlier
            raise

    async def expire(self, practice_id: int, task_id: int) -> bool:
        """Close an automatic task whose time is up. False if there was nothing to close."""
        return await self._finish(self._expire(practice_id, task_id))

    async def drain(self) -> None:
        """Wait until every change that has begun is committed or rolled back."""
        while self._running:
            await asyncio.wait(self._running)

    async def _finish(self, change: Coroutine[Any, Any, T]) -> T:
        """Carry a change out to its end, also when the caller is cancelled (a socket that closes):
        half a transaction must not hold locks, and a committed one must ring the bell."""
        task = asyncio.create_task(change)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _log_contact(
        self,
        viewer: Viewer,
        task_id: int,
        attempt: Attempt,
        expected_version: int | None,
        idempotency_key: str | None,
    ) -> Outcome:
        contact: ContactRow | None = None
        async with transaction(viewer.practice_id):
            locked = await _locked(viewer.practice_id, task_id)
            if locked is None or not viewer.sees_queue(locked[0].queue_id):
                return Outcome(None, refusals=(NOT_FOUND,))
            task, claim = locked
            if earlier := await earlier_log(viewer, task, attempt, idempotency_key):
                return earlier
            now = self._clock()
            verdict = _verdict(task, claim, attempt, viewer, expected_version, now)
            if isinstance(verdict, Rule):
                contact = await _add_contact(task, attempt, viewer, now, idempotency_key)
                kind = TaskEventKind.CONTACT_LOGGED
                task, seq = await _apply(task, verdict, kind, now, contact, viewer)
            elif verdict is _EXPIRED:
                # The clock, not the sweeper, decides: the task is closed before it is refused.
                task, seq = await _close_expired(task, now)
            else:
                return Outcome(task, refusals=tuple(verdict))
        self._ring(viewer.practice_id, seq)
        return Outcome(task, contact, () if contact else (TASK_CLOSED,))

    async def _expire(self, practice_id: int, task_id: int) -> bool:
        async with transaction(practice_id):
            locked = await _locked(practice_id, task_id)
            now = self._clock()
            if locked is None or not _has_expired(locked[0], now):
                return False
            _, seq = await _close_expired(locked[0], now)
        self._ring(practice_id, seq)
        return True

    async def _create_task(self, viewer: Viewer, new: NewTask) -> Outcome:
        here = viewer.practice_id
        async with transaction(here):
            queue = await Queue.get_or_none(id=new.queue_id, practice_id=here)
            if queue is None or not viewer.sees_queue(queue.id):
                return missing("queue", "queueId")
            if await Patient.get_or_none(id=new.patient_id, practice_id=here) is None:
                return missing("patient", "patientId")
            task = await _add_task(viewer, new, self._clock())
            kind = TaskEventKind.CREATED
            seq = await _add_event(task, kind, (None, None), task.created_at, viewer=viewer)
        self._ring(here, seq)
        return Outcome(task)


async def _locked(practice_id: int, task_id: int) -> tuple[TaskRow, ClaimRow | None] | None:
    sql = f"""
    SELECT {TASK_COLUMNS}, t.claimed_by_id, t.claimed_until FROM task t
    WHERE t.practice_id = $1 AND t.id = $2 {for_update()}
    """
    found = await fetch_joined((TaskRow, ClaimRow), sql, practice_id, task_id)
    return (found[0][0], found[0][1]) if found else None


_EXPIRED: list[Refusal] = [TASK_CLOSED]


def _verdict(
    task: TaskRow,
    claim: ClaimRow | None,
    attempt: Attempt,
    viewer: Viewer,
    expected_version: int | None,
    now: datetime,
) -> Rule | list[Refusal]:
    """What comes of an attempt: the workflow's rule, or what stands in its way."""
    if _has_expired(task, now):
        return _EXPIRED
    if task.is_open:  # the workflow itself says what a closed task refuses
        if claim and claim.claimed_until > now and claim.claimed_by_id != viewer.staff_id:
            message = "Somebody else has claimed this task."
            return [Refusal(RefusalCode.CLAIMED_BY_OTHER, message, "taskId")]
        if expected_version not in (None, task.version):
            message = f"The task has changed meanwhile: it is at version {task.version} now."
            return [Refusal(RefusalCode.VERSION_CONFLICT, message, "expectedVersion")]
    return decide(
        TaskStatus(task.status),
        attempt,
        today=local_date(now, viewer.time_zone),
        last_day=task.expires_at and last_day(task.expires_at, viewer.time_zone),
    )


def _has_expired(task: TaskRow, now: datetime) -> bool:
    return task.is_open and task.expires_at is not None and task.expires_at <= now


async def _close_expired(task: TaskRow, now: datetime) -> tuple[TaskRow, int]:
    rule = expire(TaskStatus(task.status))
    assert rule is not None
    return await _apply(task, rule, TaskEventKind.CLOSED_BY_EXPIRY, now)


async def _add_task(viewer: Viewer, new: NewTask, now: datetime) -> TaskRow:
    assert new.queue_id is not None
    assert new.patient_id is not None
    task = TaskRow(
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
    )
    columns = task._asdict()
    del columns["id"]
    return task._replace(id=await insert("task", **columns, idempotency_key=new.idempotency_key))


async def _add_contact(
    task: TaskRow, attempt: Attempt, viewer: Viewer, now: datetime, idempotency_key: str | None
) -> ContactRow:
    contact = ContactRow(
        id=0,
        practice_id=task.practice_id,
        task_id=task.id,
        outcome=attempt.outcome,
        follow_up=attempt.follow_up,
        notes=attempt.notes,
        closed_task=attempt.close,
        logged_at=now,
        logged_by_id=viewer.staff_id,
    )
    columns = contact._asdict()
    del columns["id"]
    return contact._replace(id=await insert("contact", **columns, idempotency_key=idempotency_key))


async def _apply(
    task: TaskRow,
    rule: Rule,
    kind: TaskEventKind,
    now: datetime,
    contact: ContactRow | None = None,
    viewer: Viewer | None = None,
) -> tuple[TaskRow, int]:
    """Move the task along `rule` and record the event. Returns the task, and the event's number."""
    before = (task.status, task.follow_up)
    follow_up = contact.follow_up if contact is not None and rule.to.is_open else None
    changed = task._replace(
        status=rule.to,
        version=task.version + 1,
        close_cause=rule.cause or task.close_cause,
        follow_up=follow_up,
        due_on=follow_up or task.due_on,
        closed_at=task.closed_at if rule.to.is_open else now,
        contact_count=task.contact_count + (contact is not None),
        last_contact_id=task.last_contact_id if contact is None else contact.id,
    )
    await write(
        _CHANGE,
        task.practice_id,
        task.id,
        changed.status,
        changed.version,
        changed.close_cause,
        changed.follow_up,
        changed.due_on,
        changed.closed_at,
        changed.contact_count,
        changed.last_contact_id,
    )
    return changed, await _add_event(changed, kind, before, now, contact, viewer)


async def _add_event(
    task: TaskRow,
    kind: TaskEventKind,
    before: tuple[TaskStatus | None, date | None],
    now: datetime,
    contact: ContactRow | None = None,
    viewer: Viewer | None = None,
) -> int:
    """Record what happened under the practice's next number. The counter is taken last: its row
    lock is what holds the practice's other writers back until this transaction commits."""
    counter = "UPDATE practice SET seq = seq + 1 WHERE id = $1 RETURNING seq"
    seq: int = (await write(counter, task.practice_id))[0]["seq"]
    await insert(
        "task_event",
        practice_id=task.practice_id,
        seq=seq,
        kind=kind,
        at=now,
        task_id=task.id,
        queue_id=task.queue_id,
        from_status=before[0],
        from_follow_up=before[1],
        to_status=task.status,
        close_cause=task.close_cause,
        contact_id=None if contact is None else contact.id,
        actor_id=None if viewer is None else viewer.staff_id,
        version=task.version,
        follow_up=task.follow_up,
        due_on=task.due_on,
        contact_count=task.contact_count,
        last_contact_id=task.last_contact_id,
    )
    return seq
