"""Every record of a file is read, or said to be unreadable, whatever is wrong around it."""

import io
from pathlib import Path
from typing import Any

import pytest

from gql_app.work.imports.reading import Source
from gql_app.work.imports.records import MAX_CELL, MAX_LINE, CannotImport, Record

HEAD = "external_id,name,phone,reason\n"


def read(text: str, name: str = "tasks.csv") -> list[Record]:
    return list(Source(io.StringIO(text, newline=""), Path(name)).records)


def told(text: str, name: str = "tasks.csv") -> list[Any]:
    """Of each record its line, and its external id, or else in which column is what."""
    return [
        (record.line, record.row.external_id)
        if record.row
        else (record.line, *(record.trouble or ())[:2])
        for record in read(text, name)
    ]


def test_a_record_knows_its_line_and_may_run_over_several() -> None:
    text = HEAD + '1,Fern,555,"a\nb, ""c"""\r\n\n,,,\n2,Elm,555,x'
    assert told(text) == [(2, "1"), (6, "2")]
    (first, _) = read(text)
    assert first.row is not None
    assert first.row.reason == 'a\nb, "c"'
    assert first.row.follow_up is None


def test_the_other_phone_counts_where_the_first_is_empty() -> None:
    text = (
        "external_id,name,Telefon,Mobil,reason\n1,f,55,66,r\n2,f, ,66,r\n3,f,none,66,r\n4,f,,,r\n"
    )
    phones = [record.row.phone for record in read(text) if record.row]
    assert phones == ["55", "66", "none", ""]


def test_columns_may_stand_in_any_order_and_case_beside_others() -> None:
    source = Source(io.StringIO("Reason,fax,NAME,phone,External_ID,\nr,f,n,p,1,\n"), Path("a.CSV"))
    (record,) = source.records
    assert record.row is not None
    assert record.row[:5] == ("1", None, "n", "p", "r")
    assert source.notes == ["columns not used: fax, column_6"]


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        ("", "a.csv", "FILE_EMPTY"),
        ("\n \n", "a.csv", "FILE_EMPTY"),
        ("", "a.jsonl", "FILE_EMPTY"),
        (HEAD, "a.ods", "FILE_TYPE_UNKNOWN"),
        ("external_id,name,reason\n", "a.csv", "COLUMN_MISSING"),
        (HEAD.replace(",", "/"), "a.csv", "COLUMN_MISSING"),
        ("sep=,\n" + HEAD.replace(",", ";"), "a.csv", "COLUMN_MISSING"),
        ("External ID," + HEAD, "a.csv", "COLUMN_TWICE"),
        ("name," + HEAD, "a.csv", "COLUMN_TWICE"),
    ],
)
def test_a_file_that_cannot_be_used(text: str, name: str, code: str) -> None:
    with pytest.raises(CannotImport, match=f"^{code}: ") as caught:
        read(text, name)
    assert caught.value.code == code


def test_a_quote_that_is_not_closed_costs_its_own_line() -> None:
    text = HEAD + '1,"Fern,555,r\n2,Elm,555,r\n3,"Oak",555,r\n4,"A"sh,555,r\n5,Ivy,555,r\n'
    assert told(text) == [
        (2, "", "ROW_MALFORMED"),
        (3, "2"),
        (4, "3"),
        (5, "", "ROW_MALFORMED"),
        (6, "5"),
    ]
    assert read(text)[0].cells["reject_text"] == '1,"Fern,555,r\n'


ROWS = [
    "1,Fern,217-555-0101,Crown",
    "2,Elm,217-555-0102,Recall",
    "3,Oak,217-555-0103,5",
    "4,Ivy,call me,r",
]


def slipped(opens: int, column: int, closes: int) -> str:
    """The rows, with a quote before a cell of one and behind the same cell of a later one."""
    cells = [row.split(",") for row in ROWS]
    cells[opens][column] = '"' + cells[opens][column]
    cells[closes][column] += '"'
    return HEAD + "".join(",".join(row) + "\n" for row in cells)


@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize("closes", [1, 2, 3])
def test_a_quote_that_is_closed_in_a_later_row_swallows_none(column: int, closes: int) -> None:
    bad, *others = read(slipped(0, column, closes))
    assert bad.trouble is not None
    assert f"lines 2 to {closes + 2}" in bad.trouble.reason
    assert bad.cells["reject_text"] == slipped(0, column, closes).splitlines(keepends=True)[1]
    assert [record.line for record in others if record.row] == [3, 4, 5]


def test_a_row_between_is_enough_to_take_a_quote_for_a_slip() -> None:
    first, second = ROWS[0].replace("Crown", '"Crown'), ROWS[1]
    assert told(f'{HEAD}{first}\n{second}\nand more"\n{ROWS[2]}\n') == [
        (2, "", "ROW_MALFORMED"),
        (3, "2"),
        (4, "", "ROW_MALFORMED"),
        (5, "3"),
    ]


