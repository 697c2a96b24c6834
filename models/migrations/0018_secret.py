"""The secret by which this installation writes global ids and cursors: made once, and kept with the rows that they name."""

import secrets

from tortoise import migrations
from tortoise.migrations import operations as ops

from models.database import write


async def forward(apps, editor):
    blob = "BLOB" if editor.DIALECT == "sqlite" else "BYTEA"
    await editor.client.execute_query(
        f"CREATE TABLE secret (name VARCHAR(40) NOT NULL PRIMARY KEY, value {blob} NOT NULL)"
    )
    await write("INSERT INTO secret (name, value) VALUES ($1, $2)", "ids", secrets.token_bytes(32))


class Migration(migrations.Migration):
    dependencies = [("models", "0017_people")]
    operations = [ops.RunPython(forward)]
