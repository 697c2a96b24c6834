"""A contact: one call to a patient, as the agent logged it. Written once, never changed."""

from datetime import date, datetime
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.database import select_list
from models.lifecycle import ContactOutcome
from models.people import Staff
from models.practice import Practice
from models.task import Task


class Contact(Model):
    """Append-only: the database refuses to change or delete a row. `contacted_at` is null where the
    call was made when it was logged.
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

    practice_id: int
    task_id: int
    logged_by_id: int

    class Meta:
        table = "contact"


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

    @property
    def made_at(self) -> datetime:
        """When the patient was called."""
        return self.contacted_at or self.logged_at


CONTACT_COLUMNS = select_list("c", ContactRow)
"""The select list of a `ContactRow`, from a table that is called `c` in the query."""
