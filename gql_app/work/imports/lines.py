"""The lines of a file, and the records of CSV that they make."""

import csv
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

from gql_app.work.imports.form import Form
from gql_app.work.imports.records import MAX_LINE, MAX_LINES, Trouble, malformed, too_long


class Lines:
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
            return first, "", [], too_long()
        where = f"lines {first} to {first + len(taken) - 1}" if len(taken) > 1 else f"line {first}"
        self._back.extendleft(reversed(taken[1:]))
        self.number -= len(taken) - 1
        alone = next(csv.reader([taken[0].rstrip("\r\n")], delimiter=form.separator))
        message = f"This would be one row of {where}: {trouble}. Only line {first} was put aside."
        return first, taken[0], alone, malformed(message)
