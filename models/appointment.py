"""An appointment that was booked elsewhere, as far as it matters to the work lists."""

from datetime import datetime
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.database import select_list
from models.people import MAX_EXTERNAL_ID
from models.practice import Practice


class Appointment(Model):
    """One that is recorded again under its `external_id` is the same appointment."""

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

    class Meta:
        table = "appointment"
        unique_together = (("practice", "external_id"),)


class AppointmentRow(NamedTuple):
    """An appointment as the read side hands it out."""

    id: int
    practice_id: int
    patient_id: int
    at: datetime
    external_id: str


APPOINTMENT_COLUMNS = select_list("a", AppointmentRow)
"""The select list of an `AppointmentRow`, from a table that is called `a` in the query."""
