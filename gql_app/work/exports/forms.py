"""The forms that tables are written in: CSV, JSON Lines, Parquet, and several of them in a ZIP.

CSV is opened in spreadsheets, which carry out a cell that looks like a formula. So a text that
begins with one of `FORMULAS` has an apostrophe put before it, which spreadsheets take for the sign
that a text follows. Some of them split a line at semicolons or tabs, so there it is put within a
text as well. Nothing else is changed, and JSON Lines and Parquet have every text as it is.
"""

import csv
import re
import time
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from io import StringIO
from typing import IO, Protocol

import orjson

from gql_app.work.exports.tables import Table

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet might carry out."""

_WITHIN = re.compile(r"([;\t\r\n][ \"]*)(?=[=+\-@])")
"""What stands before a formula where a spreadsheet splits a text, with what it may leave out."""

Rows = Sequence[Sequence[object]]


class Form(Protocol):
    """Writes one table after the other. Each method returns the next bytes of the file."""

    def begin(self, table: Table) -> bytes: ...

    def rows(self, rows: Rows) -> bytes: ...

    def end(self) -> bytes: ...

    def finish(self) -> bytes:
        """After the last table."""


class Csv:
    """A line of names, and a line a row; UTF-8, with commas."""

    def begin(self, table: Table) -> bytes:
        return self._lines([[column.name for column in table.columns]])

    def rows(self, rows: Rows) -> bytes:
        return self._lines(rows)

    def end(self) -> bytes:
        return b""

    finish = end

    def _lines(self, rows: Rows) -> bytes:
        text = StringIO(newline="")
        # What ends a line is quoted within a cell. "\n" alone would leave "\r" as it is,
        # after which a spreadsheet begins a line, and so a cell.
        csv.writer(text, lineterminator="\r\n").writerows([map(cell, row) for row in rows])
        return text.getvalue().encode()


def cell(value: object) -> str:
    """A value as a cell of CSV."""
    if value is None:
        return ""
    if isinstance(value, str):
        value = _WITHIN.sub(r"\1'", value)
        return f"'{value}" if value.startswith(FORMULAS) else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return moment(value) if isinstance(value, datetime) else str(value)


def moment(at: datetime) -> str:
    """A moment in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonLines:
    """An object a row. Where there are several tables, it names its own in `table`."""

    def __init__(self, *, names_tables: bool = False) -> None:
        self._names_tables = names_tables

    def begin(self, table: Table) -> bytes:
        self._fields = [column.name for column in table.columns]
        self._table = {"table": table.name} if self._names_tables else {}
        return b""

    def rows(self, rows: Rows) -> bytes:
        return b"".join([self._line(row) for row in rows])

    def end(self) -> bytes:
        return b""

    finish = end

    def _line(self, row: Sequence[object]) -> bytes:
        values = map(_json, row)
        line = self._table | dict(zip(self._fields, values, strict=True))
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _json(value: object) -> object:
    if isinstance(value, datetime):
        return moment(value)
    return value.isoformat() if isinstance(value, date) else value


class Taken:
    """A file that is only written to, and whose bytes are taken away from time to time."""

    closed = False

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def take(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._written)
        self._written.clear()
        return data


class Zipped:
    """A ZIP with a file a table, in another form."""

    def __init__(self, form: Form, extension: str) -> None:
        self._form = form
        self._extension = extension
        self._file = Unseekable()
        self._zip = zipfile.ZipFile(self._file, "w")
        self._entry: IO[bytes]

    def begin(self, table: Table) -> bytes:
        entry = zipfile.ZipInfo(f"{table.name}.{self._extension}", time.localtime()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        self._entry = self._zip.open(entry, "w", force_zip64=True)
        return self._written(self._form.begin(table))

    def rows(self, rows: Rows) -> bytes:
        return self._written(self._form.rows(rows))

    def end(self) -> bytes:
        self._entry.write(self._form.end())
        self._entry.close()
        return self._file.take()

    def finish(self) -> bytes:
        self._zip.close()
        return self._file.take()

    def _written(self, data: bytes) -> bytes:
        self._entry.write(data)
        return self._file.take()


class Unseekable(Taken):
    """Without `tell`, `zipfile` writes what it needs behind each entry, and never goes back."""

    def tell(self) -> int:
        raise OSError("it cannot be told")
