"""Passkeys: the public halves of what people sign in with."""

from datetime import datetime
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.database import select_list
from models.practice import Practice

MAX_CREDENTIAL_ID = 1_400
"""Longest id of a credential, in characters of base64url: 1,023 bytes."""

MAX_LABEL = 100


class Passkey(Model):
    """The public half of a person's passkey. The secret half never leaves their device.

    `credential_id` is base64url. `sign_count` is what the device said last, 0 if it does not count.
    `challenged_at` is when the challenge was made that was answered last: no older one, and not the
    same again, is taken.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    staff_id = fields.BigIntField()
    credential_id = fields.CharField(max_length=MAX_CREDENTIAL_ID)
    public_key = fields.BinaryField()
    sign_count = fields.BigIntField()
    label = fields.CharField(max_length=MAX_LABEL)
    created_at = fields.DatetimeField()
    last_used_at = fields.DatetimeField(null=True)
    challenged_at = fields.DatetimeField(null=True)

    class Meta:
        table = "passkey"
        unique_together = (("practice", "credential_id"),)


class PasskeyRow(NamedTuple):
    """A passkey as it is read; `Passkey` says what the columns mean."""

    id: int
    staff_id: int
    credential_id: str
    public_key: bytes
    sign_count: int
    label: str
    created_at: datetime
    last_used_at: datetime | None


PASSKEY_COLUMNS = select_list("k", PasskeyRow)
"""The select list of a `PasskeyRow`, from a table that is called `k` in the query."""
