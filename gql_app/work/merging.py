"""Two patients who are one person: merged into one, and divided again.

All tasks and appointments go to the survivor, and contacts with their tasks. The one who was merged
away keeps the row with name, number and external id, so that whoever asks by one of these ids is
answered with the survivor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from gql_app.work.changes import Change
from gql_app.work.claims import Claim
from gql_app.work.conflicts import claimed_by_other
from gql_app.work.patients import index_patients
from gql_app.work.reads.patients import patient_now
from gql_app.work.results import missing
from models.audit import AuditAction
from models.database import Id, Number, among, fetch, fetch_first, for_update, insert, write
from models.event import TaskEventKind
from models.merge import MERGE_COLUMNS, MergeRow, Moved, MovedTask
from models.people import PatientRow
from models.refusals import Refusal, RefusalCode
from models.task import IS_OPEN, TASK_COLUMNS, TaskRow


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


@dataclass(frozen=True, slots=True)
class UnmergeResult:
    """Both patients as they are now, and the refusals."""

    survivor: PatientRow | None = None
    restored: PatientRow | None = None
    refusals: tuple[Refusal, ...] = ()


class _Person(NamedTuple):
    """A patient's row, whether or not they were merged away."""

    id: int
    name: str
    phone: str
    merged_into_id: int | None


_SAME = Refusal(RefusalCode.SAME_PATIENT, "This is one patient, not two.", "mergedId")
_UNDONE = Refusal(RefusalCode.ALREADY_UNDONE, "This merge was undone already.", "mergeId")
_MERGED_AGAIN = Refusal(
    RefusalCode.ALREADY_MERGED,
    "The patient was merged into another one since: undo that merge first.",
    "mergeId",
)


async def merge_patients(
    change: Change, survivor_id: int, merged_id: int, *, dry_run: bool = False
) -> MergeResult:
    """Merge a patient into another one, the survivor. Refusals change nothing. With `dry_run`
    nothing is changed either: the result says what would go over. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_merge_patients, "merge patients")
    people = await _lock(change, (survivor_id, merged_id))
    refusals = _why_not(people, survivor_id, merged_id)
    if refusals:
        known = people.get(survivor_id)
        survivor = await patient_now(change.practice_id, survivor_id) if known else None
        return MergeResult(survivor, refusals=refusals)
    tasks = await _lock_tasks(change, survivor_id, merged_id)
    moving = [task for task in tasks if task.patient_id == merged_id]
    found = MergeResult(
        await patient_now(change.practice_id, survivor_id),
        tasks=len(moving),
        open_tasks=sum(task.is_open for task in moving),
        contacts=sum(task.contact_count for task in moving),
        appointments=len(await _appointments(change, merged_id)),
    )
    if refusal := await _claimed(change, tasks):
        return replace(found, refusals=(refusal,))
    if dry_run:
        return found
    merge = await _merge(change, people[survivor_id], people[merged_id], tasks)
    survivor = await patient_now(change.practice_id, survivor_id)
    return replace(found, survivor=survivor, merge=merge)


async def unmerge_patients(
    change: Change, merge_id: int, *, keep_later_changes: bool = False
) -> UnmergeResult:
    """Undo a merge: what went over goes back. What was done since, such as a contact on a task that
    goes back or a new task of the survivor, is refused, unless `keep_later_changes` says that it
    stays where it is: contacts with their tasks, all else with the survivor. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_merge_patients, "undo a merge")
    merge = await _merge_now(change, merge_id)
    if merge is None:
        return UnmergeResult(refusals=(missing("merge", "mergeId"),))
    people = await _lock(change, (merge.survivor_id, merge.merged_id))
    merge = await _merge_now(change, merge_id)  # another may have undone it while we waited
    assert merge is not None
    here = change.practice_id
    survivor = await patient_now(here, merge.survivor_id)
    if merge.undone_at is not None:
        return UnmergeResult(survivor, refusals=(_UNDONE,))
    if people[merge.survivor_id].merged_into_id is not None:
        return UnmergeResult(survivor, refusals=(_MERGED_AGAIN,))
    tasks = await _lock_tasks(change, merge.survivor_id, merge.survivor_id)
    refusal = await _claimed(change, tasks)
    assert survivor is not None
    if refusal is None and not keep_later_changes:
        refusal = await _changed_since(change, merge, tasks, survivor)
    if refusal is not None:
        return UnmergeResult(survivor, refusals=(refusal,))
    await _divide(change, merge, people, tasks)
    return UnmergeResult(
        await patient_now(here, merge.survivor_id), await patient_now(here, merge.merged_id)
    )


