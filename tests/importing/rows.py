"""Rows of tasks to be imported, as texts."""

from gql_app.work.import_rows import ImportRow


def row(external_id: str = "t1", **given: str) -> ImportRow:
    """A row that is in order, but for what is given."""
    texts = {
        "external_id": external_id,
        "patient_external_id": "",
        "name": "Fern Testwell",
        "phone": "(217) 555-0123",
        "reason": "Cleaning overdue",
        "origin": "",
        "follow_up": "",
        "expires_at": "",
    }
    return ImportRow(**texts | given)


def csv_file(*rows: ImportRow) -> str:
    return "\n".join([",".join(ImportRow._fields), *(",".join(map(str, r)) for r in rows), ""])
