"""How urgent a task is, and the indexes in the order of work that know it.

The column's default is constant, so no row is written anew, and it is checked by the program alone: a
constraint would be checked against every row. The indexes stand in place of those without the priority.
"""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.database.added_column import AddColumn
from models.priority import TaskPriority

WORKABLE = "status IN ('OPEN', 'IN_PROGRESS')"
EXPIRES = "COALESCE(expires_at, '9999-12-31 23:59:59+00:00')"

# What is promised for a moment is in an index of its own. What waits for a supervisor is handed out to
# nobody: it is overdue, and each claim would read past it.
OF_CLAIMS = (
    "DROP INDEX task_next",
    f"""CREATE INDEX task_next ON task
        (practice_id, queue_id, rests_since, priority, follow_up, {EXPIRES}, id)
        WHERE {WORKABLE} AND follow_up_at IS NULL AND review_since IS NULL""",
)
OF_LISTS = (
    "DROP INDEX task_queue_work",
    "DROP INDEX task_due_work",
    "DROP INDEX task_new_work",
    f"""CREATE INDEX task_queue_work ON task
        (practice_id, queue_id, priority, follow_up, {EXPIRES}, id) WHERE {WORKABLE}""",
    f"""CREATE INDEX task_due_work ON task (practice_id, priority, due_on, {EXPIRES}, id, queue_id)
        WHERE {WORKABLE} AND follow_up IS NOT NULL""",
    f"""CREATE INDEX task_new_work ON task (practice_id, priority, {EXPIRES}, id, queue_id)
        WHERE {WORKABLE} AND follow_up IS NULL""",
)


async def forward(apps, editor):
    run = editor.client.execute_query
    for statement in (*OF_CLAIMS, *OF_LISTS):
        await run(statement)
    # Of a new column, and of what new indexes are made of, PostgreSQL knows nothing until it looks:
    # it takes each priority for rare, and would sort all tasks for a page of them.
    if editor.DIALECT != "sqlite" and (await run("SELECT 1 FROM task LIMIT 1"))[0]:
        await run("ANALYZE task")


class Migration(migrations.Migration):
    dependencies = [("models", "0031_attempts")]
    operations = [
        AddColumn(
            "Task",
            "task",
            "priority",
            fields.IntEnumField(
                TaskPriority, default=TaskPriority.NORMAL, db_default=TaskPriority.NORMAL
            ),
            "SMALLINT NOT NULL DEFAULT 2",
        ),
        AddColumn(
            "TaskEvent",
            "task_event",
            "priority",
            fields.IntEnumField(TaskPriority, null=True),
            "SMALLINT",
        ),
        ops.RunPython(forward),
    ]
