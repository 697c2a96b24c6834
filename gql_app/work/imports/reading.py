"""Reads a file of tasks record by record, however large it is and whatever is wrong in it.

A record that cannot be read is handed on as such, and reading goes on in the next line: a
quote that is never closed costs its own line, not all that follow.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import BinaryIO, TextIO

from gql_app.work.imports.form import SEPARATORS, Form, read_form, separator_line
from gql_app.work.imports.headers import SPELLED, BadMatching, kinds_of, match, plain
from gql_app.work.imports.lines import Lines
from gql_app.work.imports.matching import Wanted, match_columns
from gql_app.work.imports.records import (
    MAX_LINE,
    CannotImport,
    FileCode,
    Record,
    malformed,
    record_of,
    too_long,
)
from gql_app.work.imports.workbook import BadWorkbook, read_workbook
from models.phone import PhoneKind

CSV, JSON_LINES, WORKBOOK = (".csv", ".tsv", ".txt"), (".jsonl", ".ndjson"), ".xlsx"


class Source:
    """An open file: of texts, or of bytes if it is a workbook. `form` is that of a file with a line
    of columns, and `columns` says which of them is which field. `notes` say what a person should
    know of how it was read. Without `wanted` the columns are only guessed, and none is required."""

    def __init__(
        self,
        file: TextIO | BinaryIO,
        path: PurePath,
        *,
        has_mark: bool = False,
        wanted: Wanted | None = Wanted(),  # noqa: B008 - it never changes
    ) -> None:
        self.has_mark = has_mark
        self.form: Form | None = None
        self.columns: dict[str, str] = {}
        self.notes: list[str] = []
        self._wanted = wanted
        kind = path.suffix.lower()
        if kind == WORKBOOK:
            self.records = self._workbook(file)  # type: ignore[arg-type]  # the kind says so
            return
        self._lines = Lines(file)  # type: ignore[arg-type]
        if kind in CSV:
            self.form = self._matched(self._read_form())
            self.records = self._csv(self.form)
        elif kind in JSON_LINES:
            self.records = self._json_lines()
        else:
            message = f"{path.name} is neither .csv nor .xlsx nor .jsonl (one JSON object a line)."
            raise CannotImport(FileCode.FILE_TYPE_UNKNOWN, message)

    def _read_form(self) -> Form:
        # A global of the module; cells are measured one by one, so that they can be named.
        csv.field_size_limit(MAX_LINE)
        line = self._first_line()
        separator = separator_line(line)
        form = read_form(line if separator is None else self._first_line(), separator)
        if any("\udc80" <= character <= "\udcff" for name in form.names for character in name):
            message = "The names of the columns are not UTF-8: in Excel, save as “CSV UTF-8”."
            raise CannotImport(FileCode.FILE_ENCODING, message)
        if form.separator != ",":
            which = SEPARATORS.get(form.separator, repr(form.separator))
            self.notes.append(f"cells are separated by {which}")
        return form

    def _matched(self, form: Form) -> Form:
        if self._wanted is None:
            return _guessed(form._replace(names=_each_once(form.names)))
        matched = match_columns(form.names, self._wanted)
        self.columns = matched.columns
        form = form.matched(matched.columns)
        taken = [f"{matched.columns[field]} for {field}" for field in sorted(matched.guessed)]
        if taken:
            self.notes.append(f"columns taken: {', '.join(taken)}")
        if unused := form.unused:
            self.notes.append(f"columns not used: {', '.join(unused)}")
        return form

    def _workbook(self, file: BinaryIO) -> Iterator[Record]:
        """The records of a workbook. Its rejects are written as Excel reads them."""
        try:
            names, rows, notes = read_workbook(file)
        except BadWorkbook as error:
            raise CannotImport(FileCode(error.code), str(error)) from None
        self.notes += notes
        self.has_mark = True
        columns = [*names]
        self.form = form = self._matched(Form(",", names, columns, False, False, "\r\n"))

        def records() -> Iterator[Record]:
            try:
                for number, cells in rows:
                    named: dict[str, object] = dict(zip(form.columns, cells, strict=True))
                    yield record_of(number, named, named, None, self._kinds)
            except BadWorkbook as error:
                raise CannotImport(FileCode(error.code), str(error)) from None

        return records()

    @property
    def _kinds(self) -> dict[str, PhoneKind]:
        return kinds_of(self.columns)

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
                trouble = malformed(message)
            named: dict[str, object] = dict(zip(form.columns, cells, strict=False))
            if trouble is not None:
                named["reject_text"] = text
            yield record_of(line, named, named, trouble, self._kinds)

    def _json_lines(self) -> Iterator[Record]:
        is_empty = True
        fields: dict[str, str] = {}
        while (text := self._lines.next()) is not None:
            line = self._lines.number
            if not text.strip():
                continue
            is_empty = False
            if self._lines.is_cut:
                yield Record(line, {}, None, too_long())
                continue
            try:
                cells = json.loads(text)
            except (ValueError, RecursionError):
                cells = None
            if not isinstance(cells, dict):
                no_object = malformed("The line is not a JSON object.")
                yield Record(line, {"reject_text": text.rstrip("\r\n")}, None, no_object)
                continue
            fields = fields or self._fields_of(cells)
            named: dict[str, object] = {}
            trouble = None
            for name, value in cells.items():
                field = fields.get(name) or SPELLED.get(plain(name)) or str(name)
                if named.setdefault(field, value) != value:
                    trouble = malformed(f"Two names are {field}, with two values.")
            yield record_of(line, cells, named, trouble, self._kinds)
        if is_empty:
            raise CannotImport(FileCode.FILE_EMPTY, "The file is empty.")

    def _fields_of(self, cells: Mapping[str, object]) -> dict[str, str]:
        """The fields by the names that the first object has."""
        names = [name for name in cells if isinstance(name, str)]
        try:
            wanted = self._wanted or Wanted()
            self.columns = match(names, wanted.chosen, wanted.remembered).columns
        except BadMatching:  # its rows are told one by one
            self.columns = {}
        return {name: field for field, name in self.columns.items()}


def _guessed(form: Form) -> Form:
    """The form of a file whose columns are matched later: rows are told apart the better for it."""
    try:
        return form.matched(match(form.names).columns)
    except BadMatching:
        return form.matched({})


def _each_once(names: list[str]) -> list[str]:
    """The names, with a number if another column is called the same."""
    seen: Counter[str] = Counter()
    once = []
    for name in names:
        seen[name] += 1
        once.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return once
