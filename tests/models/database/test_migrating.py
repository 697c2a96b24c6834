"""Migrations: all or nothing, one process at a time, and never over a newer version's tables."""

import asyncio
import signal
import socket
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from tortoise.exceptions import IntegrityError

from models.contact import Contact
from models.database import migrate, migrating, opened, orm_config, transaction
from models.database.connections import _connected
from models.database.migrating import WrongTables, known
from models.idempotency import IdempotencyKey
from models.people import Patient, PatientWord
from models.practice import Queue
from models.task import Task
from tests.commands.running import Shell, nobody_served
from tests.flows.commands import free_port, run, running
from tests.office import make_office
from tests.serving import PATIENCE

WAITING = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

CUT_OFF = """
import asyncio, os, signal, sys
from tortoise.migrations.recorder import MigrationRecorder
from models.database import migrate

record = MigrationRecorder.record_applied

async def die(self, app, name):
    if name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
    await record(self, app, name)

MigrationRecorder.record_applied = die
asyncio.run(migrate(sys.argv[1]))
"""


async def test_processes_that_migrate_at_once_all_end_well(empty_url: str) -> None:
    environ = {"CALLBOARD_DATABASE_URL": empty_url}
    ended = await asyncio.gather(*(run("migrate", **environ) for _ in range(3)))
    assert ended == [(0, "")] * 3
    async with opened(empty_url):
        await make_office()


@pytest.mark.parametrize("name", [known()[0], known()[-1]])
async def test_a_migration_that_is_killed_before_its_record_is_made_again(
    empty_url: str, name: str
) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CUT_OFF, empty_url, name)
    assert await asyncio.wait_for(process.wait(), 3 * PATIENCE) == -signal.SIGKILL
    with pytest.raises(WrongTables, match="no tables yet"):
        async with opened(empty_url):
            pass
    await migrate(empty_url)
    async with opened(empty_url):
        await make_office()


