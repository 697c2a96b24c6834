"""How long a patient who was called rests, which tasks claims have passed over for that, and why a task was
postponed."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.database.added_column import AddColumn

WORKABLE = "status IN ('OPEN', 'IN_PROGRESS')"
EXPIRES = "COALESCE(expires_at, '9999-12-31 23:59:59+00:00')"

# What a claim may hand out has null in `rests_since`, so it stands together, in the order of work; behind
# it what was passed over, the patients who were called first at the beginning.
INDEX = f"""CREATE INDEX task_next ON task (practice_id, queue_id, rests_since, follow_up, {EXPIRES}, id)
    WHERE {WORKABLE}"""


class Migration(migrations.Migration):
    dependencies = [("models", "0023_groups")]
    operations = [
        AddColumn("Practice", "practice", "rest_hours", fields.IntField(null=True), "INT"),
        AddColumn("Task", "task", "rests_since", fields.DatetimeField(null=True), "{moment}"),
        AddColumn("TaskEvent", "task_event", "given_reason", fields.TextField(null=True), "TEXT"),
        ops.RunSQL(INDEX),
    ]
