"""`callboard backup`, what can be done with the file, and what a restore would undo."""

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from benchmarks.wheel import programs
from models.database import opened, write
from models.roles import Role
from models.task import Task
from tests.commands.running import Shell
from tests.flows.commands import COMMAND
from tests.office import Office, make_office
from tests.support.access import create_key

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
postgres_only = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
async def office(database_url: str) -> Office:
    async with opened(database_url):
        office = await make_office()
        await office.log(await office.make_task(), notes="called")
        return office


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of the PostgreSQL that is tested with: an older pg_dump refuses a newer
    server."""
    if not os.environ.get("CALLBOARD_TEST_DATABASE_URL"):
        monkeypatch.setenv("PATH", f"{programs()}{os.pathsep}{os.environ['PATH']}")


@sqlite_only
async def test_a_backup_has_what_is_still_in_the_log(
    shell: Shell, office: Office, database_url: str, tmp_path: Path
) -> None:
    file, copied = tmp_path / "backup.sqlite3", tmp_path / "copied.sqlite3"
    database = database_url.removeprefix("sqlite://")
    with closing(sqlite3.connect(database)) as other:  # while it is open nothing leaves the log
        other.execute("SELECT * FROM task").fetchone()
        async with opened(database_url):
            for _ in range(3):
                await office.make_task()
        ended = await shell("backup", str(file))
        shutil.copy(database, copied)
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"{file}: {database_url} as of 20")
    assert ended.out.endswith(" bytes, checked\n")
    assert list_of(tmp_path) == [file.name]
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tasks_in(file), tasks_in(copied)) == (4, 1)
    shell.set(database_url=f"sqlite://{file}")
    assert (await shell("verify")).out.startswith("maple: events 1 to 5 are what was written")


def tasks_in(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM task").fetchone()[0])


@postgres_only
async def test_a_dump_of_postgresql_is_restored_into_another_database(
    shell: Shell, office: Office, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.dump"
    ended = await shell("backup", str(file))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith(" bytes, checked\n")
    async with opened(database_url):
        await office.make_task()
    name = database_url.partition("?")[0].rpartition("/")[2]
    admin = await asyncpg.connect(database_url.replace(f"/{name}?", "/postgres?"))
    try:
        await admin.execute(f"CREATE DATABASE {name}_restored")
        restored = database_url.replace(f"/{name}?", f"/{name}_restored?")
        process = await asyncio.create_subprocess_exec(
            "pg_restore", "--exit-on-error", f"--dbname={restored}", str(file)
        )
        assert await process.wait() == 0
        shell.set(database_url=restored)
        assert (await shell("verify")).code == 0
        async with opened(restored):
            assert await Task.all().count() == 1
    finally:
        await admin.execute(f"DROP DATABASE {name}_restored WITH (FORCE)")
        await admin.close()


@postgres_only
async def test_what_pg_dump_complains_of_is_told_in_one_line(
    shell: Shell, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backup.dump"
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", "/nowhere")
    missing = await shell("backup", str(file))
    assert (missing.code, missing.err.count("\n")) == (2, 1)
    assert "pg_dump --format=custom --file=FILE DATABASE" in missing.err
    monkeypatch.setenv("PATH", path)
    shell.set(database_url="postgres://me:hunter2@127.0.0.1:9/nothing")
    away = await shell("backup", str(file))
    assert (away.code, away.err.count("\n")) == (2, 1)
    assert "pg_dump: connection to server" in away.err
    assert "hunter2" not in away.err
    assert list_of(tmp_path) == []


def list_of(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if "backup" in path.name]


@sqlite_only
async def test_a_backup_over_something_is_refused(
    shell: Shell, office: Office, database_url: str, tmp_path: Path
) -> None:
    database, linked = Path(database_url.removeprefix("sqlite://")), tmp_path / "linked.sqlite3"
    linked.hardlink_to(database)
    for path in (database, f"{database}-wal", linked, tmp_path / "x" / ".." / database.name):
        for force in ((), ("--force",)):
            ended = await shell("backup", str(path), *force)
            assert (ended.code, ended.err.count("\n")) == (2, 1), path
            assert "is the database itself" in ended.err
    (tmp_path / "kept").write_text("mine")
    ended = await shell("backup", str(tmp_path / "kept"))
    assert ended.err == f"callboard: {tmp_path / 'kept'} is there already; --force replaces it\n"
    assert (tmp_path / "kept").read_text() == "mine"
    assert (await shell("backup", str(tmp_path / "kept"), "--force")).code == 0
    assert tasks_in(tmp_path / "kept") == 1
    assert tasks_in(database) == 1
    shell.set(database_url=f"sqlite://{tmp_path / 'none.sqlite3'}")
    assert "there is no database" in (await shell("backup", str(tmp_path / "b"))).err


@sqlite_only
async def test_a_full_disk_leaves_no_half_backup(
    office: Office, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.sqlite3"
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", f"ulimit -f 100; exec {COMMAND} backup {file}"),
        env={"CALLBOARD_DATABASE_URL": database_url, "PYTHONDONTWRITEBYTECODE": "1"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert (process.returncode, err.count(b"\n")) == (2, 1), err
    assert b"the backup was given up: SQLITE_" in err
    assert list_of(tmp_path) == []


@sqlite_only
async def test_a_changed_history_is_kept_and_told(
    shell: Shell, office: Office, database_url: str, tmp_path: Path
) -> None:
    async with opened(database_url):
        await write("DROP TRIGGER task_event_is_append_only_update")
        await write("UPDATE task_event SET contact_count = 9 WHERE seq = 2")
    ended = await shell("backup", str(tmp_path / "backup.sqlite3"))
    assert ended.code == 1
    assert "maple: history was changed at event 2\n" in ended.out
    assert ended.out.endswith(", in which history was changed\n")
    assert tasks_in(tmp_path / "backup.sqlite3") == 1


@sqlite_only
async def test_older_tables_are_backed_up_before_they_are_migrated(
    shell: Shell, office: Office, database_url: str, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(database_url.removeprefix("sqlite://"))) as connection:
        newest = "(SELECT MAX(name) FROM tortoise_migrations)"
        connection.execute(f"DELETE FROM tortoise_migrations WHERE name = {newest}")
        connection.commit()
    ended = await shell("backup", str(tmp_path / "backup.sqlite3"))
    assert ended.code == 0
    assert "the backup is whole, but its events could not be checked: " in ended.err
    assert tasks_in(tmp_path / "backup.sqlite3") == 1


async def test_what_a_restore_would_undo_is_told_as_commands(
    shell: Shell, database_url: str
) -> None:
    async with opened(database_url):
        office = await make_office()
        await create_key(office.practice, Role.STAFF, "Lost laptop")
        await create_key(office.practice, Role.PARTNER, 'Acme\'s "bot"')
    at = ("--practice", "maple")
    await shell("staff", "invite", *at, "--name", "Kim O'Hara", "--role", "staff")
    since = office.clock.now.isoformat()
    assert (await shell("keys", "changed", "--since", "2030-01-01")).out == ""
    ids = [line.split("\t")[0] for line in (await shell("keys", "list", *at)).out.splitlines()]
    async with opened(database_url):
        await write("UPDATE access_key SET created_at = $1", office.clock.now.replace(year=2025))
        await write("UPDATE staff SET created_at = $1", office.clock.now.replace(year=2025))
    made = await shell("keys", "create", *at, "--role", "staff", "--name", "New")
    assert made.code == 0
    await shell("keys", "revoke", *at, ids[-2])
    await shell("keys", "rotate", *at, ids[-1])
    await shell("staff", "retire", *at, "Kim O'Hara")
    newest = (await shell("keys", "list", *at)).out.splitlines()[-1].split("\t")[0]
    await shell("keys", "revoke", *at, newest)
    told = (await shell("keys", "changed", "--since", since)).out
    commands = [line for line in told.splitlines() if not line.startswith("#")]
    assert [line.partition("  #")[0] for line in commands] == [
        f"callboard keys revoke --practice maple {ids[-2]}",
        f"callboard keys rotate --practice maple --overlap 0 {ids[-1]}",
        "callboard staff retire --practice maple 'Kim O'\"'\"'Hara'",
    ]
    assert f"# maple: key {newest} revoked, 20" in told
