"""The forms of exported tables."""

import csv
import io
from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime

import pytest

from gql_app.work.exports.forms import FORMULAS, Csv, JsonLines, cell
from gql_app.work.exports.tables import Column, Table, Window

VALUES = ("=1+1", -3, 2.5, True, date(2026, 11, 27), datetime(2026, 11, 27, 3, tzinfo=UTC), None)
KINDS = (str, int, float, bool, date, datetime, str)


def table() -> Table:
    async def nothing(*_: object) -> AsyncGenerator[Window, None]:
        yield Window([])

    columns = [Column(kind.__name__ + str(n), kind) for n, kind in enumerate(KINDS)]
    return Table("things", columns, nothing)


@pytest.mark.parametrize("begin", FORMULAS)
def test_a_text_that_a_spreadsheet_would_carry_out_follows_an_apostrophe(begin: str) -> None:
    text = f"{begin}cmd|'/C calc'!A0"
    assert cell(text) == f"'{text}"
    written = Csv().rows([[text, f"harmless {text}"]]).decode()
    (row,) = csv.reader(io.StringIO(written, newline=""))
    assert row == [f"'{text}", f"harmless {text}"]


@pytest.mark.parametrize("split", [";", "\t", "\n", '; "'])
@pytest.mark.parametrize("begin", "=+-@")
def test_a_formula_within_a_text_is_none_where_lines_are_split_otherwise(
    split: str, begin: str
) -> None:
    written = Csv().rows([[f"late{split}{begin}1+1", "5;7 - 9"]]).decode()
    delimiter = "\t" if split == "\t" else ";"
    cells = [
        cell.strip(' "')
        for row in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter)
        for cell in row
    ]
    assert not any(cell.startswith(FORMULAS) for cell in cells)
    assert f"'{begin}1+1" in written
    assert "5;7 - 9" in written


def test_numbers_dates_and_moments_are_cells_as_they_are() -> None:
    form = Csv()
    lines = (form.begin(table()) + form.rows([VALUES]) + form.end()).decode().splitlines()
    assert lines[0].startswith("str0,int1,")
    assert lines[1] == "'=1+1,-3,2.5,yes,2026-11-27,2026-11-27T03:00:00.000Z,"


def test_a_line_of_json_has_every_value_as_it_is() -> None:
    form = JsonLines()
    written = form.begin(table()) + form.rows([VALUES])
    assert written == (
        b'{"str0":"=1+1","int1":-3,"float2":2.5,"bool3":true,"date4":"2026-11-27",'
        b'"datetime5":"2026-11-27T03:00:00.000Z","str6":null}\n'
    )
