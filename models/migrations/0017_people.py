"""People sign in with passkeys: the kinds of keys, passkeys, and when somebody signed in last."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.access import KeyKind

# A digest does not tell a session from a link. Links lasted for an hour at most.
STATEMENTS = (
    "UPDATE access_key SET kind = 'LINK' WHERE parent_id IS NOT NULL",
    "UPDATE access_key SET kind = 'SESSION' WHERE parent_id IS NOT NULL AND {longer}",
    "CREATE UNIQUE INDEX access_key_person ON access_key (practice_id, staff_id) WHERE kind = 'PERSON'",
    "CREATE INDEX access_key_session ON access_key (practice_id, staff_id) WHERE kind = 'SESSION'",
    "CREATE INDEX passkey_by_staff ON passkey (practice_id, staff_id)",
    "CREATE UNIQUE INDEX staff_subject ON staff (practice_id, subject) WHERE subject IS NOT NULL",
    "CREATE UNIQUE INDEX staff_email ON staff (practice_id, email) WHERE email IS NOT NULL",
)
LONGER = {
    "sqlite": "julianday(expires_at) - julianday(created_at) > 1.01 / 24",
    "postgres": "expires_at - created_at > interval '61 minutes'",
}
POSTGRES_KEYS = (
    "ALTER TABLE passkey DROP CONSTRAINT passkey_pkey",
    "ALTER TABLE passkey ADD PRIMARY KEY (practice_id, id)",
    "ALTER TABLE passkey ADD FOREIGN KEY (practice_id, staff_id) REFERENCES staff (practice_id, id)",
    "ALTER TABLE identity_provider DROP CONSTRAINT identity_provider_pkey",
    "ALTER TABLE identity_provider ADD PRIMARY KEY (practice_id, id)",
)


async def forward(apps, editor):
    run, is_sqlite = editor.client.execute_query, editor.DIALECT == "sqlite"
    for statement in (*STATEMENTS, *(() if is_sqlite else POSTGRES_KEYS)):
        await run(statement.format(longer=LONGER["sqlite" if is_sqlite else "postgres"]))


def number():
    return fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)


def of_practice():
    return fields.ForeignKeyField(
        "models.Practice",
        source_field="practice_id",
        db_constraint=True,
        to_field="id",
        on_delete=OnDelete.RESTRICT,
    )


class Migration(migrations.Migration):
    dependencies = [("models", "0016_audit")]
    operations = [
        ops.AddField(
            "AccessKey",
            "kind",
            fields.CharEnumField(
                description="KEY: KEY\nPERSON: PERSON\nSESSION: SESSION\nLINK: LINK\nINVITE: INVITE\nGUEST: GUEST\nVISIT: VISIT",
                enum_type=KeyKind,
                max_length=12,
                default=KeyKind.KEY,
                db_default="KEY",
            ),
        ),
        ops.AddField("AccessKey", "device", fields.CharField(null=True, max_length=100)),
        ops.AddField("AccessKey", "previous_sign_in_at", fields.DatetimeField(null=True)),
        ops.AddField("Staff", "signed_in_at", fields.DatetimeField(null=True)),
        ops.AddField("Staff", "subject", fields.CharField(null=True, max_length=255)),
        ops.AddField("Staff", "email", fields.CharField(null=True, max_length=254)),
        ops.CreateModel(
            name="IdentityProvider",
            fields=[
                ("id", number()),
                ("practice", of_practice()),
                ("issuer", fields.CharField(max_length=400)),
                ("client_id", fields.CharField(max_length=200)),
            ],
            options={
                "table": "identity_provider",
                "app": "models",
                "unique_together": (("practice",),),
                "pk_attr": "id",
                "table_description": "A practice's provider of OpenID Connect: its address, and what it calls this server. The",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Passkey",
            fields=[
                ("id", number()),
                ("practice", of_practice()),
                ("staff_id", fields.BigIntField()),
                ("credential_id", fields.CharField(max_length=1_400)),
                ("public_key", fields.BinaryField()),
                ("sign_count", fields.BigIntField()),
                ("label", fields.CharField(max_length=100)),
                ("created_at", fields.DatetimeField()),
                ("last_used_at", fields.DatetimeField(null=True)),
                ("challenged_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "passkey",
                "app": "models",
                "unique_together": (("practice", "credential_id"),),
                "pk_attr": "id",
                "table_description": "The public half of a person's passkey. The secret half never leaves their device.",
            },
            bases=["Model"],
        ),
        ops.RunPython(forward),
    ]
