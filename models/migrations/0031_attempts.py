"""What becomes of a task whose patient was called often enough, and who has called whom."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.database.added_column import AddColumn

INDEX = """CREATE INDEX task_review ON task (practice_id, queue_id, review_since, id)
    WHERE review_since IS NOT NULL"""


def flag(model, table, name):
    return AddColumn(
        model,
        table,
        name,
        fields.BooleanField(default=False, db_default=False),
        "BOOL NOT NULL DEFAULT FALSE",
    )


class Migration(migrations.Migration):
    dependencies = [("models", "0030_reach")]
    operations = [
        flag("Queue", "queue", "closes_at_max_attempts"),
        flag("Contact", "contact", "is_incoming"),
        AddColumn("Task", "task", "review_since", fields.DatetimeField(null=True), "{moment}"),
        *(
            AddColumn("TaskEvent", "task_event", name, fields.DatetimeField(null=True), "{moment}")
            for name in ("review_since", "from_review_since")
        ),
        ops.RunSQL(INDEX),
    ]
