"""Who answers for a patient, of whom an import has said that before they came in themselves, and what an
import has changed of that."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.database.added_column import AddColumn

# Nearly always small: only what is set is in them.
INDEXES = (
    """CREATE INDEX patient_guarantor ON patient (practice_id, guarantor_id)
       WHERE guarantor_id IS NOT NULL""",
    """CREATE INDEX patient_awaiting ON patient (practice_id, source, awaited_guarantor)
       WHERE awaited_guarantor IS NOT NULL""",
)
POSTGRES_KEY = """ALTER TABLE patient
    ADD FOREIGN KEY (practice_id, guarantor_id) REFERENCES patient (practice_id, id)"""


async def forward(apps, editor):
    postgres = editor.DIALECT != "sqlite"
    for statement in (*((POSTGRES_KEY,) if postgres else ()), *INDEXES):
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0028_appointments")]
    operations = [
        AddColumn("Patient", "patient", "guarantor_id", fields.BigIntField(null=True), "BIGINT"),
        AddColumn(
            "Patient",
            "patient",
            "awaited_guarantor",
            fields.CharField(null=True, max_length=200),
            "VARCHAR(200)",
        ),
        AddColumn("ImportStep", "import_step", "guarantors", fields.TextField(null=True), "TEXT"),
        ops.RunPython(forward),
    ]
