"""One batch of an import: each row is decided on, by what there is already, and what has to be made
is written in a few statements, whatever the number of rows.

Locks: the import, patients by id, then tasks by id. Tasks that are there stay as they are, but for
one thing: those that are open get an event if the patient's name or phone is new.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.changes import Change
from gql_app.work.imports.guarantors import Answered, link_guarantors
from gql_app.work.imports.known import ImportBatch, Known, KnownPatient, read_known
from gql_app.work.imports.rows import ImportResult, Incoming
from gql_app.work.intake import NewTask, check_new_task, new_task, with_default_life
from gql_app.work.patients import index_again, index_new, index_others, record_patient_changes
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.targets import find_target
from models.database import columns_of_new, insert, insert_many, snapshot, write
from models.event import TaskEventKind
from models.household import Regrouped
from models.importing import ImportState
from models.refusals import Refusal, RefusalCode

TAKEN = Refusal(
    RefusalCode.EXTERNAL_ID_TAKEN,
    "An external id in this row stands for another task or patient.",
    "externalId",
)
"""The same words whether the key may see the other one or not, and whichever it is."""

TWICE = Refusal(
    RefusalCode.EXTERNAL_ID_TWICE, "An earlier row has the same external id.", "externalId"
)


class RowResult(NamedTuple):
    """What came of a row. `task_id` is the task that it stands for, or that was open already.
    `notes` say what of a row that came in was left out."""

    result: ImportResult
    task_id: int | None = None
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[Refusal, ...] = ()


class _Decision(NamedTuple):
    result: ImportResult
    row: Incoming
    patient: KnownPatient | None = None
    task_id: int | None = None
    refusals: tuple[Refusal, ...] = ()

    @property
    def result_of_row(self) -> RowResult:
        task_id = self.task_id or (self.patient and self.patient.open_task_id) or None
        return RowResult(self.result, task_id, self.refusals)


async def import_batch(change: Change, batch: ImportBatch) -> list[RowResult]:
    """Bring a batch of checked rows in: a result a row, in their order. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_import, "import tasks")
    target = await find_target(viewer, batch.target.queue_id)
    if target is None:
        raise BadInput("The queue was archived meanwhile. Rows that came in stay there.")
    batch = batch._replace(target=target)
    if batch.job_id is not None:
        await _lock_job(change, batch.job_id)
    known = await read_known(viewer, batch, change.now)
    decisions = [_decide(viewer, batch, row, known, change.now) for row in batch.rows]
    written = await _write_patients(change, batch.source, known.patients)
    await record_patient_changes(change, written.changed)
    rows = [decision.row for decision in decisions if decision.patient is not None]
    answered = await link_guarantors(change, known, rows)
    await _make_tasks(change, batch, decisions)
    results = [_with_guarantor(decision, answered) for decision in decisions]
    if batch.job_id is not None:
        await _record_step(change, batch.job_id, results, written.new, answered.regrouped)
    return results


def _with_guarantor(decision: _Decision, answered: Answered) -> RowResult:
    """What came of a row, with what came of its guarantor."""
    result = decision.result_of_row
    patient_id = None if decision.patient is None else decision.patient.id
    if result.result is ImportResult.UNCHANGED and patient_id in answered.changed:
        result = result._replace(result=ImportResult.UPDATED)
    note = answered.notes.get(decision.row.external_id)
    return result if note is None else result._replace(notes=(note,))


async def _lock_job(change: Change, job_id: int) -> None:
    """Lock the import of a batch, so that it is not undone meanwhile. Raises `BadInput`."""
    # SQLite locks with the first write, and it has to see the state after that.
    sql = f"""UPDATE import_job SET taken = taken WHERE practice_id = $1 AND id = $2
    AND state IN ('{ImportState.SENDING}', '{ImportState.RUNNING}', '{ImportState.DONE}')
    RETURNING id"""
    if not await write(sql, change.practice_id, job_id):
        raise BadInput("The import was undone meanwhile.")


async def _record_step(
    change: Change,
    job_id: int,
    results: Sequence[RowResult],
    patients: list[int],
    regrouped: Sequence[Regrouped],
) -> None:
    """Note what was made, so that it can be taken back."""
    tasks = [row.task_id for row in results if row.result is ImportResult.CREATED]
    if tasks or regrouped:
        made = {"tasks": json.dumps(tasks), "patients": json.dumps(patients)}
        if regrouped:
            made["guarantors"] = json.dumps(regrouped)
        await insert("import_step", practice_id=change.practice_id, job_id=job_id, **made)


async def try_batch(viewer: Viewer, batch: ImportBatch, now: datetime) -> list[RowResult]:
    """What would come of a batch, a result a row. Raises `Forbidden`."""
    viewer.require(viewer.may_import, "import tasks")
    async with snapshot():
        known = await read_known(viewer, batch, now)
    return [_decide(viewer, batch, row, known, now).result_of_row for row in batch.rows]


