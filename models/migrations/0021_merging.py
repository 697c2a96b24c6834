"""Patients who were merged: what they became, what went with them, and who made a patient.

The patient who was merged away keeps their row, with the ids by which partners know them."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

COLUMNS = {
    "version": (fields.IntField(default=1, db_default=1), "INT NOT NULL DEFAULT 1"),
    "merged_into_id": (fields.BigIntField(null=True), "BIGINT"),
    "other_phones": (fields.TextField(null=True), "TEXT"),
    "made_by_id": (fields.BigIntField(null=True), "BIGINT"),
}

INDEXES = (
    # Nearly always empty, as few patients are ever merged.
    """CREATE INDEX patient_merged ON patient (practice_id, merged_into_id)
       WHERE merged_into_id IS NOT NULL""",
    "CREATE INDEX patient_merge_by_survivor ON patient_merge (practice_id, survivor_id)",
    "CREATE INDEX appointment_by_patient ON appointment (practice_id, patient_id, id)",
)

POSTGRES_KEYS = (
    "ALTER TABLE patient_merge DROP CONSTRAINT patient_merge_pkey",
    "ALTER TABLE patient_merge ADD PRIMARY KEY (practice_id, id)",
    *(
        f"ALTER TABLE {table} ADD FOREIGN KEY (practice_id, {column}) REFERENCES {to} (practice_id, id)"
        for table, column, to in (
            ("patient", "merged_into_id", "patient"),
            ("patient", "made_by_id", "staff"),
            ("patient_merge", "survivor_id", "patient"),
            ("patient_merge", "merged_id", "patient"),
            ("patient_merge", "by_id", "staff"),
            ("patient_merge", "undone_by_id", "staff"),
        )
    ),
)


class AddColumn(ops.AddField):
    """Adds a field by a statement of its own: SQLite would make the table anew without its
    triggers."""

    def __init__(self, name):
        field, self._kind = COLUMNS[name]
        super().__init__("Patient", name, field)

    async def database_forward(self, app_label, old_state, new_state, state_editor=None):
        if state_editor is not None:
            await state_editor.client.execute_query(
                f"ALTER TABLE patient ADD COLUMN {self.name} {self._kind}"
            )


async def forward(apps, editor):
    postgres = editor.DIALECT != "sqlite"
    for statement in (*(POSTGRES_KEYS if postgres else ()), *INDEXES):
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0019_practices")]
    operations = [
        *(AddColumn(name) for name in COLUMNS),
        ops.CreateModel(
            name="PatientMerge",
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
                ("survivor_id", fields.BigIntField()),
                ("merged_id", fields.BigIntField()),
                ("at", fields.DatetimeField()),
                ("by_id", fields.BigIntField()),
                ("moved", fields.TextField()),
                ("undone_at", fields.DatetimeField(null=True)),
                ("undone_by_id", fields.BigIntField(null=True)),
            ],
            options={
                "table": "patient_merge",
                "app": "models",
                "pk_attr": "id",
                "table_description": "Two patients who were one: what went over, so that it can go back.",
            },
            bases=["Model"],
        ),
        ops.RunPython(forward),
    ]
