"""An event: one change of one task, numbered within its practice. Dashboards follow these."""

from datetime import date, datetime
from enum import StrEnum
from operator import itemgetter
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.chain import Position
from models.database import fetch, unplanned
from models.lifecycle import CloseCause, TaskOrigin, TaskStatus
from models.people import Staff
from models.practice import Practice, Queue
from models.priority import TaskPriority
from models.task import MAX_CLAIM_ID, Task, TaskRow


class TaskEventKind(StrEnum):
    CREATED = "CREATED"  # the task is new
    CONTACT_LOGGED = "CONTACT_LOGGED"  # somebody called; the task may have closed
    CLOSED_BY_EXPIRY = "CLOSED_BY_EXPIRY"  # its time was up
    CLAIMED = "CLAIMED"  # its patient was claimed, or the claim was renewed
    RELEASED = "RELEASED"  # the claim has ended, other than by a contact on this task
    REASSIGNED = "REASSIGNED"  # it was given to another queue or member of staff
    CLOSED_BY_APPOINTMENT = "CLOSED_BY_APPOINTMENT"  # the patient has an appointment
    WITHDRAWN = "WITHDRAWN"  # a supervisor has closed it
    PATIENT_CHANGED = "PATIENT_CHANGED"  # called otherwise, or again, or in another household
    POSTPONED = "POSTPONED"  # it has another follow-up date, without a contact
    CONTACT_UNDONE = "CONTACT_UNDONE"  # a contact was taken back; the task is as before it
    REOPENED = "REOPENED"  # a supervisor has opened it again
    CLOSED_BY_DO_NOT_CONTACT = "CLOSED_BY_DO_NOT_CONTACT"  # the patient is not to be called
    REOPENED_BY_CANCELLATION = "REOPENED_BY_CANCELLATION"  # the appointment that closed it is off
    CALL_BACK_DUE = "CALL_BACK_DUE"  # it is time to call back, as was promised
    CALL_BACK_PASSED_ON = "CALL_BACK_PASSED_ON"  # who was to call back is away, or took too long
    CLOSED_BY_MAX_ATTEMPTS = "CLOSED_BY_MAX_ATTEMPTS"  # the patient was called often enough
    RESUMED = "RESUMED"  # a supervisor has let it go on, which was called for often enough
    PRIORITY_CHANGED = "PRIORITY_CHANGED"  # it is more urgent, or less


STATUS_KINDS = frozenset(TaskEventKind) - {
    TaskEventKind.CLAIMED,
    TaskEventKind.RELEASED,
    TaskEventKind.REASSIGNED,
    TaskEventKind.PATIENT_CHANGED,
    TaskEventKind.POSTPONED,
    TaskEventKind.CALL_BACK_DUE,
    TaskEventKind.CALL_BACK_PASSED_ON,
    TaskEventKind.RESUMED,
    TaskEventKind.PRIORITY_CHANGED,
}
"""The kinds that touch a task's status: what `taskStatusChanged` carries."""

SETTINGS = 0
"""Rung in place of an event's number, which none has: the practice or its queues were changed."""

CLAIM_KINDS = frozenset({TaskEventKind.CLAIMED, TaskEventKind.RELEASED})
"""The kinds that say no more than who is calling."""


