"""Sessions and the links that begin them are keys that were made from another."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

INDEX = "CREATE INDEX access_key_parent ON access_key (practice_id, parent_id) WHERE parent_id IS NOT NULL"
POSTGRES_KEY = "ALTER TABLE access_key ADD FOREIGN KEY (practice_id, parent_id) REFERENCES access_key (practice_id, id)"


async def forward(apps, editor):
    await editor.client.execute_query(INDEX)
    if editor.DIALECT != "sqlite":
        await editor.client.execute_query(POSTGRES_KEY)


class Migration(migrations.Migration):
    dependencies = [("models", "0004_appointments")]
    operations = [
        ops.AddField(model_name="AccessKey", name="parent_id", field=fields.BigIntField(null=True)),
        ops.RunPython(forward),
    ]
