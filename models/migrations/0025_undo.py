"""Contacts that are undone, for how long their authors may do so, what a task was before each contact, and
what events keep of a task that is open again."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.database.added_column import AddColumn

POSTGRES_KEYS = (
    "ALTER TABLE contact_undo DROP CONSTRAINT contact_undo_pkey",
    "ALTER TABLE contact_undo ADD PRIMARY KEY (practice_id, id)",
    "ALTER TABLE contact_undo ADD FOREIGN KEY (practice_id, contact_id) REFERENCES contact (practice_id, id)",
    "ALTER TABLE contact_undo ADD FOREIGN KEY (practice_id, by_id) REFERENCES staff (practice_id, id)",
)
SQLITE_APPEND_ONLY = tuple(
    f"""CREATE TRIGGER contact_undo_is_append_only_{act.lower()} BEFORE {act} ON contact_undo
        BEGIN SELECT RAISE(ABORT, 'contact_undo is append-only'); END"""
    for act in ("UPDATE", "DELETE")
)
POSTGRES_APPEND_ONLY = (
    """CREATE TRIGGER contact_undo_is_append_only BEFORE UPDATE OR DELETE ON contact_undo
       FOR EACH ROW EXECUTE FUNCTION callboard_append_only()""",
)


async def forward(apps, editor):
    is_sqlite = editor.DIALECT == "sqlite"
    guards = SQLITE_APPEND_ONLY if is_sqlite else (*POSTGRES_KEYS, *POSTGRES_APPEND_ONLY)
    for statement in guards:
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0024_rest")]
    operations = [
        AddColumn(
            "Practice",
            "practice",
            "undo_minutes",
            fields.IntField(default=15, db_default=15),
            "INT NOT NULL DEFAULT 15",
        ),
        AddColumn("Contact", "contact", "task_before", fields.TextField(null=True), "TEXT"),
        AddColumn(
            "TaskEvent", "task_event", "from_closed_at", fields.DatetimeField(null=True), "{moment}"
        ),
        AddColumn(
            "TaskEvent", "task_event", "expires_then", fields.DatetimeField(null=True), "{moment}"
        ),
        AddColumn(
            "TaskEvent",
            "task_event",
            "withdrawn_then",
            fields.CharField(null=True, max_length=500),
            "VARCHAR(500)",
        ),
        ops.CreateModel(
            name="ContactUndo",
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
                ("contact_id", fields.BigIntField()),
                ("at", fields.DatetimeField()),
                ("by_id", fields.BigIntField()),
                ("reason", fields.TextField(null=True)),
            ],
            options={
                "table": "contact_undo",
                "app": "models",
                "unique_together": (("practice", "contact_id"),),
                "pk_attr": "id",
                "table_description": "That a contact was undone: it counts nowhere from then on. Append-only, as contacts are.",
            },
            bases=["Model"],
        ),
        ops.RunPython(forward),
    ]