class TaskEvent(Model):
    """Append-only: the database refuses changes, and deletions but for what retention has passed.

    Beside the change itself it keeps what the task looked like right after it, so that an event
    reads the same live, replayed, and a year later. `from_queue_id` is the queue that the task left
    with this event, null if it stayed in its queue. `change` is the `seq` of the first
    event of the same transaction, null in events from before migration 0012. `from_closed_at` is
    when a task had been closed that is open again, `from_review_since` since when it had waited
    for a supervisor. `expires_then` and `withdrawn_then` are the
    task's expiry and why it was withdrawn, null in events from before migration 0025.
    `given_reason` is why the task was postponed or reopened. `priority` is null in events from
    before migration 0032, when all tasks were alike. `digest` chains it to the event before
    it (see models/chain.py).
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    seq = fields.BigIntField()
    kind = fields.CharEnumField(TaskEventKind, max_length=24)
    at = fields.DatetimeField()
    task: fields.ForeignKeyRelation[Task] = fields.ForeignKeyField(
        "models.Task", on_delete=fields.RESTRICT
    )
    queue: fields.ForeignKeyRelation[Queue] = fields.ForeignKeyField(
        "models.Queue", on_delete=fields.RESTRICT
    )
    from_status = fields.CharEnumField(TaskStatus, max_length=12, null=True)
    to_status = fields.CharEnumField(TaskStatus, max_length=12)
    from_follow_up = fields.DateField(null=True)
    close_cause = fields.CharEnumField(CloseCause, max_length=20, null=True)
    contact_id = fields.BigIntField(null=True)
    actor: fields.ForeignKeyNullableRelation[Staff] = fields.ForeignKeyField(
        "models.Staff", null=True, on_delete=fields.RESTRICT
    )
    version = fields.IntField()
    follow_up = fields.DateField(null=True)
    due_on = fields.DateField()
    contact_count = fields.IntField()
    last_contact_id = fields.BigIntField(null=True)
    claimed_by_id = fields.BigIntField(null=True)
    claimed_until = fields.DatetimeField(null=True)
    from_queue_id = fields.BigIntField(null=True)
    assignee_id = fields.BigIntField(null=True)
    closed_at = fields.DatetimeField(null=True)
    claim_id = fields.CharField(max_length=MAX_CLAIM_ID, null=True)
    change = fields.BigIntField(null=True)
    from_closed_at = fields.DatetimeField(null=True)
    expires_then = fields.DatetimeField(null=True)
    withdrawn_then = fields.CharField(max_length=500, null=True)
    given_reason = fields.TextField(null=True)
    follow_up_at = fields.DatetimeField(null=True)
    call_back_by_id = fields.BigIntField(null=True)
    call_back_told_at = fields.DatetimeField(null=True)
    review_since = fields.DatetimeField(null=True)
    from_review_since = fields.DatetimeField(null=True)
    priority = fields.IntEnumField(TaskPriority, null=True)
    digest = fields.BinaryField()

    practice_id: int
    task_id: int
    queue_id: int
    actor_id: int | None

    class Meta:
        table = "task_event"
        unique_together = (("practice", "seq"),)


class EventRow(NamedTuple):
    """An event with what is needed to show its task as it was right after it.

    Fields up to `digest` are the event's own columns; those after it are read from the task. A
    field of the same name as one of `TaskRow` holds what the task's column was after the event.
    """

    practice_id: int
    seq: int
    kind: TaskEventKind
    at: datetime
    task_id: int
    queue_id: int
    from_status: TaskStatus | None
    to_status: TaskStatus
    from_follow_up: date | None
    close_cause: CloseCause | None
    contact_id: int | None
    actor_id: int | None
    version: int
    follow_up: date | None
    due_on: date
    contact_count: int
    last_contact_id: int | None
    claimed_by_id: int | None
    claimed_until: datetime | None
    from_queue_id: int | None
    assignee_id: int | None
    closed_at: datetime | None
    claim_id: str | None
    change: int | None
    from_closed_at: datetime | None
    expires_then: datetime | None
    withdrawn_then: str | None
    given_reason: str | None
    follow_up_at: datetime | None
    call_back_by_id: int | None
    call_back_told_at: datetime | None
    review_since: datetime | None
    from_review_since: datetime | None
    priority: TaskPriority | None
    digest: bytes
    # From here on the task's: columns that never change, and for events that do not keep them, its
    # expiry and why it was withdrawn.
    patient_id: int
    origin: TaskOrigin
    reason: str
    expires_at: datetime | None
    created_at: datetime
    withdrawn_reason: str | None

    @property
    def position(self) -> Position:
        """The place in the practice's history right after this event."""
        return Position.after(self.seq, self.digest)

    @property
    def queues(self) -> tuple[int, ...]:
        """The queues whose work it changes: the one that the task left, if any, then its own."""
        if self.from_queue_id is None:
            return (self.queue_id,)
        return (self.from_queue_id, self.queue_id)

    @property
    def task(self) -> TaskRow:
        """The task right after this event."""
        task: TaskRow = tuple.__new__(TaskRow, _AS_TASK(self))
        # Events from before migration 0025 do not keep these two: a task has them as they are now.
        if task.expires_at is None and self.expires_at is not None:
            task = task._replace(expires_at=self.expires_at)
        if task.close_cause is CloseCause.WITHDRAWN and task.withdrawn_reason is None:
            task = task._replace(withdrawn_reason=self.withdrawn_reason)
        if self.priority is None:
            task = task._replace(priority=TaskPriority.NORMAL)
        return task


_KEPT = EventRow._fields[: EventRow._fields.index("digest") + 1]
"""The columns that an event keeps itself. The others are read from its task."""

_SELECT_LIST = ", ".join(
    f"e.{column}" if column in _KEPT else f"t.{column}" for column in EventRow._fields
)

