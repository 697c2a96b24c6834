"""Tasks that are moved to another queue, given to a member of staff, or withdrawn; idempotency keys
that are forgotten; and an index for the events of one task."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

WORKABLE = "status IN ('OPEN', 'IN_PROGRESS')"

INDEXES = (
    f"CREATE INDEX task_assigned ON task (practice_id, assignee_id, due_on, id) WHERE {WORKABLE} AND assignee_id IS NOT NULL",
    "CREATE INDEX task_keyed ON task (practice_id, created_at) WHERE idempotency_key IS NOT NULL",
    "CREATE INDEX contact_keyed ON contact (practice_id, logged_at) WHERE idempotency_key IS NOT NULL",
    "CREATE INDEX task_event_by_task ON task_event (practice_id, task_id, seq)",
)

# A key may be taken off a contact; nothing else of it may change.
SQLITE_FORGETTING = (
    "DROP TRIGGER contact_is_append_only_update",
    """CREATE TRIGGER contact_is_append_only_update BEFORE UPDATE ON contact
       WHEN NEW.idempotency_key IS NOT NULL OR
         (NEW.id, NEW.practice_id, NEW.task_id, NEW.outcome, NEW.follow_up, NEW.notes,
          NEW.closed_task, NEW.contacted_at, NEW.logged_at, NEW.logged_by_id) IS NOT
         (OLD.id, OLD.practice_id, OLD.task_id, OLD.outcome, OLD.follow_up, OLD.notes,
          OLD.closed_task, OLD.contacted_at, OLD.logged_at, OLD.logged_by_id)
       BEGIN SELECT RAISE(ABORT, 'contact is append-only'); END""",
)

POSTGRES_FORGETTING = (
    "DROP TRIGGER contact_is_append_only ON contact",
    """CREATE TRIGGER contact_is_append_only BEFORE DELETE ON contact
       FOR EACH ROW EXECUTE FUNCTION callboard_append_only()""",
    """CREATE TRIGGER contact_only_forgets_its_key BEFORE UPDATE ON contact
       FOR EACH ROW WHEN (NEW.idempotency_key IS NOT NULL OR
         to_jsonb(NEW) - 'idempotency_key' IS DISTINCT FROM to_jsonb(OLD) - 'idempotency_key')
       EXECUTE FUNCTION callboard_append_only()""",
)

POSTGRES_KEYS = (
    "ALTER TABLE task ADD FOREIGN KEY (practice_id, assignee_id) REFERENCES staff (practice_id, id)",
    "ALTER TABLE task_event ADD FOREIGN KEY (practice_id, assignee_id) REFERENCES staff (practice_id, id)",
    "ALTER TABLE task_event ADD FOREIGN KEY (practice_id, from_queue_id) REFERENCES queue (practice_id, id)",
)


async def forward(apps, editor):
    postgres = editor.DIALECT != "sqlite"
    statements = [
        *(POSTGRES_KEYS if postgres else ()),
        *INDEXES,
        *(POSTGRES_FORGETTING if postgres else SQLITE_FORGETTING),
    ]
    for statement in statements:
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0008_coming_in")]
    operations = [
        ops.AddField(model_name="Task", name="assignee_id", field=fields.BigIntField(null=True)),
        ops.AddField(
            model_name="Task",
            name="withdrawn_reason",
            field=fields.CharField(max_length=500, null=True),
        ),
        ops.AddField(
            model_name="TaskEvent", name="from_queue_id", field=fields.BigIntField(null=True)
        ),
        ops.AddField(
            model_name="TaskEvent", name="assignee_id", field=fields.BigIntField(null=True)
        ),
        ops.RunPython(forward),
    ]
