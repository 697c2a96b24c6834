"""Reads a file of tasks record by record, however large it is and whatever is wrong in it.

A record that cannot be read is handed on as such, and reading goes on in the line behind it: a
quote that is never closed costs its own line, not all that follow.
"""

import csv
import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TextIO

from gql_app.work.import_rows import ImportRow

REQUIRED = ("external_id", "name", "phone", "reason")
COLUMNS = ImportRow._fields
OF_REJECTS = ("reject_line", "reject_column", "reject_code", "reject_reason", "reject_text")
"""What a rejects file has beside the columns of its file; not read when it is imported again. The
text is that of a record that cannot be told apart into cells."""

MAX_CELL = 10_000
"""Characters of a cell. Those of a line that is longer than `MAX_LINE` are not kept at all."""
MAX_LINE = 4_000_000
MAX_LINES = 100_000
"""Characters of a record that runs over several lines: beyond, its quote is taken for a slip."""


class FileCode(StrEnum):
    """Why nothing can be imported, or what is wrong with a record before anything is made of it."""

    NOT_FOUND = "NOT_FOUND"  # no such practice, or no such queue there
    FILE_NOT_READABLE = "FILE_NOT_READABLE"  # not there, or not for this user
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


class Source:
    """An open file. `columns` are those of a CSV file; `unused` those that mean nothing here."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self.columns: list[str] = []
        self.unused: list[str] = []
        self._lines = _Lines(file)
        kinds: dict[str, Callable[[], Iterator[Record]]] = {
            ".csv": self._csv,
            ".jsonl": self._json_lines,
            ".ndjson": self._json_lines,
        }
        kind = kinds.get(path.suffix.lower())
        if kind is None:
            message = f"{path.name} is neither .csv nor .jsonl (one JSON object a line)."
            raise CannotImport(FileCode.FILE_TYPE_UNKNOWN, message)
        self.is_csv = path.suffix.lower() == ".csv"
        if self.is_csv:
            self._read_columns()
        self.records = kind()

    def _read_columns(self) -> None:
        # A global of the module; cells are measured one by one, so that they can be named.
        csv.field_size_limit(MAX_LINE)
        line = self._lines.next()
        while line is not None and not line.strip():
            line = self._lines.next()
        if line is None:
            raise CannotImport(
                FileCode.FILE_EMPTY, "The file is empty: not even columns are named."
            )
        try:
            self.columns = [name.strip() for name in next(csv.reader([line]))]
        except csv.Error:
            self.columns = []
        self.columns = [
            name.lower() if name.lower() in COLUMNS else name or f"column_{place}"
            for place, name in enumerate(self.columns, 1)
        ]
        named = self.columns
        if missing := [name for name in REQUIRED if name not in named]:
            found = ", ".join(self.columns)[:200]
            message = f"{', '.join(missing)}: not among the columns in the first line ({found})."
            raise CannotImport(FileCode.COLUMN_MISSING, message)
        if twice := [name for name in named if named.count(name) > 1]:
            raise CannotImport(FileCode.COLUMN_TWICE, f"Two columns are called {twice[0]}.")
        self.unused = [name for name in named if name not in (*COLUMNS, *OF_REJECTS)]

    def _csv(self) -> Iterator[Record]:
        while True:
            line, text, cells, trouble = self._lines.csv_record()
            if cells is None:
                return
            if trouble is None and not any(map(str.strip, cells)):
                continue
            if trouble is None and len(cells) != len(self.columns):
                message = f"The row has {len(cells)} cells for {len(self.columns)} columns."
                trouble = _malformed(message)
            named: dict[str, object] = dict(zip(self.columns, cells, strict=False))
            if trouble is not None:
                named["reject_text"] = text
            yield _record(line, named, trouble)

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
                trouble = _malformed("The line is not a JSON object.")
                yield Record(line, {"reject_text": text.rstrip("\r\n")}, None, trouble)
                continue
            yield _record(line, cells, None)
        if is_empty:
            raise CannotImport(FileCode.FILE_EMPTY, "The file is empty.")


def _record(line: int, cells: dict[str, object], trouble: Trouble | None) -> Record:
    texts: list[str | None] = []
    for column in COLUMNS:
        cell = cells.get(column)
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

    def csv_record(self) -> tuple[int, str, list[str] | None, Trouble | None]:
        """The next record: the number of its first line, its text and cells, and what is wrong with
        it. No cells at the file's end. A record that cannot be read is its first line alone."""
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

        with suppress(StopIteration, csv.Error):
            cells = next(csv.reader(lines(), strict=True))
            return first, "".join(taken), cells, None
        if not taken:
            return first, "", None, None
        if self.is_cut and len(taken) == 1:
            return first, "", [], _too_long()
        self._back.extendleft(reversed(taken[1:]))
        self.number -= len(taken) - 1
        message = "The line is not CSV: a quote is not closed, or stands within a cell."
        return first, taken[0], next(csv.reader(taken[:1])), _malformed(message)


def _malformed(reason: str) -> Trouble:
    return Trouble("", FileCode.ROW_MALFORMED, reason)


def _too_long() -> Trouble:
    reason = f"The line has over {MAX_LINE:,} characters; it is not repeated here."
    return Trouble("", FileCode.LINE_TOO_LONG, reason)
