"""What a batch of an import finds already there: patients and tasks by their external ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.claims import Claim
from gql_app.work.imports.rows import ImportResult, Incoming
from gql_app.work.locking import Overtaken
from gql_app.work.patients import Findable
from gql_app.work.reads.appointments import appointments_ahead
from gql_app.work.reads.patients import seen_patients
from gql_app.work.reads.targets import Target
from models.appointment import is_of_kind
from models.contact_status import ContactStatus, Standing
from models.database import among, among_found, fetch, for_update
from models.lifecycle import TaskOrigin
from models.patient_phones import with_number
from models.phone import Phone, PhoneKind
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
    the phone once the patient is new or changed. Who `is_barred` is not to be called; who
    `is_booked` has an appointment that makes automatic tasks of the queue needless. `awaits` is the
    external id of a guarantor who has not come in. The rest are columns of the patient, of which a
    row says something or nothing."""

    id: int
    external_id: str
    name: str
    phone: str
    open_task_id: int | None = None
    claim: Claim | None = None
    learned: Phone | None = None
    is_barred: bool = False
    is_booked: bool = False
    guarantor_id: int | None = None
    awaits: str | None = None
    phone_kind: PhoneKind | None = None
    more_phones: str | None = None
    language: str | None = None
    caller_note: str | None = None

    def why_none(self, origin: TaskOrigin) -> ImportResult | None:
        """Why no task of this origin is made for the patient, None if one is."""
        if self.is_barred:
            return ImportResult.SUPPRESSED
        if self.open_task_id is not None:
            return ImportResult.ALREADY_OPEN
        is_needless = self.is_booked and origin is TaskOrigin.AUTOMATIC
        return ImportResult.BOOKED if is_needless else None

    def learn(self, row: Incoming) -> bool:
        """Take over what the row says of the patient. Whether it is new."""
        before = (self.name, self.phone, *self.details.values())
        is_same = self.phone == row.phone.stored
        self.phone_kind = row.phone.kind or (self.phone_kind if is_same else None)
        self.name, self.phone = row.name, row.phone.stored
        self.more_phones = with_number(self.more_phones, row.other_phone, self.phone)
        self.language = row.language or self.language
        self.caller_note = row.caller_note or self.caller_note
        if before == (self.name, self.phone, *self.details.values()):
            return False
        self.learned = row.phone
        return True

    @property
    def details(self) -> dict[str, str | None]:
        """Columns of the patient beside the name and the phone."""
        return {
            "phone_kind": self.phone_kind,
            "more_phones": self.more_phones,
            "language": self.language,
            "caller_note": self.caller_note,
        }

    @property
    def findable(self) -> Findable:
        """What is new to find the patient by."""
        assert self.learned is not None
        return Findable(self.id, self.name, self.learned)


class _PatientThere(NamedTuple):
    id: int
    name: str
    phone: str
    contact_status: ContactStatus
    contact_status_ends_at: datetime | None
    guarantor_id: int | None
    awaited_guarantor: str | None
    phone_kind: PhoneKind | None
    more_phones: str | None
    language: str | None
    caller_note: str | None

    def known(self, now: datetime) -> KnownPatient:
        standing = Standing(self.contact_status, ends_at=self.contact_status_ends_at)
        known = KnownPatient(
            self.id,
            "",
            self.name,
            self.phone,
            is_barred=standing.at(now).is_barred,
            guarantor_id=self.guarantor_id,
            awaits=self.awaited_guarantor,
        )
        known.phone_kind, known.more_phones = self.phone_kind, self.more_phones
        known.language, known.caller_note = self.language, self.caller_note
        return known


