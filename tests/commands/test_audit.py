"""`callboard audit export`, and what commands leave in the audit."""

import csv
import json
from pathlib import Path

from gql_app.schema.ids import global_id
from models.audit import AuditAction
from models.database import opened, write
from models.people import Staff
from models.practice import Practice
from tests.commands.running import Shell
from tests.office import make_office
from tests.support.audited import rows_of

ROWS = "external_id,name,phone,reason\nt1,Fern Testwell,(217) 555-0123,Recall\n"


async def test_a_patients_audit_is_exported_and_that_is_told_too(
    shell: Shell, database_url: str
) -> None:
    async with opened(database_url):
        office = await make_office()
        await Staff.filter(id=office.staff.staff_id).update(name="=HYPERLINK(1)")
        task, other = [await office.make_task(patient=p) for p in office.patients[:2]]
        await office.log(task, close=True)
    patient = global_id("Patient", task.patient_id)
    today = office.today.isoformat()
    exported = await shell(
        "audit",
        "export",
        "--practice",
        "maple",
        "--patient",
        patient,
        "--from",
        today,
        "--to",
        today,
    )
    assert (exported.code, exported.err) == (0, "")
    rows = list(csv.DictReader(exported.out.splitlines()))
    assert [(row["action"], row["patient"], row["result"]) for row in rows] == [
        ("CHANGE", patient, "OK"),
        ("CHANGE", patient, "OK"),
    ]
    assert rows[1]["staff"] == "'=HYPERLINK(1)"
    by_number = await shell(
        *("audit", "export", "--practice", "maple", "--patient", str(other.patient_id)),
        *("--format", "jsonl"),
    )
    (line,) = [json.loads(line) for line in by_number.out.splitlines()]
    assert (line["patient"], line["staff"]) == (
        global_id("Patient", other.patient_id),
        "Supervisor of maple",
    )
    async with opened(database_url):
        exports = await rows_of(await Practice.get(slug="maple"), AuditAction.EXPORT)
    assert [(row.operation, row.patient_id, row.staff_id) for row in exports] == [
        ("callboard audit export", task.patient_id, None),
        ("callboard audit export", other.patient_id, None),
    ]


async def test_an_export_that_names_nothing_of_ours_is_refused(shell: Shell) -> None:
    missing = await shell("audit", "export", "--practice", "maple")
    assert (missing.code, missing.out) == (2, "")
    wrong = await shell("audit", "export", "--practice", "maple", "--patient", "Amber")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert (await shell("audit", "export", "--practice", "m", "--from", "yesterday")).code == 2


async def test_what_operators_do_is_told(shell: Shell, database_url: str, tmp_path: Path) -> None:
    made = ("practices", "create", "oak", "--name", "Oak", "--time-zone", "America/Chicago")
    assert (await shell(*made)).code == 0
    await shell("keys", "create", "--practice", "oak", "--role", "staff", "--name", "Kim")
    await shell("keys", "revoke", "--practice", "oak", "3")  # the first one is the last admin's
    await shell("practices", "set", "oak", "--name", "Oak Dental")
    await shell("queues", "set", "--practice", "oak", "--queue", "Follow-ups", "--ladder", "1,7")
    (tmp_path / "t.csv").write_text(ROWS)
    imported = await shell("import", "t.csv", "--practice", "oak", "--queue", "Follow-ups")
    assert imported.code == 0
    async with opened(database_url):
        practice = await Practice.get(slug="oak")
        rows = await rows_of(practice, *AuditAction)
        operator = await Staff.get(name="callboard import")
    assert [(row.action, row.operation, row.staff_id) for row in rows] == [
        (AuditAction.SETTING, "callboard practices create", None),
        (AuditAction.KEY, "callboard practices create", None),
        (AuditAction.KEY, "callboard practices create", None),
        (AuditAction.KEY, "callboard keys create", None),
        (AuditAction.KEY, "callboard keys revoke", None),
        (AuditAction.SETTING, "callboard practices set", None),
        (AuditAction.SETTING, "callboard queues set", None),
        (AuditAction.CHANGE, "callboard import", operator.id),
    ]


async def test_verify_finds_a_row_of_the_audit_that_was_changed(
    shell: Shell, database_url: str
) -> None:
    async with opened(database_url):
        office = await make_office()
        await office.log(await office.make_task())
    sound = await shell("verify")
    assert sound.code == 0
    assert "maple: audit rows 1 to 6 are what was written" in sound.out
    async with opened(database_url):
        if database_url.startswith("sqlite"):
            await write("DROP TRIGGER audit_is_append_only_update")
        else:
            await write("ALTER TABLE audit DISABLE TRIGGER USER")
        await write("UPDATE audit SET staff_id = 99 WHERE seq = 6")
    changed = await shell("verify", "--practice", "maple")
    assert changed.code == 1
    assert "maple: the audit was changed at audit row 6" in changed.out
