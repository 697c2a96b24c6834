"""Patients: whom a key may see, and the one look-up of them."""

from collections.abc import Sequence
from typing import NamedTuple

from gql_app.access import Scope, Viewer
from gql_app.work.reads.conditions import Conditions
from gql_app.work.reads.history import event_shown_in
from models.contact_status import Standing
from models.database import Id, among, fetch, fetch_first, fetch_joined
from models.people import PATIENT_COLUMNS, PatientRow


def seen_patients(scope: Scope) -> Conditions:
    """What holds for the patients (called `p`) whom the key may see and change. A key that is
    limited to some queues reaches those who have a task there, open or closed, or had one that an
    event still tells of. So a patient whom it brought in itself stays in its reach: the event that
    tells of the first task is shown in the queue it was made in, wherever the task is now. One whom
    its holder made is in its reach before there is a task. Who was merged away is not a patient any
    more."""
    where = Conditions.of(scope, "p")
    where.add("p.merged_into_id IS NULL")
    if scope.queue_ids is not None:
        tasks = Conditions(["t.practice_id = p.practice_id", "t.patient_id = p.id"], where.values)
        events = Conditions(["e.practice_id = t.practice_id", "e.task_id = t.id"], where.values)
        allowed = where.value(list(scope.queue_ids))
        events.add(event_shown_in(allowed))
        here = among("t.queue_id", allowed)
        tasks.add(f"({here} OR EXISTS (SELECT 1 FROM task_event e WHERE {events}))")
        seen = f"EXISTS (SELECT 1 FROM task t WHERE {tasks})"
        if isinstance(scope, Viewer):
            seen = f"({seen} OR p.made_by_id = ${where.value(scope.staff_id)})"
        where.add(seen)
    return where


async def patients_by_id(scope: Scope, ids: Sequence[int]) -> list[PatientRow]:
    """The patients among `ids` whom the key may see and change."""
    where = seen_patients(scope)
    where.among("p.id", list(ids))
    return await fetch(
        PatientRow, f"SELECT {PATIENT_COLUMNS} FROM patient p WHERE {where}", *where.values
    )


class MergedPatient(NamedTuple):
    """A patient who was merged away, by their id, and the survivor."""

    id: int
    survivor: PatientRow


async def merged_patients(scope: Scope, ids: Sequence[int]) -> list[MergedPatient]:
    """Those among `ids` who were merged into patients whom the key may see, with these."""
    where = seen_patients(scope)
    where.among("g.id", list(ids))
    sql = f"""SELECT g.id, {PATIENT_COLUMNS} FROM patient g
    JOIN patient p ON p.practice_id = g.practice_id AND p.id = g.merged_into_id WHERE {where}"""
    gone, survivors = await fetch_joined((Id, PatientRow), sql, *where.values)
    return [MergedPatient(g.id, row) for g, row in zip(gone, survivors, strict=True)]


async def patient_now(practice_id: int, patient_id: int) -> PatientRow | None:
    """The patient with this id, as the transaction sees it. For a patient whom the viewer may see,
    which `lock_patient` has found out."""
    sql = f"SELECT {PATIENT_COLUMNS} FROM patient p WHERE p.practice_id = $1 AND p.id = $2"
    return await fetch_first(PatientRow, sql, practice_id, patient_id)


async def standing_of(practice_id: int, patient_id: int) -> Standing:
    """The contact status of a patient who is there, as the transaction sees it."""
    patient = await patient_now(practice_id, patient_id)
    assert patient is not None
    return patient.standing


async def patients_of_tasks(scope: Scope, task_ids: Sequence[int]) -> list[int]:
    """The ids of the patients whose tasks these are. The tasks may be in any queue: what was shown
    of them was allowed."""
    where = Conditions.of(scope, "t")
    where.among("t.id", list(task_ids))
    sql = f"SELECT t.patient_id FROM task t WHERE {where}"
    return [found.id for found in await fetch(Id, sql, *where.values)]
