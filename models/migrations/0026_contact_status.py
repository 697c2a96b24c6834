"""Whether a patient may be called, and how many rows of an import were left out because of that."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.contact_status import ContactStatus
from models.database.added_column import AddColumn

STATUS = fields.CharEnumField(
    description="\n".join(f"{status.name}: {status}" for status in ContactStatus),
    enum_type=ContactStatus,
    max_length=16,
    default=ContactStatus.OK,
    db_default=ContactStatus.OK,
)

# Nearly always empty, as few patients have a status, and fewer one that ends.
ENDING = """CREATE INDEX patient_status_ends ON patient (practice_id, contact_status_ends_at)
    WHERE contact_status_ends_at IS NOT NULL"""


def of_patient(name, field, kind="{moment}"):
    return AddColumn("Patient", "patient", name, field, kind)


async def forward(apps, editor):
    await editor.client.execute_query(ENDING)


class Migration(migrations.Migration):
    dependencies = [("models", "0025_undo")]
    operations = [
        of_patient("contact_status", STATUS, "VARCHAR(16) NOT NULL DEFAULT 'OK'"),
        of_patient(
            "contact_status_reason", fields.CharField(null=True, max_length=500), "VARCHAR(500)"
        ),
        of_patient("contact_status_since", fields.DatetimeField(null=True)),
        of_patient("contact_status_ends_at", fields.DatetimeField(null=True)),
        AddColumn(
            "ImportJob",
            "import_job",
            "suppressed",
            fields.IntField(default=0, db_default=0),
            "INT NOT NULL DEFAULT 0",
        ),
        ops.RunPython(forward),
    ]
