"""`callboard export`: tasks, contacts and activity as files."""

import csv
import errno
import io
import json
import os
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from gql_app.schema.ids import global_id
from gql_app.work.exports.forms import Csv
from models.audit import AuditAction
from models.database import opened
from models.lifecycle import ContactOutcome
from models.people import Patient
from models.practice import Practice
from models.priority import TaskPriority
from models.task import Task
from tests.commands.running import Shell
from tests.office import Office, make_office
from tests.support.audited import rows_of

EXPORT = ("export", "--practice", "maple")


async def fill() -> Office:
    """Two tasks and a contact, with texts that a spreadsheet would carry out."""
    office = await make_office()
    evil, plain = office.patients[:2]
    await Patient.filter(id=evil.id).update(name="=cmd|' /C calc'!A0")
    first = await office.make_task(patient=evil, reason='-1, "quoted"\nand more')
    await office.make_task(office.missed, patient=plain, priority=TaskPriority.HIGH)
    await office.log(first, ContactOutcome.LEFT_MESSAGE, notes="@SUM(A1:A9)")
    return office


@pytest.fixture
async def office(database_url: str) -> Office:
    async with opened(database_url):
        return await fill()


def unfinished(folder: Path) -> list[Path]:
    return list(folder.glob("*.unfinished"))


async def test_tasks_are_written_as_csv_that_a_spreadsheet_only_shows(
    shell: Shell, office: Office, database_url: str
) -> None:
    ended = await shell(*EXPORT)
    assert (ended.code, ended.err) == (0, "")
    first, second = csv.DictReader(io.StringIO(ended.out))
    async with opened(database_url):
        tasks = await Task.all().order_by("id")
        exports = await rows_of(office.practice, AuditAction.EXPORT)
    assert [row["id"] for row in (first, second)] == [global_id("Task", t.id) for t in tasks]
    assert first["name"] == "'=cmd|' /C calc'!A0"
    assert first["reason"] == '\'-1, "quoted"\nand more'
    assert (first["status"], first["last_outcome"]) == ("IN_PROGRESS", "LEFT_MESSAGE")
    assert first["follow_up"] == (office.today + timedelta(days=1)).isoformat()
    assert second["queue"] == "Missed appointments"
    assert (second["phone"], second["closed_at"]) == ("555-0100", "")
    assert (first["priority"], second["priority"]) == ("NORMAL", "HIGH")
    assert [(row.operation, row.patient_id, row.notes) for row in exports] == [
        ("callboard export", None, False),
        ("callboard export", office.patients[0].id, False),
        ("callboard export", office.patients[1].id, False),
    ]
    assert exports[0].detail == "tasks as csv from the beginning to the end"


async def test_json_lines_have_every_text_as_it_is(
    shell: Shell, office: Office, database_url: str
) -> None:
    ended = await shell(*EXPORT, "--what", "contacts", "--format", "jsonl")
    (line,) = map(json.loads, ended.out.splitlines())
    assert (line["name"], line["notes"]) == ("=cmd|' /C calc'!A0", "@SUM(A1:A9)")
    assert (line["outcome"], line["closed_task"]) == ("LEFT_MESSAGE", False)
    assert line["logged_by"] == "Staff of maple"
    assert line["patient_id"] == global_id("Patient", office.patients[0].id)
    async with opened(database_url):
        exports = await rows_of(office.practice, AuditAction.EXPORT)
    assert [row.notes for row in exports] == [False, True]


async def test_dates_are_the_practices_own(shell: Shell, office: Office) -> None:
    tomorrow = (office.today + timedelta(days=1)).isoformat()
    for what, begins in (("tasks", "id,source,"), ("contacts", "id,task_id,")):
        today = await shell(*EXPORT, "--what", what, "--to", office.today.isoformat())
        assert len(list(csv.reader(io.StringIO(today.out)))) > 1
        later = await shell(*EXPORT, "--what", what, "--from", tomorrow)
        assert later.out.startswith(begins)
        assert later.out.count("\n") == 1


async def test_activity_is_told_by_day_queue_and_person(shell: Shell, office: Office) -> None:
    today = office.today.isoformat()
    dates = ("--from", (office.today - timedelta(days=2)).isoformat(), "--to", today)
    ended = await shell(*EXPORT, "--what", "activity", *dates)
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert [row["by"] for row in rows] == [*["DAY"] * 3, *["QUEUE"] * 2, "STAFF", "TOTAL"]
    assert [(rows[i]["begin"], rows[i]["contacts"]) for i in (2, -1)] == [
        (today, "1"),
        (dates[1], "1"),
    ]
    assert (rows[3]["name"], rows[3]["contacts_left_message"]) == ("Overdue recall", "1")
    assert (rows[5]["name"], rows[5]["tasks_opened"]) == ("Staff of maple", "")
    long = await shell(*EXPORT, "--what", "activity", "--from", "2024-01-01", "--to", today)
    assert long.out.splitlines()[1].startswith("WEEK,,2024-01-01,2024-01-07,")