class _Called(NamedTuple):
    """An external id and whose it is: the survivor's, if that patient `is_merged`."""

    external_id: str
    patient_id: int
    is_merged: bool


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
    the key may know no more than that their external ids are taken. Those in `merged` were merged
    away, and their ids stand for the survivors. `waiting` are patients whose guarantors may have
    come in with these rows."""

    patients: dict[str, KnownPatient]
    merged: frozenset[str]
    hidden: frozenset[str]
    tasks: dict[str, _TaskThere]
    waiting: list[KnownPatient]


async def read_known(viewer: Viewer, batch: ImportBatch, now: datetime) -> Known:
    """The patients and tasks of the rows that are there already. The patients whom the key may see
    are locked, but for a trial. Raises `Overtaken`."""
    called = await _called(viewer, batch)
    by_id = await _known_patients(viewer, batch, now)
    patients = {c.external_id: by_id[c.patient_id] for c in called if c.patient_id in by_id}
    merged = frozenset(c.external_id for c in called if c.is_merged)
    # Unique at their source, so no others can be made under them. Nothing else is read of these
    # patients, and nobody waits for their locks.
    hidden = frozenset(c.external_id for c in called if c.external_id not in patients)
    if viewer.queue_ids is None:
        hidden = frozenset()
    elif hidden and not batch.is_trial and {*called} != {*await _called(viewer, batch)}:
        raise Overtaken  # merged between the two looks: not hidden
    waiting = [patient for patient in by_id.values() if patient.awaits is not None]
    return Known(patients, merged, hidden, await _known_tasks(viewer, batch), waiting)


async def _called(viewer: Viewer, batch: ImportBatch) -> list[_Called]:
    """The external ids of the rows that patients have, whether or not the key sees them."""
    sql = f"""
    SELECT g.external_id, COALESCE(g.merged_into_id, g.id), g.merged_into_id IS NOT NULL
    FROM patient g
    WHERE g.practice_id = $1 AND g.source = $2 AND {among("g.external_id", 3, "text")}
    """
    return await fetch(_Called, sql, viewer.practice_id, batch.source, _wanted(batch))


def _wanted(batch: ImportBatch) -> list[str]:
    """The external ids of the rows' patients, and of those who answer for them."""
    ids = {row.patient_external_id for row in batch.rows} | {row.guarantor for row in batch.rows}
    return sorted(ids - {""})


async def _known_patients(
    viewer: Viewer, batch: ImportBatch, now: datetime
) -> dict[int, KnownPatient]:
    """The patients of the rows, their guarantors, and who waits for one of these, whom the key may
    see, or the survivors for those who were merged away, locked, with their open task in the queue
    and who claims them."""
    where = seen_patients(viewer)
    source, wanted = where.value(batch.source), where.value(_wanted(batch))
    called = f"""SELECT COALESCE(g.merged_into_id, g.id) FROM patient g
        WHERE g.practice_id = $1 AND g.source = ${source}
          AND {among("g.external_id", wanted, "text")}
        UNION ALL SELECT w.id FROM patient w
        WHERE w.practice_id = $1 AND w.source = ${source}
          AND {among("w.awaited_guarantor", wanted, "text")}"""
    where.add(among_found("p.id", called))
    sql = f"""
    SELECT p.id, p.name, p.phone, p.contact_status, p.contact_status_ends_at, p.guarantor_id,
        p.awaited_guarantor, p.phone_kind, p.more_phones, p.language, p.caller_note
    FROM patient p WHERE {where} ORDER BY p.id {"" if batch.is_trial else for_update()}
    """
    found = await fetch(_PatientThere, sql, *where.values)
    by_id = {row.id: row.known(now) for row in found}
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
    if by_id and batch.target.closes_on_appointment:
        for one in await appointments_ahead(viewer.practice_id, list(by_id), now):
            if is_of_kind(one.kind, batch.target.appointment_kinds):
                by_id[one.patient_id].is_booked = True
    return by_id


async def _known_tasks(viewer: Viewer, batch: ImportBatch) -> dict[str, _TaskThere]:
    sql = f"""
    SELECT t.id, t.external_id, t.patient_id, t.queue_id FROM task t
    WHERE t.practice_id = $1 AND t.source = $2
      AND {among("t.external_id", 3, "text")}
    """
    wanted = [row.external_id for row in batch.rows]
    found = await fetch(_TaskThere, sql, viewer.practice_id, batch.source, wanted)
    return {task.external_id: task for task in found}
