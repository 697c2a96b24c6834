"""When a patient or somebody of their household was called last, for whichever of their tasks,
closed ones too: they share a telephone."""

from datetime import datetime
from typing import NamedTuple

from models.contact import stands
from models.database import fetch
from models.household import household_of


def call_of(patient: str) -> str:
    """SQL for the moment at which the household of the patient with this number, in SQL, was called
    last; null if never. Undone calls are none. The practice is the first parameter.

    It is the latest of all their calls, and not one that is sought after some moment: the databases
    would look through all calls since then. In steps, so that they begin with the patients' few
    tasks, and not with contacts of which they have no statistics yet. The NULL keeps SQLite from
    the index of all calls by their moments, which it would read from its end until it finds one of
    the task: all of them, for a task without a call."""
    return f"""(SELECT MAX((SELECT MAX((
        SELECT MAX(COALESCE(c.contacted_at, c.logged_at, NULL)) FROM contact c
        WHERE c.practice_id = $1 AND c.task_id = s.id AND {stands("c")}))
    FROM task s WHERE s.practice_id = $1 AND s.patient_id = one.id))
    FROM ({household_of(patient)}) one)"""


class _LastCall(NamedTuple):
    at: datetime | None


async def last_call(practice_id: int, patient_id: int) -> datetime | None:
    """When the patient's household was called last, None if never."""
    sql = f"SELECT {call_of('$2')}"
    return (await fetch(_LastCall, sql, practice_id, patient_id))[0].at
