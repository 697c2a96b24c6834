"""The practice (the tenant) with its event counter, and its task queues."""

from tortoise import fields
from tortoise.models import Model


class Practice(Model):
    """A tenant. Its row is also the counter that numbers its events.

    `seq` is the number of the last committed event: it is raised inside the writing transaction, so
    the row lock makes commit order and number order the same. `pruned_through` is the number of the
    last event that retention has removed.
    """

    id = fields.BigIntField(primary_key=True)
    slug = fields.CharField(max_length=64, unique=True)
    name = fields.CharField(max_length=200)
    time_zone = fields.CharField(max_length=64)
    seq = fields.BigIntField(default=0)
    pruned_through = fields.BigIntField(default=0)
    created_at = fields.DatetimeField()

    class Meta:
        table = "practice"


class Queue(Model):
    """A work list of tasks of one kind, such as overdue recall. `position` orders the lists.

    With `closes_on_appointment` its automatic tasks close when their patient has an appointment.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=200)
    position = fields.IntField()
    closes_on_appointment = fields.BooleanField(default=False, db_default=False)
    created_at = fields.DatetimeField()

    class Meta:
        table = "queue"
        unique_together = (("practice", "name"),)
