"""The audit: an append-only table, numbered and chained within each practice, on its own."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.audit import AuditAction
from models.chain import BEGINNING

INDEXES = (
    "CREATE INDEX audit_by_time ON audit (practice_id, at, seq)",
    "CREATE INDEX audit_by_patient ON audit (practice_id, patient_id, at, seq) WHERE patient_id IS NOT NULL",
)
SQLITE_APPEND_ONLY = (
    """CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
       BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
    """CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
       WHEN OLD.seq > (SELECT audit_pruned_through FROM practice WHERE id = OLD.practice_id)
       BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
)
POSTGRES_APPEND_ONLY = (
    """CREATE FUNCTION callboard_audit_prune_only() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF OLD.seq > (SELECT audit_pruned_through FROM practice WHERE id = OLD.practice_id) THEN
           RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
         END IF;
         RETURN OLD;
       END $$""",
    """CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit
       FOR EACH ROW EXECUTE FUNCTION callboard_append_only()""",
    """CREATE TRIGGER audit_is_prune_only BEFORE DELETE ON audit
       FOR EACH ROW EXECUTE FUNCTION callboard_audit_prune_only()""",
)
# Nothing finds a row by its id, so it costs no index: the number within the practice is the key.
POSTGRES_KEY = (
    """DO $$ DECLARE c record; BEGIN
        FOR c IN SELECT conname FROM pg_constraint
                 WHERE contype IN ('p', 'u') AND conrelid = 'audit'::regclass
        LOOP EXECUTE format('ALTER TABLE audit DROP CONSTRAINT %I', c.conname); END LOOP;
    END $$""",
    "ALTER TABLE audit ADD PRIMARY KEY (practice_id, seq)",
)


class AddColumn(ops.AddField):
    """Adds a field by a statement of its own, with a default: SQLite would make the table anew
    without its triggers."""

    def __init__(self, model_name, name, field, statement):
        super().__init__(model_name, name, field)
        self._statement = statement

    async def database_forward(self, app_label, old_state, new_state, state_editor=None):
        if state_editor is not None:
            blob = ("BLOB", "x''") if state_editor.DIALECT == "sqlite" else ("BYTEA", "''::bytea")
            await state_editor.client.execute_query(self._statement.format(*blob))


async def forward(apps, editor):
    sqlite = editor.DIALECT == "sqlite"
    guards = SQLITE_APPEND_ONLY if sqlite else (*POSTGRES_KEY, *POSTGRES_APPEND_ONLY)
    for statement in (*INDEXES, *guards):
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0015_idempotency")]
    operations = [
        *(
            AddColumn(
                "Practice",
                name,
                fields.BigIntField(default=0),
                f"ALTER TABLE practice ADD COLUMN {name} BIGINT NOT NULL DEFAULT 0",
            )
            for name in ("audit_seq", "audit_pruned_through")
        ),
        *(
            AddColumn(
                "Practice",
                name,
                fields.BinaryField(default=BEGINNING),
                f"ALTER TABLE practice ADD COLUMN {name} {{0}} NOT NULL DEFAULT {{1}}",
            )
            for name in ("audit_digest", "audit_pruned_digest")
        ),
        ops.CreateModel(
            name="Audit",
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
                ("seq", fields.BigIntField()),
                ("at", fields.DatetimeField()),
                ("action", fields.CharEnumField(enum_type=AuditAction, max_length=12)),
                ("operation", fields.CharField(max_length=200)),
                ("address", fields.CharField(max_length=45, null=True)),
                ("staff_id", fields.BigIntField(null=True)),
                ("key_id", fields.BigIntField(null=True)),
                ("patient_id", fields.BigIntField(null=True)),
                ("task_id", fields.BigIntField(null=True)),
                ("notes", fields.BooleanField(default=False)),
                ("result", fields.CharField(max_length=40)),
                ("detail", fields.CharField(max_length=200, null=True)),
                ("digest", fields.BinaryField()),
            ],
            options={
                "table": "audit",
                "app": "models",
                "unique_together": (("practice", "seq"),),
                "pk_attr": "id",
                "table_description": "Append-only: the database refuses changes, and deletions but for what retention has passed.",
            },
            bases=["Model"],
        ),
        ops.RunPython(forward),
    ]
