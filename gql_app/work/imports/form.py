"""How a CSV file is written: what separates its cells, what its columns are called, and whether
some of its lines look like rows of their own."""

import csv
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gql_app.work.imports.headers import FIELDS, is_known, plain

OF_REJECTS = ("reject_line", "reject_column", "reject_code", "reject_reason", "reject_text")
"""What a rejects file has beside the columns of its file; not read when it is imported again. The
text is that of a record that cannot be told apart into cells."""

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
"""The first is the usual one. The second is Excel's wherever a comma stands in decimal numbers."""

_OF_REJECTS = {plain(name): name for name in OF_REJECTS}

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

    def matched(self, columns: Mapping[str, str]) -> "Form":
        """The form once its columns are known by their fields."""
        meant = {name: field for field, name in columns.items()}
        return self._replace(columns=[meant.get(name) or _other(name) for name in self.names])

    @property
    def unused(self) -> list[str]:
        """The columns that mean nothing here."""
        return [
            name
            for name, column in zip(self.names, self.columns, strict=True)
            if column not in FIELDS and column not in OF_REJECTS
        ]

    def is_like_a_row(self, line: str) -> bool:
        """Whether a line by itself has as many cells as a row. Text with as many commas does not
        count: spaces follow them, and there is no telephone number in its place."""
        pieces = line.rstrip("\r\n").split(self.separator)
        cells = _cells(line, self.separator)
        if len(self.columns) not in (len(pieces), len(cells)):
            return False
        is_text = all(piece.startswith(" ") for piece in pieces[1:])
        if "phone" not in self.columns:
            return not is_text
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
    """The form of a file by its line of columns, which are not matched yet. Without a `separator`
    it is the one by which the most columns are known."""
    forms = [
        _form(line, candidate, has_separator_line=separator is not None)
        for candidate in (SEPARATORS if separator is None else [separator])
    ]
    return max(forms, key=lambda form: sum(map(is_known, set(form.names))))


def _other(name: str) -> str:
    """What a column is called that is matched with no field."""
    column = _OF_REJECTS.get(plain(name), name)
    return f"{column} (not used)" if column in FIELDS else column


def _form(line: str, separator: str, *, has_separator_line: bool) -> Form:
    cells = [cell.strip().strip("\ufeff\u200b") for cell in _cells(line, separator)]
    names = [cell or f"column_{place}" for place, cell in enumerate(cells, 1)]
    pieces = line.strip("\r\n\ufeff ").split(separator)
    return Form(
        separator,
        names,
        names,
        has_separator_line,
        all(piece.startswith('"') and piece.endswith('"') for piece in pieces),
        line[len(line.rstrip("\r\n")) :] or "\n",
    )


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []
