"""What the role that serves may do in PostgreSQL, and what keeps it from more."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from models.database import grant_serving, may_delete, opened, owns_tables
from models.database.migrating import known
from models.database.rights import WrongRights
from tests.commands.running import Shell, nobody_served
from tests.conftest import with_database
from tests.models.database.roles import TwoRoles, execute, two_roles


@pytest.fixture
async def roles(postgres_url: str, postgres_template: str) -> AsyncIterator[TwoRoles]:
    async with two_roles(postgres_url, postgres_template) as roles:
        yield roles


APPEND_ONLY = ("contact", "task_event", "audit")

REFUSED = (
    *(f"DELETE FROM {table}" for table in (*APPEND_ONLY, "task", "patient", "practice")),
    *(f"TRUNCATE {table} CASCADE" for table in (*APPEND_ONLY, "task", "access_key")),
    *(f"UPDATE {table} SET practice_id = practice_id" for table in APPEND_ONLY),
    *(f"DROP TABLE {table}" for table in APPEND_ONLY),
    "ALTER TABLE contact DISABLE TRIGGER ALL",
    "ALTER TABLE task ADD COLUMN mine INT",
    "DROP TRIGGER contact_is_append_only ON contact",
    "DROP INDEX task_by_patient",
    "CREATE INDEX mine ON task (id)",
    "CREATE TABLE mine (id INT)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS INT LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION callboard_append_only() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN OLD; END'",
    "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', 'mine', now())",
    "DELETE FROM tortoise_migrations",
    "SET session_replication_role = replica",
)


async def test_the_serving_role_changes_no_tables_and_no_history(roles: TwoRoles) -> None:
    connection = await asyncpg.connect(roles.serving_url)
    try:
        for statement in REFUSED:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
    async with opened(roles.serving_url):
        assert not await owns_tables()
        assert [await may_delete(table) for table in (*APPEND_ONLY, "access_key")] == [
            *(False for _ in APPEND_ONLY),
            True,
        ]
    async with opened(roles.owner_url):
        assert (await owns_tables(), await may_delete("task_event")) == (True, True)


async def test_what_was_given_beyond_that_is_taken_away(roles: TwoRoles) -> None:
    await execute(roles.owner_url, f"GRANT ALL ON contact TO {roles.serving}")
    await execute(roles.owner_url, f"GRANT UPDATE (notes) ON contact TO {roles.serving}")
    for _ in range(2):
        await grant_serving(roles.owner_url, roles.serving)
        connection = await asyncpg.connect(roles.serving_url)
        try:
            for statement in ("DELETE FROM contact", "UPDATE contact SET notes = ''"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        finally:
            await connection.close()


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("GRANT DELETE ON contact TO PUBLIC", "may still change or empty contact"),
        ("GRANT UPDATE (notes) ON contact TO PUBLIC", "may still change or empty contact"),
        ("GRANT TRUNCATE ON task TO PUBLIC", "may still change or empty task"),
        ("ALTER ROLE {serving} CREATEROLE", "may create roles"),
        ("GRANT CREATE ON SCHEMA public TO {serving}", "may create tables"),
        ("GRANT CREATE ON DATABASE {database} TO {serving}", "may create tables"),
        ("GRANT {owner} TO {serving}", "owns the tables"),
    ],
)
async def test_a_role_that_could_do_more_all_the_same_is_not_let_serve(
    roles: TwoRoles, postgres_url: str, before: str, said: str
) -> None:
    database = urlsplit(roles.owner_url).path.removeprefix("/")
    names = {"serving": roles.serving, "owner": roles.owner, "database": database}
    await execute(with_database(postgres_url, database), before.format(**names))
    with pytest.raises(WrongRights, match=said):
        await grant_serving(roles.owner_url, roles.serving)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


async def test_a_role_that_is_not_there_is_named(roles: TwoRoles, shell: Shell) -> None:
    shell.set(database_url=roles.owner_url)
    ended = await shell("migrate", "--serve-role", "nobody")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "the database has no role 'nobody'" in ended.err
    ended = await shell("migrate", "--serve-role", roles.serving)
    assert (ended.code, ended.out.startswith(f"{roles.serving} may serve")) == (0, True)


async def test_a_table_that_a_later_migration_made_is_named(roles: TwoRoles) -> None:
    await execute(roles.owner_url, "CREATE TABLE later (id INT)")
    with pytest.raises(WrongRights, match="may not use the table later; as the tables' owner"):
        async with opened(roles.serving_url):
            pass
    await grant_serving(roles.owner_url, roles.serving)
    async with opened(roles.serving_url):
        pass


async def test_the_serving_role_migrates_nothing(
    roles: TwoRoles, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.set(database_url=roles.serving_url)
    assert await shell("migrate") == (0, "", ""), "there is nothing to do"
    newest = known()[-1]
    await execute(roles.owner_url, f"DELETE FROM tortoise_migrations WHERE name = '{newest}'")
    with nobody_served(monkeypatch):
        ended = await shell("serve", "--migrate", "--port", "0")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "its role may not do that; the tables' owner may" in ended.err


async def test_sqlite_has_no_roles(shell: Shell, tmp_path: Path) -> None:
    shell.set(database_url=f"sqlite://{tmp_path}/callboard.sqlite3")
    said = "callboard: --serve-role is for PostgreSQL: SQLite has no roles\n"
    assert await shell("migrate", "--serve-role", "app") == (2, "", said)
    assert not (tmp_path / "callboard.sqlite3").exists()
