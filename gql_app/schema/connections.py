"""Relay connections over the pages of the read side, and the arguments that ask for a page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, NamedTuple, TypeVar

import strawberry

from gql_app.execution.cost import Pages
from gql_app.work.reads import cursors
from gql_app.work.reads.conditions import MAX_PAGE, Page
from gql_app.work.reads.keys import KeyRow
from gql_app.work.reads.staff import Member
from models.appointment import AppointmentRow
from models.contact import ContactRow
from models.people import PatientRow
from models.task import TaskRow

Row = TypeVar("Row", bound=NamedTuple)

PAGES = Pages(
    size="first",
    info="pageInfo",
    largest=MAX_PAGE,
    usual=50,
    scalars={"Date": 12, "DateTime": 34},
)

PageSize = Annotated[int, strawberry.argument(description="How many at most, from 0 to 500.")]
After = Annotated[
    str | None, strawberry.argument(description="A cursor: the list goes on after it.")
]


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Edge(Generic[Row]):
    node: Row
    cursor_of: Callable[[Row], str]

    @property
    def cursor(self) -> str:
        return self.cursor_of(self.node)


@dataclass(frozen=True, slots=True)
class Connection(Generic[Row]):
    """A page with a cursor for each row. It is its own `pageInfo`."""

    page: Page[Row]
    cursor_of: Callable[[Row], str]

    @property
    def edges(self) -> list[Edge[Row]]:
        return [Edge(row, self.cursor_of) for row in self.page.rows]

    @property
    def nodes(self) -> list[Row]:
        return self.page.rows

    @property
    def page_info(self) -> "Connection[Row]":
        return self

    @property
    def has_next_page(self) -> bool:
        return self.page.has_next

    @property
    def has_previous_page(self) -> bool:
        return self.page.has_previous

    @property
    def start_cursor(self) -> str | None:
        return self.cursor_of(self.page.rows[0]) if self.page.rows else None

    @property
    def end_cursor(self) -> str | None:
        return self.cursor_of(self.page.rows[-1]) if self.page.rows else None


def id_cursor(row: TaskRow | ContactRow | PatientRow | AppointmentRow | Member | KeyRow) -> str:
    return cursors.id_cursor(row.practice_id, row.id)
