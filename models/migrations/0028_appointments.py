"""What an appointment is now and what it is for, which tasks it has closed, what queues say of it, and
how many rows of an import were left out because of one."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.appointment import AppointmentStatus
from models.database.added_column import AddColumn

STATUS = fields.CharEnumField(
    description="\n".join(f"{status.name}: {status}" for status in AppointmentStatus),
    enum_type=AppointmentStatus,
    max_length=12,
    default=AppointmentStatus.SCHEDULED,
    db_default=AppointmentStatus.SCHEDULED,
)

POSTGRES_KEYS = (
    "ALTER TABLE appointment_closing DROP CONSTRAINT appointment_closing_pkey",
    "ALTER TABLE appointment_closing ADD PRIMARY KEY (practice_id, id)",
    *(
        f"ALTER TABLE {table} ADD FOREIGN KEY (practice_id, {column}) REFERENCES {to} (practice_id, id)"
        for table, column, to in (
            ("appointment_closing", "task_id", "task"),
            ("appointment_closing", "appointment_id", "appointment"),
            ("appointment", "ended_by_id", "staff"),
        )
    ),
)

BY_APPOINTMENT = """CREATE INDEX closing_by_appointment ON appointment_closing
    (practice_id, appointment_id)"""


def of_appointment(name, field, kind):
    return AddColumn("Appointment", "appointment", name, field, kind)


def flag(model, table, name, default):
    field = fields.BooleanField(default=default, db_default=default)
    return AddColumn(
        model, table, name, field, f"BOOL NOT NULL DEFAULT {'TRUE' if default else 'FALSE'}"
    )


async def forward(apps, editor):
    postgres = editor.DIALECT != "sqlite"
    for statement in (*(POSTGRES_KEYS if postgres else ()), BY_APPOINTMENT):
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0027_call_backs")]
    operations = [
        of_appointment("status", STATUS, "VARCHAR(12) NOT NULL DEFAULT 'SCHEDULED'"),
        of_appointment("kind", fields.CharField(null=True, max_length=100), "VARCHAR(100)"),
        of_appointment("ended_at", fields.DatetimeField(null=True), "{moment}"),
        of_appointment("ended_by_id", fields.BigIntField(null=True), "BIGINT"),
        of_appointment(
            "version", fields.IntField(default=1, db_default=1), "INT NOT NULL DEFAULT 1"
        ),
        flag("Appointment", "appointment", "is_confirmed", True),
        of_appointment("taken_back_at", fields.DatetimeField(null=True), "{moment}"),
        AddColumn("Contact", "contact", "appointment_before", fields.TextField(null=True), "TEXT"),
        AddColumn("Queue", "queue", "appointment_kinds", fields.TextField(null=True), "TEXT"),
        flag("Queue", "queue", "missed_appointments", False),
        AddColumn(
            "ImportJob",
            "import_job",
            "booked",
            fields.IntField(default=0, db_default=0),
            "INT NOT NULL DEFAULT 0",
        ),
        ops.CreateModel(
            name="AppointmentClosing",
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
                ("task_id", fields.BigIntField()),
                ("appointment_id", fields.BigIntField()),
                ("task_before", fields.TextField()),
            ],
            options={
                "table": "appointment_closing",
                "app": "models",
                "unique_together": (("practice", "task_id"),),
                "pk_attr": "id",
                "table_description": "That an appointment has closed a task, the last one to do so, and what the task was before:",
            },
            bases=["Model"],
        ),
        ops.RunPython(forward),
    ]
