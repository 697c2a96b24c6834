"""One table of the idempotency keys that were used, in place of a column of contacts and tasks.

Keys are carried over. What they were used for is not: until they are forgotten, a
request under one of them is taken to be the same. Contacts lose the only column that could change.
"""

import json
import re
from datetime import datetime
from typing import NamedTuple

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.database import fetch, insert_many

BATCH = 500

POSTGRES_BEFORE = (
    "ALTER TABLE idempotency_key DROP CONSTRAINT idempotency_key_pkey",
    "ALTER TABLE idempotency_key ADD PRIMARY KEY (practice_id, id)",
)
POSTGRES_AFTER = (
    "DROP TRIGGER contact_is_append_only ON contact",
    "DROP TRIGGER contact_only_forgets_its_key ON contact",
    "ALTER TABLE contact DROP COLUMN idempotency_key",
    "ALTER TABLE task DROP COLUMN idempotency_key",
    """CREATE TRIGGER contact_is_append_only BEFORE UPDATE OR DELETE ON contact
       FOR EACH ROW EXECUTE FUNCTION callboard_append_only()""",
)
SQLITE_TRIGGER = """CREATE TRIGGER contact_is_append_only_update BEFORE UPDATE ON contact
BEGIN SELECT RAISE(ABORT, 'contact is append-only'); END"""

DANGLING = """SELECT "table" || ' ' || rowid || ' ' || parent FROM pragma_foreign_key_check"""

CONTACTS = """
SELECT c.practice_id, c.idempotency_key, c.logged_by_id, c.logged_at, c.task_id, c.id,
       CASE WHEN t.close_cause = 'EXPIRED' AND c.logged_at >= t.closed_at THEN 1 ELSE 0 END
FROM contact c JOIN task t ON t.practice_id = c.practice_id AND t.id = c.task_id
WHERE c.idempotency_key IS NOT NULL
"""

TASKS = """
SELECT t.practice_id, t.idempotency_key, e.actor_id, t.created_at, t.id, NULL, 0 FROM task t
LEFT JOIN task_event e ON e.practice_id = t.practice_id AND e.task_id = t.id AND e.version = 1
WHERE t.idempotency_key IS NOT NULL
"""


class Used(NamedTuple):
    practice_id: int
    key: str
    staff_id: int | None
    at: datetime
    task_id: int
    contact_id: int | None
    is_late: int


class Part(NamedTuple):
    sql: str


class RemoveColumn(ops.RemoveField):
    """Removes a field from what is known of the model. The column goes by statements below: SQLite
    would lose the table's triggers and indexes."""

    async def database_forward(self, app_label, old_state, new_state, state_editor=None):
        pass


class RemoveUnique(ops.RemoveConstraint):
    """The same, for a constraint."""

    async def database_forward(self, app_label, old_state, new_state, state_editor=None):
        pass


async def forward(apps, editor):
    run, is_sqlite = editor.client.execute_query, editor.DIALECT == "sqlite"
    for statement in () if is_sqlite else POSTGRES_BEFORE:
        await run(statement)
    await carry_over("logContact", CONTACTS)
    await carry_over("createTask", TASKS)
    if is_sqlite:
        await run("DROP TRIGGER contact_is_append_only_update")
        before = await fetch(Part, DANGLING)
        for table in ("contact", "task"):
            await make_without_key(run, table)
        assert await fetch(Part, DANGLING) == before, "rows point to rows that are gone"
        await run(SQLITE_TRIGGER)
    for statement in () if is_sqlite else POSTGRES_AFTER:
        await run(statement)


async def carry_over(operation, sql):
    used = await fetch(Used, sql)
    for begin in range(0, len(used), BATCH):
        rows = [
            {
                "practice_id": use.practice_id,
                "operation": operation,
                "key": use.key,
                "staff_id": use.staff_id,
                "result": json.dumps(result_of(use)),
                "at": use.at,
            }
            for use in used[begin : begin + BATCH]
        ]
        await insert_many("idempotency_key", rows, "id")


def result_of(use):
    if use.contact_id is None:
        return {"task": use.task_id}
    return {"task": use.task_id, "contact": use.contact_id, "late": bool(use.is_late)}


async def make_without_key(run, table):
    """Make SQLite's table anew without the column, with all else that belongs to it. Foreign keys
    are not enforced while tables are migrated."""
    of_table = (
        f"sql IS NOT NULL AND tbl_name = '{table}' AND sql NOT LIKE '%idempotency_key IS NOT%'"
    )
    (made,) = await fetch(
        Part, f"SELECT sql FROM sqlite_master WHERE type = 'table' AND {of_table}"
    )
    others = await fetch(
        Part, f"SELECT sql FROM sqlite_master WHERE type <> 'table' AND {of_table}"
    )
    columns = [
        part.sql for part in await fetch(Part, f"SELECT name FROM pragma_table_info('{table}')")
    ]
    columns.remove("idempotency_key")
    listed = ", ".join(columns)
    sql = re.sub(r'"idempotency_key" VARCHAR\(200\),\s*', "", made.sql)
    sql = re.sub(r',\s*CONSTRAINT "\w+" UNIQUE \("practice_id", "idempotency_key"\)', "", sql)
    await run(sql.replace(f'CREATE TABLE "{table}"', f'CREATE TABLE "new_{table}"', 1))
    await run(f"INSERT INTO new_{table} ({listed}) SELECT {listed} FROM {table}")
    await run(f"DROP TABLE {table}")
    await run("PRAGMA legacy_alter_table = ON")  # triggers of other tables may name this one
    await run(f"ALTER TABLE new_{table} RENAME TO {table}")
    await run("PRAGMA legacy_alter_table = OFF")
    for part in others:
        await run(part.sql)


class Migration(migrations.Migration):
    dependencies = [("models", "0014_orders")]
    operations = [
        ops.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "practice",
                    fields.ForeignKeyField(
                        "models.Practice",
                        source_field="practice_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("operation", fields.CharField(max_length=40)),
                ("key", fields.CharField(max_length=200)),
                ("staff_id", fields.BigIntField(null=True)),
                ("digest", fields.BinaryField(null=True)),
                ("result", fields.TextField()),
                ("at", fields.DatetimeField()),
            ],
            options={
                "table": "idempotency_key",
                "app": "models",
                "unique_together": (("practice", "operation", "key"),),
                "pk_attr": "id",
                "table_description": "One use of a key: unique within the practice for each operation.",
            },
            bases=["Model"],
        ),
        ops.RunPython(forward),
        ops.RunSQL("CREATE INDEX idempotency_key_by_age ON idempotency_key (practice_id, at)"),
        RemoveUnique("Contact", fields=["practice", "idempotency_key"]),
        RemoveColumn("Contact", "idempotency_key"),
        RemoveUnique("Task", fields=["practice", "idempotency_key"]),
        RemoveColumn("Task", "idempotency_key"),
    ]
