"""The audit: an append-only table, numbered and chained within each practice, on its own."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.audit import AuditAction
from models.chain import BEGINNING

# Every write of the practice adds a row, so the table has as few indexes as it can: rows are found by
# their number, or by it within a patient's. On SQLite the key is the table.
TABLE = """
CREATE TABLE audit (
    practice_id BIGINT NOT NULL REFERENCES practice (id) ON DELETE RESTRICT,
    seq BIGINT NOT NULL,
    at {moment} NOT NULL,
    action VARCHAR(12) NOT NULL,
    operation VARCHAR(200) NOT NULL,
    address VARCHAR(45),
    staff_id BIGINT,
    key_id BIGINT,
    patient_id BIGINT,
    task_id BIGINT,
    notes {boolean} NOT NULL,
    result VARCHAR(40) NOT NULL,
    detail VARCHAR(200),
    digest {bytes} NOT NULL,
    PRIMARY KEY (practice_id, seq)
) {kind}
"""
SQLITE_TYPES = {"moment": "TIMESTAMP", "boolean": "INT", "bytes": "BLOB", "kind": "WITHOUT ROWID"}
POSTGRES_TYPES = {"moment": "TIMESTAMPTZ", "boolean": "BOOL", "bytes": "BYTEA", "kind": ""}
INDEX = "CREATE INDEX audit_by_patient ON audit (practice_id, patient_id, seq) WHERE patient_id IS NOT NULL"

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


class CreateTable(ops.CreateModel):
    """Makes the table by a statement of its own: models cannot say that its key is two columns."""

    async def database_forward(self, app_label, old_state, new_state, state_editor=None):
        if state_editor is not None:
            sqlite = state_editor.DIALECT == "sqlite"
            types = SQLITE_TYPES if sqlite else POSTGRES_TYPES
            guards = SQLITE_APPEND_ONLY if sqlite else POSTGRES_APPEND_ONLY
            for statement in (TABLE.format(**types), INDEX, *guards):
                await state_editor.client.execute_query(statement)


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
        CreateTable(
            name="Audit",
            fields=[
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
                (
                    "seq",
                    fields.BigIntField(
                        generated=False, primary_key=True, unique=True, db_index=True
                    ),
                ),
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
                "pk_attr": "seq",
                "table_description": "Append-only: the database refuses changes, and deletions but for what retention has passed.",
            },
            bases=["Model"],
        ),
    ]
