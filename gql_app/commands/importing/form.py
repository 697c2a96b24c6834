"""How a CSV file is written: what separates its cells, what its columns are called, and whether
some of its lines look like rows of their own."""

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

from gql_app.work.imports.rows import ImportRow

REQUIRED = ("external_id", "name", "phone", "reason")
COLUMNS = ImportRow._fields
OF_REJECTS = ("reject_line", "reject_column", "reject_code", "reject_reason", "reject_text")
"""What a rejects file has beside the columns of its file; not read when it is imported again. The
text is that of a record that cannot be told apart into cells."""

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
"""The first is the usual one. The second is Excel's wherever a comma stands in decimal numbers."""

_SPELLINGS = {re.sub("_", "", name): name for name in (*COLUMNS, *OF_REJECTS)}

_PHONE = re.compile(r"\s*[+(]?\s*\d[\d\s()./-]{4,}")


class Form(NamedTuple):
    """How the file is written. `names` are those of its columns as they stand in it, `columns` what
    they mean. A `sep=` line, a byte order mark and quotes around every cell are what Excel and
    others look for, so the rejects have them where the file does."""

    separator: str
    names: list[str]
    columns: list[str]
    has_separator_line: bool
    quotes_all: bool
    line_end: str

    @property
    def missing(self) -> list[str]:
        return [name for name in REQUIRED if name not in self.columns]

    @property
    def twice(self) -> list[str]:
        """The names of the first column that is there more than once, if there is any."""
        for column in self.columns:
            if self.columns.count(column) > 1:
                return [n for n, c in zip(self.names, self.columns, strict=True) if c == column]
        return []

    def is_like_a_row(self, line: str) -> bool:
        """Whether a line by itself has as many cells as a row. Text with as many commas does not
        count: spaces follow them, and there is no telephone number in its place."""
        pieces = line.rstrip("\r\n").split(self.separator)
        cells = _cells(line, self.separator)
        if len(self.columns) not in (len(pieces), len(cells)):
            return False
        is_text = all(piece.startswith(" ") for piece in pieces[1:])
        place = self.columns.index("phone")
        phones = [row[place] for row in (pieces, cells) if len(row) == len(self.columns)]
        return not is_text or any(map(_PHONE.match, phones))

    def has_swallowed(self, lines: Sequence[str]) -> bool:
        """Whether the lines of one record look like rows of their own: then its quote is a slip,
        closed by the next one in the file. A text with line breaks is as good as any other."""
        first, *between, last = lines
        return any(map(self.is_like_a_row, between)) or (
            self.is_like_a_row(first) and self.is_like_a_row(last)
        )


def separator_line(line: str) -> str | None:
    """The separator that a line such as "sep=;" names, which Excel reads and writes."""
    found = re.fullmatch(r'"?sep=(.)"?', line.strip("\r\n\ufeff "), re.IGNORECASE)
    return found[1] if found else None


def read_form(line: str, separator: str | None) -> Form:
    """The form of a file by its line of columns. Without a `separator` it is the one by which the
    most columns are known."""
    forms = [
        _form(line, candidate, has_separator_line=separator is not None)
        for candidate in (SEPARATORS if separator is None else [separator])
    ]
    return max(forms, key=lambda form: sum(column in COLUMNS for column in set(form.columns)))


def column_of(name: str) -> str:
    """The column that a name means, in whichever case and with whatever between its words; a name
    that means none of them as it is."""
    return _SPELLINGS.get(re.sub(r"[\W_]", "", name).casefold(), name)


def _form(line: str, separator: str, *, has_separator_line: bool) -> Form:
    cells = [cell.strip().strip("\ufeff\u200b") for cell in _cells(line, separator)]
    names = [cell or f"column_{place}" for place, cell in enumerate(cells, 1)]
    pieces = line.strip("\r\n\ufeff ").split(separator)
    return Form(
        separator,
        names,
        [column_of(name) for name in names],
        has_separator_line,
        all(piece.startswith('"') and piece.endswith('"') for piece in pieces),
        line[len(line.rstrip("\r\n")) :] or "\n",
    )


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []
