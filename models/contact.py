"""A contact: one call to a patient, as the agent logged it. Written once, never changed. One that
was logged by mistake stays, and is undone by a row of its own."""

import json
from datetime import date, datetime
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.database import select_list
from models.lifecycle import ContactOutcome, TaskStatus
from models.people import Staff
from models.practice import Practice
from models.task import Task, TaskRow


class Contact(Model):
    """Append-only: the database refuses to change or delete a row.

    `contacted_at` is null if the call was made when it was logged. `follow_up_at` is the moment at
    which the patient was promised to be called back, null if only a day was set. `task_before` is a
    `TaskBefore` as JSON, null in contacts from before migration 0025. `appointment_before` is an
    `AppointmentBefore` as JSON if an appointment was agreed on in the call, else null.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    task: fields.ForeignKeyRelation[Task] = fields.ForeignKeyField(
        "models.Task", on_delete=fields.RESTRICT
    )
    outcome = fields.CharEnumField(ContactOutcome, max_length=20)
    follow_up = fields.DateField(null=True)
    notes = fields.TextField(null=True)
    closed_task = fields.BooleanField()
    contacted_at = fields.DatetimeField(null=True)
    logged_at = fields.DatetimeField()
    logged_by: fields.ForeignKeyRelation[Staff] = fields.ForeignKeyField(
        "models.Staff", on_delete=fields.RESTRICT
    )
    task_before = fields.TextField(null=True)
    follow_up_at = fields.DatetimeField(null=True)
    is_incoming = fields.BooleanField(default=False, db_default=False)
    appointment_before = fields.TextField(null=True)

    practice_id: int
    task_id: int
    logged_by_id: int

    class Meta:
        table = "contact"


class ContactUndo(Model):
    """That a contact was undone: it counts nowhere from then on. Append-only, as contacts are."""

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    # Their foreign keys lead to two columns, which models cannot say: see the migration.
    contact_id = fields.BigIntField()
    at = fields.DatetimeField()
    by_id = fields.BigIntField()
    reason = fields.TextField(null=True)

    class Meta:
        table = "contact_undo"
        unique_together = (("practice", "contact_id"),)


class TaskBefore(NamedTuple):
    """What a contact has changed of its task, as it was before. Its claim is not among it: the call
    is over. Events keep the same, but not for ever."""

    version: int
    status: TaskStatus
    follow_up: date | None
    due_on: date
    last_contact_id: int | None
    follow_up_at: datetime | None = None
    call_back_by_id: int | None = None
    call_back_told_at: datetime | None = None
    review_since: datetime | None = None

    @classmethod
    def as_is(cls, task: TaskRow) -> "TaskBefore":
        """What is to be kept of a task, as it is now."""
        return cls._make(getattr(task, name) for name in cls._fields)

    @property
    def text(self) -> str:
        """As it is stored."""
        return json.dumps(self._asdict(), default=str)

    @classmethod
    def of(cls, text: str) -> "TaskBefore":
        """What `text` has stored."""
        stored = json.loads(text)
        follow_up = stored["follow_up"] and date.fromisoformat(stored["follow_up"])
        due_on = date.fromisoformat(stored["due_on"])
        status = TaskStatus(stored["status"])
        read = {"status": status, "follow_up": follow_up, "due_on": due_on}
        for name in ("follow_up_at", "call_back_told_at", "review_since"):
            read[name] = stored.get(name) and datetime.fromisoformat(stored[name])
        return cls(**stored | read)


class ContactRow(NamedTuple):
    """A contact as the read side hands it out."""

    id: int
    practice_id: int
    task_id: int
    outcome: ContactOutcome
    follow_up: date | None
    notes: str | None
    closed_task: bool
    contacted_at: datetime | None
    logged_at: datetime
    logged_by_id: int
    follow_up_at: datetime | None
    is_incoming: bool

    @property
    def made_at(self) -> datetime:
        """When the patient was called."""
        return self.contacted_at or self.logged_at


CONTACT_COLUMNS = select_list("c", ContactRow)
"""The select list of a `ContactRow`, from a table that is called `c` in the query."""


class ContactUndoRow(NamedTuple):
    """An undo as the read side hands it out."""

    id: int
    practice_id: int
    contact_id: int
    at: datetime
    by_id: int
    reason: str | None


UNDO_COLUMNS = select_list("u", ContactUndoRow)
"""The select list of a `ContactUndoRow`, from a table that is called `u` in the query."""


def stands(contact: str) -> str:
    """SQL that is true of a contact, by the name of its table in the query, that was not undone.
    Whatever counts contacts asks for it."""
    return f"""NOT EXISTS (SELECT 1 FROM contact_undo cu
        WHERE cu.practice_id = {contact}.practice_id AND cu.contact_id = {contact}.id)"""
