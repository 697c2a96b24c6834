"""Imports of files: what would come of one, start, mend, undo, and how far it is."""

import asyncio
import json
from typing import Annotated, NamedTuple

import strawberry

from gql_app.execution.cost import MOST_ROWS, REPORT
from gql_app.schema.connections import After, Connection, PageInfo, PageSize
from gql_app.schema.context import Context, Info
from gql_app.schema.enums import ImportField, ImportResult
from gql_app.schema.ids import read_id_of
from gql_app.schema.import_types import (
    CellRow,
    ColumnRow,
    ImportCell,
    ImportColumn,
    ImportJob,
    ImportReject,
    RejectRow,
    cell_error,
    columns_of,
    reject_of,
)
from gql_app.schema.items import Item, Items
from gql_app.schema.payloads import ErrorRow, UserError, error_row
from gql_app.schema.texts import checked_text
from gql_app.work.imports.jobs import (
    NOT_THERE,
    ImportOrder,
    JobResult,
    mend_row,
    start_import,
)
from gql_app.work.imports.preview import Preview, preview_import
from gql_app.work.imports.rows import MAX_SOURCE
from gql_app.work.imports.undo import undo_import
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.cursors import id_cursor
from gql_app.work.reads.imports import find_import, imports_page
from models.importing import ImportJobRow, ImportState
from models.text import trimmed

LOOK_SECONDS = 0.3
"""How often a stream of progress looks at its import."""

ImportId = Annotated[
    strawberry.ID, strawberry.argument(description="The id that sending the file gave.")
]


@strawberry.type
class ImportJobEdge:
    node: ImportJob
    cursor: str


@strawberry.type(description="A page of the imports.")
class ImportJobConnection:
    edges: list[ImportJobEdge]
    nodes: list[ImportJob]
    page_info: PageInfo


@strawberry.input(description="Which column is matched with which field.")
class ImportMatch:
    field: ImportField
    column: str = strawberry.field(description="What it is called in the file.")


@strawberry.input(description="Where a file's rows are to go, and what its columns mean.")
class ImportOrderInput:
    import_id: strawberry.ID = strawberry.field(description="The id that sending the file gave.")
    queue_id: strawberry.ID = strawberry.field(description="The queue that its tasks come into.")
    source: str = strawberry.field(
        description="Whose ids are in it: a task comes in once for each source and external id."
    )
    matching: list[ImportMatch] | None = strawberry.field(
        default=None,
        description="Without it, columns are matched as in the last import of the source, and the"
        " others by their names.",
    )


@strawberry.input(description="A cell that is put in place of another.")
class ImportCellInput:
    column: str = strawberry.field(description="What its column is called in the file.")
    value: str


@strawberry.input(description="A row that was rejected, mended.")
class MendImportRowInput:
    import_id: strawberry.ID
    line: int = strawberry.field(description="The row's number in the file.")
    cells: list[ImportCellInput] = strawberry.field(description="The cells that are to change.")


@strawberry.type(
    description="What would come of a file, by its first 2,000 rows. Nothing is changed."
)
class ImportPreview:
    columns: list[ImportColumn] = strawberry.field(metadata={MOST_ROWS: 30})
    samples: list["ImportSample"] = strawberry.field(
        description="The first rows.", metadata={MOST_ROWS: 5}
    )
    total: int = strawberry.field(description="Rows in the file.")
    looked_at: int = strawberry.field(description="Rows that the other numbers are about.")
    created: int
    updated: int
    unchanged: int
    already_open: int
    suppressed: int
    booked: int
    rejected: int
    rejects: list[ImportReject] = strawberry.field(
        description="The first rows that would not come in.", metadata={MOST_ROWS: 10}
    )
    errors: list[UserError] = strawberry.field(description="Why it cannot be started so.")


@strawberry.type(description="A row of a file.")
class ImportSample:
    line: int
    cells: list[ImportCell] = strawberry.field(metadata={MOST_ROWS: 30})


class SampleRow(NamedTuple):
    line: int
    cells: list[CellRow]


class PreviewRow(NamedTuple):
    """The source of an `ImportPreview`."""

    columns: list[ColumnRow]
    samples: list[SampleRow]
    total: int
    looked_at: int
    created: int
    updated: int
    unchanged: int
    already_open: int
    suppressed: int
    booked: int
    rejected: int
    rejects: list[RejectRow]
    errors: list[ErrorRow]


@strawberry.type
class ImportJobPayload:
    job: ImportJob | None = strawberry.field(description="The import as it is now.")
    errors: list[UserError]


@strawberry.type
class MendImportRowPayload:
    job: ImportJob | None = strawberry.field(description="The import as it is now.")
    result: ImportResult | None = strawberry.field(description="What came of the row.")
    errors: list[UserError] = strawberry.field(
        description="What is still wrong. The row is kept as it was mended."
    )


class JobPayload(NamedTuple):
    """The source of both payloads."""

    job: ImportJobRow | None
    errors: list[ErrorRow]
    result: ImportResult | None = None


def _payload(context: Context, result: JobResult) -> JobPayload:
    if result.refusals:
        context.note_refusal(result.refusals[0].code)
    return JobPayload(result.job, [error_row(refusal, "input") for refusal in result.refusals])


