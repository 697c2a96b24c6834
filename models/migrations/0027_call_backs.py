"""When a patient was promised to be called back, by whom, and that it was told when it was time."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.database.added_column import AddColumn

WORKABLE = "status IN ('OPEN', 'IN_PROGRESS')"
EXPIRES = "COALESCE(expires_at, '9999-12-31 23:59:59+00:00')"

INDEXES = (
    # What is promised for a moment is handed out then, and not on its day with the others.
    "DROP INDEX task_next",
    f"""CREATE INDEX task_next ON task (practice_id, queue_id, rests_since, follow_up, {EXPIRES}, id)
        WHERE {WORKABLE} AND follow_up_at IS NULL""",
    """CREATE INDEX task_promised ON task (practice_id, queue_id, follow_up_at, id)
        WHERE follow_up_at IS NOT NULL""",
    """CREATE INDEX task_untold ON task (practice_id, follow_up_at)
        WHERE follow_up_at IS NOT NULL AND call_back_told_at IS NULL""",
    """CREATE INDEX task_call_back_due ON task (practice_id, follow_up_at, id, queue_id)
        WHERE call_back_told_at IS NOT NULL""",
)
POSTGRES_KEYS = tuple(
    f"ALTER TABLE {table} ADD FOREIGN KEY (practice_id, call_back_by_id) REFERENCES staff (practice_id, id)"
    for table in ("task", "task_event")
)


def moment(model, table, name):
    return AddColumn(model, table, name, fields.DatetimeField(null=True), "{moment}")


def number(model, table, name):
    return AddColumn(model, table, name, fields.BigIntField(null=True), "BIGINT")


async def forward(apps, editor):
    postgres = editor.DIALECT != "sqlite"
    for statement in (*(POSTGRES_KEYS if postgres else ()), *INDEXES):
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0026_contact_status")]
    operations = [
        moment("Contact", "contact", "follow_up_at"),
        *(
            operation
            for table in (("Task", "task"), ("TaskEvent", "task_event"))
            for operation in (
                moment(*table, "follow_up_at"),
                number(*table, "call_back_by_id"),
                moment(*table, "call_back_told_at"),
            )
        ),
        ops.RunPython(forward),
    ]
