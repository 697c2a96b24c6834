"""Claims have ids, on tasks and in the events that show them; events name the change they belong to."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

# All may be null, and events from before have none: their digests do not cover these columns.
COLUMNS = (
    ("Task", "claim_id", fields.CharField(max_length=100, null=True)),
    ("TaskEvent", "claim_id", fields.CharField(max_length=100, null=True)),
    ("TaskEvent", "change", fields.BigIntField(null=True)),
)


class Migration(migrations.Migration):
    dependencies = [("models", "0011_phones")]
    operations = [
        ops.AddField(model_name=model, name=name, field=field) for model, name, field in COLUMNS
    ]