@pytest.mark.parametrize(
    "reason",
    [
        "Crown 14\nsecond visit",
        "Asks for:\ncrown, bridge, implant, or nothing\nand a late slot",
        "a\n\n\nb,c",
        "Call 8, 9,\n10, 11, 12, 13, 14\nor 15, 16, 17, 18",
    ],
)
@pytest.mark.parametrize("head", [HEAD, "reason,external_id,name,phone\n"])
def test_a_text_with_line_breaks_comes_in_as_it_is(reason: str, head: str) -> None:
    cells = {"external_id": "1", "name": "Fern", "phone": "217-555-0101", "reason": f'"{reason}"'}
    row = ",".join(cells[name] for name in head.strip().split(",")) + "\n"
    records = read(head + row * 2)
    assert [record.row and record.row.reason for record in records] == [reason, reason]


HEADERS = [
    "externalId,name,phone,reason",
    "External ID,NAME,Phone,reason",
    '"External-Id";"name";"phone";"reason"',
    "EXTERNAL_ID;name;phone;reason",
    "external id\tName\tphone\treason",
    "\ufeffexternal.id|name|phone|reason",
    "sep=;\r\nexternalid; name; phone; reason",
    "SEP=\t\nexternalId\tname\tphone\treason",
]


@pytest.mark.parametrize("header", HEADERS)
def test_columns_are_known_by_any_spelling_and_separator(header: str) -> None:
    separator = next(c for c in ";\t|," if c in header.splitlines()[-1])
    cells = ["1", "Fern", "555", f'"a{separator}b"']
    source = Source(io.StringIO(f"{header}\n{separator.join(cells)}\n", newline=""), Path("a.csv"))
    (record,) = source.records
    assert record.row is not None
    assert (record.row.external_id, record.row.reason) == ("1", f"a{separator}b")
    assert len(source.notes) == (separator != ",")


def test_names_in_json_are_known_by_any_spelling_too() -> None:
    first, second = read(
        '{"externalId": "1", "Expires At": "x"}\n{"externalId": "1", "external_id": "2"}\n',
        "a.jsonl",
    )
    assert first.row is not None
    assert (first.row.external_id, first.row.expires_at) == ("1", "x")
    assert first.cells == {"externalId": "1", "Expires At": "x"}
    assert second.trouble is not None
    assert "Two names are external_id" in second.trouble.reason


def test_a_row_with_too_few_or_too_many_cells_is_malformed() -> None:
    text = HEAD + "1,Fern,555\n2,Elm,555,r,more\n3,Oak,555,r\n"
    assert told(text) == [(2, "", "ROW_MALFORMED"), (3, "", "ROW_MALFORMED"), (4, "3")]


@pytest.mark.parametrize("name", ["tasks.csv", "tasks.jsonl"])
def test_a_cell_of_a_million_characters_is_told_with_its_column(name: str) -> None:
    long = "x" * 1_000_000
    if name.endswith("csv"):
        text = HEAD + f"1,Fern,555,{long}\n2,Elm,555,r\n"
    else:
        text = f'{{"external_id": "1", "reason": "{long}"}}\n{{"external_id": "2"}}\n'
    (bad, good) = read(text, name)
    assert bad.trouble is not None
    assert bad.trouble[:2] == ("reason", "CELL_TOO_LONG")
    assert bad.cells["reason"] == long
    assert good.row is not None
    assert MAX_CELL < 1_000_000 < MAX_LINE


@pytest.mark.parametrize("name", ["tasks.csv", "tasks.jsonl"])
def test_a_line_that_is_longer_still_is_skipped(name: str) -> None:
    good = "2,Elm,555,r\n" if name.endswith("csv") else '{"external_id": "2"}\n'
    text = f"{'x' * (2 * MAX_LINE + 5)}\n{good}"
    first = 2 if name.endswith("csv") else 1
    told_ = told((HEAD if first == 2 else "") + text, name)
    assert told_ == [(first, "", "LINE_TOO_LONG"), (first + 1, "2")]


def test_json_lines_that_are_no_objects_of_texts_are_told_one_by_one() -> None:
    lines = [
        '{"external_id": 7, "follow_up": null}',
        "[1]",
        '{"external_id": "8",',
        '{"external_id": {"a": 1}}',
        '{"external_id": true}',
        "[" * 100_000,
        "1" * 5_000,
        '{"external_id": "9"}',
    ]
    assert told("\n\n".join(lines), "tasks.jsonl") == [
        (1, "7"),
        (3, "", "ROW_MALFORMED"),
        (5, "", "ROW_MALFORMED"),
        (7, "external_id", "ROW_MALFORMED"),
        (9, "external_id", "ROW_MALFORMED"),
        (11, "", "ROW_MALFORMED"),
        (13, "", "ROW_MALFORMED"),
        (15, "9"),
    ]
