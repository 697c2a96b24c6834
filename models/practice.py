"""The practice (the tenant) with its event counter, and its task queues."""

from tortoise import fields
from tortoise.models import Model

from models.chain import BEGINNING
from models.checks import MAX_NAME, IsRegion, IsTimeZone
from models.hours_text import MAX_HOURS

UNDO_MINUTES = 15
"""For how many minutes contacts may be undone in a practice that says nothing else."""


class Practice(Model):
    """A tenant. Its row is also the counter that numbers its events.

    `seq` is the number of the last committed event: it is raised inside the writing transaction, so
    the row lock makes commit order and number order the same. `digest` and `last_event_at` are that
    event's. `pruned_through` is the number of the last event that retention has removed, and
    `pruned_digest` its digest. The four columns that begin with `audit` are the same of the audit's
    rows, which are numbered and chained on their own. `region` is the country (ISO 3166, two
    letters) of phone numbers that are written without a country's code.

    `rest_hours` is for how long a patient who was called is not called again: null is for the rest
    of that day, 0 for no rest (models/rest.py). For `undo_minutes` those who have logged a
    contact may undo it, with 0 not at all: supervisors may later, too.

    `calling_hours` are those in which patients may be called, null for any time, and `holidays` are
    the days on which nobody is, a line each (models/hours_text.py).

    `settings` grows by one when the practice or its queues are changed: feeds learn of it so.
    Nobody may come into a practice that is archived.
    """

    id = fields.BigIntField(primary_key=True)
    slug = fields.CharField(max_length=64, unique=True)
    name = fields.CharField(max_length=MAX_NAME)
    time_zone = fields.CharField(max_length=64, validators=[IsTimeZone()])
    region = fields.CharField(max_length=2, default="US", db_default="US", validators=[IsRegion()])
    rest_hours = fields.IntField(null=True)
    undo_minutes = fields.IntField(default=UNDO_MINUTES, db_default=UNDO_MINUTES)
    calling_hours = fields.CharField(max_length=MAX_HOURS, null=True)
    holidays = fields.TextField(null=True)
    seq = fields.BigIntField(default=0)
    digest = fields.BinaryField(default=BEGINNING)
    last_event_at = fields.DatetimeField(null=True)
    pruned_through = fields.BigIntField(default=0)
    pruned_digest = fields.BinaryField(default=BEGINNING)
    audit_seq = fields.BigIntField(default=0)
    audit_digest = fields.BinaryField(default=BEGINNING)
    audit_pruned_through = fields.BigIntField(default=0)
    audit_pruned_digest = fields.BinaryField(default=BEGINNING)
    settings = fields.BigIntField(default=0, db_default=0)
    archived_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "practice"


class Queue(Model):
    """A work list of tasks of one kind, such as overdue recall. `position` orders the lists.

    With `closes_on_appointment` its automatic tasks close when their patient has an appointment:
    of a kind among `appointment_kinds`, a list as JSON, or of any kind if that is null. With
    `missed_appointments` it gets a task for each such appointment that is missed.
    `follow_up_ladder` says after how many days to call again, contact by contact ("1,7,21,60"), and
    `automatic_life_days` after how many days an automatic task expires that does not say so itself.
    `max_attempts` is how often a patient is to be called at most; then the task waits for a
    supervisor, or closes with `closes_at_max_attempts`. `script` is what the caller says,
    in Markdown. A queue that is archived has no open tasks, and takes no new ones.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=MAX_NAME)
    position = fields.IntField()
    closes_on_appointment = fields.BooleanField(default=False, db_default=False)
    appointment_kinds = fields.TextField(null=True)
    missed_appointments = fields.BooleanField(default=False, db_default=False)
    follow_up_ladder = fields.CharField(max_length=100, null=True)
    automatic_life_days = fields.IntField(null=True)
    max_attempts = fields.IntField(null=True)
    closes_at_max_attempts = fields.BooleanField(default=False, db_default=False)
    script = fields.TextField(null=True)
    archived_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "queue"
        unique_together = (("practice", "name"),)
