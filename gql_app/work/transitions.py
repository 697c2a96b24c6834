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
from gql_app.work.outcomes import (
    NOT_FOUND,
    Outcome,
    contact_row,
    earlier_creation,
    earlier_log,
    missing,
    task_row,
)
from models.contact import Contact
from models.database import transaction
from models.event import TaskEvent, TaskEventKind
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
from models.task import Task

T = TypeVar("T")

_CHANGED = (
    "status",
    "version",
    "close_cause",
    "follow_up",
    "due_on",
    "closed_at",
    "contact_count",
    "last_contact_id",
    "claimed_by_id",
    "claimed_until",
)


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
        async with transaction(viewer.practice_id) as connection:
            task = await _locked(viewer.practice_id, task_id)
            if task is None or not viewer.sees_queue(task.queue_id):
                return Outcome(None, refusals=(NOT_FOUND,))
            if earlier := await earlier_log(viewer, task, attempt, idempotency_key):
                return earlier
            now = self._clock()
            seq = await self._expire_if_due(connection, task, now)
            if seq is None:
                refusals = _refused(task, viewer, expected_version, now)
                verdict = refusals or decide(
                    task.status,
                    attempt,
                    today=local_date(now, viewer.time_zone),
                    last_day=task.expires_at and last_day(task.expires_at, viewer.time_zone),
                )
            else:
                # The clock, not the sweeper, decides: the task is closed before it is refused.
                verdict = [TASK_CLOSED]
            contact: Contact | None = None
            if isinstance(verdict, Rule):
                contact = await _add_contact(task, attempt, viewer, now, idempotency_key)
                seq = await _apply(
                    connection,
                    task,
                    verdict,
                    TaskEventKind.CONTACT_LOGGED,
                    now,
                    contact=contact,
                    viewer=viewer,
                )
        if seq is not None:
            self._ring(viewer.practice_id, seq)
        return Outcome(
            task_row(task),
            None if contact is None else contact_row(contact),
            () if isinstance(verdict, Rule) else tuple(verdict),
        )

    async def _expire(self, practice_id: int, task_id: int) -> bool:
        async with transaction(practice_id) as connection:
            task = await _locked(practice_id, task_id)
            if task is None:
                return False
            seq = await self._expire_if_due(connection, task, self._clock())
        if seq is not None:
            self._ring(practice_id, seq)
        return seq is not None

    async def _expire_if_due(self, connection: Any, task: Task, now: datetime) -> int | None:
        if task.expires_at is None or task.expires_at > now:
            return None
        rule = expire(task.status)
        if rule is None:
            return None
        return await _apply(connection, task, rule, TaskEventKind.CLOSED_BY_EXPIRY, now)

    async def _create_task(self, viewer: Viewer, new: NewTask) -> Outcome:
        now = self._clock()
        async with transaction(viewer.practice_id) as connection:
            here = viewer.practice_id
            patient = await Patient.get_or_none(id=new.patient_id, practice_id=here)
            queue = await Queue.get_or_none(id=new.queue_id, practice_id=here)
            if queue is None or not viewer.sees_queue(queue.id):
                return missing("queue", "queueId")
            if patient is None:
                return missing("patient", "patientId")
            task = await Task.create(
                practice_id=here,
                queue_id=queue.id,
                patient_id=patient.id,
                status=TaskStatus.OPEN,
                origin=new.origin,
                reason=new.reason,
                follow_up=new.follow_up,
                due_on=new.follow_up or local_date(now, viewer.time_zone),
                expires_at=new.expires_at,
                version=1,
                created_at=now,
                idempotency_key=new.idempotency_key,
            )
            seq = await _add_event(
                connection, task, TaskEventKind.CREATED, (None, None), now, actor_id=viewer.staff_id
            )
        self._ring(viewer.practice_id, seq)
        return Outcome(task_row(task))


async def _locked(practice_id: int, task_id: int) -> Task | None:
    return await Task.filter(practice_id=practice_id, id=task_id).select_for_update().first()


def _refused(
    task: Task, viewer: Viewer, expected_version: int | None, now: datetime
) -> list[Refusal]:
    """What stands in the way before the workflow is asked: a stale view, another's claim."""
    if not task.status.is_open:
        return []  # the workflow itself says what a closed task refuses
    claimed = task.claimed_until is not None and task.claimed_until > now
    if claimed and task.claimed_by_id != viewer.staff_id:
        message = "Somebody else has claimed this task."
        return [Refusal(RefusalCode.CLAIMED_BY_OTHER, message, "taskId")]
    if expected_version not in (None, task.version):
        message = f"The task has changed meanwhile: it is at version {task.version} now."
        return [Refusal(RefusalCode.VERSION_CONFLICT, message, "expectedVersion")]
    return []


async def _add_contact(
    task: Task, attempt: Attempt, viewer: Viewer, now: datetime, idempotency_key: str | None
) -> Contact:
    return await Contact.create(
        practice_id=task.practice_id,
        task_id=task.id,
        outcome=attempt.outcome,
        follow_up=attempt.follow_up,
        notes=attempt.notes,
        closed_task=attempt.close,
        logged_at=now,
        logged_by_id=viewer.staff_id,
        idempotency_key=idempotency_key,
    )


async def _apply(
    connection: Any,
    task: Task,
    rule: Rule,
    kind: TaskEventKind,
    now: datetime,
    *,
    contact: Contact | None = None,
    viewer: Viewer | None = None,
) -> int:
    """Move the task along `rule` and record the event. Returns the event's number."""
    before = (task.status, task.follow_up)
    task.status = rule.to
    task.version += 1
    if rule.to.is_open:
        assert contact is not None
        assert contact.follow_up is not None
        task.follow_up = task.due_on = contact.follow_up
    else:
        task.follow_up = None
        task.closed_at = now
    if rule.cause is not None:
        task.close_cause = rule.cause
    if contact is not None:
        task.contact_count += 1
        task.last_contact_id = contact.id
    task.claimed_by_id = task.claimed_until = None
    # Not save(): that would look for the id alone, and no index begins with it.
    changed = {column: getattr(task, column) for column in _CHANGED}
    await Task.filter(practice_id=task.practice_id, id=task.id).update(**changed)
    return await _add_event(
        connection,
        task,
        kind,
        before,
        now,
        contact_id=None if contact is None else contact.id,
        actor_id=None if viewer is None else viewer.staff_id,
    )


async def _add_event(
    connection: Any,
    task: Task,
    kind: TaskEventKind,
    before: tuple[TaskStatus | None, date | None],
    now: datetime,
    *,
    contact_id: int | None = None,
    actor_id: int | None = None,
) -> int:
    """Record what happened under the practice's next number. The counter is taken last: its row
    lock is what holds the practice's other writers back until this transaction commits."""
    rows = await connection.execute_query_dict(
        f"UPDATE practice SET seq = seq + 1 WHERE id = {int(task.practice_id)} RETURNING seq"
    )
    seq: int = rows[0]["seq"]
    await TaskEvent.create(
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
        contact_id=contact_id,
        actor_id=actor_id,
        version=task.version,
        follow_up=task.follow_up,
        due_on=task.due_on,
        contact_count=task.contact_count,
        last_contact_id=task.last_contact_id,
    )
    return seq
