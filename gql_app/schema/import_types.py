"""An import as clients see it: how far it is, its columns, and the rows that it rejected."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import strawberry

from gql_app.execution.cost import MOST_ROWS
from gql_app.schema.connections import After, Connection, PageInfo, PageSize
from gql_app.schema.context import Info, SharedInfo
from gql_app.schema.enums import ImportField, ImportState
from gql_app.schema.ids import id_of
from gql_app.schema.links import linked
from gql_app.schema.payloads import ErrorRow, UserError
from gql_app.schema.queues import Queue
from gql_app.schema.staff import Staff
from gql_app.work.imports.undo import UNDO_FOR
from gql_app.work.reads.conditions import Page
from gql_app.work.reads.cursors import id_cursor
from gql_app.work.reads.imports import KeptRow, rejects_page
from models.importing import ImportJobRow
from models.refusals import Refusal, RefusalCode

_IMPORT = id_of("ImportJob")


class ColumnRow(NamedTuple):
    name: str
    field: ImportField | None
    guessed: bool = False


class CellRow(NamedTuple):
    column: str
    value: str


class RejectRow(NamedTuple):
    """The source of an `ImportReject`."""

    practice_id: int
    line: int
    cells: list[CellRow]
    errors: list[ErrorRow]


@strawberry.type(description="A column of a file.")
class ImportColumn:
    name: str = strawberry.field(description="What it is called in the file.")
    field: ImportField | None = strawberry.field(
        description="What it is matched with; null if it is not used."
    )
    guessed: bool = strawberry.field(
        description="Whether that is a guess by its name: nobody has chosen it."
    )


@strawberry.type(description="A cell of a row.")
class ImportCell:
    column: str = strawberry.field(description="What its column is called in the file.")
    value: str


@strawberry.type(description="A row that did not come in.")
class ImportReject:
    line: int = strawberry.field(description="Its number in the file.")
    cells: list[ImportCell] = strawberry.field(metadata={MOST_ROWS: 30})
    errors: list[UserError] = strawberry.field(
        metadata={MOST_ROWS: 3},
        description="What is wrong. `field` ends with the column's name, if it is one.",
    )


@strawberry.type
class ImportRejectEdge:
    node: ImportReject
    cursor: str


@strawberry.type(description="A page of the rows that did not come in.")
class ImportRejectConnection:
    edges: list[ImportRejectEdge]
    nodes: list[ImportReject]
    page_info: PageInfo


@strawberry.type(
    description="An import: a file that was sent, or a run of `callboard import`. The numbers are"
    " those of its rows."
)
class ImportJob:
    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, ImportJobRow)

    @strawberry.field
    def id(parent: strawberry.Parent[ImportJobRow]) -> strawberry.ID:
        return _IMPORT(parent.id)

    state: ImportState
    file_name: str
    source: str | None = strawberry.field(description="Whose ids are in it. Null until it starts.")
    queue = linked("queue", "queue_id", Queue | None, "Where its tasks go. Null until it starts.")
    started_by = linked(
        "staff", "staff_id", Staff | None, "Who started it; until then, who sent the file."
    )
    total: int = strawberry.field(description="Rows in the file.")
    created: int = strawberry.field(description="Tasks were made of them.")
    updated: int = strawberry.field(description="The task was there; the patient is changed.")
    unchanged: int = strawberry.field(description="Task and patient were there as they are.")
    already_open: int = strawberry.field(description="The patient has an open task already.")
    suppressed: int = strawberry.field(
        description="The patient is not to be called, so no task was made."
    )
    booked: int = strawberry.field(
        description="The patient has an appointment that would close the task, so none was made."
    )
    rejected: int = strawberry.field(description="They did not come in.")

    @strawberry.field(
        description="How many patients of this source have a guarantor there who is not set: one"
        " who has not come in, or who cannot answer for them.",
    )
    async def missing_guarantors(parent: strawberry.Parent[ImportJobRow], info: SharedInfo) -> int:
        if parent.source is None:
            return 0
        found = await info.context.loaders.awaiting_guarantors.load(parent.source)
        return 0 if found is None else found.number

    taken_back: int = strawberry.field(description="Tasks that were withdrawn by undoing it.")
    left_alone: int = strawberry.field(
        description="Tasks that were not, because somebody has touched them since."
    )
    created_at: datetime = strawberry.field(description="When the file was sent.")
    started_at: datetime | None
    finished_at: datetime | None
    undone_at: datetime | None

    @strawberry.field(description="Until when it can be undone. Null if it has not been started.")
    def undo_until(parent: strawberry.Parent[ImportJobRow]) -> datetime | None:
        return None if parent.started_at is None else parent.started_at + UNDO_FOR

    @strawberry.field(
        graphql_type=list[ImportColumn],
        description="The columns of the file.",
        metadata={MOST_ROWS: 30},
    )
    def columns(parent: strawberry.Parent[ImportJobRow]) -> list[ColumnRow]:
        return columns_of(parent, json.loads(parent.matching))

    @strawberry.field(
        graphql_type=ImportRejectConnection,
        description="The rows that did not come in, as they stand in the file. They are kept for a"
        " day, until they are mended, or until the import is undone.",
    )
    async def rejects(
        parent: strawberry.Parent[ImportJobRow],
        info: Info,
        first: PageSize = 50,
        after: After = None,
    ) -> Connection[RejectRow]:
        page = await rejects_page(parent, first, after)
        if page.rows:  # they may be of anybody
            info.context.note_read(None)
        rows = [reject_of(parent, kept) for kept in page.rows]
        return Connection(Page(rows, page.has_next, page.has_previous), _cursor_of)


def _cursor_of(row: RejectRow) -> str:
    return id_cursor(row.practice_id, row.line)


def reject_of(job: ImportJobRow, kept: KeptRow) -> RejectRow:
    """A row that did not come in, as it is shown."""
    cells = zip(json.loads(job.names), json.loads(kept.cells), strict=True)
    refusals = [Refusal(RefusalCode(r[0]), *r[1:]) for r in json.loads(kept.refusals or "[]")]
    columns = json.loads(job.matching)
    errors = [cell_error(refusal, columns) for refusal in refusals]
    return RejectRow(kept.practice_id, kept.line, [CellRow(*cell) for cell in cells], errors)


def cell_error(refusal: Refusal, columns: Mapping[str, str]) -> ErrorRow:
    """A refusal of a row as a user error: its field is the column in the file."""
    field = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", refusal.field or "")
    column = columns.get(field) or (columns.get("last_name") if field == "name" else None)
    return ErrorRow(
        refusal.code, refusal.message, None if column is None else ["input", "cells", column]
    )


def columns_of(
    job: ImportJobRow, matching: Mapping[str, str], guessed: frozenset[str] = frozenset()
) -> list[ColumnRow]:
    """The columns of a file, with the fields that they are matched with."""
    fields = {name: field for field, name in matching.items()}
    return [
        ColumnRow(
            name,
            ImportField(fields[name]) if name in fields else None,
            fields.get(name) in guessed,
        )
        for name in json.loads(job.names)
    ]
