"""When a patient was called last, for whichever of their tasks, closed ones too."""

from datetime import datetime
from typing import NamedTuple

from models.contact import stands
from models.database import fetch

LAST_CALL = f"""(SELECT MAX(COALESCE(c.contacted_at, c.logged_at))
    FROM task s CROSS JOIN contact c
    WHERE s.practice_id = {{practice}} AND s.patient_id = {{patient}}
      AND c.practice_id = s.practice_id AND c.task_id = s.id AND {stands("c")})"""
"""SQL for the moment of it, null if there was none; an undone one is none. The largest of all, not
whether there is one after a moment: the databases would look through all that were called since. A
CROSS JOIN, because SQLite begins with its first table then: the patient's few tasks."""


class _LastCall(NamedTuple):
    at: datetime | None


async def last_call(practice_id: int, patient_id: int) -> datetime | None:
    """When the patient was called last, None if never."""
    sql = f"SELECT {LAST_CALL.format(practice='$1', patient='$2')}"
    return (await fetch(_LastCall, sql, practice_id, patient_id))[0].at
