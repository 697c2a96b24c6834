"""Indexes in the order of work, and by when tasks were closed.

The first two stand in place of those from which claimNextTask read: they go on by expiry.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

WORKABLE = "status IN ('OPEN', 'IN_PROGRESS')"
EXPIRES = "COALESCE(expires_at, '9999-12-31 23:59:59+00:00')"

STATEMENTS = (
    f"CREATE INDEX task_queue_work ON task (practice_id, queue_id, follow_up, {EXPIRES}, id) WHERE {WORKABLE}",
    # Those of all queues differ in more than that, or PostgreSQL might take them for one queue too,
    # and pass over the rows of all others. In them the queue stands last, so that rows are passed over
    # without a look at the table.
    f"CREATE INDEX task_due_work ON task (practice_id, due_on, {EXPIRES}, id, queue_id) WHERE {WORKABLE} AND follow_up IS NOT NULL",
    f"CREATE INDEX task_new_work ON task (practice_id, {EXPIRES}, id, queue_id) WHERE {WORKABLE} AND follow_up IS NULL",
    "DROP INDEX task_to_call_again",
    "DROP INDEX task_never_called",
    "DROP INDEX task_closed",
    "CREATE INDEX task_closed ON task (practice_id, queue_id, closed_at, id) WHERE closed_at IS NOT NULL",
    "CREATE INDEX task_by_closing ON task (practice_id, closed_at, id, queue_id) WHERE closed_at IS NOT NULL",
)


async def forward(apps, editor):
    for statement in STATEMENTS:
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0013_last_use")]
    operations = [ops.RunPython(forward)]
