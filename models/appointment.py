"""An appointment that was booked elsewhere, as far as it matters to the work lists: what it is now,
and which tasks it has closed."""

import json
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.database import select_list
from models.people import MAX_EXTERNAL_ID
from models.practice import Practice
from models.queue_checks import MAX_KIND
from models.refusals import Refusal, RefusalCode


class AppointmentStatus(StrEnum):
    SCHEDULED = "SCHEDULED"  # booked: the patient is expected
    CANCELLED = "CANCELLED"  # it will not take place
    COMPLETED = "COMPLETED"  # the patient has come
    MISSED = "MISSED"  # the patient has not come

    @property
    def label(self) -> str:
        """The status as people read it."""
        return self.capitalize()


class Appointment(Model):
    """One that is recorded again under its `external_id` is the same appointment.

    `kind` is what the booking system calls what it is for, null if it has not said. `ended_at` and
    `ended_by_id` say when it was cancelled, completed or missed, null while it is scheduled.
    `version` grows by one with each change. `is_confirmed` is false while only contacts have said
    that there is this appointment, at this time. One that was `taken_back_at` a moment, with its
    contact, is there no more, until it is recorded again.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    # Its foreign keys lead to two columns, which models cannot say: see the migration.
    patient_id = fields.BigIntField()
    at = fields.DatetimeField()
    external_id = fields.CharField(max_length=MAX_EXTERNAL_ID)
    recorded_at = fields.DatetimeField()
    recorded_by_id = fields.BigIntField()
    status = fields.CharEnumField(
        AppointmentStatus,
        max_length=12,
        default=AppointmentStatus.SCHEDULED,
        db_default=AppointmentStatus.SCHEDULED,
    )
    kind = fields.CharField(max_length=MAX_KIND, null=True)
    ended_at = fields.DatetimeField(null=True)
    ended_by_id = fields.BigIntField(null=True)
    version = fields.IntField(default=1, db_default=1)
    is_confirmed = fields.BooleanField(default=True, db_default=True)
    taken_back_at = fields.DatetimeField(null=True)

    class Meta:
        table = "appointment"
        unique_together = (("practice", "external_id"),)


class AppointmentClosing(Model):
    """That an appointment has closed a task, the last one to do so, and what the task was before:
    a `TaskBefore` as JSON. It counts for nothing once the task is open again."""

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    # As those of an appointment.
    task_id = fields.BigIntField()
    appointment_id = fields.BigIntField()
    task_before = fields.TextField()

    class Meta:
        table = "appointment_closing"
        unique_together = (("practice", "task_id"),)


class AppointmentRow(NamedTuple):
    """An appointment as the read side hands it out."""

    id: int
    practice_id: int
    patient_id: int
    at: datetime
    external_id: str
    recorded_at: datetime
    recorded_by_id: int
    status: AppointmentStatus
    kind: str | None
    ended_at: datetime | None
    ended_by_id: int | None
    version: int
    is_confirmed: bool
    taken_back_at: datetime | None

    @property
    def is_scheduled(self) -> bool:
        return self.status is AppointmentStatus.SCHEDULED

    def is_ahead(self, now: datetime) -> bool:
        """Whether the patient is expected, and the time is still to come."""
        return self.is_scheduled and self.at > now


APPOINTMENT_COLUMNS = select_list("a", AppointmentRow)
"""The select list of an `AppointmentRow`, from a table that is called `a` in the query."""

IS_THERE = "a.taken_back_at IS NULL"
"""SQL that is true of appointments that were not taken back."""

IS_AHEAD = f"{IS_THERE} AND a.status = '{AppointmentStatus.SCHEDULED}' AND a.at > "
"""SQL, before a moment: true of appointments to which patients are expected after it."""


class AppointmentBefore(NamedTuple):
    """An appointment as it was before the contact in which it was agreed on. It was not there if
    `version` is 0. The contact has left it at the version `after`, the same if it has changed
    nothing, and tasks with the ids `closed` were closed with it."""

    id: int
    version: int
    at: datetime
    kind: str | None
    is_confirmed: bool
    after: int
    closed: list[int]

    @property
    def text(self) -> str:
        """As it is stored."""
        return json.dumps(self._replace(at=self.at.isoformat())._asdict())  # type: ignore[arg-type]

    @classmethod
    def of(cls, text: str) -> "AppointmentBefore":
        """What `text` has stored."""
        stored = json.loads(text)
        return cls(**stored | {"at": datetime.fromisoformat(stored["at"])})


def is_of_kind(kind: str | None, kinds: str | None) -> bool:
    """Whether an appointment of a kind, None if nobody has said, is among the `kinds` that a queue
    names: a list as JSON, None if all are."""
    if kinds is None:
        return True
    return kind is not None and kind.casefold() in {named.casefold() for named in json.loads(kinds)}


def check_status(
    now: AppointmentStatus, to: AppointmentStatus, field: str | None = None
) -> Refusal | None:
    """Why an appointment that is `now` cannot become `to`, None if it can: only a scheduled one
    ends, and only one that has ended is scheduled again."""
    is_scheduled = now is AppointmentStatus.SCHEDULED
    if is_scheduled != (to is AppointmentStatus.SCHEDULED):
        return None
    if is_scheduled:
        return Refusal(RefusalCode.APPOINTMENT_OPEN, "The appointment is scheduled already.", field)
    return ended(now, field)


def ended(now: AppointmentStatus, field: str | None) -> Refusal:
    """The refusal of what needs a scheduled appointment: this one has ended, as it is `now`."""
    message = f"The appointment was {now.label.lower()} already: nothing was changed."
    return Refusal(RefusalCode.APPOINTMENT_ENDED, message, field)
