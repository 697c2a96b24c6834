"""Excel workbooks for tests, with what Excel writes and openpyxl does not: values of formulas."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook


def workbook(rows: Sequence[Any], *, merged: str = "", values: str = "") -> bytes:
    """A workbook with a sheet of rows. A text such as "=A2" is a formula, and all formulas have
    the value `values`, none if it is empty."""
    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    if merged:
        sheet.merge_cells(merged)
    written = io.BytesIO()
    book.save(written)
    if not values:
        return written.getvalue()
    return changed(written, b"<v />", f"<v>{values}</v>".encode())


def changed(written: io.BytesIO, old: bytes, new: bytes) -> bytes:
    """The workbook, with something else in its sheets."""
    written_again = io.BytesIO()
    with zipfile.ZipFile(written) as before, zipfile.ZipFile(written_again, "w") as after:
        for part in before.infolist():
            content = before.read(part)
            if part.filename.startswith("xl/worksheets/"):
                content = content.replace(b"<v></v>", b"<v />").replace(old, new)
            after.writestr(part.filename, content)
    return written_again.getvalue()


def bomb() -> bytes:
    """An archive of some kilobytes that unpacks to 101 MB."""
    written = io.BytesIO(workbook([["a", "b"]]))
    with zipfile.ZipFile(written, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(101_000_000))
    return written.getvalue()
