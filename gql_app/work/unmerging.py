"""A merge that is undone: what went over goes back to the patient whose it was."""

from collections.abc import Sequence
from dataclasses import dataclass

from gql_app.work.changes import Change
from gql_app.work.contact_status import close_all, write_standing
from gql_app.work.households import restore_guarantors, settle
from gql_app.work.merging import (
    Person,
    claimed_by_somebody_else,
    give,
    grow,
    lock_both,
    lock_tasks_of,
    own_claim,
)
from gql_app.work.patients import index_patients
from gql_app.work.reads.patients import patient_now
from gql_app.work.results import missing
from models.appointment import IS_THERE
from models.audit import AuditAction
from models.contact_status import Standing
from models.database import Number, among, fetch, fetch_first, write
from models.merge import MERGE_COLUMNS, MergeRow, Moved
from models.people import PatientRow
from models.refusals import Refusal, RefusalCode
from models.task import TaskRow


@dataclass(frozen=True, slots=True)
class UnmergeResult:
    """Both patients as they are now, and the refusals."""

    survivor: PatientRow | None = None
    restored: PatientRow | None = None
    refusals: tuple[Refusal, ...] = ()


_UNDONE = Refusal(RefusalCode.ALREADY_UNDONE, "This merge was undone already.", "mergeId")
_MERGED_AGAIN = Refusal(
    RefusalCode.ALREADY_MERGED,
    "The patient was merged into another one since: undo that merge first.",
    "mergeId",
)


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
    regrouped = Moved.of(merge.moved).guarantors
    also = [i for row in regrouped for i in row if i is not None]
    people, members = await lock_both(change, (merge.survivor_id, merge.merged_id), also)
    merge = await _merge_now(change, merge_id)  # another may have undone it while we waited
    assert merge is not None
    here = change.practice_id
    survivor = await patient_now(here, merge.survivor_id)
    if merge.undone_at is not None:
        return UnmergeResult(survivor, refusals=(_UNDONE,))
    if people[merge.survivor_id].merged_into_id is not None:
        return UnmergeResult(survivor, refusals=(_MERGED_AGAIN,))
    tasks = await lock_tasks_of(change, merge.survivor_id, merge.survivor_id)
    refusal = await claimed_by_somebody_else(change, tasks)
    assert survivor is not None
    if refusal is None and not keep_later_changes:
        refusal = await _changed_since(change, merge, tasks, survivor)
    if refusal is not None:
        return UnmergeResult(survivor, refusals=(refusal,))
    await _divide(change, merge, people, tasks)
    await restore_guarantors(change, regrouped, members)
    await settle(change, [merge.survivor_id, merge.merged_id])
    return UnmergeResult(
        await patient_now(here, merge.survivor_id), await patient_now(here, merge.merged_id)
    )


async def _divide(
    change: Change, merge: MergeRow, people: dict[int, Person], tasks: Sequence[TaskRow]
) -> None:
    """Give the merged patient back what came with them; `tasks` are all of the survivor's."""
    here, moved = change.practice_id, Moved.of(merge.moved)
    ids = {task.id for task in moved.tasks}
    staying = [task for task in tasks if task.is_open and task.id not in ids]
    await give(change, staying, merge.survivor_id, own_claim(change, tasks))
    await give(change, [task for task in tasks if task.id in ids], merge.merged_id, None)
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
        await grow(change, patient_id)
        standing = people[patient_id].standing
        if patient_id == merge.survivor_id:
            standing = await _status_again(change, moved, people[patient_id])
        if standing.at(change.now).is_barred:
            await close_all(change, patient_id)
        change.note(AuditAction.CHANGE, "merge undone", patient_id=patient_id)
    # Each has the numbers again of those who are merged into them now.
    await index_patients(here, [people[merge.survivor_id], people[merge.merged_id]])


async def _status_again(change: Change, moved: Moved, survivor: Person) -> Standing:
    """Give the survivor the contact status again that they had before the merge, unless another was
    set since. Returns what they have now."""
    if moved.statuses is None:
        return survivor.standing
    before, after = map(Standing.of, moved.statuses)
    if survivor.standing != after:
        return survivor.standing
    await write_standing(change, survivor.id, before)
    return before


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
    sql = f"""SELECT COUNT(*) FROM appointment a
    WHERE a.practice_id = $1 AND a.patient_id = $2 AND a.recorded_at > $3 AND {IS_THERE}"""
    recorded = await fetch(Number, sql, change.practice_id, merge.survivor_id, merge.at)
    sql = f"""SELECT COUNT(*) FROM contact_undo u
    JOIN contact c ON c.practice_id = u.practice_id AND c.id = u.contact_id
    WHERE u.practice_id = $1 AND {among("c.task_id", 2)} AND u.at > $3"""
    (undone,) = await fetch(Number, sql, change.practice_id, [*before], merge.at)
    more = sum(task.contact_count - before[task.id].contact_count for task in came)
    counts = {
        "contacts": more + undone.number,
        "undone contacts": undone.number,
        "tasks that were closed": sum(before[task.id].is_open > task.is_open for task in came),
        "reopened tasks": sum(before[task.id].is_open < task.is_open for task in came),
        "new tasks": sum(task.created_at > merge.at and task.id not in before for task in tasks),
        "new appointments": recorded[0].number,
    }
    told = [f"{what}: {number}" for what, number in counts.items() if number]
    if survivor.version != moved.version:
        told.append("another name, number, contact status or merge")
    if not told:
        return None
    message = (
        f"Since this merge there are {', '.join(told)}. If it is undone, contacts stay with their"
        " tasks, and all else with the patient who is shown now."
    )
    return Refusal(RefusalCode.CHANGED_SINCE_MERGE, message, "mergeId")
