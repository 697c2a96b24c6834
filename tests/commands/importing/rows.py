"""Rows of tasks to be imported, as texts."""

from gql_app.work.imports.headers import ImportField
from gql_app.work.imports.rows import ImportRow


def row(external_id: str = "t1", **given: str) -> ImportRow:
    """A row that is in order, but for what is given."""
    texts = dict.fromkeys(ImportRow._fields, "") | {
        "external_id": external_id,
        "name": "Fern Testwell",
        "phone": "(217) 555-0123",
        "reason": "Cleaning overdue",
    }
    return ImportRow(**texts | given)


BAD_TEXTS: list[tuple[str, str, str]] = [
    ("external_id", " ", "EXTERNAL_ID_REQUIRED"),
    ("external_id", "x" * 201, "TEXT_TOO_LONG"),
    ("name", "", "NAME_REQUIRED"),
    ("name", "x" * 201, "TEXT_TOO_LONG"),
    ("name", "Jos\udce9", "TEXT_INVALID"),
    ("name", "a\0b", "TEXT_INVALID"),
    ("phone", "", "PHONE_INVALID"),
    ("phone", "call me", "PHONE_INVALID"),
    ("phone", "1-800-FLOWERS", "PHONE_INVALID"),
    ("phone", "12", "PHONE_INVALID"),
    ("reason", "", "REASON_REQUIRED"),
    ("reason", "x" * 501, "REASON_TOO_LONG"),
    ("origin", "ROBOT", "ORIGIN_INVALID"),
    ("priority", "urgent", "PRIORITY_INVALID"),
    ("priority", "4", "PRIORITY_INVALID"),
    ("follow_up", "03/04/2026", "DATE_INVALID"),
    ("follow_up", "4.3.2026", "DATE_INVALID"),
    ("follow_up", "20261224", "DATE_INVALID"),
    ("follow_up", "0226-12-24", "DATE_INVALID"),
    ("follow_up", "2026-02-30", "DATE_INVALID"),
    ("expires_at", "2026-12-24", "DATE_INVALID"),
    ("expires_at", "2026-12-24T17:00:00", "DATE_INVALID"),
    ("expires_at", "0001-01-01T00:00:00Z", "DATE_INVALID"),
]
"""What a column may not say, and the code that it is refused with."""


COLUMNS = [field.value for field in ImportField if field.value in ImportRow._fields]
"""Those of a row that a file has: of what kind numbers are is told by what a column is called."""


def csv_file(*rows: ImportRow) -> str:
    lines = [",".join(getattr(row, column) for column in COLUMNS) for row in rows]
    return "\n".join([",".join(COLUMNS), *lines, ""])