def _order(input: ImportOrderInput) -> ImportOrder:
    source = checked_text(trimmed(input.source), "source", MAX_SOURCE)
    queue_id = read_id_of("Queue", input.queue_id)
    if input.matching is None:
        return ImportOrder(queue_id, source, None)
    chosen = {str(match.field): match.column for match in input.matching}
    if len(chosen) < len(input.matching):
        raise BadInput("Two columns are matched with one field.")
    return ImportOrder(queue_id, source, chosen)


@strawberry.type
class Queries:
    @strawberry.field(
        graphql_type=ImportJobConnection,
        description="For supervisors and admins: the imports, the latest first.",
    )
    async def import_jobs(
        self, info: Info, first: PageSize = 50, after: After = None
    ) -> Connection[ImportJobRow]:
        page = await imports_page(info.context.viewer, first, after)
        return Connection(page, lambda row: id_cursor(row.practice_id, row.id))

    @strawberry.field(
        graphql_type=ImportJob | None, description="For supervisors and admins: an import."
    )
    async def import_job(self, info: Info, id: ImportId) -> ImportJobRow | None:
        return await find_import(info.context.viewer, read_id_of("ImportJob", id))

    @strawberry.field(
        graphql_type=ImportPreview | None,
        description="What would come of a file that was sent. Null if there is no such file here.",
        metadata={REPORT: True},
    )
    async def import_preview(self, info: Info, input: ImportOrderInput) -> PreviewRow | None:
        context = info.context
        job = await find_import(context.viewer, read_id_of("ImportJob", input.import_id))
        if job is None or job.state is not ImportState.UPLOADED:
            return None
        context.note_read(None)
        return _shown(
            job, await preview_import(context.changes, context.viewer, job, _order(input))
        )


def _shown(job: ImportJobRow, preview: Preview) -> PreviewRow:
    names, results = json.loads(job.names), preview.results
    samples = [
        SampleRow(kept.line, [CellRow(*c) for c in zip(names, json.loads(kept.cells), strict=True)])
        for kept in preview.samples
    ]
    rejects = [
        reject_of(job, kept)._replace(errors=[cell_error(r, preview.columns) for r in refusals])
        for kept, refusals in preview.rejects
    ]
    return PreviewRow(
        columns=columns_of(job, preview.columns, preview.guessed),
        samples=samples,
        total=job.total,
        looked_at=preview.looked_at,
        created=results[ImportResult.CREATED],
        updated=results[ImportResult.UPDATED],
        unchanged=results[ImportResult.UNCHANGED],
        already_open=results[ImportResult.ALREADY_OPEN],
        suppressed=results[ImportResult.SUPPRESSED],
        booked=results[ImportResult.BOOKED],
        rejected=results[ImportResult.REJECTED],
        rejects=rejects,
        errors=[error_row(refusal, "input") for refusal in preview.refusals],
    )


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=ImportJobPayload,
        description="Start the import of a file that was sent. It goes on in the server, over a"
        " restart too; `importProgress` tells how far it is.",
    )
    async def start_import(self, info: Info, input: ImportOrderInput) -> JobPayload:
        job_id = read_id_of("ImportJob", input.import_id)
        result = await info.context.make(start_import, job_id, _order(input))
        info.context.services.wake_imports()
        return _payload(info.context, result)

    @strawberry.mutation(
        graphql_type=MendImportRowPayload,
        description="Change cells of a row that was rejected, and send it again.",
    )
    async def mend_import_row(self, info: Info, input: MendImportRowInput) -> JobPayload:
        job_id = read_id_of("ImportJob", input.import_id)
        cells = {cell.column: cell.value for cell in input.cells}
        result, row = await info.context.make(mend_row, job_id, input.line, cells)
        payload = _payload(info.context, result)
        if row is None or result.job is None:
            return payload
        columns = json.loads(result.job.matching)
        errors = [cell_error(refusal, columns) for refusal in row.refusals]
        return payload._replace(result=row.result, errors=errors)

    @strawberry.mutation(
        graphql_type=ImportJobPayload,
        description="Undo an import, for a day after it began; one that runs stops. Its tasks are"
        " withdrawn, but for those that somebody has touched since (`leftAlone`), and patients who"
        " came with them and have nothing else are not found any more. A file can be sent again.",
    )
    async def undo_import(self, info: Info, import_id: ImportId) -> JobPayload:
        result = await info.context.make(undo_import, read_id_of("ImportJob", import_id))
        info.context.services.wake_imports()
        return _payload(info.context, result)


async def follow_import(context: Context, job_id: int) -> Items[ImportJobRow]:
    """An import each time that it has changed, until it is over. Raises `BadInput`."""
    seen = None
    while True:
        job = await find_import(context.viewer, job_id)
        if job is None:
            raise BadInput(NOT_THERE.message)
        if job != seen:
            seen = job
            yield Item(job, None)
        if job.state not in {ImportState.RUNNING, ImportState.UNDOING}:
            return
        await asyncio.sleep(LOOK_SECONDS)
