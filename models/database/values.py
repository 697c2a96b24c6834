"""How values go to SQLite, and how a record of either database becomes a row."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, NoReturn, TypeVar, get_args, get_origin, get_type_hints

Row = TypeVar("Row", bound=NamedTuple)

_AS_IT_IS = frozenset((str, int, bool, NoneType))


def as_text(values: Sequence[object]) -> list[object]:
    """Return the values as SQLite keeps them. Dates are text, in the form in which Tortoise writes
    them; moments are in UTC, because SQLite compares them as text. A list is JSON."""
    return [
        value
        if type(value) in _AS_IT_IS  # nearly all, and an import writes very many
        else value.astimezone(UTC).isoformat(" ")
        if isinstance(value, datetime)
        else value.isoformat()
        if isinstance(value, date)
        else json.dumps(as_text(value))
        if isinstance(value, list)
        else value
        for value in values
    ]


class _Members(dict[object, Enum | None]):
    """The members of an enum by their values, and None for null."""

    def __init__(self, field: str, enum: type[Enum]) -> None:
        super().__init__({None: None} | {member.value: member for member in enum})
        self._field = field

    def __missing__(self, value: object) -> NoReturn:
        raise ValueError(f"{self._field} has a value that this version does not know")


_FROM_TEXT: dict[object, Callable[[Any], object]] = {
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    bool: bool,
}


@cache
def maker_of(row: type[Row], *, is_text: bool) -> Callable[[Sequence[Any]], Row]:
    """Return a function that makes a `row` of a record, which has the row's columns in order. Enums
    become members of their class; with `is_text`, SQLite's text and numbers become dates, moments
    and booleans.

    A page has many rows, so the function is generated. For a contact on PostgreSQL it is:

        def make(record):
            (id, practice_id, task_id, outcome, …,) = record
            return new(row, (id, practice_id, task_id, known_outcome[outcome], …,))
    """
    bound: dict[str, Any] = {}
    values = []
    for field, hint in get_type_hints(row).items():
        options = get_args(hint) if get_origin(hint) is UnionType else (hint,)
        value = field
        for option in options:
            if isinstance(option, type) and issubclass(option, Enum):
                bound[f"known_{field}"] = _Members(f"{row.__name__}.{field}", option)
                value = f"known_{field}[{field}]"
            elif is_text and option in _FROM_TEXT:
                bound[f"read_{field}"] = _FROM_TEXT[option]
                value = f"None if {field} is None else read_{field}({field})"
        values.append(value)
    if not bound:
        return row._make
    bound |= {"new": tuple.__new__, "row": row}
    source = f"""def make(record):
    ({", ".join(row._fields)},) = record
    return new(row, ({", ".join(values)},))"""
    exec(source, bound)  # noqa: S102 - it is made of the names of our own fields
    made: Callable[[Sequence[Any]], Row] = bound["make"]
    return made
