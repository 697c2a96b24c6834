"""What the models cannot say: append-only tables, the indexes of the read side, and on PostgreSQL
keys that begin with the practice, so that the tables can be distributed by it."""

from tortoise import migrations
from tortoise.migrations import operations as ops

TENANT_TABLES = ("queue", "patient", "staff", "access_key", "task", "contact", "task_event")

REFERENCES = (
    ("access_key", "staff_id", "staff"),
    ("task", "queue_id", "queue"),
    ("task", "patient_id", "patient"),
    ("task", "claimed_by_id", "staff"),
    ("task", "last_contact_id", "contact"),
    ("contact", "task_id", "task"),
    ("contact", "logged_by_id", "staff"),
    ("task_event", "task_id", "task"),
    ("task_event", "queue_id", "queue"),
    ("task_event", "contact_id", "contact"),
    ("task_event", "actor_id", "staff"),
)

WORKABLE = "status IN ('OPEN', 'IN_PROGRESS')"

INDEXES = (
    f"CREATE INDEX task_worklist ON task (practice_id, due_on, id) WHERE {WORKABLE}",
    f"CREATE INDEX task_queue_worklist ON task (practice_id, queue_id, due_on, id) WHERE {WORKABLE}",
    f"CREATE INDEX task_expiring ON task (practice_id, expires_at) WHERE {WORKABLE} AND expires_at IS NOT NULL",
    "CREATE INDEX task_by_status ON task (practice_id, status, due_on, id)",
    "CREATE INDEX task_closed ON task (practice_id, queue_id, closed_at) WHERE status = 'CLOSED'",
    "CREATE INDEX task_by_patient ON task (practice_id, patient_id, id)",
    "CREATE INDEX contact_by_task ON contact (practice_id, task_id, id)",
    "CREATE INDEX task_event_by_time ON task_event (practice_id, at)",
)

SQLITE_APPEND_ONLY = (
    """CREATE TRIGGER contact_is_append_only_update BEFORE UPDATE ON contact
       BEGIN SELECT RAISE(ABORT, 'contact is append-only'); END""",
    """CREATE TRIGGER contact_is_append_only_delete BEFORE DELETE ON contact
       BEGIN SELECT RAISE(ABORT, 'contact is append-only'); END""",
    """CREATE TRIGGER task_event_is_append_only_update BEFORE UPDATE ON task_event
       BEGIN SELECT RAISE(ABORT, 'task_event is append-only'); END""",
    """CREATE TRIGGER task_event_is_append_only_delete BEFORE DELETE ON task_event
       WHEN OLD.seq > (SELECT pruned_through FROM practice WHERE id = OLD.practice_id)
       BEGIN SELECT RAISE(ABORT, 'task_event is append-only'); END""",
)

POSTGRES_APPEND_ONLY = (
    """CREATE FUNCTION callboard_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$""",
    """CREATE FUNCTION callboard_prune_only() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF OLD.seq > (SELECT pruned_through FROM practice WHERE id = OLD.practice_id) THEN
           RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
         END IF;
         RETURN OLD;
       END $$""",
    """CREATE TRIGGER contact_is_append_only BEFORE UPDATE OR DELETE ON contact
       FOR EACH ROW EXECUTE FUNCTION callboard_append_only()""",
    """CREATE TRIGGER task_event_is_append_only BEFORE UPDATE ON task_event
       FOR EACH ROW EXECUTE FUNCTION callboard_append_only()""",
    """CREATE TRIGGER task_event_is_prune_only BEFORE DELETE ON task_event
       FOR EACH ROW EXECUTE FUNCTION callboard_prune_only()""",
)


def postgres_tenant_keys():
    """Primary and foreign keys on (practice_id, id) in place of those on id alone."""
    tables = ", ".join(f"'{table}'::regclass" for table in TENANT_TABLES)
    for kind in ("f", "p"):
        yield f"""DO $$ DECLARE c record; BEGIN
            FOR c IN SELECT conrelid::regclass AS tab, conname FROM pg_constraint
                     WHERE contype = '{kind}' AND conrelid IN ({tables})
            LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.tab, c.conname); END LOOP;
        END $$"""
    for table in TENANT_TABLES:
        yield f"ALTER TABLE {table} ADD PRIMARY KEY (practice_id, id)"
        yield f"ALTER TABLE {table} ADD FOREIGN KEY (practice_id) REFERENCES practice (id)"
    for table, column, target in REFERENCES:
        yield (
            f"ALTER TABLE {table} ADD FOREIGN KEY (practice_id, {column})"
            f" REFERENCES {target} (practice_id, id)"
        )


async def forward(apps, editor):
    postgres = editor.DIALECT != "sqlite"
    statements = [
        *(postgres_tenant_keys() if postgres else ()),
        *INDEXES,
        *(POSTGRES_APPEND_ONLY if postgres else SQLITE_APPEND_ONLY),
    ]
    for statement in statements:
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]
    operations = [ops.RunPython(forward)]
