"""Indexes for the supervisors' figures: when contacts were made, and when tasks were opened. Closed
tasks are found by an index that the counts of a queue have already."""

from tortoise import migrations
from tortoise.migrations import operations as ops

INDEXES = (
    "CREATE INDEX contact_by_moment ON contact (practice_id, COALESCE(contacted_at, logged_at))",
    "CREATE INDEX task_by_creation ON task (practice_id, created_at)",
)


async def forward(apps, editor):
    for statement in INDEXES:
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0005_sessions")]
    operations = [ops.RunPython(forward)]
