"""Matches the columns of a file with fields, and says what is wrong with a choice of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gql_app.work.imports.headers import BadMatching, Matched, field_called, match, missing_fields
from gql_app.work.imports.records import CannotImport, FileCode


class Wanted(NamedTuple):
    """Which columns are to be matched with which fields: as somebody chose, and as it was done
    with an earlier file of the same source; or `exactly` as they chose, and no others."""

    chosen: Mapping[str, str] = {}
    remembered: Mapping[str, str] = {}
    exactly: bool = False


def read_choice(texts: Sequence[str]) -> dict[str, str]:
    """The columns by their fields in texts such as Phone=Telefon. Raises `CannotImport`."""
    chosen: dict[str, str] = {}
    for text in texts:
        name, equals, column = (part.strip() for part in text.partition("="))
        try:
            field = field_called(name)
        except BadMatching as error:
            raise CannotImport(FileCode.FIELD_UNKNOWN, str(error)) from None
        if not equals or not column:
            message = f"Say which column is {field}: {field}=COLUMN."
            raise CannotImport(FileCode.COLUMN_MISSING, message)
        if field in chosen:
            raise CannotImport(FileCode.COLUMN_TWICE, f"Two columns are chosen for {field}.")
        chosen[field] = column
    return chosen


def tried(names: Sequence[str], wanted: Wanted) -> Matched:
    """Match the columns of a file, whichever are missing. Raises `CannotImport`."""
    try:
        return match(names, wanted.chosen, wanted.remembered, exactly=wanted.exactly)
    except BadMatching as error:
        code = FileCode.COLUMN_TWICE if error.is_twice else FileCode.COLUMN_MISSING
        raise CannotImport(code, str(error)) from None


def match_columns(names: Sequence[str], wanted: Wanted) -> Matched:
    """Match the columns of a file. Raises `CannotImport`."""
    matched = tried(names, wanted)
    if missing := missing_fields(matched.columns):
        message = (
            f"{', '.join(missing)}: not among the columns in the first line"
            f" ({', '.join(names)[:200]}). Choose one for each."
        )
        raise CannotImport(FileCode.COLUMN_MISSING, message)
    return matched
