"""One table of the idempotency keys that were used, in place of a column of contacts and tasks.

Keys of the last day are carried over, without the digests of their requests. Contacts lose the only column that could change.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.database import CannotOpen, fetch, write

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

# Older ones than a day count no more.
CONTACTS = """
INSERT INTO idempotency_key (practice_id, operation, key, staff_id, result, at)
SELECT c.practice_id, 'logContact', c.idempotency_key, c.logged_by_id,
       '{"task": ' || c.task_id || ', "contact": ' || c.id || ', "late": '
       || CASE WHEN t.close_cause = 'EXPIRED' AND c.logged_at >= t.closed_at THEN 'true'
               ELSE 'false' END || '}', c.logged_at
FROM contact c JOIN task t ON t.practice_id = c.practice_id AND t.id = c.task_id
WHERE c.idempotency_key IS NOT NULL AND c.logged_at > $1
"""

TASKS = """
INSERT INTO idempotency_key (practice_id, operation, key, staff_id, result, at)
SELECT t.practice_id, 'createTask', t.idempotency_key,
       (SELECT MIN(e.actor_id) FROM task_event e
        WHERE e.practice_id = t.practice_id AND e.task_id = t.id AND e.version = 1),
       '{"task": ' || t.id || '}', t.created_at
FROM task t WHERE t.idempotency_key IS NOT NULL AND t.created_at > $1
"""


class Name(NamedTuple):
    name: str


class Part(NamedTuple):
    name: str
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
    since = datetime.now(UTC) - timedelta(days=1)
    for sql in (CONTACTS, TASKS):
        await write(sql, since)
    if is_sqlite:
        await run("DROP TRIGGER contact_is_append_only_update")
        for index in ("contact_keyed", "task_keyed"):
            await run(f"DROP INDEX {index}")
        dangling = await dangling_rows()
        for table in ("contact", "task"):
            await make_without_key(run, table)
        if await dangling_rows() != dangling:
            raise CannotOpen("rows would point to rows that are gone; nothing was migrated")
        await run(SQLITE_TRIGGER)
    for statement in () if is_sqlite else POSTGRES_AFTER:
        await run(statement)


async def dangling_rows():
    """Rows that point to rows which are gone, as a program that checks nothing leaves them."""
    return sorted(text for (text,) in await fetch(Name, DANGLING))


async def make_without_key(run, table):
    """Make SQLite's table anew without the column, with all else that belongs to it. Foreign keys
    are not enforced while tables are migrated."""
    parts = await fetch(
        Part,
        f"SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name = '{table}'"
        " ORDER BY type = 'table' DESC",
    )
    made, others = parts[0].sql, parts[1:]
    columns = [
        name for (name,) in await fetch(Name, f"SELECT name FROM pragma_table_info('{table}')")
    ]
    columns.remove("idempotency_key")
    listed = ", ".join(columns)
    sql = re.sub(r'"idempotency_key" VARCHAR\(200\),\s*', "", made)
    sql = re.sub(r',\s*CONSTRAINT "\w+" UNIQUE \("practice_id", "idempotency_key"\)', "", sql)
    sql = sql.replace(f'CREATE TABLE "{table}"', f'CREATE TABLE "new_{table}"', 1)
    changed = [part.name for part in others if "idempotency_key" in part.sql]
    if "idempotency_key" in sql or f'CREATE TABLE "new_{table}"' not in sql:
        changed.append(table)
    if changed:
        raise CannotOpen(
            f"{changed[0]} was changed by hand, so the table {table} cannot be migrated"
        )
    await run(f"DROP TABLE IF EXISTS new_{table}")
    await run(sql)
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
