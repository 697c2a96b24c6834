"""When patients may be called: the practice's hours and holidays, the zone that a number tells, and which
tasks claims have passed over because it is too early or too late there. More numbers of a patient, which of
them are wrong, the language, and a note for the caller."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.database.added_column import AddColumn
from models.phone import PhoneKind

WORKABLE = "status IN ('OPEN', 'IN_PROGRESS')"

STATEMENTS = (
    # Nearly always as small as what is due where it is too early or too late to call.
    f"""CREATE INDEX task_waiting ON task (practice_id, queue_id, waits_until)
        WHERE waits_until IS NOT NULL AND {WORKABLE}""",
    # So that the zones of the numbers that are there are read, too.
    "UPDATE patient SET is_indexed = false",
)


def of_patient(name, field, kind):
    return AddColumn("Patient", "patient", name, field, kind)


async def forward(apps, editor):
    for statement in STATEMENTS:
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0029_households")]
    operations = [
        AddColumn(
            "Practice",
            "practice",
            "calling_hours",
            fields.CharField(null=True, max_length=200),
            "VARCHAR(200)",
        ),
        AddColumn("Practice", "practice", "holidays", fields.TextField(null=True), "TEXT"),
        of_patient("time_zone", fields.CharField(null=True, max_length=64), "VARCHAR(64)"),
        of_patient(
            "phone_kind", fields.CharEnumField(PhoneKind, null=True, max_length=8), "VARCHAR(8)"
        ),
        of_patient("more_phones", fields.TextField(null=True), "TEXT"),
        of_patient("wrong_phones", fields.TextField(null=True), "TEXT"),
        of_patient("language", fields.CharField(null=True, max_length=35), "VARCHAR(35)"),
        of_patient("caller_note", fields.CharField(null=True, max_length=500), "VARCHAR(500)"),
        AddColumn("Task", "task", "waits_until", fields.DatetimeField(null=True), "{moment}"),
        ops.RunPython(forward),
    ]
