"""Reads a file of tasks record by record, however large it is and whatever is wrong in it.

A record that cannot be read is handed on as such, and reading goes on in the next line: a
quote that is never closed costs its own line, not all that follow.
"""

import csv
import json
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TextIO

from gql_app.commands.importing.form import (
    COLUMNS,
    OF_REJECTS,
    SEPARATORS,
    Form,
    column_of,
    read_form,
    separator_line,
)
from gql_app.work.imports.rows import ImportRow

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
    FILE_TYPE_UNKNOWN = "FILE_TYPE_UNKNOWN"  # neither .csv nor .jsonl
    FILE_EMPTY = "FILE_EMPTY"  # not even a line of columns
    FILE_ENCODING = "FILE_ENCODING"  # not UTF-8 at all
    COLUMN_MISSING = "COLUMN_MISSING"
    COLUMN_TWICE = "COLUMN_TWICE"
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


CSV, JSON_LINES = (".csv", ".tsv", ".txt"), (".jsonl", ".ndjson")


class Source:
    """An open file. `form` is that of a CSV file. `notes` say what a person should know of how it
    was read."""

    def __init__(self, file: TextIO, path: Path, *, has_mark: bool = False) -> None:
        self.has_mark = has_mark
        self.form: Form | None = None
        self.notes: list[str] = []
        self._lines = _Lines(file)
        kind = path.suffix.lower()
        if kind in CSV:
            self.form = self._read_form()
            self.records = self._csv(self.form)
        elif kind in JSON_LINES:
            self.records = self._json_lines()
        else:
            message = f"{path.name} is neither .csv nor .jsonl (one JSON object a line)."
            raise CannotImport(FileCode.FILE_TYPE_UNKNOWN, message)

    def _read_form(self) -> Form:
        # A global of the module; cells are measured one by one, so that they can be named.
        csv.field_size_limit(MAX_LINE)
        line = self._first_line()
        separator = separator_line(line)
        form = read_form(line if separator is None else self._first_line(), separator)
        if form.missing:
            found = ", ".join(form.names)[:200]
            message = (
                f"{', '.join(form.missing)}: not among the columns in the first line ({found})."
            )
            raise CannotImport(FileCode.COLUMN_MISSING, message)
        if form.twice:
            named = " and ".join(form.twice[:2])
            message = f"Two columns are {column_of(form.twice[0])}: {named}."
            raise CannotImport(FileCode.COLUMN_TWICE, message)
        if form.separator != ",":
            which = SEPARATORS.get(form.separator, repr(form.separator))
            self.notes.append(f"cells are separated by {which}")
        if unused := [name for name in form.columns if name not in (*COLUMNS, *OF_REJECTS)]:
            self.notes.append(f"columns not used: {', '.join(unused)}")
        return form

    def _first_line(self) -> str:
        while (line := self._lines.next()) is not None:
            if line.strip("\ufeff \t\r\n"):
                return line
        raise CannotImport(FileCode.FILE_EMPTY, "The file is empty: not even columns are named.")

    def _csv(self, form: Form) -> Iterator[Record]:
        while True:
            line, text, cells, trouble = self._lines.csv_record(form)
            if cells is None:
                return
            if trouble is None and not any(map(str.strip, cells)):
                continue
            if trouble is None and len(cells) != len(form.columns):
                message = f"The row has {len(cells)} cells for {len(form.columns)} columns."
                trouble = _malformed(message)
            named: dict[str, object] = dict(zip(form.columns, cells, strict=False))
            if trouble is not None:
                named["reject_text"] = text
            yield _record(line, named, named, trouble)

    def _json_lines(self) -> Iterator[Record]:
        is_empty = True
        while (text := self._lines.next()) is not None:
            line = self._lines.number
            if not text.strip():
                continue
            is_empty = False
            if self._lines.is_cut:
                yield Record(line, {}, None, _too_long())
                continue
            try:
                cells = json.loads(text)
            except (ValueError, RecursionError):
                cells = None
            if not isinstance(cells, dict):
                no_object = _malformed("The line is not a JSON object.")
                yield Record(line, {"reject_text": text.rstrip("\r\n")}, None, no_object)
                continue
            named: dict[str, object] = {}
            trouble = None
            for name, value in cells.items():
                if named.setdefault(column_of(name), value) != value:
                    trouble = _malformed(f"Two names are {column_of(name)}, with two values.")
            yield _record(line, cells, named, trouble)
        if is_empty:
            raise CannotImport(FileCode.FILE_EMPTY, "The file is empty.")


def _record(
    line: int, cells: dict[str, object], named: dict[str, object], trouble: Trouble | None
) -> Record:
    """A record of all `cells`, which are called by their columns in `named`."""
    texts: list[str | None] = []
    for column in COLUMNS:
        cell = named.get(column)
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


class _Lines:
    """The lines of a file, of which some can be put back. `number` is that of the last one; it
    `is_cut` if it was so long that its end was left out."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._back: deque[str] = deque()
        self.number = 0
        self.is_cut = False

    def next(self) -> str | None:
        self.is_cut = False
        if self._back:
            self.number += 1
            return self._back.popleft()
        line = self._file.readline(MAX_LINE)
        if not line:
            return None
        self.number += 1
        rest = line
        while len(rest) == MAX_LINE and not rest.endswith("\n"):
            rest = self._file.readline(MAX_LINE)
            self.is_cut = self.is_cut or bool(rest)
        return line

    def csv_record(self, form: Form) -> tuple[int, str, list[str] | None, Trouble | None]:
        """The next record: the number of its first line, its text and cells, and what is wrong with
        it. No cells at the file's end. A record that cannot be read, or that has swallowed others,
        is its first line alone."""
        taken: list[str] = []
        first = self.number + 1

        def lines() -> Iterator[str]:
            length = 0
            while (line := self.next()) is not None:
                taken.append(line)
                length += len(line)
                if self.is_cut or (len(taken) > 1 and length > MAX_LINES):
                    return
                yield line

        trouble = "a quote is not closed, or stands within a cell"
        with suppress(StopIteration, csv.Error):
            cells = next(csv.reader(lines(), delimiter=form.separator, strict=True))
            if len(taken) == 1 or not form.has_swallowed(taken):
                return first, "".join(taken), cells, None
            trouble = "a quote is closed in the last of them only, and they look like rows"
        if not taken:
            return first, "", None, None
        if self.is_cut and len(taken) == 1:
            return first, "", [], _too_long()
        where = f"lines {first} to {first + len(taken) - 1}" if len(taken) > 1 else f"line {first}"
        self._back.extendleft(reversed(taken[1:]))
        self.number -= len(taken) - 1
        alone = next(csv.reader([taken[0].rstrip("\r\n")], delimiter=form.separator))
        message = f"This would be one row of {where}: {trouble}. Only line {first} was put aside."
        return first, taken[0], alone, _malformed(message)


def _malformed(reason: str) -> Trouble:
    return Trouble("", FileCode.ROW_MALFORMED, reason)


def _too_long() -> Trouble:
    reason = f"The line has over {MAX_LINE:,} characters; it is not repeated here."
    return Trouble("", FileCode.LINE_TOO_LONG, reason)
