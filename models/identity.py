"""The identity provider by which a practice's people may sign in."""

from tortoise import fields
from tortoise.models import Model

from models.practice import Practice

MAX_ISSUER = 400
MAX_CLIENT_ID = 200


class IdentityProvider(Model):
    """A practice's provider of OpenID Connect: its address, and what it calls this server. The
    client's secret is no part of it: it is read from a file (docs/operations.md)."""

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    issuer = fields.CharField(max_length=MAX_ISSUER)
    client_id = fields.CharField(max_length=MAX_CLIENT_ID)

    class Meta:
        table = "identity_provider"
        unique_together = (("practice",),)
