"""Appointments, which close automatic tasks, and contacts that are logged after they were made."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

POSTGRES_KEYS = (
    "ALTER TABLE appointment DROP CONSTRAINT appointment_pkey",
    "ALTER TABLE appointment ADD PRIMARY KEY (practice_id, id)",
    "ALTER TABLE appointment ADD FOREIGN KEY (practice_id, patient_id) REFERENCES patient (practice_id, id)",
    "ALTER TABLE appointment ADD FOREIGN KEY (practice_id, recorded_by_id) REFERENCES staff (practice_id, id)",
)


async def forward(apps, editor):
    for statement in POSTGRES_KEYS if editor.DIALECT != "sqlite" else ():
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0003_claims")]
    operations = [
        ops.CreateModel(
            name="Appointment",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "practice",
                    fields.ForeignKeyField(
                        "models.Practice",
                        source_field="practice_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("patient_id", fields.BigIntField()),
                ("at", fields.DatetimeField()),
                ("external_id", fields.CharField(max_length=200)),
                ("recorded_at", fields.DatetimeField()),
                ("recorded_by_id", fields.BigIntField()),
            ],
            options={
                "table": "appointment",
                "app": "models",
                "unique_together": (("practice", "external_id"),),
                "pk_attr": "id",
                "table_description": "One that is recorded again under its `external_id` is the same appointment.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Contact", name="contacted_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(
            model_name="Queue",
            name="closes_on_appointment",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.RunPython(forward),
    ]
