"""The transition service: the only writer of a task's status.

Each change is one transaction that locks the task, decides by the workflow's table, and writes the
task, the contact and the event with the practice's next number together. The bell is rung after the
commit.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from tortoise.exceptions import IntegrityError

from gql_app.access import Viewer
from gql_app.work.appointments import NewAppointment, put_appointment, tasks_to_close
from gql_app.work.bell import Bell
from gql_app.work.idempotency import TASK_KEYS, free_key
from gql_app.work.imports.batch import ImportBatch, RowResult, load_batch
from gql_app.work.imports.rows import find_target
from gql_app.work.intake import NewTask, check_new_task, with_default_life
from gql_app.work.outcomes import (
    EXTERNAL_ID_TAKEN,
    NOT_FOUND,
    ChangeResult,
    SentContact,
    claimed_by_other,
    earlier_creation,
    earlier_log,
    is_version,
    missing,
    version_conflict,
)
from gql_app.work.patients import patients_by_id
from gql_app.work.records import (
    NewContact,
    add_contact,
    add_event,
    add_events,
    add_task,
    change_claim,
    live_claim,
    lock_for,
    lock_task,
    new_contact,
)
from gql_app.work.shares import BusyLog, Shares
from models.appointment import AppointmentRow
from models.contact import ContactRow
from models.database import NEW_ID, Statement, has_row_locks, snapshot, transaction, write
from models.event import TaskEventKind
from models.follow_up import last_day, local_date
from models.lifecycle import (
    Attempt,
    CloseCause,
    Rule,
    TaskStatus,
    book,
    check_contacted_at,
    decide,
    expire,
    withdraw,
)
from models.limits import Busy
from models.refusals import Refusal
from models.task import TaskRow
from models.text import trimmed

T = TypeVar("T")

_CHANGE = """
UPDATE task SET status = $3, version = $4, close_cause = $5, follow_up = $6, due_on = $7,
    closed_at = $8, contact_count = $9, last_contact_id = $10,
    last_contacted_at = COALESCE($11, last_contacted_at),
    last_outcome = COALESCE($12, last_outcome), withdrawn_reason = $13,
    claimed_by_id = NULL, claimed_until = NULL, claim_id = NULL
