"""Opens the files that are imported, and refuses those that cannot be."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from gql_app.work.imports.records import CannotImport, FileCode, not_utf_8
from gql_app.work.imports.sent import MAX_SENT, too_large


@contextmanager
def opened_text(path: Path) -> Iterator[tuple[TextIO, bool]]:
    """The file as text, and whether it has a byte order mark. Bytes that are not UTF-8 are kept as
    they are, for the row to say so. Raises `CannotImport`."""
    try:
        with path.open("rb") as raw:
            start = raw.readline(4096)
        file = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise CannotImport(FileCode.FILE_NOT_READABLE, f"{path}: {error.strerror}.") from None
    with file:
        if what := not_utf_8(start):
            message = f"The file is {what}, not UTF-8: in Excel, save it as “CSV UTF-8”."
            raise CannotImport(FileCode.FILE_ENCODING, message)
        yield file, start.startswith(codecs.BOM_UTF8)


@contextmanager
def opened_workbook(path: Path) -> Iterator[tuple[BinaryIO, bool]]:
    """The file as bytes; its rejects have a mark. One that is too large is not read. Raises
    `CannotImport`."""
    try:
        if path.stat().st_size > MAX_SENT:
            raise too_large()
        file = path.open("rb")
    except OSError as error:
        raise CannotImport(FileCode.FILE_NOT_READABLE, f"{path}: {error.strerror}.") from None
    with file:
        yield file, True
