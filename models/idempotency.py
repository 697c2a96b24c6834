"""Requests that were sent under an idempotency key, and what came of them.

So a request that is sent again is carried out once. A key counts for a day; then it is as if it
were new.
"""

from datetime import datetime
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.database import select_list
from models.practice import Practice

MAX_IDEMPOTENCY_KEY = 200
"""Longest idempotency key, in characters."""


class IdempotencyKey(Model):
    """One use of a key: unique within the practice for each operation.

    `digest` is that of the request, null for uses from before there was this table. `result` is
    JSON: what the answer is made of when the request comes again. `staff_id` is who sent it.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    operation = fields.CharField(max_length=40)
    key = fields.CharField(max_length=MAX_IDEMPOTENCY_KEY)
    staff_id = fields.BigIntField(null=True)
    digest = fields.BinaryField(null=True)
    result = fields.TextField()
    at = fields.DatetimeField()

    class Meta:
        table = "idempotency_key"
        unique_together = (("practice", "operation", "key"),)


class UseRow(NamedTuple):
    """One use of a key, as it is compared with a request that comes under the same key."""

    digest: bytes | None
    result: str
    at: datetime


USE_COLUMNS = select_list("u", UseRow)
"""The select list of a `UseRow`, from a table that is called `u` in the query."""
