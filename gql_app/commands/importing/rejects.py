"""The rejects file: the records that did not come in, as they stood, and what is wrong there."""

import csv
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from gql_app.work.imports.form import OF_REJECTS, Form
from gql_app.work.imports.reading import Source
from gql_app.work.imports.records import Record, Trouble


class Rejects:
    """Written beside `path` and put in its place at the end, so that a run that is cut off leaves
    an older one as it is, and of two runs at once neither writes into the other's. Without rejects
    there is no file. Only its owner may read it. It is written as its file is."""

    def __init__(self, path: Path, source: Source) -> None:
        self._path = path
        self._source = source
        self._file: TextIO | None = None
        self._write: Callable[[dict[str, object]], object]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        self._file.close()
        if kind is None:
            self._unfinished.replace(self._path)
        else:
            self._unfinished.unlink()

    def add(self, record: Record, trouble: Trouble) -> None:
        if self._file is None:
            self._open()
        said = (record.line, *trouble, record.cells.get("reject_text", ""))
        self._write(record.cells | dict(zip(OF_REJECTS, said, strict=True)))

    def _open(self) -> None:
        opened, name = tempfile.mkstemp(".unfinished", f"{self._path.name}.", self._path.parent)
        self._unfinished = Path(name)
        # Bytes that are not UTF-8 go out as they came in.
        encoding = "utf-8-sig" if self._source.has_mark else "utf-8"
        self._file = os.fdopen(opened, "w", encoding=encoding, errors="surrogateescape", newline="")
        if self._source.form is None:
            self._write = self._write_json
        else:
            self._write = self._begin_csv(self._source.form, self._file)

    def _begin_csv(self, form: Form, file: TextIO) -> Callable[[dict[str, object]], object]:
        own = {
            column: name
            for column, name in zip(form.columns, form.names, strict=True)
            if column not in OF_REJECTS
        }
        if form.has_separator_line:
            file.write(f"sep={form.separator}{form.line_end}")
        writer = csv.DictWriter(
            file,
            [*own, *OF_REJECTS],
            delimiter=form.separator,
            quoting=csv.QUOTE_ALL if form.quotes_all else csv.QUOTE_MINIMAL,
            lineterminator=form.line_end,
        )
        writer.writerow(own | {name: name for name in OF_REJECTS})
        return writer.writerow

    def _write_json(self, cells: dict[str, object]) -> None:
        assert self._file is not None
        text = json.dumps(cells, ensure_ascii=False)
        try:
            text.encode(errors="surrogateescape")
        except UnicodeEncodeError:  # half a character, which the file had as an escape
            text = json.dumps(cells)
        self._file.write(text + "\n")