WHERE practice_id = $1 AND id = $2
"""


class Transitions:
    """`ring(practice_id, seq)` is called after each commit, or once for several that come together;
    `clock` gives the aware time; `shares` bounds the connections that a practice's changes use."""

    def __init__(
        self,
        ring: Callable[[int, int], None],
        clock: Callable[[], datetime],
        shares: Shares | None = None,
    ) -> None:
        self._bell = Bell(ring)
        self.clock = clock
        self._shares = shares or Shares()
        self._busy_log = BusyLog()
        self._running: set[asyncio.Task[Any]] = set()

    async def log_contact(
        self,
        viewer: Viewer,
        task_id: int | None,
        attempt: Attempt,
        *,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
        contacted_at: datetime | None = None,
    ) -> ChangeResult:
        """Log a contact on a task. Refusals change nothing and come back in the outcome.

        One that was made at `contacted_at`, before its automatic task expired, is kept on the
        closed task and changes no status: the outcome is `late`.

        With an `idempotency_key` the same request may be sent again: it is carried out once, and
        the answer is the contact that it made. Raises `Forbidden`.
        """
        viewer.require(viewer.may_log_contacts, "log contacts")
        if task_id is None:
            return ChangeResult(None, refusals=(NOT_FOUND,))
        attempt = replace(attempt, notes=attempt.notes and trimmed(attempt.notes))
        sent = (viewer, task_id, attempt, expected_version, idempotency_key, contacted_at)
        if idempotency_key is None:
            return await self.carry_out(viewer.practice_id, self._log_contact(*sent))
        return await self._carry_out_seeing_others(viewer, lambda: self._log_contact(*sent))

    async def create_task(self, viewer: Viewer, new: NewTask) -> ChangeResult:
        """Make a task. Refusals change nothing and come back in the outcome. Raises `Forbidden`."""
        viewer.require(viewer.may_create_tasks, "create tasks")
        new = replace(new, reason=trimmed(new.reason))
        # Before it is checked: what was in order when it was first sent need not be so again.
        if earlier := await earlier_creation(viewer, new, self.clock()):
            return earlier
        refusals = check_new_task(new, viewer.time_zone, self.clock())
        if refusals:
            return ChangeResult(None, refusals=refusals)
        try:
            return await self.carry_out(viewer.practice_id, self._create_task(viewer, new))
        except IntegrityError:
            if earlier := await earlier_creation(viewer, new, self.clock()):
                return earlier
            raise

    async def expire(self, practice_id: int, task_id: int) -> bool:
        """Close an automatic task whose time is up. False if there was nothing to close."""
        return await self.carry_out(practice_id, self._expire(practice_id, task_id))

    async def drain(self) -> None:
        """Wait until every change that has begun is committed or rolled back."""
        while self._running:
            await asyncio.wait(self._running)

    async def carry_out(
        self, practice_id: int, change: Coroutine[Any, Any, tuple[T, int | None]]
    ) -> T:
        """Carry a change out to its end, also when the caller is cancelled (a socket that closes):
        half a transaction must not hold locks, and a committed one must ring the bell. The change
        gives its result, and the number of its last event if it has any. Raises `Busy`."""
        task = asyncio.create_task(self._ringing(practice_id, change))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # If it fails when the caller has gone, asyncio would log it with its text: patient data.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def _carry_out_seeing_others(
        self, viewer: Viewer, change: Callable[[], Coroutine[Any, Any, tuple[T, int | None]]]
    ) -> T:
        """Carry a change out, once more if another has taken its key or its external id between its
        look and its write: then that can be seen."""
        try:
            return await self.carry_out(viewer.practice_id, change())
        except IntegrityError:
            return await self.carry_out(viewer.practice_id, change())

    async def _ringing(
        self, practice_id: int, change: Coroutine[Any, Any, tuple[T, int | None]]
    ) -> T:
        try:
            # SQLite has one connection that writes, and its changes have their own line.
            place = self._shares.place(practice_id) if has_row_locks() else nullcontext()
            # The bell knows of those in the line too, and rings once for several.
            with self._bell.change(practice_id) as committed:
                async with place:
                    result, seq = await change
                if seq is not None:
                    committed(seq)
        except Busy as busy:
            self._busy_log.note(practice_id, busy)
            raise
        finally:
            change.close()  # it may not have had its turn
        return result

    async def _log_contact(
        self,
        viewer: Viewer,
        task_id: int,
        attempt: Attempt,
        expected_version: int | None,
        idempotency_key: str | None,
        contacted_at: datetime | None,
    ) -> tuple[ChangeResult, int | None]:
        async with transaction():
            tasks, task = await lock_for(viewer, task_id)
            made, now = SentContact(attempt, contacted_at, idempotency_key), self.clock()
            if earlier := await earlier_log(viewer, task_id, task, made, now):
                return earlier, None
            if task is None:
                return ChangeResult(None, refusals=(NOT_FOUND,)), None
            return await _log_on(task, tasks, made, viewer, expected_version, now)

    async def _expire(self, practice_id: int, task_id: int) -> tuple[bool, int | None]:
        async with transaction():
            task = await lock_task(practice_id, task_id)
            now = self.clock()
            if task is None or not task.has_expired(now):
                return False, None
            _, seq = await _close_expired(task, now)
        return True, seq

    async def record_appointment(
        self, viewer: Viewer, new: NewAppointment
    ) -> tuple[AppointmentRow | None, ChangeResult, list[TaskRow]]:
        """Record an appointment, and close what it makes needless in the queues that the key
        allows. Returns it, what was refused, and the tasks that were closed. Recorded again, it is
        moved; a key for more queues then closes more. Raises `Forbidden`."""
        viewer.require(viewer.may_create_tasks, "record appointments")
        return await self._carry_out_seeing_others(
            viewer, lambda: self._record_appointment(viewer, new)
        )

    async def _record_appointment(
        self, viewer: Viewer, new: NewAppointment
    ) -> tuple[tuple[AppointmentRow | None, ChangeResult, list[TaskRow]], int | None]:
        seq = None
        async with transaction():
            now = self.clock()
            if not await patients_by_id(viewer, [new.patient_id], lock=True):
                return (None, missing("patient", "patientId"), []), None
            appointment = await put_appointment(viewer, new, now)
            if appointment is None:
                return (None, EXTERNAL_ID_TAKEN, []), None
            closed = []
            for task in await tasks_to_close(viewer, new.patient_id):
                rule = book(TaskStatus(task.status))
                assert rule is not None
                kind = TaskEventKind.CLOSED_BY_APPOINTMENT
                row, seq = await _apply(task, rule, kind, now, viewer=viewer)
                closed.append(row)
        return (appointment, ChangeResult(None), closed), seq

    async def import_batch(self, viewer: Viewer, batch: ImportBatch) -> list[RowResult]:
        """Bring a batch of checked rows in, in one transaction: a result a row, in their order.
        Raises `Forbidden`."""
        viewer.require(viewer.may_import, "import tasks")
        return await self._carry_out_seeing_others(
            viewer, lambda: self._import_batch(viewer, batch)
        )

    async def _import_batch(
        self, viewer: Viewer, batch: ImportBatch
    ) -> tuple[list[RowResult], int | None]:
        async with snapshot() if batch.is_trial else transaction():
            return await load_batch(viewer, batch, self.clock())

    async def _create_task(self, viewer: Viewer, new: NewTask) -> tuple[ChangeResult, int | None]:
        async with transaction():
            queue = await find_target(viewer, new.queue_id)
            if queue is None:
                return missing("queue", "queueId"), None
            patient_id = new.patient_id or 0
            if not await patients_by_id(viewer, [patient_id], lock=True):
                return missing("patient", "patientId"), None
            now = self.clock()
            new = with_default_life(new, queue.automatic_life_days, now)
            if refusals := check_new_task(new, viewer.time_zone, now):
                return ChangeResult(None, refusals=refusals), None
            if new.idempotency_key is not None:
                await free_key(TASK_KEYS, viewer, new.idempotency_key, now)
            claim = await live_claim(viewer.practice_id, patient_id, now)
            task = await add_task(viewer, new, claim, now)
            kind = TaskEventKind.CREATED
            seq = await add_event(task, kind, now, before=(None, None), viewer=viewer)
        return ChangeResult(task), seq


