"""PostgreSQL: what the role may do under which `callboard serve` runs.

The tables belong to an owner, who migrates. A role that serves reads and writes rows. It may not
change tables, and what is append-only it may neither change nor remove.
"""

from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from models.database.migrating import LOCK
from models.database.opening import CannotOpen
from models.database.sqlite import is_sqlite
from models.database.transactions import connection, transaction

MIGRATIONS = "tortoise_migrations"

NEVER_REMOVED = (
    *("practice", "queue", "staff", "patient", "patient_merge", "task", "appointment"),
    "practice_group",
)
"""Tables whose rows only change. All others that are not append-only hold what ends some day:
keys, sessions, words to search for."""

# Append-only is what a trigger looks after before rows are deleted (tgtype: 2 BEFORE, 8 DELETE).
_TABLES = f"""
SELECT c.oid, c.relname AS name, quote_ident(c.relname) AS quoted, EXISTS (
    SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 10 = 10
) AS is_append_only, c.relkind = 'S' AS is_sequence
FROM pg_class c JOIN pg_class m ON m.oid = to_regclass('{MIGRATIONS}')
    AND m.relowner = c.relowner AND m.relnamespace = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S')
"""

_ROLE = f"""
SELECT quote_ident(r.rolname) AS quoted, quote_ident(n.nspname) AS schema,
       pg_has_role(r.oid, m.relowner, 'MEMBER') AS is_owner, r.rolcreaterole AS may_make_roles,
       has_schema_privilege(r.oid, n.oid, 'USAGE') AS may_use,
       has_schema_privilege(r.oid, n.oid, 'CREATE')
           OR has_database_privilege(r.oid, current_database(), 'CREATE') AS may_create
FROM pg_roles r, pg_class m JOIN pg_namespace n ON n.oid = m.relnamespace
WHERE r.rolname = $1 AND m.oid = to_regclass('{MIGRATIONS}')
"""

_TOO_MUCH = f"""
SELECT name FROM ({_TABLES}) t WHERE NOT is_sequence AND (
    has_table_privilege($1, oid, 'TRUNCATE, TRIGGER') OR is_append_only AND (
        has_table_privilege($1, oid, 'DELETE') OR has_any_column_privilege($1, oid, 'UPDATE')))
"""

_UNREADABLE = f"""
SELECT name FROM ({_TABLES}) t WHERE NOT is_sequence AND NOT has_table_privilege(oid, 'SELECT')
"""


class WrongRights(CannotOpen):
    """A role lacks a right that it needs, or has one that it must not have."""


async def grant(role: str) -> None:
    """Give `role` what serving needs, and take from it what it was given beyond that. To be called
    by the tables' owner; nothing happens to other rights than those on tables. Raises
    `WrongRights`."""
    async with transaction() as begun:
        await begun.execute_query(f"SELECT pg_advisory_xact_lock({LOCK})")
        found = await _rows(begun, _ROLE, role)
        if not found:
            raise WrongRights(f"the database has no role {role!r}: CREATE ROLE {role} LOGIN …")
        (known,) = found
        if known["is_owner"]:
            raise WrongRights(f"the role {role!r} owns the tables: serve under another one")
        if known["may_make_roles"]:  # before PostgreSQL 16 it could make itself an owner
            raise WrongRights(f"the role {role!r} may create roles: ALTER ROLE … NOCREATEROLE")
        if known["may_create"]:
            raise WrongRights(
                f"the role {role!r} may create tables: REVOKE CREATE ON SCHEMA {known['schema']}"
                f" FROM PUBLIC, {known['quoted']}; and of the database, if it was given there"
            )
        if not known["may_use"]:
            await begun.execute_query(
                f"GRANT USAGE ON SCHEMA {known['schema']} TO {known['quoted']}"
            )
        for table in await _rows(begun, _TABLES):
            kind = "SEQUENCE" if table["is_sequence"] else "TABLE"
            where = f"ON {kind} {known['schema']}.{table['quoted']}"
            await begun.execute_query(f"REVOKE ALL {where} FROM {known['quoted']}")
            await begun.execute_query(f"GRANT {_rights(table)} {where} TO {known['quoted']}")
        for table in await _rows(begun, _TOO_MUCH, role):
            raise WrongRights(
                f"the role {role!r} may still change or empty {table['name']}, as PUBLIC or another"
                " role may to which it belongs: nothing was granted"
            )


def _rights(table: Any) -> str:
    if table["is_sequence"]:
        return "USAGE"
    if table["name"] == MIGRATIONS:
        return "SELECT"
    if table["is_append_only"]:
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE" + ("" if table["name"] in NEVER_REMOVED else ", DELETE")


async def check(client: BaseDBAsyncClient) -> None:
    """Raise `WrongRights` if this process's role may not read a table, as after a migration that
    has made one."""
    if is_sqlite(client):
        return
    for table in await _rows(client, f"{_UNREADABLE} ORDER BY name LIMIT 1"):
        raise WrongRights(
            f"this role may not use the table {table['name']}; as the tables' owner, run:"
            " callboard migrate --serve-role ROLE"
        )


async def owns_tables() -> bool:
    """Whether this process's role may change the tables of a PostgreSQL database."""
    if is_sqlite(connection()):
        return False
    sql = f"""SELECT pg_has_role(relowner, 'MEMBER') AS owns FROM pg_class
        WHERE oid = to_regclass('{MIGRATIONS}')"""
    return bool((await _rows(connection(), sql))[0]["owns"])


async def may_delete(table: str) -> bool:
    """Whether this process may remove rows of a table. With SQLite it may."""
    if is_sqlite(connection()):
        return True
    sql = "SELECT has_table_privilege($1, 'DELETE') AS may"
    return bool((await _rows(connection(), sql, table))[0]["may"])


async def _rows(client: BaseDBAsyncClient, sql: str, *values: object) -> list[Any]:
    return list((await client.execute_query(sql, list(values)))[1])
