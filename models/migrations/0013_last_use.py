"""When a key was last used."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0012_changes")]
    operations = [
        ops.AddField(
            model_name="AccessKey", name="last_used_at", field=fields.DatetimeField(null=True)
        ),
    ]
