"""Whether a patient may be called, and how many rows of an import were left out because of that."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.contact_status import ContactStatus

MOMENT = {"sqlite": "TIMESTAMP", "postgres": "TIMESTAMPTZ"}
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


class AddColumn(ops.AddField):
    """Adds a field by a statement of its own: SQLite would make the table anew without its triggers."""

    def __init__(self, model_name, table, name, field, kind=None):
        super().__init__(model_name, name, field)
        self._table, self._kind = table, kind

    async def database_forward(self, app_label, old_state, new_state, state_editor=None):
        if state_editor is not None:
            kind = (
                self._kind or MOMENT["sqlite" if state_editor.DIALECT == "sqlite" else "postgres"]
            )
            sql = f"ALTER TABLE {self._table} ADD COLUMN {self.name} {kind}"
            await state_editor.client.execute_query(sql)


def of_patient(name, field, kind=None):
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
