"""Patients: whom a key may see, and the one look-up of them."""

from collections.abc import Sequence

from gql_app.access import Scope
from gql_app.work.reads.conditions import Conditions
from gql_app.work.reads.history import event_shown_in
from models.database import Id, among, fetch
from models.people import PATIENT_COLUMNS, PatientRow


def seen_patients(scope: Scope) -> Conditions:
    """What holds for the patients (called `p`) whom the key may see and change. A key that is
    limited to some queues reaches those who have a task there, open or closed, or had one that an
    event still tells of. So a patient whom it brought in itself stays in its reach: the event that
    tells of the first task is shown in the queue it was made in, wherever the task is now."""
    where = Conditions.of(scope, "p")
    if scope.queue_ids is not None:
        tasks = Conditions(["t.practice_id = p.practice_id", "t.patient_id = p.id"], where.values)
        events = Conditions(["e.practice_id = t.practice_id", "e.task_id = t.id"], where.values)
        allowed = where.value(list(scope.queue_ids))
        events.add(event_shown_in(allowed))
        here = among("t.queue_id", allowed)
        tasks.add(f"({here} OR EXISTS (SELECT 1 FROM task_event e WHERE {events}))")
        where.add(f"EXISTS (SELECT 1 FROM task t WHERE {tasks})")
    return where


async def patients_by_id(scope: Scope, ids: Sequence[int]) -> list[PatientRow]:
    """The patients among `ids` whom the key may see and change."""
    where = seen_patients(scope)
    where.among("p.id", list(ids))
    return await fetch(
        PatientRow, f"SELECT {PATIENT_COLUMNS} FROM patient p WHERE {where}", *where.values
    )


async def patients_of_tasks(scope: Scope, task_ids: Sequence[int]) -> list[int]:
    """The ids of the patients whose tasks these are. The tasks may be in any queue: what was shown
    of them was allowed."""
    where = Conditions.of(scope, "t")
    where.among("t.id", list(task_ids))
    sql = f"SELECT t.patient_id FROM task t WHERE {where}"
    return [found.id for found in await fetch(Id, sql, *where.values)]
