"""Where patients and tasks come from, and what queues give to the tasks that come in."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

# Only rows that come from elsewhere are in them: the others need not keep them up.
INDEXES = (
    "CREATE UNIQUE INDEX patient_from ON patient (practice_id, source, external_id) WHERE external_id IS NOT NULL",
    "CREATE UNIQUE INDEX task_from ON task (practice_id, source, external_id) WHERE external_id IS NOT NULL",
)


async def forward(apps, editor):
    for statement in INDEXES:
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0007_finding")]
    operations = [
        *(
            ops.AddField(
                model_name=model, name=name, field=fields.CharField(null=True, max_length=length)
            )
            for model in ("Patient", "Task")
            for name, length in (("source", 100), ("external_id", 200))
        ),
        ops.AddField(
            model_name="Queue",
            name="follow_up_ladder",
            field=fields.CharField(null=True, max_length=100),
        ),
        ops.AddField(
            model_name="Queue", name="automatic_life_days", field=fields.IntField(null=True)
        ),
        ops.AddField(
            model_name="Practice",
            name="region",
            field=fields.CharField(max_length=2, default="US", db_default="US"),
        ),
        ops.RunPython(forward),
    ]
