"""Reads the first sheet of an Excel workbook as a table of texts.

A workbook is an archive, and a small one may unpack to gigabytes. So its parts are added up before
any is read, and its rows are read one by one.
"""

import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, BinaryIO, NamedTuple

from gql_app.work.imports.openpyxl_private import opened_part

MAX_UNPACKED = 100_000_000
"""Bytes of all parts of a workbook together."""
MAX_PARTS = 2_000
MAX_COLUMNS = 200
TITLE_LINES = 50
"""The names of columns stand in one of the first lines."""

_CHUNK, _OVERLAP = 1_000_000, 20_000
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
# What a program has written that does not calculate. An empty text is a value.
_NO_VALUE = re.compile(
    rb"<c\b([^>]*)>\s*<f\b[^>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)
_CELL = re.compile(rb'\br="([A-Z]+\d+)"')


class BadWorkbook(Exception):
    """The workbook cannot be read; the message says why. `code` is a `FileCode`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Table(NamedTuple):
    """The names of a sheet's columns, and its rows: each with its number in the sheet, and a text
    for each column."""

    names: list[str]
    rows: Iterator[tuple[int, list[str]]]
    notes: list[str]


def read_workbook(file: BinaryIO) -> Table:
    """The table in the first sheet that is not hidden. Raises `BadWorkbook`, while its rows are
    read too."""
    # A tenth of the time in which a server starts, and few servers read workbooks.
    import openpyxl  # noqa: PLC0415

    try:
        with zipfile.ZipFile(file) as archive:
            _check_size(archive)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and charts, which are not read
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if not sheets:
            raise BadWorkbook("FILE_EMPTY", "The workbook has no sheet that can be seen.")
        sheet = sheets[0]
        sheet.reset_dimensions()  # some programs write wrong ones, and rows would be left out
        number, names = _header(sheet)
        _check_cells(sheet, number)
    except BadWorkbook:
        raise
    except Exception as error:  # whatever a broken or hostile archive leads to
        raise _broken(error) from None
    notes = [f"only the first sheet is read: {sheet.title}"] if len(sheets) > 1 else []
    return Table(names, _rows(sheet, number, len(names)), notes)


def _broken(error: Exception) -> BadWorkbook:
    return BadWorkbook(
        "FILE_BROKEN", f"The file is no Excel workbook that can be read ({type(error).__name__})."
    )


def _check_size(archive: zipfile.ZipFile) -> None:
    """By what the archive says of its parts: no more of them is unpacked than that."""
    parts = archive.infolist()
    size = sum(part.file_size for part in parts)
    if size > MAX_UNPACKED or len(parts) > MAX_PARTS:
        message = f"The workbook unpacks to {size:,} bytes; at most {MAX_UNPACKED:,} are read."
        raise BadWorkbook("FILE_TOO_LARGE", message)


def _header(sheet: Any) -> tuple[int, list[str]]:
    """The line of columns: the first with more than one cell, after a title if there is one."""
    lines = sheet.iter_rows(max_row=TITLE_LINES, max_col=MAX_COLUMNS, values_only=True)
    for number, cells in enumerate(lines, 1):
        texts = [_text(cell).strip() for cell in cells]
        if sum(map(bool, texts)) > 1:
            width = max(place for place, text in enumerate(texts, 1) if text)
            return number, [
                text or f"column_{place}" for place, text in enumerate(texts[:width], 1)
            ]
    raise BadWorkbook("FILE_EMPTY", f"The first {TITLE_LINES} lines do not name any columns.")


def _rows(sheet: Any, header: int, width: int) -> Iterator[tuple[int, list[str]]]:
    lines = sheet.iter_rows(min_row=header + 1, max_col=width, values_only=True)
    try:
        for number, cells in enumerate(lines, header + 1):
            texts = [_text(cell) for cell in cells]
            if any(map(str.strip, texts)):
                yield number, texts
    except Exception as error:  # the rest of the archive is broken
        raise _broken(error) from None


def _text(value: object) -> str:
    """A cell as a text: a date as ISO 8601 writes it, a number without a point if it is whole."""
    if isinstance(value, datetime):
        is_day = value.time() == time()
        return value.date().isoformat() if is_day else value.isoformat(timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool):
        return str(value).upper()
    return "" if value is None else str(value)


def _check_cells(sheet: Any, header: int) -> None:
    """Refuse merged cells, of which all but the first are empty, and formulas that nobody has
    calculated. Titles above the columns may be merged."""
    kept = b""
    with opened_part(sheet) as part:
        while chunk := part.read(_CHUNK):
            seen = kept + chunk
            for first, top, last, bottom in _MERGED.findall(seen):
                if int(bottom) >= header:
                    where = f"{first.decode()}{top.decode()}:{last.decode()}{bottom.decode()}"
                    message = f"The cells {where} are merged: split them, and fill each of them."
                    raise BadWorkbook("CELLS_MERGED", message)
            for attributes in _NO_VALUE.findall(seen):
                if b't="str"' not in attributes:
                    found = _CELL.search(attributes)
                    where = found[1].decode() if found else "a cell"
                    message = (
                        f"The formula in {where} has no value yet: open the file in Excel and save"
                        " it again."
                    )
                    raise BadWorkbook("FORMULA_WITHOUT_VALUE", message)
            kept = seen[-_OVERLAP:]
