"""The audit: who read or changed which patient's data, when, from where, and by which operation."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.database import fetch, select_list
from models.practice import Practice

OK = "OK"
"""The result of what was carried out. All other results are codes of refusals and of errors."""

MAX_OPERATION = 200
MAX_DETAIL = 200


class AuditAction(StrEnum):
    READ = "READ"  # a patient's data was shown
    DELIVERY = "DELIVERY"  # it was sent live to somebody who watches
    CHANGE = "CHANGE"  # it was changed
    REFUSED = "REFUSED"  # somebody asked for what was refused
    SIGN_IN = "SIGN_IN"
    SIGN_OUT = "SIGN_OUT"
    EXPORT = "EXPORT"  # it left by a command
    KEY = "KEY"  # a key or a link was made or revoked
    SETTING = "SETTING"  # the practice, or a queue, was set otherwise


class Audit(Model):
    """Append-only: the database refuses changes, and deletions but for what retention has passed.

    Rows are numbered and chained within their practice as events are, but on their own: `seq` is
    the order in which they were written, `at` when it happened. Who did it is `staff_id` with the
    key or session `key_id`; both are null for an operator at the command line and for the clock.
    A row names patients and tasks by their numbers and has nothing else of them. `notes` says that
    the agents' notes were among what was asked for. `detail` says which key or setting it was.
    """

    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    seq = fields.BigIntField(primary_key=True, generated=False)  # with the practice
    at = fields.DatetimeField()
    action = fields.CharEnumField(AuditAction, max_length=12)
    operation = fields.CharField(max_length=MAX_OPERATION)
    address = fields.CharField(max_length=45, null=True)
    staff_id = fields.BigIntField(null=True)
    key_id = fields.BigIntField(null=True)
    patient_id = fields.BigIntField(null=True)
    task_id = fields.BigIntField(null=True)
    notes = fields.BooleanField(default=False)
    result = fields.CharField(max_length=40)
    detail = fields.CharField(max_length=MAX_DETAIL, null=True)
    digest = fields.BinaryField()

    class Meta:
        table = "audit"
        unique_together = (("practice", "seq"),)


class AuditRow(NamedTuple):
    """A row of the audit; `Audit` says what the columns mean."""

    practice_id: int
    seq: int
    at: datetime
    action: AuditAction
    operation: str
    address: str | None
    staff_id: int | None
    key_id: int | None
    patient_id: int | None
    task_id: int | None
    notes: bool
    result: str
    detail: str | None
    digest: bytes


AUDIT_COLUMNS = select_list("a", AuditRow)
"""The select list of an `AuditRow`, from a table that is called `a` in the query."""

AUDIT_CHAINED = tuple(column for column in AuditRow._fields if column != "digest")
"""The columns that a row's digest is made of."""


class AuditBounds(NamedTuple):
    """A practice's last row and the last one that retention has removed, each with its digest."""

    seq: int
    digest: bytes
    pruned_through: int
    pruned_digest: bytes


async def audit_bounds(practice_id: int) -> AuditBounds:
    """Return the bounds between which a practice's audit can be read."""
    sql = """SELECT audit_seq, audit_digest, audit_pruned_through, audit_pruned_digest
    FROM practice WHERE id = $1"""
    return (await fetch(AuditBounds, sql, practice_id))[0]
