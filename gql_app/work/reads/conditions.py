"""What all reads share: a page, and conditions that collect their parameters."""

from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from gql_app.access import Scope
from models.database import among, unplanned

MAX_PAGE = 500

Row = TypeVar("Row", bound=NamedTuple)


class BadInput(Exception):
    """What the client sent cannot be used; the message says what and why."""


def is_storable(text: str) -> bool:
    """PostgreSQL cannot keep the character U+0000, and neither database a lone surrogate."""
    if "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def storable(text: str | None) -> str | None:
    """The text, if it can be kept. Raises `BadInput`."""
    if text is not None and not is_storable(text):
        raise BadInput("The text has a character that cannot be kept (U+0000 or a lone surrogate).")
    return text


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page of rows. `has_previous` is true after a cursor."""

    rows: list[Row]
    has_next: bool
    has_previous: bool


def page_of(rows: list[Row], first: int, after: object) -> Page[Row]:
    """The page in `rows`, of which one more than `first` was asked for."""
    return Page(rows[:first], has_next=len(rows) > first, has_previous=after is not None)


def row_limit(first: int) -> int:
    """How many rows to read for a page of `first`: one more, which says whether there is a next
    page. Raises `BadInput` for a size that no page may have.

    It is written into the statement, not bound: PostgreSQL takes an unknown limit for a tenth of
    the table, and would plan the statement afresh each time to avoid that.
    """
    if not 0 <= first <= MAX_PAGE:
        raise BadInput(f"first is a number from 0 to {MAX_PAGE}, not {first}.")
    return first + 1


@dataclass(slots=True)
class Conditions:
    """The WHERE clause of a query on one practice, with its parameters.

    Made from a scope, so that no query can forget the practice or the key's queues.
    """

    parts: list[str]
    values: list[object] = field(default_factory=list)

    @classmethod
    def of(cls, scope: Scope, table: str, queue_column: str | None = None) -> "Conditions":
        conditions = cls([f"{table}.practice_id = {unplanned(1)}"], [scope.practice_id])
        if queue_column is not None and scope.queue_ids is not None:
            conditions.among(queue_column, scope.queue_ids)
        return conditions

    def among(self, column: str, ids: frozenset[int] | list[int]) -> None:
        """Let only rows through whose `column` is one of `ids`; none at all if `ids` is empty."""
        if len(ids) == 1:  # behind what is equal an index goes on in its order
            self.parts.append(f"{column} = {unplanned(self.value(*ids))}")
        else:
            self.parts.append(among(column, self.value(list(ids))))

    def add(self, condition: str) -> None:
        """Add a condition in SQL. All must hold. Bind its values with `value`."""
        self.parts.append(condition)

    def value(self, value: object) -> int:
        """Bind a value; returns the number of its parameter."""
        self.values.append(value)
        return len(self.values)

    def __str__(self) -> str:
        return " AND ".join(self.parts)