async def test_all_is_a_zip_of_tables_or_lines_that_name_theirs(
    shell: Shell, office: Office, tmp_path: Path
) -> None:
    file = tmp_path / "maple.zip"
    ended = await shell(*EXPORT, "--what", "all", "-o", str(file))
    assert (ended.code, ended.out) == (0, "")
    with zipfile.ZipFile(file) as zipped:
        assert zipped.testzip() is None
        assert zipped.namelist() == ["tasks.csv", "contacts.csv", "activity.csv"]
        assert zipped.read("contacts.csv").count(b"LEFT_MESSAGE") == 1
    assert file.stat().st_mode & 0o777 == 0o600
    lines = await shell(*EXPORT, "--what", "all", "--format", "jsonl")
    tables = [json.loads(line)["table"] for line in lines.out.splitlines()]
    assert list(dict.fromkeys(tables)) == ["tasks", "contacts", "activity"]


async def test_parquet_has_types(shell: Shell, office: Office, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    file = tmp_path / "contacts.parquet"
    what = ("--what", "contacts", "--format", "parquet")
    assert (await shell(*EXPORT, *what, "-o", str(file))).code == 0
    (row,) = parquet.read_table(file).to_pylist()
    assert (row["notes"], row["closed_task"]) == ("@SUM(A1:A9)", False)
    assert row["follow_up"] == office.today + timedelta(days=1)
    assert row["logged_at"].tzinfo is not None


async def test_without_pyarrow_parquet_is_refused_in_one_line(
    shell: Shell, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    ended = await shell(*EXPORT, "--format", "parquet", "-o", str(tmp_path / "t.parquet"))
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "Parquet needs pyarrow, which is not here: pip install pyarrow" in ended.err
    assert not (tmp_path / "t.parquet").exists()


async def test_what_cannot_be_exported_is_refused(
    shell: Shell, office: Office, database_url: str, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("mine")
    for given, said in (
        (("export", "--practice", "oak"), "There is no practice 'oak'."),
        ((*EXPORT, "--from", "2026-02-01", "--to", "2026-01-01"), "The last date is before"),
        ((*EXPORT, "--from", "0001-01-01"), "between the years 1900 and 2999"),
        ((*EXPORT, "--what", "activity", "--from", "2001-01-01"), "spans at most"),
        ((*EXPORT, "--what", "all", "--from", "2001-01-01"), "spans at most"),
        ((*EXPORT, "-o", str(kept)), "kept.csv is there already; --force replaces it"),
        ((*EXPORT, "-o", str(tmp_path)), "is not a file"),
        ((*EXPORT, "-o", str(tmp_path / "none" / "x.csv")), "there is no folder"),
    ):
        ended = await shell(*given)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), given
        assert said in ended.err
    assert kept.read_text() == "mine"
    assert (await shell(*EXPORT, "--force", "-o", str(kept))).code == 0
    assert kept.read_text().startswith("id,source,")
    assert unfinished(tmp_path) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_disk_that_is_full_leaves_no_half_file(
    shell: Shell, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Csv, "rows", full)
    ended = await shell(*EXPORT, "-o", "t.csv")
    assert (ended.code, ended.err) == (2, "callboard: No space left on device\n")
    assert not (tmp_path / "t.csv").exists()
    assert unfinished(tmp_path) == []


async def test_each_row_is_exported_once_however_many_windows_there_are(
    shell: Shell, office: Office, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gql_app.work.exports.tables.WINDOW", 2)
    async with opened(database_url):
        other = await make_office("oak")
        for n in range(7):
            await (office if n % 2 else other).make_task(reason=f"Call {n}")
        practice = await Practice.get(slug="maple")
        expected = [
            global_id("Task", task.id)
            for task in await Task.filter(practice_id=practice.id).order_by("id")
        ]
    rows = csv.DictReader(io.StringIO((await shell(*EXPORT)).out))
    assert [row["id"] for row in rows] == expected


async def test_a_terminal_only_shows_what_it_is_sent(
    shell: Shell, office: Office, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database_url):
        await Patient.filter(id=office.patients[1].id).update(name="Birch \x1b[2J")
    for module in ("terminal", "commands.export"):
        monkeypatch.setattr(f"gql_app.{module}.is_terminal", lambda: True)
    assert "Birch \\x1b[2J" in (await shell(*EXPORT)).out
    refused = await shell(*EXPORT, "--what", "all")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "zip is nothing for a terminal: name a file with -o" in refused.err
