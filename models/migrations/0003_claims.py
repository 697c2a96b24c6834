"""Events say whose claim a task was under; indexes for what is called next, and for lapsed claims."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

WORKABLE = "status IN ('OPEN', 'IN_PROGRESS')"

INDEXES = (
    f"CREATE INDEX task_to_call_again ON task (practice_id, queue_id, follow_up, id) WHERE {WORKABLE} AND follow_up IS NOT NULL",
    f"CREATE INDEX task_never_called ON task (practice_id, queue_id, expires_at, id) WHERE {WORKABLE} AND follow_up IS NULL",
    "CREATE INDEX task_claimed ON task (practice_id, claimed_until) WHERE claimed_until IS NOT NULL",
    "CREATE INDEX task_claimed_by ON task (practice_id, claimed_by_id) WHERE claimed_by_id IS NOT NULL",
)


async def forward(apps, editor):
    for statement in INDEXES:
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0002_guards")]
    operations = [
        ops.AddField(
            model_name="TaskEvent", name="claimed_by_id", field=fields.BigIntField(null=True)
        ),
        ops.AddField(
            model_name="TaskEvent", name="claimed_until", field=fields.DatetimeField(null=True)
        ),
        ops.RunPython(forward),
    ]