async def test_a_migration_that_an_older_version_did_not_record_is_recorded(
    empty_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = orm_config(empty_url)["apps"]["models"]
    await migrate_to(empty_url, known()[0])
    for name, following in zip(known(), [*known()[1:], known()[-1]], strict=True):
        await forget(empty_url, name)
        caplog.clear()
        async with _connected(empty_url) as client, transaction() as connection:
            assert client is not None
            await migrating.bring_up_to_date(connection, app, upto=following)
        assert f"migration {name} was made and not recorded" in caplog.text
    async with opened(empty_url):
        await make_office()


async def test_a_database_without_tables_is_told_from_one_with_older_ones(empty_url: str) -> None:
    environ = {"CALLBOARD_DATABASE_URL": empty_url}
    code, output = await run("prune", **environ)
    assert (code, "no tables yet" in output) == (2, True)
    await migrate_to(empty_url, known()[-2])
    code, output = await run("prune", **environ)
    assert (code, "an older version" in output) == (2, True)


async def test_serve_changes_no_tables_unless_it_is_told_to(
    empty_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell, serve = Shell(monkeypatch, capsys, database_url=empty_url), ("serve", "--port", "0")
    with nobody_served(monkeypatch):
        ended = await shell(*serve)
        assert (ended.code, "no tables yet" in ended.err, ended.err.count("\n")) == (2, True, 1)
        await migrate_to(empty_url, known()[-2])
        ended = await shell(*serve)
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert ended.err.endswith("of an older version: callboard migrate (or serve --migrate)\n")
        with pytest.raises(WrongTables):
            async with opened(empty_url):
                pass
        assert (await shell(*serve, "--migrate")).code == 0
    async with opened(empty_url):
        await make_office()


@pytest.mark.parametrize("verb", ["serve", "prune"])
async def test_a_version_older_than_the_tables_does_not_touch_them(
    database_url: str, verb: str
) -> None:
    await execute(
        database_url,
        "INSERT INTO tortoise_migrations (app, name, applied_at)"
        " VALUES ('models', '9999_later', '2030-01-01 00:00:00')",
    )
    code, output = await run(verb, CALLBOARD_DATABASE_URL=database_url)
    assert code == 2
    assert output.startswith("callboard: the database was migrated by a newer version (9999_later)")
    assert output.count("\n") == 1


@pytest.mark.parametrize("empty_url", ["postgres"], indirect=True)
async def test_a_server_waits_for_another_to_migrate_and_does_not_share_its_port(
    empty_url: str, redis_url: str
) -> None:
    """Two sockets may be bound to a port as long as neither listens, and uvloop does not say when
    one cannot."""
    port = free_port()
    environ = {"CALLBOARD_DATABASE_URL": empty_url, "CALLBOARD_BUS_URL": redis_url}
    admin = await asyncpg.connect(empty_url)
    await admin.execute(f"SELECT pg_advisory_lock({migrating.LOCK})")
    async with running("serve", "--migrate", "--port", str(port), **environ) as server:
        async with asyncio.timeout(3 * PATIENCE):
            while not await admin.fetchval(WAITING):
                await asyncio.sleep(0.02)
        with socket.create_server(("127.0.0.1", port)):
            await admin.close()
            code = await asyncio.wait_for(server.process.wait(), 3 * PATIENCE)
    assert (code, server.output) == (2, f"callboard: port {port} is already in use\n")


async def test_patients_of_an_older_version_are_found_and_shown_once_migrated(
    empty_url: str,
) -> None:
    await migrate_to(empty_url, "0010_chain")
    created = "'2026-01-01 00:00:00+00:00'"
    await execute(
        empty_url,
        "INSERT INTO practice (slug, name, time_zone, seq, pruned_through, created_at)"
        f" VALUES ('maple', 'Maple', 'UTC', 0, 0, {created})",
    )
    await execute(
        empty_url,
        "INSERT INTO patient (practice_id, name, phone, created_at) VALUES"
        f" (1, '\u0141ukasz', '+12175550123;ext=45', {created}),"
        f" (1, 'Amber', '555-0100', {created})",
    )
    await execute(
        empty_url, "INSERT INTO patient_word (practice_id, patient_id, word) VALUES (1, 1, 'old')"
    )
    environ = {"CALLBOARD_DATABASE_URL": empty_url}
    assert await run("migrate", **environ) == (0, "patients made findable anew: 2\n")
    async with opened(empty_url):
        shown = await Patient.all().order_by("id").values_list("phone_number", "phone_display")
        words: list[Any] = await PatientWord.filter(patient_id=1).values_list("word", flat=True)
    assert shown == [("+12175550123;ext=45", "(217) 555-0123 ext. 45"), ("5550100", "555-0100")]
    assert set(words) == {"lukasz", "12175550123", "<32105557121"}


KEYED = (
    "INSERT INTO practice (slug, name, time_zone, seq, pruned_through, created_at)"
    " VALUES ('maple', 'Maple', 'UTC', 0, 0, {now})",
    "INSERT INTO queue (practice_id, name, position, created_at) VALUES (1, 'Recall', 0, {now})",
    "INSERT INTO staff (practice_id, name, created_at) VALUES (1, 'Robin', {now})",
    "INSERT INTO patient (practice_id, name, phone, created_at) VALUES (1, 'Amber', '1', {now})",
    "INSERT INTO task (practice_id, queue_id, patient_id, status, origin, reason, due_on, version,"
    " contact_count, last_contact_id, created_at, idempotency_key) VALUES"
    " (1, 1, 1, 'IN_PROGRESS', 'MANUAL', 'Recall', '2026-01-01', 2, 1, NULL, {now}, 'made'),"
    " (1, 1, 1, 'OPEN', 'MANUAL', 'Recall', '2026-01-01', 1, 0, NULL, {now}, NULL)",
    "INSERT INTO contact (practice_id, task_id, outcome, closed_task, logged_at, logged_by_id,"
    " idempotency_key) VALUES (1, 1, 'NO_ANSWER', {no}, {now}, 1, 'logged')",
    "UPDATE task SET last_contact_id = 1 WHERE id = 1",
)


async def test_idempotency_keys_of_an_older_version_count_on(empty_url: str) -> None:
    await migrate_to(empty_url, "0014_orders")
    no = "0" if empty_url.startswith("sqlite") else "false"
    for statement in KEYED:
        now = datetime.now(UTC).isoformat(" ")
        await execute(empty_url, statement.format(now=f"'{now}'", no=no))
    old = KEYED[-2].replace("'logged'", "'long ago'").replace("(1, 1,", "(1, 2,")
    await execute(empty_url, old.format(now="'2026-01-01 00:00:00+00:00'", no=no))
    assert await run("migrate", CALLBOARD_DATABASE_URL=empty_url) == (
        0,
        "patients made findable anew: 1\n",
    )
    async with opened(empty_url):
        used = await IdempotencyKey.all().order_by("operation").values_list("key", "result")
        assert used == [
            ("made", '{"task": 1}'),
            ("logged", '{"task": 1, "contact": 1, "late": false}'),
        ]
        with pytest.raises(Exception, match="append-only"):
            await Contact.all().update(notes="other")
        with pytest.raises(IntegrityError):
            await Queue.all().delete()
        tasks = await Task.all().order_by("id").values_list("id", "status", "last_contact_id")
        assert tasks == [(1, "IN_PROGRESS", 1), (2, "OPEN", None)]


async def migrate_to(url: str, name: str) -> None:
    app = orm_config(url)["apps"]["models"]
    async with _connected(url), transaction() as connection:
        await migrating.bring_up_to_date(connection, app, upto=name)


async def forget(url: str, name: str) -> None:
    """The state in which a version before this one was left, if it was killed."""
    await execute(url, f"DELETE FROM tortoise_migrations WHERE name = '{name}'")


async def execute(url: str, statement: str) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite://"))) as connection, connection:
            connection.execute(statement)
        return
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
async def test_a_table_that_was_changed_by_hand_is_named_and_left_as_it_is(empty_url: str) -> None:
    await migrate_to(empty_url, "0014_orders")
    index = "CREATE INDEX mine ON contact (practice_id) WHERE idempotency_key IS NOT NULL"
    await execute(empty_url, index)
    code, output = await run("migrate", CALLBOARD_DATABASE_URL=empty_url)
    assert (code, "mine was changed by hand" in output, output.count("\n")) == (2, True, 1)
    await execute(empty_url, "DROP INDEX mine")
    # Rows that point nowhere, as a program that does not enforce keys leaves them, stay.
    lost = "INSERT INTO queue (practice_id, name, position, created_at) VALUES (9, 'Lost', 0, '')"
    await execute(empty_url, lost)
    await execute(
        empty_url, "INSERT INTO patient_word (practice_id, patient_id, word) VALUES (9, 9, 'lost')"
    )
    await migrate(empty_url)
    async with opened(empty_url):
        await make_office()
