"""The rejects file: the records that did not come in, as they stood, and what is wrong there."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from gql_app.importing.reading import OF_REJECTS, Record, Source, Trouble


class Rejects:
    """Written beside `path` and put in its place at the end, so that a run that is cut off leaves
    an older one as it is. Without rejects there is no file. Only its owner may read it."""

    def __init__(self, path: Path, source: Source) -> None:
        self._path = path
        self._unfinished = path.with_name(f"{path.name}.unfinished")
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
        self._unfinished.unlink(missing_ok=True)
        self._unfinished.touch(mode=0o600)
        # Bytes that are not UTF-8 go out as they came in.
        self._file = self._unfinished.open(
            "w", encoding="utf-8", errors="surrogateescape", newline=""
        )
        if self._source.is_csv:
            own = [name for name in self._source.columns if name not in OF_REJECTS]
            writer = csv.DictWriter(self._file, [*own, *OF_REJECTS], lineterminator="\n")
            writer.writeheader()
            self._write = writer.writerow
        else:
            self._write = self._write_json

    def _write_json(self, cells: dict[str, object]) -> None:
        assert self._file is not None
        text = json.dumps(cells, ensure_ascii=False)
        try:
            text.encode(errors="surrogateescape")
        except UnicodeEncodeError:  # half a character, which the file had as an escape
            text = json.dumps(cells)
        self._file.write(text + "\n")
