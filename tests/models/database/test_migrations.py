"""The tables in both databases are what the models and the design say."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tortoise import Tortoise
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor

from models.appointment import Appointment, AppointmentRow
from models.audit import Audit, AuditRow
from models.contact import Contact, ContactRow, ContactUndo, ContactUndoRow
from models.database import fetch, migrate, opened, orm_config, secret, transaction
from models.database.connections import _connected
from models.event import CHAINED, EventRow, TaskEvent
from models.importing import ImportJob, ImportJobRow
from models.merge import MergeRow, PatientMerge
from models.passkey import Passkey, PasskeyRow
from models.people import Patient, PatientRow
from models.practice import Practice
from models.task import Task, TaskRow
from tests.conftest import SECRET
from tests.office import Office

TENANT_TABLES = {
    "queue",
    "patient",
    "patient_word",
    "patient_merge",
    "staff",
    "access_key",
    "task",
    "contact",
    "contact_undo",
    "task_event",
    "appointment",
    "appointment_closing",
    "idempotency_key",
    "audit",
    "identity_provider",
    "passkey",
    "import_job",
    "import_record",
    "import_step",
    "group_practice",
    "group_supervisor",
}
GROUPS = "practice_group"
"""What is of no practice: it only holds some together, and a name."""


ROWS: dict[Any, Any] = {
    AppointmentRow: Appointment,
    AuditRow: Audit,
    ContactRow: Contact,
    ContactUndoRow: ContactUndo,
    EventRow: TaskEvent,
    ImportJobRow: ImportJob,
    MergeRow: PatientMerge,
    PasskeyRow: Passkey,
    PatientRow: Patient,
    TaskRow: Task,
}


class Name(NamedTuple):
    name: str


class Leading(NamedTuple):
    table: str
    name: str
    first_column: str


SQLITE_INDEXES = """
SELECT m.name, i.name, c.name FROM sqlite_master m, pragma_index_list(m.name) i,
       pragma_index_info(i.name) c
