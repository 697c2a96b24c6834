"""The rows that a change locks before it looks at them.

Locks are taken in one order everywhere: patients by id, tasks by id, practice counter last. What
the viewer's key does not allow is not locked: to wait for it would tell of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tortoise.exceptions import IntegrityError

from gql_app.access import Scope, Viewer
from gql_app.work.reads.conditions import Conditions
from gql_app.work.reads.patients import merged_patients, seen_patients
from models.database import (
    Id,
    among,
    among_found,
    fetch,
    fetch_first,
    for_update,
    for_update_if_free,
    has_row_locks,
)
from models.household import household_of, households_of
from models.task import IS_OPEN, TASK_COLUMNS, TaskRow


class Overtaken(IntegrityError):
    """A patient or a task has become another's between the look and the lock, by a merge, or a
    household has other members: what was locked is not what is needed. The runner of changes begins
    again."""


class _Seen(NamedTuple):
    """A patient as the statement saw them at first, and their id again if that is so still."""

    id: int
    locked: int | None


class Member(NamedTuple):
    """A patient, and who answers for them; None if nobody else does."""

    id: int
    guarantor_id: int | None


async def lock_patient(viewer: Viewer, patient_id: int) -> int | None:
    """Lock a patient until the transaction ends: no task can be made for one meanwhile. Gives the
    patient's id, which is the survivor's for one who was merged away. None if there is no such
    patient, an undone import took them back, or the key may not see and change them. One whom the
    key does not see is not waited for either: that would tell of a patient there."""
    while not await _lock_as_it_is(viewer, patient_id):
        gone = await merged_patients(viewer, [patient_id])
        if not gone:
            return None
        patient_id = gone[0].survivor.id
    return patient_id


async def _lock_as_it_is(viewer: Viewer, patient_id: int) -> bool:
    """Lock the patient if that is one. Raises `Overtaken` for one who was, until the lock was had:
    PostgreSQL keeps it, and to wait for the survivor behind it would be out of order."""
    where = seen_patients(viewer)
    where.add("p.taken_back_at IS NULL")
    where.add(f"p.id = ${where.value(patient_id)}")
    one = f"SELECT p.id FROM patient p WHERE {where}"
    sql = f"""SELECT s.id, l.id AS locked FROM ({one}) s
    LEFT JOIN ({one} {for_update()}) l ON l.id = s.id"""
    found = await fetch_first(_Seen, sql, *where.values)
    if found is not None and found.locked is None:
        raise Overtaken
    return found is not None


async def lock_task(practice_id: int, task_id: int) -> TaskRow | None:
    """Lock a task; None if there is none."""
    sql = f"""SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND t.id = $2 {for_update()}"""
    return await fetch_first(TaskRow, sql, practice_id, task_id)


async def lock_open_tasks(practice_id: int, patient_id: int) -> list[TaskRow]:
    """The open tasks of a locked patient, in all queues, by id."""
    sql = f"""SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND t.patient_id = $2 AND {IS_OPEN} ORDER BY t.id {for_update()}"""
    return await fetch(TaskRow, sql, practice_id, patient_id)


async def lock_tasks_around(
    practice_id: int,
    task_id: int,
    queue_ids: frozenset[int] | None = None,
    also: Sequence[int] = (),
) -> list[TaskRow]:
    """The task, and the open tasks of the same patient and household in all queues, behind all its
    members; none if there is no such task, or it is in none of `queue_ids`. Closed ones of theirs
    come too if they are among `also`. Raises `Overtaken`."""
    values: list[object] = [practice_id, task_id]
    whose = "SELECT patient_id FROM task WHERE practice_id = $1 AND id = $2"
    if queue_ids is not None:
        values.append(list(queue_ids))
        whose += f" AND {among('queue_id', 3)}"
    theirs = f"t.patient_id IN ({household_of(f'({whose})')})"
    if has_row_locks():
        members = await _lock_household(f"({whose})", values)
        if not members:
            return []
        values = [practice_id, task_id, members]
        theirs = f"""{among("t.patient_id", 3)} AND NOT EXISTS (SELECT 1 FROM patient n
            WHERE n.practice_id = $1 AND {among("n.guarantor_id", 3)} AND NOT {among("n.id", 3)})"""
    closed = ""
    if also:
        values.append(list(also))
        closed = f" OR {among('t.id', len(values))}"
    sql = f"""
    SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND {theirs}
      AND (t.id = $2 OR {IS_OPEN}{closed})
    ORDER BY t.id {for_update()}
    """
    tasks = await fetch(TaskRow, sql, *values)
    task = next((task for task in tasks if task.id == task_id), None)
    if task is None and has_row_locks():
        raise Overtaken
    is_allowed = queue_ids is None or (task is not None and task.queue_id in queue_ids)
    return tasks if is_allowed else []


async def _lock_household(patient: str, values: Sequence[object]) -> list[int]:
    """Lock all members of a patient's household, who is told of in SQL; none if there is no such
    patient. Raises `Overtaken`."""
    sql = f"""SELECT p.id, p.guarantor_id FROM patient p
    WHERE p.practice_id = $1 AND {among_found("p.id", household_of(patient))}
    ORDER BY p.id {for_update()}"""
    locked = await fetch(Member, sql, *values)
    if len({member.guarantor_id or member.id for member in locked}) > 1:
        raise Overtaken  # one of them is in another household by now
    return [member.id for member in locked]


async def lock_households(practice_id: int, patient_ids: Sequence[int]) -> list[Member]:
    """Lock these patients and all members of their households, by id. Raises `Overtaken`."""
    members = households_of(among("h.id", 2))
    sql = f"""SELECT p.id, p.guarantor_id FROM patient p
    WHERE p.practice_id = $1 AND {among_found("p.id", members)} ORDER BY p.id {for_update()}"""
    locked = await fetch(Member, sql, practice_id, list(patient_ids))
    if has_row_locks():
        now = await fetch(Id, members, practice_id, list(patient_ids))
        if {row.id for row in now} != {member.id for member in locked}:
            raise Overtaken
    return locked


async def lock_household_if_free(practice_id: int, patient_id: int) -> bool:
    """Lock all members of the household of a patient who is locked. False if another transaction
    has locked one of them: nothing is waited for."""
    sql = f"""SELECT p.id FROM patient p
    WHERE p.practice_id = $1 AND {among_found("p.id", household_of("$2"))} {for_update_if_free()}"""
    free = await fetch(Id, sql, practice_id, patient_id)
    sql = f"SELECT p.id FROM ({household_of('$2')}) p"
    return {*free} >= {*await fetch(Id, sql, practice_id, patient_id)}


async def lock_tasks(scope: Scope, task_ids: list[int]) -> list[TaskRow]:
    """Those of the tasks that the scope allows, by id, behind their patients. Raises
    `Overtaken`."""
    where = Conditions.of(scope, "t", "t.queue_id")
    where.among("t.id", task_ids)
    locked: list[Id] = []
    if has_row_locks():
        patients = f"""
        SELECT p.id FROM patient p WHERE p.practice_id = $1 AND p.id IN (
            SELECT t.patient_id FROM task t WHERE {where})
        ORDER BY p.id {for_update()}
        """
        locked = await fetch(Id, patients, *where.values)
    sql = f"SELECT {TASK_COLUMNS} FROM task t WHERE {where} ORDER BY t.id {for_update()}"
    tasks = await fetch(TaskRow, sql, *where.values)
    if has_row_locks() and not {task.patient_id for task in tasks} <= {row.id for row in locked}:
        raise Overtaken
    return tasks


async def lock_for(
    viewer: Viewer, task_id: int, also: Sequence[int] = ()
) -> tuple[list[TaskRow], TaskRow | None]:
    """What `lock_tasks_around` locks, and the task that is meant; nothing and None if there is no
    such task, or the key does not allow it."""
    tasks = await lock_tasks_around(viewer.practice_id, task_id, viewer.queue_ids, also)
    return tasks, next((task for task in tasks if task.id == task_id), None)
