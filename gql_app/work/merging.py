"""Two patients who are one person: merged into one.

All tasks and appointments go to the survivor, and contacts with their tasks. The one who was merged
away keeps the row with name, number and external id, so that whoever asks by one of these ids is
answered with the survivor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from gql_app.work.changes import Change
from gql_app.work.claims import Claim
from gql_app.work.conflicts import claimed_by_other
from gql_app.work.contact_status import close_barred, write_standing
from gql_app.work.households import merged_households, regroup, settle
from gql_app.work.locking import Member, lock_households
from gql_app.work.patients import index_patients
from gql_app.work.reads.patients import patient_now
from gql_app.work.results import missing
from models.appointment import IS_THERE
from models.audit import AuditAction
from models.contact_status import ContactStatus, Standing
from models.database import Id, among, fetch, for_update, insert, select_list, write
from models.event import TaskEventKind
from models.household import Regrouped
from models.merge import MergeRow, Moved, MovedTask
from models.people import PatientRow
from models.refusals import Refusal, RefusalCode
from models.task import FOUND_AGAIN, IS_OPEN, TASK_COLUMNS, TaskRow


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The survivor as they are now, and the refusals. `tasks`, `open_tasks`, `contacts` and
    `appointments` are how many go over, or have gone; `merge` is None if nothing was merged."""

    survivor: PatientRow | None = None
    merge: MergeRow | None = None
    tasks: int = 0
    open_tasks: int = 0
    contacts: int = 0
    appointments: int = 0
    refusals: tuple[Refusal, ...] = ()


class Person(NamedTuple):
    """A patient's row, whether or not they were merged away."""

    id: int
    name: str
    phone: str
    merged_into_id: int | None
    contact_status: ContactStatus
    contact_status_reason: str | None
    contact_status_since: datetime | None
    contact_status_ends_at: datetime | None

    @property
    def standing(self) -> Standing:
        """The contact status as it was said last; it may have ended since."""
        return Standing(*self[-4:])


_PERSON = select_list("p", Person)

_SAME = Refusal(RefusalCode.SAME_PATIENT, "This is one patient, not two.", "mergedId")


async def merge_patients(
    change: Change, survivor_id: int, merged_id: int, *, dry_run: bool = False
) -> MergeResult:
    """Merge a patient into another one, the survivor. Refusals change nothing. With `dry_run`
    nothing is changed either: the result says what would go over. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_merge_patients, "merge patients")
    people, members = await lock_both(change, (survivor_id, merged_id))
    refusals = _why_not(people, survivor_id, merged_id)
    if refusals:
        known = people.get(survivor_id)
        is_there = known is not None and known.merged_into_id is None
        survivor = await patient_now(change.practice_id, survivor_id) if is_there else None
        return MergeResult(survivor, refusals=refusals)
    tasks = await lock_tasks_of(change, survivor_id, merged_id)
    moving = [task for task in tasks if task.patient_id == merged_id]
    found = MergeResult(
        await patient_now(change.practice_id, survivor_id),
        tasks=len(moving),
        open_tasks=sum(task.is_open for task in moving),
        contacts=sum(task.contact_count for task in moving),
        appointments=len(await _appointments(change, merged_id)),
    )
    if refusal := await claimed_by_somebody_else(change, tasks):
        return replace(found, refusals=(refusal,))
    regrouped = merged_households(survivor_id, merged_id, members)
    if isinstance(regrouped, Refusal):
        return replace(found, refusals=(regrouped,))
    if dry_run:
        return found
    merge = await _merge(change, people[survivor_id], people[merged_id], tasks, regrouped)
    survivor = await patient_now(change.practice_id, survivor_id)
    return replace(found, survivor=survivor, merge=merge)


def _why_not(people: dict[int, Person], survivor_id: int, merged_id: int) -> tuple[Refusal, ...]:
    """Why these two cannot be merged; nothing if they can."""
    fields = {"survivorId": survivor_id, "mergedId": merged_id}
    if unknown := tuple(
        missing("patient", field) for field, row_id in fields.items() if row_id not in people
    ):
        return unknown
    if survivor_id == merged_id:
        return (_SAME,)
    return tuple(
        Refusal(
            RefusalCode.ALREADY_MERGED, f"{people[row_id].name} was merged away already.", field
        )
        for field, row_id in fields.items()
        if people[row_id].merged_into_id is not None
    )


async def lock_both(
    change: Change, ids: tuple[int, int], also: Iterable[int] = ()
) -> tuple[dict[int, Person], list[Member]]:
    """The rows of two patients, but for those whom an undone import took back, and the members of
    their households and of those of `also`; all are locked in the order of their ids. The key is
    for all queues, so it may see every patient of the practice."""
    members = await lock_households(change.practice_id, [*ids, *also])
    sql = f"""SELECT {_PERSON} FROM patient p
    WHERE p.practice_id = $1 AND {among("p.id", 2)} AND p.taken_back_at IS NULL"""
    people = {row.id: row for row in await fetch(Person, sql, change.practice_id, [*ids])}
    return people, members


async def lock_tasks_of(change: Change, survivor_id: int, merged_id: int) -> list[TaskRow]:
    """The tasks that are told of: all of the one, and the survivor's open ones."""
    sql = f"""SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND (t.patient_id = $2 OR t.patient_id = $3 AND {IS_OPEN})
    ORDER BY t.id {for_update()}"""
    return await fetch(TaskRow, sql, change.practice_id, merged_id, survivor_id)


