"""How long a patient who was called rests, which tasks claims have passed over for that, and why a task was
postponed."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

WORKABLE = "status IN ('OPEN', 'IN_PROGRESS')"
EXPIRES = "COALESCE(expires_at, '9999-12-31 23:59:59+00:00')"

# What a claim may hand out has null in `rests_since`, so it stands together, in the order of work; behind
# it what was passed over, the patients who were called first at the beginning.
INDEX = f"""CREATE INDEX task_next ON task (practice_id, queue_id, rests_since, follow_up, {EXPIRES}, id)
    WHERE {WORKABLE}"""


class AddColumn(ops.AddField):
    """Adds a field by a statement of its own: SQLite would make the table anew without its triggers."""

    def __init__(self, model_name, table, name, field, kind):
        super().__init__(model_name, name, field)
        self._column = (table, name, kind)

    async def database_forward(self, app_label, old_state, new_state, state_editor=None):
        if state_editor is not None:
            table, name, kind = self._column
            moment = "TIMESTAMP" if state_editor.DIALECT == "sqlite" else "TIMESTAMPTZ"
            kind = kind.format(moment=moment)
            await state_editor.client.execute_query(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")


class Migration(migrations.Migration):
    dependencies = [("models", "0023_groups")]
    operations = [
        AddColumn("Practice", "practice", "rest_hours", fields.IntField(null=True), "INT"),
        AddColumn("Task", "task", "rests_since", fields.DatetimeField(null=True), "{moment}"),
        AddColumn("TaskEvent", "task_event", "given_reason", fields.TextField(null=True), "TEXT"),
        ops.RunSQL(INDEX),
    ]
