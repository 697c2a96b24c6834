"""`callboard import`: what it loads, what it puts aside, and what it says."""

import csv
import io
import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gql_app.commands.importing import command
from gql_app.commands.importing.command import Order, import_file
from gql_app.commands.importing.rejects import Rejects
from gql_app.work.changes import Change
from gql_app.work.imports.batch import RowResult, import_batch
from gql_app.work.imports.known import ImportBatch
from gql_app.work.imports.reading import Source
from gql_app.work.imports.records import CannotImport, Trouble
from models.database import opened, write
from models.people import Patient, Staff
from models.practice import Queue
from models.task import Task
from tests.commands.importing.rows import csv_file, row
from tests.flows.commands import run
from tests.office import make_office
from tests.support.workbooks import workbook

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@dataclass
class Desk:
    """A folder with a file to be imported into the recall queue of a practice called maple."""

    database_url: str
    path: Path

    @property
    def rejects(self) -> Path:
        return self.path.with_suffix(f".rejects{self.path.suffix}")

    async def load(self, **given: Any) -> int:
        order = Order(self.path, "maple", "Overdue recall", "import", None, dry_run=False)
        return await import_file(self.database_url, "memory://", order._replace(**given))

    async def count(self, of: type[Task] | type[Patient] | type[Staff] = Task, **that: Any) -> int:
        async with opened(self.database_url):
            return await of.filter(**that).count()

    def rejected(self) -> list[dict[str, str]]:
        with self.rejects.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            return list(csv.DictReader(file))


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> Desk:
    async with opened(database_url):
        await make_office()
        await make_office("oak")
        await Queue.filter(practice__slug="oak", name="Missed appointments").update(name="Oak's")
    return Desk(database_url, tmp_path / "tasks.csv")


BAD = [
    row("bad date", follow_up="03/04/2026"),
    row("bad date 2", follow_up="4.3.2026"),
    row("bad phone", phone="call me"),
    row("t1", name="Twice"),
    row("long", reason="x" * 1_000_000),
]


