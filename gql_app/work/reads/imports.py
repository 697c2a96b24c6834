"""Imports: those that a key may see, the rows that they rejected, and what was chosen last."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from gql_app.access import Scope, Viewer
from gql_app.work.reads.conditions import Conditions, Page, page_of, row_limit
from gql_app.work.reads.cursors import read_id_cursor
from models.contact import stands
from models.database import Id, among, fetch, fetch_first
from models.importing import IMPORT_COLUMNS, ImportJobRow, ImportState


class KeptRow(NamedTuple):
    """A row of a file that has not come in. `cells` and `refusals` are JSON."""

    id: int
    practice_id: int
    job_id: int
    line: int
    cells: str
    refusals: str | None


_KEPT = "r.id, r.practice_id, r.job_id, r.line, r.cells, r.refusals"


class _Matching(NamedTuple):
    matching: str


def seen_imports(viewer: Viewer) -> Conditions:
    """What holds for the imports (called `j`) that the key may see. A key for some queues sees
    those into them, and the files of its holder that have no queue yet. Raises `Forbidden`."""
    viewer.require(viewer.may_import, "import tasks")
    where = Conditions.of(viewer, "j")
    where.add(f"(j.state <> '{ImportState.SENDING}' OR j.started_at IS NOT NULL)")
    if viewer.queue_ids is not None:
        here = among("j.queue_id", where.value(list(viewer.queue_ids)))
        own = f"j.queue_id IS NULL AND j.staff_id = ${where.value(viewer.staff_id)}"
        where.add(f"({here} OR {own})")
    return where


async def find_import(viewer: Viewer, job_id: int, lock: str = "") -> ImportJobRow | None:
    """The import, None if it is not there or not for this key. `lock` is the end of the SELECT, in
    a change. Raises `Forbidden`."""
    where = seen_imports(viewer)
    where.add(f"j.id = ${where.value(job_id)}")
    sql = f"SELECT {IMPORT_COLUMNS} FROM import_job j WHERE {where} {lock}"
    return await fetch_first(ImportJobRow, sql, *where.values)


async def imports_page(viewer: Viewer, first: int, after: str | None) -> Page[ImportJobRow]:
    """A page of the imports, the latest first. Raises `Forbidden` and `BadInput`."""
    where = seen_imports(viewer)
    if after is not None:
        where.add(f"j.id < ${where.value(read_id_cursor(viewer.practice_id, after))}")
    sql = f"""SELECT {IMPORT_COLUMNS} FROM import_job j WHERE {where}
    ORDER BY j.id DESC LIMIT {row_limit(first)}"""
    return page_of(await fetch(ImportJobRow, sql, *where.values), first, after)


async def rejects_page(job: ImportJobRow, first: int, after: str | None) -> Page[KeptRow]:
    """A page of the rows that an import has rejected and still keeps, as they stand in the file.
    Raises `BadInput`."""
    line = 0 if after is None else read_id_cursor(job.practice_id, after)
    sql = f"""SELECT {_KEPT} FROM import_record r
    WHERE r.practice_id = $1 AND r.job_id = $2 AND r.line > $3 AND r.refusals IS NOT NULL
    ORDER BY r.line LIMIT {row_limit(first)}"""
    return page_of(await fetch(KeptRow, sql, job.practice_id, job.id, line), first, after)


async def waiting_rows(practice_id: int, job_id: int, most: int) -> list[KeptRow]:
    """The next rows that have not been decided on."""
    sql = f"""SELECT {_KEPT} FROM import_record r
    WHERE r.practice_id = $1 AND r.job_id = $2 AND r.refusals IS NULL
    ORDER BY r.line LIMIT {most}"""
    return await fetch(KeptRow, sql, practice_id, job_id)


async def kept_row(practice_id: int, job_id: int, line: int) -> KeptRow | None:
    """A row that was rejected."""
    sql = f"""SELECT {_KEPT} FROM import_record r WHERE r.practice_id = $1 AND r.job_id = $2
    AND r.line = $3 AND r.refusals IS NOT NULL"""
    return await fetch_first(KeptRow, sql, practice_id, job_id, line)


async def last_matching(viewer: Viewer, source: str) -> dict[str, str]:
    """The columns by their fields, as they were in the last import from a source that the key may
    see. Raises `Forbidden`."""
    where = seen_imports(viewer)
    where.add(f"j.source = ${where.value(source)} AND j.started_at IS NOT NULL")
    sql = f"SELECT j.matching FROM import_job j WHERE {where} ORDER BY j.id DESC LIMIT 1"
    found = await fetch_first(_Matching, sql, *where.values)
    return {} if found is None else json.loads(found.matching)


async def touched_tasks(practice_id: int, task_ids: Sequence[int]) -> set[int]:
    """Those of the tasks with which somebody has done something since they were made. To look at
    one, or to mend the patient's name, is not to touch it; nor is a contact that was undone."""
    sql = f"""SELECT DISTINCT e.task_id FROM task_event e
    LEFT JOIN contact c ON c.practice_id = e.practice_id AND c.id = e.contact_id
    WHERE e.practice_id = $1 AND {among("e.task_id", 2)}
      AND e.kind NOT IN ('CREATED', 'CLAIMED', 'RELEASED', 'PATIENT_CHANGED', 'CONTACT_UNDONE',
        'CALL_BACK_DUE', 'CALL_BACK_PASSED_ON')
      AND (c.id IS NULL OR {stands("c")})"""
    return {found.id for found in await fetch(Id, sql, practice_id, list(task_ids))}


class Awaiting(NamedTuple):
    """How many patients of a source have a guarantor there who is not set: one who has not come in,
    or who cannot answer for them."""

    source: str
    number: int


async def awaiting_guarantors(scope: Scope, sources: Sequence[str]) -> list[Awaiting]:
    """The figure of each of the sources, of which the key was shown an import, if there is one."""
    where = Conditions.of(scope, "p")
    where.add(among("p.source", where.value(list(sources)), "text"))
    sql = f"""SELECT p.source, COUNT(*) FROM patient p
    WHERE {where} AND p.awaited_guarantor IS NOT NULL AND p.merged_into_id IS NULL
    GROUP BY p.source"""
    return await fetch(Awaiting, sql, *where.values)
