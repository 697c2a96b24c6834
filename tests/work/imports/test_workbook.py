"""Workbooks: what their cells say, and those that are refused before they do harm."""

import io
import zipfile
from datetime import date, datetime
from pathlib import PurePath

import pytest

from gql_app.work.imports.reading import Source
from gql_app.work.imports.records import CannotImport
from tests.support.workbooks import bomb, changed, workbook

HEAD = ["Nr", "Name", "Telefon", "Grund", "Follow up"]


def read(content: bytes) -> Source:
    return Source(io.BytesIO(content), PurePath("liste.XLSX"))


def test_cells_are_texts_numbers_and_dates() -> None:
    rows = [
        ["Recall list of March"],
        [],
        HEAD,
        [1, "Fern Testwell", 2175550123, "Recall", date(2026, 12, 24)],
        [],
        [2.0, "Elm Testwell", "217 555 0102", True, datetime(2026, 12, 24, 9, 30)],
        [3, "=A1", "217 555 0103", 1.5, None],
    ]
    source = read(workbook(rows, merged="A1:E1", values="4"))
    records = list(source.records)
    assert [record.row and record.row[:5] for record in records] == [
        ("1", None, "Fern Testwell", "2175550123", "Recall"),
        ("2", None, "Elm Testwell", "217 555 0102", "TRUE"),
        ("3", None, "4", "217 555 0103", "1.5"),
    ]
    assert [record.row and record.row.follow_up for record in records] == [
        "2026-12-24",
        "2026-12-24T09:30:00",
        "",
    ]
    assert [record.line for record in records] == [4, 6, 7]
    assert source.has_mark


def not_an_archive() -> bytes:
    return b"Nr,Name,Telefon,Grund\n"


def another_archive() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("a.txt", "x")
    return written.getvalue()


REFUSED = {
    "CELLS_MERGED": lambda: workbook([HEAD, [1, "Fern", "217", "r"], [2]], merged="B2:B3"),
    "FORMULA_WITHOUT_VALUE: The formula in C2": lambda: workbook([HEAD, [1, "Fern", "=A1", "r"]]),
    "FILE_EMPTY": lambda: workbook([["Only a title"]]),
    "COLUMN_MISSING": lambda: workbook([["Nr", "Name", "Grund"]]),
    "FILE_TOO_LARGE": bomb,
    "FILE_BROKEN: The file is no Excel workbook": not_an_archive,
    "FILE_BROKEN": another_archive,
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_workbook_is_refused_with(code: str) -> None:
    with pytest.raises(CannotImport, match=f"^{code}"):
        list(read(REFUSED[code]()).records)


def test_a_cell_at_the_end_of_the_sheet_costs_nothing() -> None:
    rows = [HEAD, [1, "Fern", "217 555 0123", "r"]]
    far = b'<row r="90000"><c r="XFD90000"><v>1</v></c></row></sheetData>'
    content = changed(io.BytesIO(workbook(rows)), b"</sheetData>", far)
    assert len(list(read(content).records)) == 1
