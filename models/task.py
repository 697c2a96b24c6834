"""A task: one patient to be contacted, for one reason, from one queue."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.database import select_list
from models.lifecycle import OPEN_STATUSES, CloseCause, ContactOutcome, TaskOrigin, TaskStatus
from models.people import MAX_EXTERNAL_ID, Patient, Staff
from models.practice import Practice, Queue
from models.priority import TaskPriority

MAX_CLAIM_ID = 100
"""Longest id of a claim, in characters."""


class Task(Model):
    """The row that changes. Only work/transitions.py writes `status`.

    Only work/claims.py claims. A claim is written on every open task of its patient, with the same
    `claim_id` on each.

    `due_on` is what the work list is sorted by: the follow-up date, or the day the task was made
    while nobody has called yet. `version` is 1 at creation and grows by one with each event.
    `last_contacted_at` and `last_outcome` repeat what the last contact says, so that lists can be
    filtered and sorted by them. An imported task is `external_id` at `source`, unique within the
    practice.

    `rests_since` is null on a task that a claim may find. A claim that finds that its patient was
    called too recently writes there when that was, so that later claims pass it over until the rest
    is over. It is no more than a memory: whom has been called stands in the contacts. `waits_until`
    is another: a claim that finds that it is too early or too late where the patient lives writes
    there until when later ones are to pass the task over, and `WAITS` into `rests_since`.

    `assignee_id` is the member of staff whose work it is, null if it is everybody's in the queue.

    `follow_up_at` is the moment at which the patient was promised to be called back, on the day
    `follow_up`; null if only a day is set. `call_back_by_id` is the member of staff who is to call,
    null if anybody may. `call_back_told_at` is when an event told that it was time, null before.
    All three are null on a closed task.

    `review_since` is since when a supervisor is to say how to go on, for the patient was called as
    often as the queue allows. Null on all other tasks, and on closed ones.
    `priority` comes before dates and expiry in the order of work, and changes nothing else.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    queue: fields.ForeignKeyRelation[Queue] = fields.ForeignKeyField(
        "models.Queue", on_delete=fields.RESTRICT
    )
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "models.Patient", on_delete=fields.RESTRICT
    )
    status = fields.CharEnumField(TaskStatus, max_length=12)
    origin = fields.CharEnumField(TaskOrigin, max_length=12)
    reason = fields.CharField(max_length=500)
    follow_up = fields.DateField(null=True)
    due_on = fields.DateField()
    expires_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=1)
    contact_count = fields.IntField(default=0)
    last_contact_id = fields.BigIntField(null=True)
    last_contacted_at = fields.DatetimeField(null=True)
    last_outcome = fields.CharEnumField(ContactOutcome, max_length=20, null=True)
    created_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)
    close_cause = fields.CharEnumField(CloseCause, max_length=20, null=True)
    claimed_by: fields.ForeignKeyNullableRelation[Staff] = fields.ForeignKeyField(
        "models.Staff", null=True, on_delete=fields.RESTRICT
    )
    claimed_until = fields.DatetimeField(null=True)
    claim_id = fields.CharField(max_length=MAX_CLAIM_ID, null=True)
    # Its foreign key leads to two columns, which models cannot say: see the migration.
    assignee_id = fields.BigIntField(null=True)
    withdrawn_reason = fields.CharField(max_length=500, null=True)
    source = fields.CharField(max_length=100, null=True)
    external_id = fields.CharField(max_length=MAX_EXTERNAL_ID, null=True)
    rests_since = fields.DatetimeField(null=True)
    waits_until = fields.DatetimeField(null=True)
    follow_up_at = fields.DatetimeField(null=True)
    # As that of `assignee_id`.
    call_back_by_id = fields.BigIntField(null=True)
    call_back_told_at = fields.DatetimeField(null=True)
    review_since = fields.DatetimeField(null=True)
    priority = fields.IntEnumField(
        TaskPriority, default=TaskPriority.NORMAL, db_default=TaskPriority.NORMAL
    )

    practice_id: int
    queue_id: int
    patient_id: int
    claimed_by_id: int | None

    class Meta:
        table = "task"


class TaskRow(NamedTuple):
    """A task as the read side hands it out; the column names are `TASK_COLUMNS`."""

    id: int
    practice_id: int
    queue_id: int
    patient_id: int
    status: TaskStatus
    origin: TaskOrigin
    reason: str
    follow_up: date | None
    due_on: date
    expires_at: datetime | None
    version: int
    contact_count: int
    last_contact_id: int | None
    created_at: datetime
    closed_at: datetime | None
    close_cause: CloseCause | None
    claimed_by_id: int | None
    claimed_until: datetime | None
    assignee_id: int | None
    withdrawn_reason: str | None
    claim_id: str | None
    follow_up_at: datetime | None
    call_back_by_id: int | None
    call_back_told_at: datetime | None
    review_since: datetime | None
    priority: TaskPriority

    @property
    def claim(self) -> str | None:
        """The id of the task's claim, None if there is none. Old claims without an id are
        identified by their patient and their holder."""
        if self.claimed_by_id is None:
            return None
        return self.claim_id or f"{self.patient_id}.{self.claimed_by_id}"

    def has_expired(self, now: datetime) -> bool:
        """Whether its expiry has passed. Its status stays open until the sweep closes it."""
        return self.is_open and self.expires_at is not None and self.expires_at <= now

    def is_claimed(self, now: datetime) -> bool:
        """Whether a claim on it holds now. One that has lapsed stays until the sweep removes it."""
        return self.claimed_until is not None and self.claimed_until > now

    @property
    def is_open(self) -> bool:
        return self.status.is_open

    @property
    def status_label(self) -> str:
        return self.status.label


TASK_COLUMNS = select_list("t", TaskRow)
"""The select list of a `TaskRow`, from a table that is called `t` in the query."""

NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""What lists that are sorted by expiry take for that of a task that never expires: it is last."""

WAITS = NEVER
"""What stands in `rests_since` of a task that is passed over until `waits_until`."""

FOUND_AGAIN = "rests_since = NULL, waits_until = NULL"
"""What an UPDATE sets so that claims find a task again, and look anew whether it is passed over."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""What lists that are sorted by last contact take for that of a task without one: it is first."""

EXPIRES_KEY = f"COALESCE(t.expires_at, '{NEVER}')"
CONTACTED_KEY = f"COALESCE(t.last_contacted_at, '{LONG_AGO}')"
"""What those lists are sorted by, written as in their indexes."""


def one_of(column: str, values: Iterable[StrEnum | IntEnum]) -> str:
    """SQL that is true where the column is one of the values."""
    listed = ", ".join(f"'{v}'" if isinstance(v, StrEnum) else f"{v:d}" for v in values)
    return f"{column} IN ({listed})" if listed else "1 = 0"


IS_OPEN = one_of("t.status", OPEN_STATUSES)
"""SQL that is true of tasks that are still on the work list, written as in their indexes."""

IS_CLOSED = f"t.status = '{TaskStatus.CLOSED}'"
"""SQL that is true of the others."""
