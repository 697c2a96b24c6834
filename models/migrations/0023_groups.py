"""Groups of practices: what is in them, who supervises them, and whose guest or visit a key's row is."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

STATEMENTS = (
    "CREATE UNIQUE INDEX access_key_guest ON access_key (practice_id, home_practice_id, home_key_id)"
    " WHERE kind = 'GUEST'",
)
POSTGRES_KEYS = (
    "ALTER TABLE group_practice DROP CONSTRAINT group_practice_pkey",
    "ALTER TABLE group_practice ADD PRIMARY KEY (practice_id, id)",
    "ALTER TABLE group_supervisor DROP CONSTRAINT group_supervisor_pkey",
    "ALTER TABLE group_supervisor ADD PRIMARY KEY (practice_id, id)",
    "ALTER TABLE group_supervisor ADD FOREIGN KEY (practice_id, staff_id) REFERENCES staff (practice_id, id)",
)


async def forward(apps, editor):
    is_sqlite = editor.DIALECT == "sqlite"
    for statement in (*(() if is_sqlite else POSTGRES_KEYS), *STATEMENTS):
        await editor.client.execute_query(statement)


def number():
    return fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)


def reference(model, column):
    return fields.ForeignKeyField(
        f"models.{model}",
        source_field=column,
        db_constraint=True,
        to_field="id",
        on_delete=OnDelete.RESTRICT,
    )


class Migration(migrations.Migration):
    dependencies = [("models", "0022_imports")]
    operations = [
        ops.CreateModel(
            name="PracticeGroup",
            fields=[
                ("id", number()),
                ("slug", fields.CharField(unique=True, max_length=64)),
                ("name", fields.CharField(max_length=200)),
                ("created_at", fields.DatetimeField()),
            ],
            options={
                "table": "practice_group",
                "app": "models",
                "pk_attr": "id",
                "table_description": "Practices that belong together, such as those of one owner. `slug` is for commands.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="GroupPractice",
            fields=[
                ("id", number()),
                ("practice", reference("Practice", "practice_id")),
                ("group", reference("PracticeGroup", "group_id")),
                ("created_at", fields.DatetimeField()),
            ],
            options={
                "table": "group_practice",
                "app": "models",
                "unique_together": (("practice",),),
                "pk_attr": "id",
                "table_description": "A practice of a group: it is in one at most.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="GroupSupervisor",
            fields=[
                ("id", number()),
                ("practice", reference("Practice", "practice_id")),
                ("group", reference("PracticeGroup", "group_id")),
                ("staff_id", fields.BigIntField()),
                ("created_at", fields.DatetimeField()),
            ],
            options={
                "table": "group_supervisor",
                "app": "models",
                "unique_together": (("practice", "staff_id"),),
                "pk_attr": "id",
                "table_description": "A person who supervises the practices of a group: a member of staff of one of them, which is",
            },
            bases=["Model"],
        ),
        ops.AddField("AccessKey", "home_practice_id", fields.BigIntField(null=True)),
        ops.AddField("AccessKey", "home_key_id", fields.BigIntField(null=True)),
        ops.RunPython(forward),
    ]
