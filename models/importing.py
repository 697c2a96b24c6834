"""Imports: files that were sent in, how far each has come, and what it made."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.database import select_list
from models.practice import Practice

MAX_FILE_NAME = 200


class ImportState(StrEnum):
    SENDING = "SENDING"  # its rows are being kept
    UPLOADED = "UPLOADED"  # nothing is decided yet: its columns are to be matched
    RUNNING = "RUNNING"  # rows are coming in
    DONE = "DONE"  # every row is in or rejected
    UNDOING = "UNDOING"  # what it made is being taken back
    UNDONE = "UNDONE"  # what it made is taken back, but for what was touched since


class ImportJob(Model):
    """An import: one file of the page, or one run of the command.

    `staff_id` started it, with the key or session `key_id` (null at the command line), for which
    `queue_ids` are the queues that it is limited to (JSON, null if it is not). `names` are the
    file's columns (JSON), and `matching` says which of them is which field (JSON). `total` rows
    were read, of which those that are counted beside it have been decided on; `taken` counts the
    steps, so that each is taken once. While `leased_until` is not past, a server is at work on it.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    state = fields.CharEnumField(ImportState, max_length=12)
    staff_id = fields.BigIntField()
    key_id = fields.BigIntField(null=True)
    queue_ids = fields.TextField(null=True)
    queue_id = fields.BigIntField(null=True)
    source = fields.CharField(max_length=100, null=True)
    file_name = fields.CharField(max_length=MAX_FILE_NAME)
    names = fields.TextField()
    matching = fields.TextField()
    total = fields.IntField(default=0)
    taken = fields.IntField(default=0)
    created = fields.IntField(default=0)
    updated = fields.IntField(default=0)
    unchanged = fields.IntField(default=0)
    already_open = fields.IntField(default=0)
    suppressed = fields.IntField(default=0, db_default=0)
    booked = fields.IntField(default=0, db_default=0)
    rejected = fields.IntField(default=0)
    taken_back = fields.IntField(default=0)
    left_alone = fields.IntField(default=0)
    created_at = fields.DatetimeField()
    started_at = fields.DatetimeField(null=True)
    finished_at = fields.DatetimeField(null=True)
    undone_at = fields.DatetimeField(null=True)
    undone_by_id = fields.BigIntField(null=True)
    leased_until = fields.DatetimeField(null=True)

    class Meta:
        table = "import_job"


class ImportJobRow(NamedTuple):
    """An import as it is read; `ImportJob` says what the columns mean."""

    id: int
    practice_id: int
    state: ImportState
    staff_id: int
    key_id: int | None
    queue_ids: str | None
    queue_id: int | None
    source: str | None
    file_name: str
    names: str
    matching: str
    total: int
    taken: int
    created: int
    updated: int
    unchanged: int
    already_open: int
    suppressed: int
    booked: int
    rejected: int
    taken_back: int
    left_alone: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    undone_at: datetime | None
    undone_by_id: int | None
    leased_until: datetime | None


IMPORT_COLUMNS = select_list("j", ImportJobRow)
"""The select list of an `ImportJobRow`, from a table that is called `j` in the query."""


class ImportRecord(Model):
    """A row of a file that has not come in: it waits, or `refusals` (JSON) say what is wrong with
    it. It is removed when it has come in, and a day after the file was sent. `cells` (JSON) are in
    the order of the file's columns; `line` is its number in the file."""

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    job_id = fields.BigIntField()
    line = fields.IntField()
    cells = fields.TextField()
    refusals = fields.TextField(null=True)

    class Meta:
        table = "import_record"
        unique_together = (("practice", "job_id", "line"),)


class ImportStep(Model):
    """What one transaction of an import made: the numbers of tasks and patients (JSON lists), until
    they are taken back. Then `touched` (JSON) are the tasks that were not. `guarantors` (JSON) are
    lists of a patient, the guarantor before, and the one that the import has set; null once they
    are taken back. It is removed when the import can no longer be undone."""

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    job_id = fields.BigIntField()
    tasks = fields.TextField()
    patients = fields.TextField()
    touched = fields.TextField(null=True)
    guarantors = fields.TextField(null=True)

    class Meta:
        table = "import_step"
