"""Queues with a script and a number of attempts; practices and queues that are archived; and by what feeds
learn that a practice or its queues were changed."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class AddColumn(ops.AddField):
    """Adds a field by a statement of its own: SQLite would make the table anew without its triggers."""

    def __init__(self, model_name, name, field, kind):
        super().__init__(model_name, name, field)
        self._column = (model_name.lower(), name, kind)

    async def database_forward(self, app_label, old_state, new_state, state_editor=None):
        if state_editor is not None:
            table, name, kind = self._column
            moment = "TIMESTAMP" if state_editor.DIALECT == "sqlite" else "TIMESTAMPTZ"
            kind = kind.format(moment=moment)
            await state_editor.client.execute_query(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")


class Migration(migrations.Migration):
    dependencies = [("models", "0018_secret")]
    operations = [
        AddColumn(
            "Practice",
            "settings",
            fields.BigIntField(default=0, db_default=0),
            "BIGINT NOT NULL DEFAULT 0",
        ),
        AddColumn("Practice", "archived_at", fields.DatetimeField(null=True), "{moment}"),
        AddColumn("Queue", "max_attempts", fields.IntField(null=True), "INT"),
        AddColumn("Queue", "script", fields.TextField(null=True), "TEXT"),
        AddColumn("Queue", "archived_at", fields.DatetimeField(null=True), "{moment}"),
    ]
