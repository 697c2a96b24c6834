"""Keys: who may use the API, for which practice, in which role."""

import json
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.people import Staff
from models.practice import Practice
from models.roles import Role

MAX_DEVICE = 100


class KeyKind(StrEnum):
    """What a row of the table is. Sessions, links, invitations and visits have a parent."""

    KEY = "KEY"  # a program's key, or one that is typed in
    PERSON = "PERSON"  # what an invited person may do; nobody has a secret for it
    SESSION = "SESSION"  # of the dashboard
    LINK = "LINK"  # begins one session
    INVITE = "INVITE"  # lets a person make the first passkey
    GUEST = "GUEST"  # what a supervisor of the group may do here; nobody has a secret for it
    VISIT = "VISIT"  # of a guest, for as long as their session at home


class AccessKey(Model):
    """A key of one practice. Only the digest of the secret is stored.

    `queue_ids` limits the key to some queues (a JSON list of numbers), None means all of them.
    `parent_id` is the number of the key, the person or the guest that a session, a link, an
    invitation or a visit was made from. A guest names the person, and a visit the session, of
    another practice, the home, that it stands for (`home_practice_id`, `home_key_id`).
    `last_used_at` is right to about a minute: of a key or a guest, when it or one of its sessions
    was used last; of a session, when its person last did something. A session also keeps the
    `device` it was begun on, and when its person had signed in before (`previous_sign_in_at`).
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    digest = fields.CharField(max_length=64)
    role = fields.CharEnumField(Role, max_length=12)
    staff: fields.ForeignKeyRelation[Staff] = fields.ForeignKeyField(
        "models.Staff", on_delete=fields.RESTRICT
    )
    queue_ids: list[int] | None = fields.JSONField(null=True)
    may_create_tasks = fields.BooleanField(default=False)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)
    parent_id = fields.BigIntField(null=True)
    last_used_at = fields.DatetimeField(null=True)
    kind = fields.CharEnumField(KeyKind, max_length=12, default=KeyKind.KEY, db_default="KEY")
    device = fields.CharField(max_length=MAX_DEVICE, null=True)
    previous_sign_in_at = fields.DatetimeField(null=True)
    home_practice_id = fields.BigIntField(null=True)
    home_key_id = fields.BigIntField(null=True)

    staff_id: int
    practice_id: int

    class Meta:
        table = "access_key"
        unique_together = (("practice", "digest"),)


def read_queue_ids(listed: str | None) -> frozenset[int] | None:
    """The numbers of the queues that a key is limited to, from the text of its column; None if it
    is not limited. Raises `ValueError` if somebody has written something else by hand."""
    if listed is None:
        return None
    numbers = json.loads(str(listed))  # SQLite makes a number of '7'
    if not (isinstance(numbers, list) and all(type(number) is int for number in numbers)):
        raise ValueError("not a list of numbers")
    return frozenset(numbers)
