"""Which columns the fields of a type read from their row: a list leaves the others out.

A field without a resolver reads the column of its name, if it has one. All others say in their
metadata what they read.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from strawberry.types import get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

READS = "reads"
"""The key, in a field's metadata, of the columns that it reads."""


def reads(*columns: str) -> dict[str, Any]:
    """The metadata of a field that reads these columns."""
    return {READS: columns}


class Columns:
    """The columns of several types' rows, by the names of the fields that read them."""

    def __init__(self, rows: Iterable[tuple[Any, type[NamedTuple]]]) -> None:
        self._by_name: dict[str, set[str]] = {}
        for shown, row in rows:
            for field in get_object_definition(shown, strict=True).fields:
                name = field.graphql_name or to_camel_case(field.python_name)
                self._by_name.setdefault(name, set()).update(_columns(field, row))

    def read_by(self, names: frozenset[str]) -> frozenset[str]:
        """All columns that fields of these names read, in all types."""
        return frozenset(column for name in names for column in self._by_name.get(name, ()))


def _columns(field: StrawberryField, row: type[NamedTuple]) -> tuple[str, ...]:
    columns: tuple[str, ...] | None = field.metadata.get(READS)
    if columns is None and field.base_resolver is None and field.python_name in row._fields:
        return (field.python_name,)
    if columns is None or not set(columns) <= set(row._fields):
        raise TypeError(
            f"{field.python_name} does not say which columns of {row.__name__} it reads."
        )
    return columns
