"""Imports of files that were sent in: started, and carried on in steps of one transaction each.

A step counts itself, so that it is taken once: by whichever server comes first, before or after a
restart. Rows that are in are removed, and those that were rejected wait to be mended.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.changes import Change
from gql_app.work.imports.batch import TWICE, RowResult, import_batch
from gql_app.work.imports.headers import kinds_of
from gql_app.work.imports.known import ImportBatch
from gql_app.work.imports.matching import Wanted, match_columns
from gql_app.work.imports.records import NOT_UTF_8, CannotImport, record_of
from gql_app.work.imports.rows import ImportResult, Incoming, check_row
from gql_app.work.imports.sent import insert_job, rights_of
from gql_app.work.reads.imports import KeptRow, find_import, kept_row, last_matching, waiting_rows
from gql_app.work.reads.targets import Target, find_target
from gql_app.work.results import missing
from models.audit import AuditAction
from models.database import among, for_update, write
from models.importing import MAX_FILE_NAME, ImportJobRow, ImportState
from models.refusals import Refusal, RefusalCode

BATCH = 100
LEASE = timedelta(seconds=3)
"""How long a server has for a step until another takes the import over."""

NOT_THERE = missing("import", "importId")
STARTED = Refusal(RefusalCode.IMPORT_STARTED, "The import has been started before.", "importId")
NOT_STARTED = Refusal(
    RefusalCode.IMPORT_NOT_STARTED, "The import has not been started.", "importId"
)
UNDONE = Refusal(RefusalCode.IMPORT_UNDONE, "The import was undone before.", "importId")


_NOT_UTF_8 = "It has bytes that are not UTF-8, which stand as \ufffd here."


class ImportOrder(NamedTuple):
    """Where the rows of a file are to go, in whose numbering, and its columns by their fields: None
    for those of the last import of the source, and guesses."""

    queue_id: int
    source: str
    matching: dict[str, str] | None


class JobResult(NamedTuple):
    """An import as it is now, or why it was refused."""

    job: ImportJobRow | None
    refusals: tuple[Refusal, ...] = ()


async def wanted_columns(viewer: Viewer, order: ImportOrder) -> Wanted:
    """Which columns an order means. Raises `Forbidden`."""
    if order.matching is not None:
        return Wanted(order.matching, exactly=True)
    return Wanted(remembered=await last_matching(viewer, order.source))


def refusal_of(error: CannotImport) -> Refusal:
    """Why columns cannot be matched so."""
    return Refusal(RefusalCode(error.code), str(error).partition(": ")[2], "matching")


async def start_import(change: Change, job_id: int, order: ImportOrder) -> JobResult:
    """Start an import: a server takes its rows in from now on. Raises `Forbidden`."""
    job = await find_import(change.viewer, job_id, for_update())
    if job is None:
        return JobResult(None, (NOT_THERE,))
    if job.state is not ImportState.UPLOADED:
        return JobResult(job, (STARTED,))
    if await find_target(change.viewer, order.queue_id) is None:
        return JobResult(job, (missing("queue", "queueId"),))
    try:
        wanted = await wanted_columns(change.viewer, order)
        columns = match_columns(json.loads(job.names), wanted).columns
    except CannotImport as error:
        return JobResult(job, (refusal_of(error),))
    sql = """UPDATE import_job SET state = $3, queue_id = $4, source = $5, matching = $6,
        started_at = $7, staff_id = $8, key_id = $9, queue_ids = $10
    WHERE practice_id = $1 AND id = $2"""
    matching = json.dumps(columns)
    order_ = (order.queue_id, order.source, matching, change.now)
    by = rights_of(change.viewer).values()
    await write(sql, change.practice_id, job_id, ImportState.RUNNING, *order_, *by)
    change.note(AuditAction.CHANGE, f"import {job_id} started")
    return JobResult(await find_import(change.viewer, job_id))


class Prepared(NamedTuple):
    """A row that waits, and what is made of it by itself."""

    kept: KeptRow
    row: Incoming | tuple[Refusal, ...]


def prepare(job: ImportJobRow, target: Target, kept: KeptRow) -> Prepared:
    """Check a row by itself, as the file's columns are matched."""
    names, cells = json.loads(job.names), json.loads(kept.cells)
    matching = json.loads(job.matching)
    fields = {name: field for field, name in matching.items()}
    named = {fields[n]: cell for n, cell in zip(names, cells, strict=True) if n in fields}
    for field, cell in named.items():
        if NOT_UTF_8 in cell:
            return Prepared(kept, (Refusal(RefusalCode.TEXT_INVALID, _NOT_UTF_8, field),))
    record = record_of(kept.line, named, named, None, kinds_of(matching))
    if record.trouble is not None:
        column, code, reason = record.trouble
        return Prepared(kept, (Refusal(RefusalCode(code), reason, column or None),))
    assert record.row is not None
    return Prepared(kept, check_row(record.row, target))