def _why_not(people: dict[int, _Person], survivor_id: int, merged_id: int) -> tuple[Refusal, ...]:
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


async def _lock(change: Change, ids: tuple[int, int]) -> dict[int, _Person]:
    """The rows of two patients, locked in the order of their ids. The key is for all queues, so it
    may see every patient of the practice."""
    sql = f"""SELECT p.id, p.name, p.phone, p.merged_into_id FROM patient p
    WHERE p.practice_id = $1 AND {among("p.id", 2)} ORDER BY p.id {for_update()}"""
    return {row.id: row for row in await fetch(_Person, sql, change.practice_id, [*ids])}


async def _lock_tasks(change: Change, survivor_id: int, merged_id: int) -> list[TaskRow]:
    """The tasks that are told of: all of the one, and the survivor's open ones."""
    sql = f"""SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND (t.patient_id = $2 OR t.patient_id = $3 AND {IS_OPEN})
    ORDER BY t.id {for_update()}"""
    return await fetch(TaskRow, sql, change.practice_id, merged_id, survivor_id)


async def _appointments(change: Change, patient_id: int) -> list[int]:
    sql = "SELECT a.id FROM appointment a WHERE a.practice_id = $1 AND a.patient_id = $2"
    return [row.id for row in await fetch(Id, sql, change.practice_id, patient_id)]


async def _claimed(change: Change, tasks: Sequence[TaskRow]) -> Refusal | None:
    """Why nobody may touch these patients now: somebody else is calling one of them."""
    for task in tasks:
        if task.is_open and (refusal := await claimed_by_other(change.viewer, task, change.now)):
            return refusal._replace(field=None)
    return None


async def _give(
    change: Change, tasks: Sequence[TaskRow], patient_id: int, claim: Claim | None
) -> None:
    """Make locked tasks a patient's, each with its event; the open ones under a claim, or free."""
    here = change.practice_id
    ids = [task.id for task in tasks]
    sql = f"""UPDATE task SET patient_id = $3, version = version + 1
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


def _own_claim(change: Change, tasks: Sequence[TaskRow]) -> Claim | None:
    """The viewer's claim on these tasks: nobody else has one."""
    for task in tasks:
        if task.is_open and task.is_claimed(change.now):
            assert task.claimed_by_id is not None
            assert task.claimed_until is not None
            return Claim(task.claimed_by_id, task.claimed_until, task.claim_id)
    return None


