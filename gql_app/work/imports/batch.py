"""One batch of an import: what is there already is looked up, each row is decided on, and what has
to be made is written in a few statements, whatever the number of rows.

Runs inside the transaction of `Transitions.import_batch`. Locks: patients by id, tasks by id, the
practice's counter last. Tasks that are there stay as they are, but for one thing: those that are
open get an event if the patient's name or phone is new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.imports.rows import ImportResult, Incoming, Target
from gql_app.work.intake import NewTask, check_new_task, with_default_life
from gql_app.work.patients import Findable, index_again, index_new, seen_patients
from gql_app.work.records import Claim, add_events, new_task, tell_of_patients
from models.database import among, fetch, for_update, insert_many, write
from models.event import TaskEventKind
from models.phone import Phone
from models.refusals import Refusal, RefusalCode
from models.task import IS_OPEN

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
    """What came of a row. `task_id` is the task that it stands for, or that was open already."""

    result: ImportResult
    task_id: int | None = None
    refusals: tuple[Refusal, ...] = ()


class ImportBatch(NamedTuple):
    """Rows for one queue from one source, no external id among them twice. On a trial nothing is
    written; `would_have_one` then gathers the patients who would have an open task by now."""

    target: Target
    source: str
    rows: Sequence[Incoming]
    is_trial: bool
    would_have_one: set[int]


@dataclass
class _Patient:
    """One who is known already, or (`id` is 0) is to be. `open_task_id` is 0 for a task that is to
    be made, None if there is none in the queue. `learned` is the phone once the patient is new or
    changed."""

    id: int
    external_id: str
    name: str
    phone: str
    open_task_id: int | None = None
    claim: Claim | None = None
    learned: Phone | None = None

    def learn(self, row: Incoming) -> bool:
        """Take the row's name and phone over. Whether they are new."""
        if (self.name, self.phone) == (row.name, row.phone.stored):
            return False
        self.name, self.phone, self.learned = row.name, row.phone.stored, row.phone
        return True

    @property
    def findable(self) -> Findable:
        """What is new to find the patient by."""
        assert self.learned is not None
        return Findable(self.id, self.name, self.learned)


class _PatientThere(NamedTuple):
    id: int
    external_id: str
    name: str
    phone: str


class _ExternalId(NamedTuple):
    external_id: str


class _TaskThere(NamedTuple):
    id: int
    external_id: str
    patient_id: int
    queue_id: int


class _OpenTask(NamedTuple):
    id: int
    patient_id: int
    queue_id: int
    expires_at: datetime | None
    claimed_by_id: int | None
    claimed_until: datetime | None
    claim_id: str | None


class _Known(NamedTuple):
    """What there is already: patients and tasks by their external ids. Of the patients in `hidden`
    the key may know no more than that their external ids are taken."""

    patients: dict[str, _Patient]
    hidden: frozenset[str]
    tasks: dict[str, _TaskThere]


class _Decision(NamedTuple):
    result: ImportResult
    row: Incoming
    patient: _Patient | None = None
    task_id: int | None = None
    refusals: tuple[Refusal, ...] = ()


async def load_batch(
    viewer: Viewer, batch: ImportBatch, now: datetime
) -> tuple[list[RowResult], int | None]:
    """Bring the rows in: a result a row, and the number of the last event if there is any."""
    patients = await _known_patients(viewer, batch, now)
    hidden = await _hidden_patients(viewer, batch, patients)
    known = _Known(patients, hidden, await _known_tasks(viewer, batch))
    decisions = [_decide(viewer, batch, row, known, now) for row in batch.rows]
    seq = None
    if not batch.is_trial:
        seq = await _carry_out(viewer, batch, decisions, patients, now)
    return [
        RowResult(
            decision.result,
            decision.task_id or (decision.patient and decision.patient.open_task_id) or None,
            decision.refusals,
        )
        for decision in decisions
    ], seq


def _decide(
    viewer: Viewer,
    batch: ImportBatch,
    row: Incoming,
    known: _Known,
    now: datetime,
) -> _Decision:
    """What comes of a row. Puts what it brings into the known patients."""
    if _names_another(viewer, row, known):
        return _Decision(ImportResult.REJECTED, row, refusals=(TAKEN,))
    patient, task = known.patients.get(row.patient_external_id), known.tasks.get(row.external_id)
    if patient is not None and task is not None:
        result = ImportResult.UPDATED if patient.learn(row) else ImportResult.UNCHANGED
        return _Decision(result, row, patient, task.id)
    if patient is not None and patient.open_task_id is not None:
        patient.learn(row)
        return _Decision(ImportResult.ALREADY_OPEN, row, patient)
    if hash(row.patient_external_id) in batch.would_have_one:
        return _Decision(ImportResult.ALREADY_OPEN, row, patient)
    new = with_default_life(row.new, batch.target.automatic_life_days, now)
    # Only now: of a task that is there already, the dates may have passed meanwhile.
    if refusals := check_new_task(new, viewer.time_zone, now):
        return _Decision(ImportResult.REJECTED, row, refusals=refusals)
    if patient is None:
        patient = _Patient(0, row.patient_external_id, "", "")
        known.patients[row.patient_external_id] = patient
    patient.learn(row)
    patient.open_task_id = 0
    if batch.is_trial:
        batch.would_have_one.add(hash(row.patient_external_id))
    return _Decision(ImportResult.CREATED, row._replace(new=new), patient)


def _names_another(viewer: Viewer, row: Incoming, known: _Known) -> bool:
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


