"""Groups of practices, and who supervises them."""

from tortoise import fields
from tortoise.models import Model

from models.checks import MAX_NAME
from models.practice import Practice


class PracticeGroup(Model):
    """Practices that belong together, such as those of one owner. `slug` is for commands."""

    id = fields.BigIntField(primary_key=True)
    slug = fields.CharField(max_length=64, unique=True)
    name = fields.CharField(max_length=MAX_NAME)
    created_at = fields.DatetimeField()

    class Meta:
        table = "practice_group"


class GroupPractice(Model):
    """A practice of a group: it is in one at most."""

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    group: fields.ForeignKeyRelation[PracticeGroup] = fields.ForeignKeyField(
        "models.PracticeGroup", on_delete=fields.RESTRICT
    )
    created_at = fields.DatetimeField()

    group_id: int
    practice_id: int

    class Meta:
        table = "group_practice"
        unique_together = (("practice",),)


class GroupSupervisor(Model):
    """A person who supervises the practices of a group: a member of staff of one of them, which is
    their home. In each of the others they are a guest (models/access.py)."""

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    group: fields.ForeignKeyRelation[PracticeGroup] = fields.ForeignKeyField(
        "models.PracticeGroup", on_delete=fields.RESTRICT
    )
    staff_id = fields.BigIntField()
    created_at = fields.DatetimeField()

    group_id: int
    practice_id: int

    class Meta:
        table = "group_supervisor"
        unique_together = (("practice", "staff_id"),)