async def _merge(
    change: Change, survivor: _Person, merged: _Person, tasks: Sequence[TaskRow]
) -> MergeRow:
    here = change.practice_id
    await _give(change, tasks, survivor.id, _own_claim(change, tasks))
    appointments = await _appointments(change, merged.id)
    sql = f"""UPDATE appointment SET patient_id = $3
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, here, appointments, survivor.id)
    sql = """UPDATE patient SET merged_into_id = $3
    WHERE practice_id = $1 AND (id = $2 OR merged_into_id = $2) RETURNING id"""
    gone = await write(sql, here, merged.id, survivor.id)
    version = await _grow(change, survivor.id)
    await index_patients(here, [survivor])
    moved = Moved(
        [MovedTask(t.id, t.contact_count, t.is_open) for t in tasks if t.patient_id == merged.id],
        appointments,
        [int(row["id"]) for row in gone if row["id"] != merged.id],
        version,
    )
    whose = {"survivor_id": survivor.id, "merged_id": merged.id, "at": change.now}
    by = change.viewer.staff_id
    merge_id = await insert("patient_merge", practice_id=here, **whose, by_id=by, moved=moved.text)
    for patient in (survivor, merged):
        change.note(AuditAction.CHANGE, "patients merged", patient_id=patient.id)
    return MergeRow(merge_id, here, survivor.id, merged.id, change.now, by, moved.text, None)


async def _divide(
    change: Change, merge: MergeRow, people: dict[int, _Person], tasks: Sequence[TaskRow]
) -> None:
    """Give the merged patient back what came with them; `tasks` are all of the survivor's."""
    here, moved = change.practice_id, Moved.of(merge.moved)
    ids = {task.id for task in moved.tasks}
    staying = [task for task in tasks if task.is_open and task.id not in ids]
    await _give(change, staying, merge.survivor_id, _own_claim(change, tasks))
    await _give(change, [task for task in tasks if task.id in ids], merge.merged_id, None)
    sql = f"""UPDATE appointment SET patient_id = $3
    WHERE practice_id = $1 AND patient_id = $4 AND {among("id", 2)}"""
    await write(sql, here, moved.appointments, merge.merged_id, merge.survivor_id)
    sql = "UPDATE patient SET merged_into_id = NULL WHERE practice_id = $1 AND id = $2"
    await write(sql, here, merge.merged_id)
    sql = f"""UPDATE patient SET merged_into_id = $3 WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, here, moved.patients, merge.merged_id)
    sql = """UPDATE patient_merge SET undone_at = $3, undone_by_id = $4
    WHERE practice_id = $1 AND id = $2"""
    await write(sql, here, merge.id, change.now, change.viewer.staff_id)
    for patient_id in (merge.survivor_id, merge.merged_id):
        await _grow(change, patient_id)
        change.note(AuditAction.CHANGE, "merge undone", patient_id=patient_id)
    # Each has the numbers again of those who are merged into them now.
    await index_patients(here, [people[merge.survivor_id], people[merge.merged_id]])


async def _grow(change: Change, patient_id: int) -> int:
    """Give a patient the next version, and no numbers but their own for now."""
    sql = """UPDATE patient SET version = version + 1, other_phones = NULL
    WHERE practice_id = $1 AND id = $2 RETURNING version"""
    return int((await write(sql, change.practice_id, patient_id))[0]["version"])


async def _merge_now(change: Change, merge_id: int) -> MergeRow | None:
    sql = f"SELECT {MERGE_COLUMNS} FROM patient_merge m WHERE m.practice_id = $1 AND m.id = $2"
    return await fetch_first(MergeRow, sql, change.practice_id, merge_id)


async def _changed_since(
    change: Change, merge: MergeRow, tasks: Sequence[TaskRow], survivor: PatientRow
) -> Refusal | None:
    """What was done since a merge that may belong to either of the two; `tasks` are all of the
    survivor's."""
    moved = Moved.of(merge.moved)
    before = {task.id: task for task in moved.tasks}
    came = [task for task in tasks if task.id in before]
    sql = """SELECT COUNT(*) FROM appointment a
    WHERE a.practice_id = $1 AND a.patient_id = $2 AND a.recorded_at > $3"""
    recorded = await fetch(Number, sql, change.practice_id, merge.survivor_id, merge.at)
    counts = {
        "contacts": sum(task.contact_count - before[task.id].contact_count for task in came),
        "tasks that were closed": sum(before[task.id].is_open > task.is_open for task in came),
        "new tasks": sum(task.created_at > merge.at and task.id not in before for task in tasks),
        "new appointments": recorded[0].number,
    }
    told = [f"{what}: {number}" for what, number in counts.items() if number]
    if survivor.version != moved.version:
        told.append("another name, number or merge")
    if not told:
        return None
    message = (
        f"Since this merge there are {', '.join(told)}. If it is undone, contacts stay with their"
        " tasks, and all else with the patient who is shown now."
    )
    return Refusal(RefusalCode.CHANGED_SINCE_MERGE, message, "mergeId")
