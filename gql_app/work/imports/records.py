"""A record of a file, and what may be wrong with it or with the file."""

import codecs
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from gql_app.work.imports.rows import ImportRow
from models.phone import PhoneKind

NO_KINDS: Mapping[str, PhoneKind] = {}

NOT_UTF_8 = "\ufffd"
"""What stands in a kept file for bytes that are not UTF-8, and for U+0000."""

MAX_CELL = 10_000
"""Characters of a cell. Those of a line that is longer than `MAX_LINE` are not kept at all."""
MAX_LINE = 4_000_000
MAX_LINES = 100_000
"""Characters of a record that runs over several lines: beyond, its quote is taken for a slip."""


class FileCode(StrEnum):
    """Why nothing can be imported, or what is wrong with a record before anything is made of it."""

    NOT_FOUND = "NOT_FOUND"  # no such practice, or no such queue there
    PRACTICE_INVALID = "PRACTICE_INVALID"  # its time zone or region is none
    FILE_NOT_READABLE = "FILE_NOT_READABLE"  # not there, or not for this user
    REJECTS_NOT_WRITABLE = "REJECTS_NOT_WRITABLE"  # no place for what is put aside
    FILE_TYPE_UNKNOWN = "FILE_TYPE_UNKNOWN"  # neither .csv nor .xlsx nor .jsonl
    FILE_TOO_LARGE = "FILE_TOO_LARGE"  # an upload or a workbook; it was not read
    FILE_BROKEN = "FILE_BROKEN"  # called .xlsx, and no workbook
    CELLS_MERGED = "CELLS_MERGED"  # in a workbook, below its title
    FORMULA_WITHOUT_VALUE = "FORMULA_WITHOUT_VALUE"  # nobody has calculated the workbook
    FILE_EMPTY = "FILE_EMPTY"  # not even a line of columns
    FILE_ENCODING = "FILE_ENCODING"  # not UTF-8 at all
    COLUMN_MISSING = "COLUMN_MISSING"  # one that is needed, or that was chosen
    COLUMN_TWICE = "COLUMN_TWICE"  # two columns for a field, or two fields for a column
    FIELD_UNKNOWN = "FIELD_UNKNOWN"  # --map names none that there is
    ROW_MALFORMED = "ROW_MALFORMED"  # not CSV, or not a JSON object
    LINE_TOO_LONG = "LINE_TOO_LONG"
    CELL_TOO_LONG = "CELL_TOO_LONG"


class CannotImport(Exception):
    """Nothing was loaded; the message is one clear line that begins with the code."""

    def __init__(self, code: FileCode, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Trouble(NamedTuple):
    """What is wrong with a record, and in which column if it is in one."""

    column: str
    code: str
    reason: str


class Record(NamedTuple):
    """A record as it stands in the file, the first line being 1: `row`, or what is wrong with it.
    `cells` are all of it, those that are not used too."""

    line: int
    cells: dict[str, object]
    row: ImportRow | None
    trouble: Trouble | None = None


def record_of(
    line: int,
    cells: dict[str, object],
    named: dict[str, object],
    trouble: Trouble | None,
    kinds: Mapping[str, PhoneKind] = NO_KINDS,
) -> Record:
    """A record of all `cells`, which are called by their columns in `named`. The numbers in them
    are of these `kinds`."""
    texts: list[str | None] = []
    phones = _numbers(named, kinds)
    for column in ImportRow._fields:
        cell = phones[column] if column in phones else named.get(column)
        if column == "name" and cell is None:
            cell = _both_names(named)
        if isinstance(cell, int) and not isinstance(cell, bool):
            cell = str(cell)  # ids are often numbers in JSON
        if cell is not None and not isinstance(cell, str):
            trouble = trouble or Trouble(column, FileCode.ROW_MALFORMED, "This is not a text.")
            cell = None
        if cell is not None and len(cell) > MAX_CELL:
            message = f"The cell has {len(cell):,} characters; at most {MAX_CELL:,} are read."
            trouble = trouble or Trouble(column, FileCode.CELL_TOO_LONG, message)
        texts.append(cell)
    return Record(line, cells, None if trouble else ImportRow(*texts), trouble)


def _numbers(named: Mapping[str, object], kinds: Mapping[str, PhoneKind]) -> dict[str, object]:
    """The two numbers and their kinds; where the first is empty, the other takes its place."""
    first, other = named.get("phone"), named.get("other_phone")
    kind, other_kind = kinds.get("phone"), kinds.get("other_phone")
    if first is None or first == "" or str(first).isspace():
        first, kind = named.get("other_phone", first), other_kind
        other = other_kind = None
    return {
        "phone": first,
        "other_phone": other,
        "phone_kind": kind,
        "other_phone_kind": None if other is None else other_kind,
    }


def _both_names(named: Mapping[str, object]) -> str | None:
    """A name that stands in two columns."""
    both = [named.get("first_name"), named.get("last_name")]
    return " ".join(part.strip() for part in both if isinstance(part, str)).strip() or None


def malformed(reason: str) -> Trouble:
    return Trouble("", FileCode.ROW_MALFORMED, reason)


def too_long() -> Trouble:
    reason = f"The line has over {MAX_LINE:,} characters; it is not repeated here."
    return Trouble("", FileCode.LINE_TOO_LONG, reason)


def not_utf_8(start: bytes) -> str | None:
    """What a file is that begins so, if it cannot be UTF-8."""
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "an Excel workbook or an archive"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16 (“Unicode text”)"
    return "UTF-16 or no text" if b"\0" in start else None