async def next_rows(job: ImportJobRow, target: Target, seen: set[int]) -> list[Prepared]:
    """The rows of the next step. `seen` has hashes of the external ids of the import so far."""
    prepared = []
    earlier: set[int] = set()
    for kept in await waiting_rows(job.practice_id, job.id, BATCH):
        one = prepare(job, target, kept)
        if isinstance(one.row, Incoming):
            known = hash(one.row.external_id)
            one = Prepared(kept, (TWICE,)) if known in seen or known in earlier else one
            earlier.add(known)
        prepared.append(one)
    return prepared


def hashes_of(rows: Sequence[Prepared]) -> set[int]:
    """What `seen` is to have once the rows have been taken."""
    return {hash(one.row.external_id) for one in rows if isinstance(one.row, Incoming)}


async def take_rows(
    change: Change, job: ImportJobRow, target: Target, rows: Sequence[Prepared]
) -> bool:
    """Take the next rows of an import in, none if there are no more. False if its step was taken
    elsewhere meanwhile, or the import is over."""
    state = ImportState.RUNNING if rows else ImportState.DONE
    sql = f"""UPDATE import_job SET state = $4, taken = taken + 1, leased_until = $5,
        finished_at = $6
    WHERE practice_id = $1 AND id = $2 AND taken = $3 AND state = '{ImportState.RUNNING}'
    RETURNING id"""
    now = change.now
    until, finished = now + LEASE, None if rows else now
    where = (change.practice_id, job.id, job.taken)
    if not await write(sql, *where, state, until, finished):
        return False
    if rows:
        results = await bring_in(change, job, target, rows)
        await count(change, job, results)
    return True


async def bring_in(
    change: Change, job: ImportJobRow, target: Target, rows: Sequence[Prepared]
) -> list[RowResult]:
    """Bring rows in, and keep those that are rejected, with what is wrong."""
    good = [row.row for row in rows if isinstance(row.row, Incoming)]
    assert job.source is not None
    batch = ImportBatch(target, job.source, good, False, set(), job.id)
    loaded = iter(await import_batch(change, batch) if good else ())
    results = [
        next(loaded)
        if isinstance(row.row, Incoming)
        else RowResult(ImportResult.REJECTED, refusals=row.row)
        for row in rows
    ]
    taken = []
    for row, result in zip(rows, results, strict=True):
        if result.result is ImportResult.REJECTED:
            sql = "UPDATE import_record SET refusals = $3 WHERE practice_id = $1 AND id = $2"
            refusals = json.dumps([list(refusal) for refusal in result.refusals])
            await write(sql, change.practice_id, row.kept.id, refusals)
        else:
            taken.append(row.kept.id)
    if taken:
        sql = f"DELETE FROM import_record WHERE practice_id = $1 AND {among('id', 2)}"
        await write(sql, change.practice_id, taken)
    return results


async def count(
    change: Change, job: ImportJobRow, results: Sequence[RowResult], mended: int = 0
) -> None:
    """Add what came of rows to the figures of an import."""
    columns = [result.lower() for result in ImportResult]
    numbers = [sum(row.result is result for row in results) for result in ImportResult]
    numbers[columns.index("rejected")] -= mended
    sets = ", ".join(f"{name} = {name} + ${n}" for n, name in enumerate(columns, 3))
    sql = f"UPDATE import_job SET {sets} WHERE practice_id = $1 AND id = $2"
    await write(sql, change.practice_id, job.id, *numbers)