async def _carry_out(
    viewer: Viewer,
    batch: ImportBatch,
    decisions: Sequence[_Decision],
    patients: dict[str, _Patient],
    now: datetime,
) -> int | None:
    changed = await _write_patients(viewer, batch.source, patients, now)
    seq = await tell_of_patients(viewer, changed, now)
    made = [d for d in decisions if d.result is ImportResult.CREATED]
    if not made:
        return seq
    rows = {}
    for _, row, patient, *_ in made:
        assert patient is not None
        new: NewTask = replace(row.new, patient_id=patient.id)
        rows[row.external_id] = new_task(viewer, new, patient.claim, now)
    columns = []
    for external_id, task in rows.items():
        values = task._asdict()
        del values["id"]
        columns.append(values | {"source": batch.source, "external_id": external_id})
    ids = {
        found["external_id"]: found["id"]
        for found in await insert_many("task", columns, "id, external_id")
    }
    for decision in made:
        assert decision.patient is not None
        decision.patient.open_task_id = ids[decision.row.external_id]
    tasks = [task._replace(id=ids[external_id]) for external_id, task in rows.items()]
    created = [(None, task) for task in tasks]
    return await add_events(created, TaskEventKind.CREATED, now, viewer)


async def _write_patients(
    viewer: Viewer, source: str, patients: dict[str, _Patient], now: datetime
) -> list[int]:
    """Write the patients that are new, and those that were there and have changed: returns the ids
    of these."""
    here = viewer.practice_id
    known = sorted((p for p in patients.values() if p.id and p.learned), key=attrgetter("id"))
    for patient in known:
        sql = "UPDATE patient SET name = $3, phone = $4 WHERE practice_id = $1 AND id = $2"
        await write(sql, here, patient.id, patient.name, patient.phone)
    # In the order of their external ids: two imports that make the same wait for each other once.
    new = sorted((p for p in patients.values() if not p.id), key=attrgetter("external_id"))
    columns = [
        {
            "practice_id": here,
            "name": patient.name,
            "phone": patient.phone,
            "phone_display": patient.findable.phone.display,
            "is_indexed": True,
            "source": source,
            "external_id": patient.external_id,
            "created_at": now,
        }
        for patient in new
    ]
    for found in await insert_many("patient", columns, "id, external_id"):
        patients[found["external_id"]].id = found["id"]
    await index_again(here, [patient.findable for patient in known])
    await index_new(here, [patient.findable for patient in new])
    return [patient.id for patient in known]


async def _known_patients(viewer: Viewer, batch: ImportBatch, now: datetime) -> dict[str, _Patient]:
    """The patients of the rows whom the key may see, locked, with their open task in the queue and
    who claims them."""
    where = seen_patients(viewer)
    where.add(f"p.source = ${where.value(batch.source)}")
    wanted = sorted({row.patient_external_id for row in batch.rows})
    where.add(among("p.external_id", where.value(wanted), "text"))
    sql = f"""
    SELECT p.id, p.external_id, p.name, p.phone FROM patient p
    WHERE {where} ORDER BY p.id {"" if batch.is_trial else for_update()}
    """
    known = [_Patient(*row) for row in await fetch(_PatientThere, sql, *where.values)]
    by_id = {patient.id: patient for patient in known}
    sql = f"""
    SELECT t.id, t.patient_id, t.queue_id, t.expires_at, t.claimed_by_id, t.claimed_until,
           t.claim_id
    FROM task t
    WHERE t.practice_id = $1 AND {IS_OPEN} AND {among("t.patient_id", 2)}
    """
    for task in await fetch(_OpenTask, sql, viewer.practice_id, list(by_id)) if by_id else ():
        patient = by_id[task.patient_id]
        # The clock, not the sweeper, says whether it is open still.
        if task.queue_id == batch.target.queue_id and not (
            task.expires_at is not None and task.expires_at <= now
        ):
            patient.open_task_id = task.id
        if task.claimed_by_id and task.claimed_until and task.claimed_until > now:
            patient.claim = Claim(task.claimed_by_id, task.claimed_until, task.claim_id)
    return {patient.external_id: patient for patient in known}


async def _hidden_patients(
    viewer: Viewer, batch: ImportBatch, seen: Mapping[str, _Patient]
) -> frozenset[str]:
    """The external ids in the rows that stand for patients whom the key does not see: they are
    unique at their source, so no others can be made under them. Nothing else is read of these
    patients, and nobody waits for their locks."""
    unseen = sorted({row.patient_external_id for row in batch.rows} - seen.keys())
    if viewer.queue_ids is None or not unseen:
        return frozenset()
    sql = f"""
    SELECT p.external_id FROM patient p
    WHERE p.practice_id = $1 AND p.source = $2 AND {among("p.external_id", 3, "text")}
    """
    found = await fetch(_ExternalId, sql, viewer.practice_id, batch.source, unseen)
    return frozenset(row.external_id for row in found)


async def _known_tasks(viewer: Viewer, batch: ImportBatch) -> dict[str, _TaskThere]:
    sql = f"""
    SELECT t.id, t.external_id, t.patient_id, t.queue_id FROM task t
    WHERE t.practice_id = $1 AND t.source = $2
      AND {among("t.external_id", 3, "text")}
    """
    wanted = [row.external_id for row in batch.rows]
    found = await fetch(_TaskThere, sql, viewer.practice_id, batch.source, wanted)
    return {task.external_id: task for task in found}
