"""Who is called, and who calls."""

from tortoise import fields
from tortoise.models import Model

from models.practice import Practice


class Patient(Model):
    """A person whom the practice contacts.

    Who came in from elsewhere is `external_id` at `source`, unique within the practice.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=200)
    phone = fields.CharField(max_length=40)
    source = fields.CharField(max_length=100, null=True)
    external_id = fields.CharField(max_length=200, null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "patient"


class Staff(Model):
    """Who acts through a key: an agent, a supervisor, or a partner's program."""

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=200)
    created_at = fields.DatetimeField()

    class Meta:
        table = "staff"
        unique_together = (("practice", "name"),)