async def _log_on(
    task: TaskRow,
    tasks: list[TaskRow],
    made: SentContact,
    viewer: Viewer,
    expected_version: int | None,
    now: datetime,
) -> tuple[ChangeResult, int | None]:
    """Log a contact on a locked task, `tasks` being all of its patient that are open."""
    if made.contacted_at and (refusal := check_contacted_at(made.contacted_at, now)):
        return ChangeResult(task, refusals=(refusal,)), None
    seq = None
    if task.has_expired(now):
        # The clock, not the sweeper, decides: the task is closed before it is refused.
        task, seq = await _close_expired(task, now)
    if _was_in_time(task, made.contacted_at):
        task, contact, seq = await _keep_late(task, made, viewer, now)
        return ChangeResult(task, contact, late=True), seq
    verdict = await _verdict(task, made.attempt, viewer, expected_version, now)
    if not isinstance(verdict, Rule):
        return ChangeResult(task, refusals=tuple(verdict)), seq
    new = new_contact(task, made, viewer, now)
    changed, contact = await _write(_along(verdict, task, now, new.row), new)
    before = (task.status, task.follow_up)
    kind = TaskEventKind.CONTACT_LOGGED
    seq = await add_event(changed, kind, now, before=before, contact=contact, viewer=viewer)
    # The call is over, and with it the claim on the patient's other tasks.
    held = [t for t in tasks if t.id != task.id and t.claimed_by_id is not None]
    if held:
        _, seq = await change_claim(held, None, TaskEventKind.RELEASED, now, viewer)
    return ChangeResult(changed, contact), seq


