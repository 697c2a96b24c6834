"""Takes back what an import has made, for a day: tasks are withdrawn, and patients who came with
them and have nothing else are not found any more. What somebody has touched since is left.

The external ids become free, so that a mended file can be imported again.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from gql_app.work.changes import Change
from gql_app.work.households import restore_guarantors
from gql_app.work.imports.jobs import LEASE, NOT_STARTED, NOT_THERE, UNDONE, JobResult
from gql_app.work.locking import lock_households, lock_tasks
from gql_app.work.reads.imports import find_import, touched_tasks
from gql_app.work.transitions import close
from models.audit import AuditAction
from models.database import Id, among, fetch, fetch_first, for_update, write
from models.household import Regrouped
from models.importing import ImportJobRow, ImportState
from models.lifecycle import Happening
from models.refusals import Refusal, RefusalCode
from models.task import TaskRow

UNDO_FOR = timedelta(days=1)
"""How long after it began an import can be undone."""

REASON = "The import that made it was undone."

TOO_OLD = Refusal(
    RefusalCode.IMPORT_TOO_OLD,
    "The import began more than a day ago: withdraw its tasks one by one.",
    "importId",
)


class _Step(NamedTuple):
    id: int
    tasks: str
    patients: str


class _Guarantors(NamedTuple):
    id: int
    guarantors: str


async def undo_import(change: Change, job_id: int) -> JobResult:
    """Begin to undo an import; one that is running stops. Raises `Forbidden`."""
    job = await find_import(change.viewer, job_id, for_update())
    if job is None:
        return JobResult(None, (NOT_THERE,))
    if job.state in {ImportState.UNDOING, ImportState.UNDONE}:
        return JobResult(job, (UNDONE,))
    if job.started_at is None:
        return JobResult(job, (NOT_STARTED,))
    if change.now - job.started_at > UNDO_FOR:
        return JobResult(job, (TOO_OLD,))
    sql = """UPDATE import_job SET state = $3, undone_at = $4, undone_by_id = $5, taken = taken + 1,
        leased_until = NULL, finished_at = COALESCE(finished_at, $4)
    WHERE practice_id = $1 AND id = $2"""
    by = (change.now, change.viewer.staff_id)
    await write(sql, change.practice_id, job_id, ImportState.UNDOING, *by)
    await forget_rows(change, job_id)
    change.note(AuditAction.CHANGE, f"import {job_id} undone")
    return JobResult(await find_import(change.viewer, job_id))


async def forget_rows(change: Change, job_id: int) -> None:
    """Remove the rows that an import keeps."""
    sql = "DELETE FROM import_record WHERE practice_id = $1 AND job_id = $2"
    await write(sql, change.practice_id, job_id)


async def take_back(change: Change, job: ImportJobRow) -> bool:
    """Take back what one step of an import has made. False if this was done elsewhere meanwhile."""
    guard = f"""UPDATE import_job SET taken = taken + 1, leased_until = $4
    WHERE practice_id = $1 AND id = $2 AND taken = $3 AND state = '{ImportState.UNDOING}'
    RETURNING id"""
    where = (change.practice_id, job.id)
    if not await write(guard, *where, job.taken, change.now + LEASE):
        return False
    if await _take_guarantors_back(change, job):
        return True
    sql = """SELECT s.id, s.tasks, s.patients FROM import_step s
    WHERE s.practice_id = $1 AND s.job_id = $2 AND s.touched IS NULL ORDER BY s.id LIMIT 1"""
    step = await fetch_first(_Step, sql, *where)
    if step is None:
        sql = "UPDATE import_job SET state = $3 WHERE practice_id = $1 AND id = $2"
        await write(sql, *where, ImportState.UNDONE)
        return True
    made: list[int] = json.loads(step.tasks)
    tasks = await _untouched(change, await lock_tasks(change.viewer, made))
    for task in tasks:
        await close(change, task, Happening.WITHDRAWAL, REASON)
    taken = [task.id for task in tasks]
    await _free_ids(change, taken)
    await _take_patients_back(change, json.loads(step.patients), taken)
    touched = sorted({*made} - {*taken})
    mark = "UPDATE import_step SET touched = $3 WHERE practice_id = $1 AND id = $2"
    await write(mark, change.practice_id, step.id, json.dumps(touched))
    counts = """UPDATE import_job SET taken_back = taken_back + $3, left_alone = left_alone + $4
    WHERE practice_id = $1 AND id = $2"""
    await write(counts, *where, len(taken), len(touched))
    return True


async def _take_guarantors_back(change: Change, job: ImportJobRow) -> bool:
    """Take back who answers for whom as one step has said it, the last one first. False if there is
    nothing more of that."""
    sql = """SELECT s.id, s.guarantors FROM import_step s
    WHERE s.practice_id = $1 AND s.job_id = $2 AND s.guarantors IS NOT NULL
    ORDER BY s.id DESC LIMIT 1"""
    step = await fetch_first(_Guarantors, sql, change.practice_id, job.id)
    if step is None:
        return False
    regrouped = [Regrouped(*row) for row in json.loads(step.guarantors)]
    ids = {i for row in regrouped for i in row if i is not None}
    members = await lock_households(change.practice_id, sorted(ids))
    await restore_guarantors(change, regrouped, members)
    mark = "UPDATE import_step SET guarantors = NULL WHERE practice_id = $1 AND id = $2"
    await write(mark, change.practice_id, step.id)
    return True


async def _untouched(change: Change, tasks: Sequence[TaskRow]) -> list[TaskRow]:
    """The tasks with which nobody has done anything, and that nobody is calling about now."""
    touched = await touched_tasks(change.practice_id, [task.id for task in tasks])
    return [
        task
        for task in tasks
        if task.id not in touched
        and task.is_open
        and not task.has_expired(change.now)
        and not (task.claimed_until is not None and task.claimed_until > change.now)
    ]


async def _free_ids(change: Change, task_ids: list[int]) -> None:
    sql = f"""UPDATE task SET source = NULL, external_id = NULL
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, change.practice_id, task_ids)


async def _take_patients_back(change: Change, made: list[int], taken: list[int]) -> None:
    """Let nobody find patients any more who came in with these tasks and have nothing else: their
    rows stay, because the tasks name them. Who was changed or merged since, or answers for others,
    is left."""
    sql = f"""SELECT p.id FROM patient p WHERE p.practice_id = $1 AND {among("p.id", 2)}
    AND NOT EXISTS (SELECT 1 FROM task t WHERE t.practice_id = p.practice_id
        AND t.patient_id = p.id AND NOT {among("t.id", 3)})
    AND NOT EXISTS (SELECT 1 FROM appointment a WHERE a.practice_id = p.practice_id
        AND a.patient_id = p.id)
    AND NOT EXISTS (SELECT 1 FROM patient m WHERE m.practice_id = p.practice_id
        AND m.guarantor_id = p.id)
    AND p.merged_into_id IS NULL AND p.version = 1
    ORDER BY p.id {for_update()}"""
    found = [row.id for row in await fetch(Id, sql, change.practice_id, made, taken)]
    hide = f"""UPDATE patient SET taken_back_at = $3, source = NULL, external_id = NULL,
        guarantor_id = NULL, awaited_guarantor = NULL
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(hide, change.practice_id, found, change.now)
    forget = f"DELETE FROM patient_word WHERE practice_id = $1 AND {among('patient_id', 2)}"
    await write(forget, change.practice_id, found)