async def _appointments(change: Change, patient_id: int) -> list[int]:
    sql = f"""SELECT a.id FROM appointment a
    WHERE a.practice_id = $1 AND a.patient_id = $2 AND {IS_THERE}"""
    return [row.id for row in await fetch(Id, sql, change.practice_id, patient_id)]


async def claimed_by_somebody_else(change: Change, tasks: Sequence[TaskRow]) -> Refusal | None:
    """Why nobody may touch these patients now: somebody else is calling one of them."""
    for task in tasks:
        if task.is_open and (refusal := await claimed_by_other(change.viewer, task, change.now)):
            return refusal._replace(field=None)
    return None


async def give(
    change: Change, tasks: Sequence[TaskRow], patient_id: int, claim: Claim | None
) -> None:
    """Make locked tasks a patient's, each with its event; the open ones under a claim, or free."""
    here = change.practice_id
    ids = [task.id for task in tasks]
    sql = f"""UPDATE task SET patient_id = $3, version = version + 1, {FOUND_AGAIN}
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, here, ids, patient_id)
    by, until, claim_id = claim or (None, None, None)
    sql = f"""UPDATE task SET claimed_by_id = $3, claimed_until = $4, claim_id = $5
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, here, [task.id for task in tasks if task.is_open], by, until, claim_id)
    for task in tasks:
        given = task._replace(patient_id=patient_id, version=task.version + 1)
        if task.is_open:
            given = given._replace(claimed_by_id=by, claimed_until=until, claim_id=claim_id)
        change.record(TaskEventKind.PATIENT_CHANGED, given, before=task)


def own_claim(change: Change, tasks: Sequence[TaskRow]) -> Claim | None:
    """The viewer's claim on these tasks: nobody else has one."""
    for task in tasks:
        if task.is_open and task.is_claimed(change.now):
            assert task.claimed_by_id is not None
            assert task.claimed_until is not None
            return Claim(task.claimed_by_id, task.claimed_until, task.claim_id)
    return None


async def _merge(
    change: Change,
    survivor: Person,
    merged: Person,
    tasks: Sequence[TaskRow],
    regrouped: Sequence[Regrouped],
) -> MergeRow:
    here = change.practice_id
    before = survivor.standing.at(change.now)
    standing = before.joined(merged.standing.at(change.now))
    if standing != before:
        await write_standing(change, survivor.id, standing)
    if standing.is_barred:  # for one of the two, so for the person
        tasks = [await close_barred(change, task) if task.is_open else task for task in tasks]
    await give(change, tasks, survivor.id, own_claim(change, tasks))
    appointments = await _appointments(change, merged.id)
    sql = f"""UPDATE appointment SET patient_id = $3
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, here, appointments, survivor.id)
    sql = """UPDATE patient SET merged_into_id = $3
    WHERE practice_id = $1 AND (id = $2 OR merged_into_id = $2) RETURNING id"""
    gone = await write(sql, here, merged.id, survivor.id)
    await regroup(change, regrouped)
    await settle(change, [survivor.id])
    version = await grow(change, survivor.id)
    await index_patients(here, [survivor])
    moved = Moved(
        [MovedTask(t.id, t.contact_count, t.is_open) for t in tasks if t.patient_id == merged.id],
        appointments,
        [int(row["id"]) for row in gone if row["id"] != merged.id],
        version,
        None if standing == before else (before.text, standing.text),
        regrouped,
    )
    whose = {"survivor_id": survivor.id, "merged_id": merged.id, "at": change.now}
    by = change.viewer.staff_id
    merge_id = await insert("patient_merge", practice_id=here, **whose, by_id=by, moved=moved.text)
    for patient in (survivor, merged):
        change.note(AuditAction.CHANGE, "patients merged", patient_id=patient.id)
    return MergeRow(merge_id, here, survivor.id, merged.id, change.now, by, moved.text, None)


async def grow(change: Change, patient_id: int) -> int:
    """Give a patient the next version, and no numbers but their own for now."""
    sql = """UPDATE patient SET version = version + 1, other_phones = NULL
    WHERE practice_id = $1 AND id = $2 RETURNING version"""
    return int((await write(sql, change.practice_id, patient_id))[0]["version"])