async def _verdict(
    task: TaskRow,
    attempt: Attempt,
    viewer: Viewer,
    expected_version: int | None,
    now: datetime,
) -> Rule | list[Refusal]:
    """What comes of an attempt: the workflow's rule, or what stands in its way."""
    if task.is_open:  # the workflow itself says what a closed task refuses
        if refusal := await claimed_by_other(viewer, task, now):
            return [refusal]
        if not await is_version(viewer, task, expected_version):
            return [await version_conflict(viewer, task, now)]
    return decide(
        TaskStatus(task.status),
        attempt,
        today=local_date(now, viewer.time_zone),
        last_day=task.expires_at and last_day(task.expires_at, viewer.time_zone),
    )


def _was_in_time(task: TaskRow, contacted_at: datetime | None) -> bool:
    """Whether a contact was made before its task expired, though it is logged after that."""
    return (
        contacted_at is not None
        and task.close_cause == CloseCause.EXPIRED
        and task.expires_at is not None
        and contacted_at < task.expires_at
    )


async def _keep_late(
    task: TaskRow, made: SentContact, viewer: Viewer, now: datetime
) -> tuple[TaskRow, ContactRow, int]:
    """Keep a contact on a task that has closed meanwhile, and count it."""
    counted = task._replace(version=task.version + 1, contact_count=task.contact_count + 1)
    late, contact = await _write(counted, new_contact(task, made, viewer, now))
    kind = TaskEventKind.CONTACT_LOGGED
    seq = await add_event(late, kind, now, contact=contact, viewer=viewer)
    return late, contact, seq


async def _close_expired(task: TaskRow, now: datetime) -> tuple[TaskRow, int]:
    rule = expire(TaskStatus(task.status))
    assert rule is not None
    return await _apply(task, rule, TaskEventKind.CLOSED_BY_EXPIRY, now)


async def _apply(
    task: TaskRow,
    rule: Rule,
    kind: TaskEventKind,
    now: datetime,
    viewer: Viewer | None = None,
) -> tuple[TaskRow, int]:
    """Move the task along `rule`, without a contact, and record the event. Returns the task, and
    the event's number."""
    changed = _along(rule, task, now)
    await write(_CHANGE, *_values(changed))
    before = (task.status, task.follow_up)
    return changed, await add_event(changed, kind, now, before=before, viewer=viewer)


async def _write(task: TaskRow, new: NewContact) -> tuple[TaskRow, ContactRow]:
    """Write the task as it is now, together with the contact that made it so."""
    contact = await add_contact(new, Statement(_CHANGE, _values(task, new.row)))
    return task._replace(last_contact_id=contact.id), contact


async def withdraw_all(tasks: Sequence[TaskRow], reason: str, viewer: Viewer, now: datetime) -> int:
    """Take tasks back (at least one, locked and open), each with its event. Returns the number of
    the last one."""
    changes = []
    for task in tasks:
        rule = withdraw(TaskStatus(task.status))
        assert rule is not None
        changed = _along(rule, task, now)._replace(withdrawn_reason=reason)
        await write(_CHANGE, *_values(changed))
        changes.append((task, changed))
    return await add_events(changes, TaskEventKind.WITHDRAWN, now, viewer)


def _along(rule: Rule, task: TaskRow, now: datetime, contact: ContactRow | None = None) -> TaskRow:
    """The task after `rule`."""
    follow_up = contact.follow_up if contact is not None and rule.to.is_open else None
    return task._replace(
        status=rule.to,
        version=task.version + 1,
        close_cause=rule.cause or task.close_cause,
        follow_up=follow_up,
        due_on=follow_up or task.due_on,
        closed_at=task.closed_at if rule.to.is_open else now,
        contact_count=task.contact_count + (contact is not None),
        claimed_by_id=None,
        claimed_until=None,
        claim_id=None,
    )


def _values(task: TaskRow, contact: ContactRow | None = None) -> tuple[object, ...]:
    """What `_CHANGE` writes, for the task as it is now; `contact` is new, if there is one."""
    return (
        task.practice_id,
        task.id,
        task.status,
        task.version,
        task.close_cause,
        task.follow_up,
        task.due_on,
        task.closed_at,
        task.contact_count,
        task.last_contact_id if contact is None else NEW_ID,
        None if contact is None else contact.made_at,
        None if contact is None else contact.outcome,
        task.withdrawn_reason,
    )
