"""Appointments: recorded by partners, so that nobody calls a patient who has one."""

from datetime import datetime
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.reads.conditions import Conditions
from models.appointment import APPOINTMENT_COLUMNS, AppointmentRow
from models.database import fetch, for_update, insert, write
from models.lifecycle import TaskOrigin
from models.task import IS_OPEN, TASK_COLUMNS, TaskRow

MAX_EXTERNAL_ID = 200


class NewAppointment(NamedTuple):
    """What a partner sends. `at` is aware; the patient's number is 0 for one that no row has."""

    patient_id: int
    at: datetime
    external_id: str


async def put_appointment(
    viewer: Viewer, new: NewAppointment, now: datetime
) -> AppointmentRow | None:
    """The appointment, made or moved to another time; None if it is another patient's, whom the key
    need not see: external ids are the practice's. The patient is locked."""
    practice_id = viewer.practice_id
    sql = f"""SELECT {APPOINTMENT_COLUMNS} FROM appointment a
    WHERE a.practice_id = $1 AND a.external_id = $2 {for_update()}"""
    found = await fetch(AppointmentRow, sql, practice_id, new.external_id)
    if not found:
        row_id = await insert(
            "appointment",
            practice_id=practice_id,
            patient_id=new.patient_id,
            at=new.at,
            external_id=new.external_id,
            recorded_at=now,
            recorded_by_id=viewer.staff_id,
        )
        return AppointmentRow(row_id, practice_id, new.patient_id, new.at, new.external_id)
    if found[0].patient_id != new.patient_id:
        return None
    if found[0].at != new.at:
        move = "UPDATE appointment SET at = $3 WHERE practice_id = $1 AND id = $2"
        await write(move, practice_id, found[0].id, new.at)
    return found[0]._replace(at=new.at)


async def tasks_to_close(viewer: Viewer, patient_id: int) -> list[TaskRow]:
    """The patient's open automatic tasks whose queue closes them on an appointment, of those that
    the key allows, locked."""
    where = Conditions.of(viewer, "t", "t.queue_id")
    where.add(f"t.patient_id = ${where.value(patient_id)}")
    where.add(f"t.origin = ${where.value(TaskOrigin.AUTOMATIC)}")
    sql = f"""
    SELECT {TASK_COLUMNS} FROM task t
    WHERE {where} AND {IS_OPEN}
      AND t.queue_id IN (SELECT id FROM queue WHERE practice_id = $1 AND closes_on_appointment)
    ORDER BY t.id {for_update()}
    """
    return await fetch(TaskRow, sql, *where.values)