WHERE m.type = 'table' AND c.seqno = 0
"""

POSTGRES_INDEXES = """
SELECT c.relname::text, x.indexrelid::regclass::text, COALESCE(a.attname::text, 'an expression')
FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid AND c.relnamespace = 'public'::regnamespace
LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
"""

POSTGRES_REFERENCES = """
SELECT k.conrelid::regclass::text, k.confrelid::regclass::text, a.attname::text FROM pg_constraint k
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
"""


async def test_the_migrations_say_all_that_the_models_say(database_url: str) -> None:
    async with opened(database_url):
        detector = MigrationAutodetector(Tortoise.apps, orm_config(database_url)["apps"])
        changes = await detector.changes()

    assert [writer.operations for writer in changes] == []


async def test_the_tables_are_those_that_tortoise_makes_by_itself(
    sqlite_template: Path, tmp_path: Path
) -> None:
    file = tmp_path / "callboard.sqlite3"
    app = orm_config(f"sqlite://{file}")["apps"]["models"]
    async with _connected(f"sqlite://{file}"), transaction() as connection:
        await MigrationExecutor(connection, {"models": app}).migrate()
    ours, theirs = (_statements(made) for made in (sqlite_template, file))
    assert len(ours) > len(TENANT_TABLES)
    assert ours == theirs


def _statements(file: Path) -> list[tuple[str, str | None]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


async def test_each_table_has_the_columns_that_its_model_names(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        columns = "SELECT name FROM pragma_table_info($1)"
    else:
        columns = "SELECT column_name::text FROM information_schema.columns WHERE table_name = $1"
    async with opened(database_url):
        models = {m._meta.db_table: m for m in Tortoise.apps["models"].values()}
        assert models.keys() == {*TENANT_TABLES, "practice", GROUPS}
        for table, model in models.items():
            found = {row.name for row in await fetch(Name, columns, table)}
            assert found == set(model._meta.fields_db_projection.values()), table


async def test_each_row_is_made_of_its_tables_columns(database_url: str) -> None:
    async with opened(database_url):
        columns = {m: set(m._meta.fields_db_projection.values()) for m in ROWS.values()}
    for row, model in ROWS.items():
        joined = columns[Task] if row is EventRow else set()
        assert set(row._fields) - columns[model] - joined == set(), row


async def test_an_event_reads_from_its_task_only_what_it_does_not_keep(database_url: str) -> None:
    async with opened(database_url):
        kept = set(TaskEvent._meta.fields_db_projection.values()) - {"id"}
    assert kept == {*CHAINED, "digest"}
    assert EventRow._fields[: len(kept)] == (*CHAINED, "digest")


async def test_every_index_of_a_tenants_table_begins_with_the_practice(database_url: str) -> None:
    sql = SQLITE_INDEXES if database_url.startswith("sqlite") else POSTGRES_INDEXES
    async with opened(database_url):
        indexes = [i for i in await fetch(Leading, sql) if i.table in TENANT_TABLES]

    assert {i.table for i in indexes} >= {"task", "contact", "task_event", "access_key"}
    assert [i for i in indexes if i.first_column != "practice_id"] == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_every_reference_between_tenants_tables_begins_with_the_practice(
    database_url: str,
) -> None:
    async with opened(database_url):
        references = await fetch(Leading, POSTGRES_REFERENCES)

    assert {r.table for r in references} == TENANT_TABLES
    assert [r for r in references if r.first_column != "practice_id" and r.name != GROUPS] == []


async def test_a_database_has_a_secret_of_its_own(tmp_path: Path) -> None:
    url, secrets = f"sqlite://{tmp_path / 'one'}", []
    await migrate(url)
    for _ in range(2):
        async with opened(url):
            secrets.append(secret() or b"")
    assert secrets[0] == secrets[1] != SECRET
    assert len(set(secrets[0])) > 16


async def test_a_contact_cannot_be_changed_or_deleted(office: Office) -> None:
    await office.log(await office.make_task(), notes="as it was")

    with pytest.raises(Exception, match="contact is append-only"):
        await Contact.all().update(notes="as it was not")
    with pytest.raises(Exception, match="contact is append-only"):
        await Contact.all().delete()
    assert [contact.notes for contact in await Contact.all()] == ["as it was"]


async def test_an_event_cannot_be_changed_or_deleted(office: Office) -> None:
    await office.make_task()

    with pytest.raises(Exception, match="task_event is append-only"):
        await TaskEvent.all().update(version=7)
    with pytest.raises(Exception, match="task_event is append-only"):
        await TaskEvent.all().delete()
    assert [(event.seq, event.version) for event in await TaskEvent.all()] == [(1, 1)]


async def test_a_row_of_the_audit_cannot_be_changed_or_deleted(office: Office) -> None:
    await office.make_task()
    before = await Audit.all().values()

    for kind in (Audit.all(), Audit.filter(seq=1)):
        with pytest.raises(Exception, match="audit is append-only"):
            await kind.update(result="NOT_FOUND")
        with pytest.raises(Exception, match="audit is append-only"):
            await kind.delete()
    assert before
    assert await Audit.all().values() == before


async def test_rows_of_the_audit_that_retention_has_passed_may_be_deleted_but_not_changed(
    office: Office,
) -> None:
    last = await Audit.all().count()
    await Practice.filter(id=office.practice.id).update(audit_pruned_through=2)

    with pytest.raises(Exception, match="append-only"):
        await Audit.filter(seq=1).update(result="NOT_FOUND")
    with pytest.raises(Exception, match="append-only"):
        await Audit.filter(seq__gt=1).delete()
    await Audit.filter(seq__lte=2).delete()
    assert [row.seq for row in await Audit.all().order_by("seq")] == list(range(3, last + 1))


async def test_events_that_retention_has_passed_may_be_deleted_but_not_changed(
    office: Office,
) -> None:
    for _ in range(3):
        await office.make_task()
    await Practice.filter(id=office.practice.id).update(pruned_through=2)

    with pytest.raises(Exception, match="append-only"):
        await TaskEvent.filter(seq=1).update(version=7)
    with pytest.raises(Exception, match="append-only"):
        await TaskEvent.filter(seq__gt=1).delete()
    await TaskEvent.filter(seq__lte=2).delete()
    assert [event.seq for event in await TaskEvent.all()] == [3]