def _decide(
    viewer: Viewer,
    batch: ImportBatch,
    row: Incoming,
    known: Known,
    now: datetime,
) -> _Decision:
    """What comes of a row. Puts what it brings into the known patients."""
    if _names_another(viewer, row, known):
        return _Decision(ImportResult.REJECTED, row, refusals=(TAKEN,))
    patient, task = known.patients.get(row.patient_external_id), known.tasks.get(row.external_id)
    if patient is not None and task is not None:
        result = ImportResult.UPDATED if _learn(patient, row, known) else ImportResult.UNCHANGED
        return _Decision(result, row, patient, task.id)
    if patient is not None and (why := patient.why_none(row.new.origin)) is not None:
        # What is new of the patient is taken over. A file never lifts the contact status.
        _learn(patient, row, known)
        return _Decision(why, row, patient)
    if hash(row.patient_external_id) in batch.would_have_one:
        return _Decision(ImportResult.ALREADY_OPEN, row, patient)
    new = with_default_life(row.new, batch.target.automatic_life_days, now)
    # Only now: of a task that is there already, the expiry may have passed meanwhile. Those who
    # should have been called long ago are just what is imported.
    if refusals := check_new_task(new, viewer.time_zone, now, may_be_overdue=True):
        return _Decision(ImportResult.REJECTED, row, refusals=refusals)
    if patient is None:
        patient = KnownPatient(0, row.patient_external_id, "", "")
        known.patients[row.patient_external_id] = patient
    _learn(patient, row, known)
    patient.open_task_id = 0
    if batch.is_trial:
        batch.would_have_one.add(hash(row.patient_external_id))
    return _Decision(ImportResult.CREATED, row._replace(new=new), patient)


def _learn(patient: KnownPatient, row: Incoming, known: Known) -> bool:
    """Take the row's name and phone over, but for a row of a patient who was merged away: the
    survivor's count. Whether they are new."""
    return row.patient_external_id not in known.merged and patient.learn(row)


def _names_another(viewer: Viewer, row: Incoming, known: Known) -> bool:
    """Whether an external id of the row stands for another task or patient than the row can mean:
    the task is another patient's, or the key does not see one of the two."""
    if row.patient_external_id in known.hidden:
        return True
    task = known.tasks.get(row.external_id)
    if task is None:
        return False
    patient = known.patients.get(row.patient_external_id)
    is_his = patient is not None and patient.id == task.patient_id
    return not is_his or not viewer.sees_queue(task.queue_id)


async def _make_tasks(change: Change, batch: ImportBatch, decisions: Sequence[_Decision]) -> None:
    """Make the tasks that were decided on, of patients who are written."""
    made = [d for d in decisions if d.result is ImportResult.CREATED]
    rows = {}
    for _, row, patient, *_ in made:
        assert patient is not None
        new: NewTask = replace(row.new, patient_id=patient.id)
        rows[row.external_id] = new_task(change.viewer, new, patient.claim, change.now)
    columns = [
        columns_of_new(task) | {"source": batch.source, "external_id": external_id}
        for external_id, task in rows.items()
    ]
    ids = {
        found["external_id"]: found["id"]
        for found in await insert_many("task", columns, "id, external_id")
    }
    for decision in made:
        assert decision.patient is not None
        decision.patient.open_task_id = ids[decision.row.external_id]
    for external_id, task in rows.items():
        created = task._replace(id=ids[external_id])
        change.record(TaskEventKind.CREATED, created, before=None)


class _Written(NamedTuple):
    """The ids of patients who were there and have changed, and of those who are new."""

    changed: list[int]
    new: list[int]


async def _write_patients(
    change: Change, source: str, patients: dict[str, KnownPatient]
) -> _Written:
    """Write the patients that are new, and those that were there and have changed."""
    here = change.practice_id
    there = {p.id: p for p in patients.values() if p.id and p.learned}  # some by several ids
    known = [there[patient_id] for patient_id in sorted(there)]
    for patient in known:
        sql = """UPDATE patient SET name = $3, phone = $4, phone_kind = $5, more_phones = $6,
            language = $7, caller_note = $8, version = version + 1
        WHERE practice_id = $1 AND id = $2"""
        await write(sql, here, patient.id, patient.name, patient.phone, *patient.details.values())
    # In the order of their external ids: two imports that make the same wait for each other once.
    new = sorted((p for p in patients.values() if not p.id), key=attrgetter("external_id"))
    columns = [
        {
            "practice_id": here,
            "name": patient.name,
            "phone": patient.phone,
            "phone_display": patient.findable.phone.display,
            "time_zone": patient.findable.phone.time_zone,
            "is_indexed": True,
            "source": source,
            "external_id": patient.external_id,
            "created_at": change.now,
            **patient.details,
        }
        for patient in new
    ]
    for found in await insert_many("patient", columns, "id, external_id"):
        patients[found["external_id"]].id = found["id"]
    await index_again(here, [patient.findable for patient in known])
    await index_new(here, [patient.findable for patient in new])
    if others := [patient.findable for patient in new if patient.more_phones]:
        await index_others(here, others)
    return _Written([patient.id for patient in known], [patient.id for patient in new])