async def test_good_rows_come_in_and_bad_ones_are_put_aside_to_be_mended(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.path.write_text(csv_file(row("t1"), *BAD, row("t2")))
    assert await desk.load() == 1
    assert await desk.count() == 2
    out = capsys.readouterr().out
    none = "0 updated, 0 unchanged, 0 already open, 0 suppressed, 0 booked"
    assert f"7 read, 2 created, {none}, 5 rejected" in out
    assert str(desk.rejects) in out
    rejected = desk.rejected()
    assert [(r["reject_line"], r["reject_column"], r["reject_code"]) for r in rejected] == [
        ("3", "follow_up", "DATE_INVALID"),
        ("4", "follow_up", "DATE_INVALID"),
        ("5", "phone", "PHONE_INVALID"),
        ("6", "external_id", "EXTERNAL_ID_TWICE"),
        ("7", "reason", "CELL_TOO_LONG"),
    ]
    assert rejected[0]["reject_reason"].startswith("follow_up: A date is written as 2026-12-24")
    assert rejected[0]["follow_up"] == "03/04/2026"
    assert rejected[4]["reason"] == "x" * 1_000_000
    assert stat.S_IMODE(desk.rejects.stat().st_mode) == 0o600

    text = desk.rejects.read_text()
    for wrong, mended in (
        ("03/04/2026", ""),
        ("4.3.2026", ""),
        ("call me", "217 555 0188"),
        ("t1,", "t3,"),
        ("x" * 1_000_000, "Cleaning"),
    ):
        text = text.replace(wrong, mended)
    desk.rejects.write_text(text)
    assert await desk.load(path=desk.rejects) == 0
    assert "5 read, 5 created" in capsys.readouterr().out
    assert await desk.count() == 7
    assert await desk.load() == 1
    assert await desk.count() == 7, "nothing is doubled"


async def test_json_lines_are_put_aside_as_json_lines(desk: Desk) -> None:
    desk.path = desk.path.with_suffix(".jsonl")
    good, bad = ({k: v for k, v in row(n)._asdict().items() if v} for n in ("t1", "t2"))
    bad |= {"phone": "none", "color": "red"}
    desk.path.write_text("\n".join([json.dumps(good), json.dumps(bad), "{oops", ""]))
    assert await desk.load() == 1
    first, second = map(json.loads, desk.rejects.read_text().splitlines())
    assert bad.items() <= first.items()
    assert (first["reject_line"], first["reject_code"]) == (2, "PHONE_INVALID")
    assert (second["reject_code"], second["reject_text"]) == ("ROW_MALFORMED", "{oops")
    mended = first | {"phone": "217 555 0188"}
    desk.rejects.write_text(json.dumps(mended))
    assert await desk.load(path=desk.rejects) == 0
    assert await desk.count() == 2


async def test_a_byte_order_mark_is_no_part_of_the_first_column(desk: Desk) -> None:
    desk.path.write_bytes(csv_file(row(name="Zoë Testwell")).encode("utf-8-sig"))
    assert await desk.load() == 0
    assert await desk.count(Patient, name="Zoë Testwell") == 1


WRITTEN = {
    "a mark": ("\ufeff", ",", "\n", False),
    "as Excel does in Germany": ("\ufeff", ";", "\r\n", False),
    "with sep=": ("sep=\t\r\n", "\t", "\r\n", True),
    "all quoted": ("", "|", "\r", True),
}


@sqlite_only
@pytest.mark.parametrize("how", WRITTEN)
async def test_rejects_are_written_as_their_file_is(
    desk: Desk, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    begin, separator, line_end, quoted = WRITTEN[how]
    header = ["External ID", "Name", "phone", "fax", "reason"]
    rows = [["1", "Zoë", "217 555 0188", "f", "r"], ["2", f"A{separator}ë", "none", "f", "r"]]

    def line(cells: list[str]) -> str:
        return separator.join(f'"{c}"' if quoted or separator in c else c for c in cells)

    text = begin + line_end.join(map(line, [header, *rows])) + line_end
    desk.path.write_bytes(text.encode())
    assert await desk.load() == 1
    assert "columns not used: fax" in capsys.readouterr().err
    rejected = desk.rejects.read_bytes().decode()
    assert rejected.startswith(begin + line([*header, "reject_line"]))
    said = [[str(2 + begin.startswith("sep") + 1), "phone", "PHONE_INVALID"]]
    assert line_end + line([*rows[1], *said[0]]) in rejected
    assert rejected.endswith(line_end)
    assert rejected.replace(line_end, "").count("\n") == 0

    desk.rejects.write_bytes(rejected.replace("none", "217 555 0188").encode())
    assert await desk.load(path=desk.rejects) == 0
    assert await desk.count(Patient, name=f"A{separator}ë") == 1


def test_two_imports_of_one_file_each_write_their_own_rejects(tmp_path: Path) -> None:
    path = tmp_path / "tasks.rejects.csv"
    text = csv_file(*(row(f"t{n}") for n in range(1_000)))
    sources = [Source(io.StringIO(text), path) for _ in range(2)]
    with Rejects(path, sources[0]) as first, Rejects(path, sources[1]) as second:
        for records in zip(*(source.records for source in sources), strict=True):
            for rejects, record in zip((first, second), records, strict=True):
                rejects.add(record, Trouble("phone", "PHONE_INVALID", "none"))
    with path.open(newline="") as file:
        assert [line["external_id"] for line in csv.DictReader(file)] == [
            f"t{n}" for n in range(1_000)
        ]
    assert list(tmp_path.iterdir()) == [path]


@sqlite_only
async def test_nothing_is_read_before_it_is_known_where_rejects_can_go(desk: Desk) -> None:
    desk.path.write_text(csv_file(row("t1"), BAD[2]))
    with pytest.raises(CannotImport, match=r"^REJECTS_NOT_WRITABLE: "):
        await desk.load(rejects=desk.path.parent / "no such folder" / "rejects.csv")
    assert await desk.count() == 0


@sqlite_only
@pytest.mark.parametrize("wrong", [{"region": "UK"}, {"time_zone": "America/Chigaco"}])
async def test_a_practice_that_cannot_read_numbers_or_dates_imports_nothing(
    desk: Desk, wrong: dict[str, str]
) -> None:
    ((column, value),) = wrong.items()
    async with opened(desk.database_url):
        await write(f"UPDATE practice SET {column} = $1", value)
    desk.path.write_text(csv_file(row("t1")))
    with pytest.raises(CannotImport, match=r"^PRACTICE_INVALID: .* did you mean"):
        await desk.load()


async def test_rows_that_are_not_utf_8_are_put_aside_as_they_were(desk: Desk) -> None:
    desk.path.write_bytes(csv_file(row("t1"), row("t2", name="Zoë")).encode("latin-1"))
    assert await desk.load() == 1
    assert await desk.count() == 1
    (rejected,) = desk.rejected()
    assert (rejected["reject_column"], rejected["reject_code"]) == ("name", "TEXT_INVALID")
    assert "Zoë".encode("latin-1") in desk.rejects.read_bytes()


UNUSABLE: dict[str, tuple[bytes, dict[str, Any]]] = {
    "FILE_EMPTY": (b"", {}),
    "FILE_ENCODING": (csv_file(row()).encode("utf-16"), {}),
    "COLUMN_MISSING": (csv_file(row()).replace("phone", "fax").encode(), {}),
    "NOT_FOUND": (csv_file(row()).encode(), {"queue": "Oak's"}),
    "FILE_ENCODING: The file is an Excel workbook": (b"PK\x03\x04 ", {}),
    "FILE_NOT_READABLE": (b"", {"path": Path("/nowhere/tasks.csv")}),
}


@sqlite_only
@pytest.mark.parametrize("code", UNUSABLE)
async def test_a_file_that_cannot_be_used_at_all_says_why(desk: Desk, code: str) -> None:
    content, given = UNUSABLE[code]
    desk.path.write_bytes(content)
    with pytest.raises(CannotImport, match=f"^{code}"):
        await desk.load(**given)
    assert (await desk.count(), await desk.count(Staff, name=command.ACTOR)) == (0, 0)
    assert not desk.rejects.exists()


async def test_a_dry_run_says_what_would_come_and_changes_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.path.write_text(csv_file(row("t1"), *BAD))
    assert await desk.load(dry_run=True) == 1
    out = capsys.readouterr().out
    assert "nothing was written: 6 read, 1 created" in out
    assert len(desk.rejected()) == 5
    assert (await desk.count(), await desk.count(Staff, name=command.ACTOR)) == (0, 0)


async def test_a_run_that_is_cut_off_can_be_run_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.path.write_text(csv_file(BAD[2], *(row(f"t{n}") for n in range(250))))
    desk.rejects.write_text("of an earlier run")
    _cut_after(monkeypatch, batches=1)
    with pytest.raises(RuntimeError):
        await desk.load()
    assert "cut off: 100 read, 99 created" in capsys.readouterr().out
    assert await desk.count() == 99
    assert desk.rejects.read_text() == "of an earlier run"
    assert len(list(desk.path.parent.glob("tasks*"))) == 2
    monkeypatch.undo()
    assert await desk.load() == 1
    assert "251 read, 151 created, 0 updated, 99 unchanged" in capsys.readouterr().out
    assert await desk.count() == 250
    assert len(desk.rejected()) == 1
    assert sorted(path.name for path in desk.path.parent.glob("tasks*")) == [
        "tasks.csv",
        "tasks.rejects.csv",
    ]


def _cut_after(monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    bring_in = import_batch
    brought_in: list[Any] = []

    async def bring_some_in(change: Change, batch: ImportBatch) -> list[RowResult]:
        if len(brought_in) == batches:
            raise RuntimeError("the power is gone")
        brought_in.append(batch)
        return await bring_in(change, batch)

    monkeypatch.setattr("gql_app.work.imports.run.import_batch", bring_some_in)


async def test_the_rejects_may_go_elsewhere_but_not_over_the_file(desk: Desk) -> None:
    desk.path.write_text(csv_file(BAD[2]))
    elsewhere = desk.path.with_name("mend-me.csv")
    assert await desk.load(rejects=elsewhere) == 1
    assert elsewhere.exists()
    assert not desk.rejects.exists()
    with pytest.raises(CannotImport):
        await desk.load(rejects=desk.path)
    assert desk.path.read_text() == csv_file(BAD[2])


@sqlite_only
async def test_the_verb_ends_with_a_code_for_each_case(desk: Desk) -> None:
    async def load(*options: str) -> tuple[int, str]:
        where = ("--practice", "maple", "--queue", "overdue recall")
        environ = {"CALLBOARD_DATABASE_URL": desk.database_url}
        return await run("import", str(desk.path), *where, *options, **environ)

    desk.path.write_text(csv_file(row()))
    code, output = await load("--source", "robot")
    assert (code, await desk.count(source="robot")) == (0, 1)
    assert output.startswith("1 read, 1 created"), "and no bar: this is no terminal"
    desk.path.write_text(csv_file(BAD[2]))
    assert (await load())[0] == 1
    desk.path.write_text("")
    code, output = await load()
    assert (code, output) == (
        2,
        "callboard: FILE_EMPTY: The file is empty: not even columns are named.\n",
    )


@sqlite_only
async def test_a_queues_ladder_and_default_life_are_set_by_a_verb(desk: Desk) -> None:
    async def set_by_verb(*options: str) -> tuple[int, str]:
        where = ("--practice", "maple", "--queue", "Overdue recall")
        environ = {"CALLBOARD_DATABASE_URL": desk.database_url}
        return await run("queues", "set", *where, *options, **environ)

    async def kept() -> tuple[str | None, int | None]:
        async with opened(desk.database_url):
            queue = await Queue.get(practice__slug="maple", name="Overdue recall")
            return queue.follow_up_ladder, queue.automatic_life_days

    assert await set_by_verb("--ladder", "1, 7,21,60", "--automatic-life", "90") == (0, "")
    assert await kept() == ("1,7,21,60", 90)
    code, output = await set_by_verb("--ladder", "7,1", "--automatic-life", "5")
    assert (code, output.count("\n")) == (2, 1)
    assert await kept() == ("1,7,21,60", 90)


GERMAN = [
    ["Recall-Liste"],
    ["Nr.", "Nachname", "Vorname", "Telefon", "Handy", "Grund"],
    [1, "Testwell", "Fern", 2175550123, "", "Recall"],
    [2, "Testwell", "Elm", "keins", "217 555 0188", "Recall"],
]


async def test_a_workbook_with_german_names_comes_in_and_is_taken_back(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.path = desk.path.with_suffix(".xlsx")
    desk.path.write_bytes(workbook(GERMAN, merged="A1:F1"))
    assert await desk.load() == 1
    assert "Telefon for phone" in capsys.readouterr().err
    assert await desk.count(Patient, name="Fern Testwell") == 1
    with desk.path.with_suffix(".rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        (rejected,) = csv.DictReader(file)
    assert (rejected["Telefon"], rejected["reject_column"]) == ("keins", "phone")
    assert await desk.load(chosen=["Phone=Handy"]) == 0  # and Telefon where that is empty
    assert await desk.count(Patient, name="Elm Testwell") == 1
    # The same columns as last time, without a word.
    assert await desk.load(dry_run=True) == 0
    assert (
        "2 unchanged, 0 already open, 0 suppressed, 0 booked, 0 rejected" in capsys.readouterr().out
    )
    with pytest.raises(CannotImport, match=r"^COLUMN_MISSING: There is no column “Fax” for phone"):
        await desk.load(chosen=["Phone=Fax"])

    async def verb(*arguments: str) -> tuple[int, str]:
        environ = {"CALLBOARD_DATABASE_URL": desk.database_url}
        return await run("imports", *arguments, "--practice", "maple", **environ)

    code, output = await verb("list")
    assert code == 0
    assert "tasks.xlsx" in output
    assert "done" in output
    number = output.splitlines()[0].split()[0]
    assert await verb("undo", number) == (
        0,
        "1 tasks taken back, 0 left because they were touched\n",
    )
    code, output = await verb("undo", number)
    assert (code, output) == (2, "callboard: The import was undone before.\n")


@sqlite_only
async def test_a_workbook_of_300_mb_is_not_read(desk: Desk) -> None:
    desk.path = desk.path.with_suffix(".xlsx")
    with desk.path.open("wb") as file:
        file.truncate(300_000_000)
    with pytest.raises(CannotImport, match=r"^FILE_TOO_LARGE: "):
        await desk.load()