CHAINED = tuple(column for column in _KEPT if column != "digest")
"""The columns that an event's digest is made of."""

_NAMED_OTHERWISE = {
    "id": "task_id",
    "status": "to_status",
    "expires_at": "expires_then",
    "withdrawn_reason": "withdrawn_then",
}
_NAME_IN_EVENT = {column: _NAMED_OTHERWISE.get(column, column) for column in TaskRow._fields}
"""What the columns of a task are called in an event."""

# Tasks are made from events, and events from tasks, very often: so the places are looked up once.
_AS_TASK = itemgetter(*map(EventRow._fields.index, _NAME_IN_EVENT.values()))
_OF_TASK = {name: column for column, name in _NAME_IN_EVENT.items() if name in _KEPT}
_AS_EVENT = itemgetter(*map(TaskRow._fields.index, _OF_TASK.values()))


def columns_of_event(task: TaskRow) -> dict[str, object]:
    """Return what an event keeps of `task`, which is as the event has left it."""
    return dict(zip(_OF_TASK, _AS_EVENT(task), strict=True))


async def select_events(where: str, limit: int, values: list[object]) -> list[EventRow]:
    """The events (called `e`) that match `where`, in order, at most `limit` of them."""
    sql = f"""
    SELECT {_SELECT_LIST} FROM task_event e
    JOIN task t ON t.practice_id = e.practice_id AND t.id = e.task_id
    WHERE {where} ORDER BY e.seq LIMIT {limit}
    """
    return await fetch(EventRow, sql, *values)


class Resync(Exception):
    """The stream cannot go on from the cursor without a gap: fetch afresh and follow from there."""


class OtherHistory(Resync):
    """The event that was read last is gone, or is another one now: the database was restored to an
    earlier state, or a replica took over that had not received all of it."""


async def events_after(practice_id: int, position: Position, limit: int) -> list[EventRow]:
    """The practice's events after `position`, in order, at most `limit` of them.

    The event at `position` is read with them, so that what is handed on always follows from it.
    Raises `Resync` if the table no longer has what follows, `OtherHistory` if it never will.
    """
    where = f"e.practice_id = {unplanned(1)} AND e.seq >= {unplanned(2)}"
    events = await select_events(where, limit + 1, [practice_id, position.seq])
    if events and events[0].seq == position.seq:
        if not events[0].position.agrees(position):
            raise _other_history(position)
        return events[1:]
    await check_resumable(practice_id, position)
    return events[:limit]


class FeedBounds(NamedTuple):
    """A practice's last event and the last one that retention has removed, each with its digest."""

    seq: int
    digest: bytes
    pruned_through: int
    pruned_digest: bytes

    @property
    def last(self) -> Position:
        """The place after the practice's last event."""
        return Position.after(self.seq, self.digest)


async def feed_bounds(practice_id: int) -> FeedBounds:
    """Return the bounds between which a practice's history can be read."""
    sql = "SELECT seq, digest, pruned_through, pruned_digest FROM practice WHERE id = $1"
    return (await fetch(FeedBounds, sql, practice_id))[0]


class _Settings(NamedTuple):
    settings: int


async def settings_of(practice_id: int) -> int:
    """How often the practice or its queues were changed."""
    sql = "SELECT settings FROM practice WHERE id = $1"
    return (await fetch(_Settings, sql, practice_id))[0].settings


class _At(NamedTuple):
    """A practice's bounds, and the digest of one of its events where that is still kept."""

    seq: int
    pruned_through: int
    pruned_digest: bytes
    digest: bytes | None


_AT = """
SELECT p.seq, p.pruned_through, p.pruned_digest, e.digest FROM practice p
LEFT JOIN task_event e ON e.practice_id = p.id AND e.seq = $2 WHERE p.id = $1
"""


async def check_resumable(practice_id: int, position: Position) -> None:
    """Raise `Resync` unless every event after `position` can still be read, and `OtherHistory`
    where the event at `position` is not there, or is another one."""
    (at,) = await fetch(_At, _AT, practice_id, position.seq)
    if position.seq < at.pruned_through:
        raise Resync("The cursor is older than the events that are kept.")
    digest = at.pruned_digest if position.seq == at.pruned_through else at.digest
    if digest is None or not Position.after(position.seq, digest).agrees(position):
        raise _other_history(position)


def _other_history(position: Position) -> OtherHistory:
    return OtherHistory(f"Event {position.seq} is not the one that the cursor names: start afresh.")