async def mend_row(
    change: Change, job_id: int, line: int, cells: dict[str, str]
) -> tuple[JobResult, RowResult | None]:
    """Put other cells into a rejected row and send it again. If it is rejected once more, it is
    kept as it was mended. Raises `Forbidden`."""
    job = await find_import(change.viewer, job_id, for_update())
    if job is None:
        return JobResult(None, (NOT_THERE,)), None
    if job.state in {ImportState.UNDOING, ImportState.UNDONE}:
        return JobResult(job, (UNDONE,)), None
    kept = await kept_row(change.practice_id, job_id, line)
    target = None if job.queue_id is None else await find_target(change.viewer, job.queue_id)
    if target is None or job.source is None:
        return JobResult(job, (NOT_STARTED,)), None
    if kept is None:
        return JobResult(job, (missing("rejected row", "line"),)), None
    names = json.loads(job.names)
    if unknown := cells.keys() - set(names):
        refusal = Refusal(
            RefusalCode.COLUMN_MISSING, f"There is no column “{min(unknown)}”.", "cells"
        )
        return JobResult(job, (refusal,)), None
    mended = [
        cells.get(name, cell) for name, cell in zip(names, json.loads(kept.cells), strict=True)
    ]
    kept = kept._replace(cells=json.dumps(mended))
    sql = "UPDATE import_record SET cells = $3 WHERE practice_id = $1 AND id = $2"
    await write(sql, change.practice_id, kept.id, kept.cells)
    results = await bring_in(change, job, target, [prepare(job, target, kept)])
    await count(change, job, results, mended=1)
    return JobResult(await find_import(change.viewer, job_id)), results[0]


async def reject_all(change: Change, job: ImportJobRow, reason: str) -> bool:
    """Put the rest of an import aside. False if a step was taken elsewhere meanwhile, or the import
    is over."""
    sql = f"""UPDATE import_job SET state = $4, finished_at = $5, taken = taken + 1
    WHERE practice_id = $1 AND id = $2 AND taken = $3 AND state = '{ImportState.RUNNING}'
    RETURNING id"""
    over = (ImportState.DONE, change.now)
    if not await write(sql, change.practice_id, job.id, job.taken, *over):
        return False
    refusal = [RefusalCode.NOT_FOUND, reason, None]
    sql = """UPDATE import_record SET refusals = $3
    WHERE practice_id = $1 AND job_id = $2 AND refusals IS NULL RETURNING id"""
    rejected = await write(sql, change.practice_id, job.id, json.dumps([refusal]))
    sql = """UPDATE import_job SET rejected = rejected + $3
    WHERE practice_id = $1 AND id = $2"""
    await write(sql, change.practice_id, job.id, len(rejected))
    return True


async def begin_run(change: Change, name: str, order: ImportOrder) -> int:
    """Record a run of the command, which takes its rows in by itself. Returns its number."""
    return await insert_job(
        change,
        name[-MAX_FILE_NAME:],
        state=ImportState.SENDING,
        queue_id=order.queue_id,
        source=order.source,
        matching=json.dumps(order.matching),
        started_at=change.now,
    )


async def end_run(change: Change, job_id: int, results: Mapping[ImportResult, int]) -> None:
    """Record what came of a run of the command."""
    names = [result.lower() for result in ImportResult]
    sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(names, 6))
    sql = f"""UPDATE import_job SET total = $5, finished_at = $4, {sets},
        state = CASE state WHEN '{ImportState.SENDING}' THEN $3 ELSE state END
    WHERE practice_id = $1 AND id = $2"""
    counts = [results.get(result, 0) for result in ImportResult]
    over = (ImportState.DONE, change.now, sum(counts))
    await write(sql, change.practice_id, job_id, *over, *counts)
