"""Bring a database's tables up to date, and check that they are those of this version.

All missing migrations run under a lock and in one transaction, which also records them. If two
processes start at once, the second finds nothing left to do. If one is killed, the database stays
as it was.
"""

import logging
import pkgutil
from typing import Any

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.executor import MigrationTarget
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor import AsyncpgSchemaEditor, SqliteSchemaEditor

from models import migrations
from models.database.migration_state import Executor
from models.database.opening import CannotOpen, unwrapped
from models.database.sqlite import is_sqlite

log = logging.getLogger(__name__)

WAIT_SECONDS = 60
"""How long to wait for another process that migrates."""

LOCK = 0x63616C6C626F6172
"""The number of PostgreSQL's advisory lock: "callboar" in ASCII."""

APP = "models"

MIGRATE = "callboard migrate (or serve --migrate)"

ALREADY_THERE = (
    asyncpg.DuplicateTableError,
    asyncpg.DuplicateColumnError,
    asyncpg.DuplicateObjectError,
    asyncpg.DuplicateFunctionError,
    asyncpg.DependentObjectsStillExistError,
    asyncpg.InvalidTableDefinitionError,
)


class WrongTables(CannotOpen):
    """The database's tables are not those of this version."""


def known() -> list[str]:
    """Return the names of this version's migrations, in order."""
    return sorted(module.name for module in pkgutil.iter_modules(migrations.__path__))


async def check(connection: BaseDBAsyncClient) -> None:
    """Raise `WrongTables` unless the tables are those of this version."""
    recorded = await _recorded(connection)
    _refuse_newer(recorded)
    if not recorded:
        raise WrongTables(f"the database has no tables yet; make them with: {MIGRATE}")
    if recorded < set(known()):
        raise WrongTables(f"the database's tables are those of an older version: {MIGRATE}")


async def is_up_to_date(connection: BaseDBAsyncClient) -> bool:
    """Whether no migration is missing. Raises `WrongTables` if a newer version has migrated the
    database."""
    recorded = await _recorded(connection)
    _refuse_newer(recorded)
    return recorded >= set(known())


async def prepare(connection: BaseDBAsyncClient) -> None:
    """Before the transaction. SQLite takes its lock as it begins; and a table of it that others
    point to can only be made anew while foreign keys are not enforced."""
    if is_sqlite(connection):
        await connection.execute_query(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
        await connection.execute_query("PRAGMA foreign_keys = OFF")


async def bring_up_to_date(
    connection: BaseDBAsyncClient, app: dict[str, Any], upto: str = "__latest__"
) -> None:
    """Run the missing migrations in the transaction of `connection`."""
    if not is_sqlite(connection):
        # A large table may take very long, and must not be cut off.
        await connection.execute_query(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'")
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            await connection.execute_query(f"SET LOCAL {limit} = 0")
        await connection.execute_query(f"SELECT pg_advisory_xact_lock({LOCK})")
    editor = SqliteSchemaEditor if is_sqlite(connection) else AsyncpgSchemaEditor
    # Tortoise would read its table of migrations before it creates it, and that error would end the
    # transaction.
    await MigrationRecorder(connection).ensure_schema(editor(connection, atomic=False))
    recorded = await _recorded(connection)
    _refuse_newer(recorded)
    made: list[str] = []

    def note(event: str, _app: str, name: str) -> None:
        if event == "apply_done":
            made.append(name)

    executor, target = Executor(connection, {APP: app}), [MigrationTarget(APP, upto)]
    try:
        await executor.migrate(target, direction="forward", progress=note)
    except Exception as error:
        if made or not _is_already_there(error):
            raise
        # Older versions recorded a migration after its commit, and could be cut off in between.
        first = next(name for name in known() if name not in recorded)
        log.warning("migration %s was made and not recorded; it is recorded now", first)
        await executor.migrate([MigrationTarget(APP, first)], fake=True, direction="forward")
        await executor.migrate(target, direction="forward")


async def _recorded(connection: BaseDBAsyncClient) -> set[str]:
    """Return the names of the migrations that the database has a record of, from any version."""
    is_there = (
        "SELECT 1 FROM sqlite_master WHERE name = 'tortoise_migrations'"
        if is_sqlite(connection)
        else "SELECT 1 WHERE to_regclass('tortoise_migrations') IS NOT NULL"
    )
    if not (await connection.execute_query(is_there))[1]:
        return set()
    sql = f"SELECT name FROM tortoise_migrations WHERE app = '{APP}'"
    return {row["name"] for row in (await connection.execute_query(sql))[1]}


def _refuse_newer(recorded: set[str]) -> None:
    newer = sorted(recorded - set(known()))
    if newer:
        raise WrongTables(
            f"the database was migrated by a newer version ({newer[-1]}); this one would not keep"
            " it right: run that version, or restore the backup from before"
        )


def _is_already_there(error: Exception) -> bool:
    cause = unwrapped(error)
    words = str(cause)
    return isinstance(cause, ALREADY_THERE) or (
        "already exists" in words or "duplicate column name" in words
    )
