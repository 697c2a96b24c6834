"""Imports: `importTasks`, with a result a row."""

from dataclasses import dataclass
from typing import NamedTuple

import strawberry

from gql_app.execution.cost import MOST_ROWS
from gql_app.schema.context import Info
from gql_app.schema.enums import ImportResult, PhoneKind, TaskOrigin
from gql_app.schema.ids import read_id_of
from gql_app.schema.links import linked
from gql_app.schema.payloads import ErrorRow, UserError, error_row
from gql_app.schema.tasks import Task
from gql_app.schema.texts import checked_text
from gql_app.work.imports.batch import RowResult
from gql_app.work.imports.rows import MAX_SOURCE, ImportRow
from gql_app.work.imports.run import Import
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.targets import find_target
from gql_app.work.results import missing
from models.text import trimmed

MAX_ROWS = 1_000


@strawberry.input(
    description="A task and its patient. Dates are strings, so that an invalid date rejects only"
    " its row."
)
class ImportTaskRow:
    external_id: str = strawberry.field(description="The task's id at the source.")
    patient_external_id: str | None = strawberry.field(
        default=None, description="The patient's id there; without it, externalId stands for both."
    )
    name: str = strawberry.field(description="Whom to call.")
    phone: str = strawberry.field(
        description="A number in the practice's country, or with + and its country's code."
    )
    reason: str = strawberry.field(description="Why to call, at most 500 characters.")
    origin: TaskOrigin = TaskOrigin.AUTOMATIC
    follow_up: str | None = strawberry.field(
        default=None,
        description="When to call first, such as 2026-12-24; a day that has passed is overdue."
        " Outside the US 24.12.2026 is read too.",
    )
    expires_at: str | None = strawberry.field(
        default=None,
        description="When an AUTOMATIC task closes by itself, such as 2026-12-24T17:00:00Z; without"
        " it, the queue's default life.",
    )
    priority: str | None = strawberry.field(
        default=None,
        description="How urgent the task is, if it is new: HIGH, NORMAL (as without it) or LOW."
        " Read too, in any case: hoch, mittel, medium, niedrig; 1, 2, 3; A, B, C.",
    )
    guarantor_external_id: str | None = strawberry.field(
        default=None,
        description="The id there of who answers for the patient, such as a parent; the patient's"
        " own if nobody else does. The guarantor may come in later. Without it, nothing is said.",
    )
    other_phone: str | None = strawberry.field(
        default=None,
        description="Another number of the patient. It is added to those that are there; one that"
        " cannot be called is passed over.",
    )
    phone_kind: PhoneKind | None = strawberry.field(
        default=None, description="What kind of number `phone` is."
    )
    other_phone_kind: PhoneKind | None = strawberry.field(
        default=None, description="What kind of number `otherPhone` is."
    )
    language: str | None = strawberry.field(
        default=None, description="A tag such as es, or a common language's name."
    )
    caller_note: str | None = strawberry.field(
        default=None, description="What the caller is to know, at most 500 characters."
    )


@strawberry.input(description="Tasks that come in from elsewhere.")
class ImportTasksInput:
    queue_id: strawberry.ID
    source: str = strawberry.field(
        description="Whose ids these are: a task comes in once for each source and externalId."
    )
    rows: list[ImportTaskRow] = strawberry.field(description="At most 1,000.")


@strawberry.type(description="What came of a row.")
class ImportTaskResult:
    index: int = strawberry.field(description="Which row, from 0.")
    external_id: str
    result: ImportResult
    errors: list[UserError] = strawberry.field(metadata={MOST_ROWS: 1})
    notes: list[UserError] = strawberry.field(
        description="What was left out of a row that came in: a guarantor who is not there yet, or"
        " cannot answer for the patient.",
        metadata={MOST_ROWS: 1},
    )
    task = linked("task", "task_id", Task | None, "The task, or the one that the patient has open.")


@strawberry.type
class ImportTasksPayload:
    results: list[ImportTaskResult] = strawberry.field(
        description="One a row, in their order.", metadata={MOST_ROWS: MAX_ROWS}
    )
    errors: list[UserError] = strawberry.field(description="What keeps all rows out.")


@dataclass(frozen=True, slots=True)
class ResultRow:
    """The source of an `ImportTaskResult`."""

    index: int
    external_id: str
    result: ImportResult
    task_id: int | None
    errors: list[ErrorRow]
    notes: list[ErrorRow]


class ImportPayload(NamedTuple):
    """The source of an `ImportTasksPayload`."""

    results: list[ResultRow]
    errors: list[ErrorRow]


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=ImportTasksPayload,
        description="Bring up to 1,000 tasks into a queue, with their patients: a result for each"
        " row. If it is sent again, nothing is created twice.",
    )
    async def import_tasks(self, info: Info, input: ImportTasksInput) -> ImportPayload:
        viewer = info.context.viewer
        viewer.require(viewer.may_import, "import tasks")
        if len(input.rows) > MAX_ROWS:
            raise BadInput(f"A call brings in at most {MAX_ROWS:,} rows, not {len(input.rows):,}.")
        source = checked_text(trimmed(input.source), "source", MAX_SOURCE)
        target = await find_target(viewer, read_id_of("Queue", input.queue_id))
        if target is None:
            return ImportPayload([], [error_row(missing("queue", "queueId"), "input")])
        run = Import(info.context.changes, viewer, target, source)
        results = await run.take([ImportRow(**vars(row)) for row in input.rows])
        shown = (
            _result_row(index, row, result)
            for index, (row, result) in enumerate(zip(input.rows, results, strict=True))
        )
        return ImportPayload(list(shown), [])


def _result_row(index: int, row: ImportTaskRow, result: RowResult) -> ResultRow:
    where = ("input", "rows", str(index))
    errors = [error_row(refusal, *where) for refusal in result.refusals]
    notes = [error_row(note, *where) for note in result.notes]
    return ResultRow(index, row.external_id, result.result, result.task_id, errors, notes)
