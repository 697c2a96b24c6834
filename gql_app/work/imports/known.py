"""What a batch of an import finds already there: patients and tasks by their external ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.claims import Claim
from gql_app.work.imports.rows import Incoming
from gql_app.work.patients import Findable
from gql_app.work.reads.patients import seen_patients
from gql_app.work.reads.targets import Target
from models.database import among, fetch, for_update
from models.phone import Phone
from models.task import IS_OPEN


class ImportBatch(NamedTuple):
    """Rows for one queue from one source, no external id among them twice. What is made is recorded
    as made by the import `job_id`, if there is one. On a trial
    nothing is written; `would_have_one` then gathers the patients who would have an open task by
    now."""

    target: Target
    source: str
    rows: Sequence[Incoming]
    is_trial: bool
    would_have_one: set[int]
    job_id: int | None = None


@dataclass
class KnownPatient:
    """A patient who is known already, or who is to be created (`id` is 0). `open_task_id` is the
    patient's open task in the queue: 0 if it is to be created, None if there is none. `learned` is
    the phone once the patient is new or changed."""

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


class Known(NamedTuple):
    """What there is already: patients and tasks by their external ids. Of the patients in `hidden`
    the key may know no more than that their external ids are taken."""

    patients: dict[str, KnownPatient]
    hidden: frozenset[str]
    tasks: dict[str, _TaskThere]


async def read_known(viewer: Viewer, batch: ImportBatch, now: datetime) -> Known:
    """The patients and tasks of the rows that are there already. The patients whom the key may see
    are locked, but for a trial."""
    patients = await _known_patients(viewer, batch, now)
    hidden = await _hidden_patients(viewer, batch, patients)
    return Known(patients, hidden, await _known_tasks(viewer, batch))


async def _known_patients(
    viewer: Viewer, batch: ImportBatch, now: datetime
) -> dict[str, KnownPatient]:
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
    known = [KnownPatient(*row) for row in await fetch(_PatientThere, sql, *where.values)]
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
    viewer: Viewer, batch: ImportBatch, seen: Mapping[str, KnownPatient]
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
