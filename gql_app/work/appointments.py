"""Appointments: recorded by partners, so that nobody calls a patient who has one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.changes import Change
from gql_app.work.locking import lock_patient
from gql_app.work.reads.conditions import Conditions
from gql_app.work.results import missing
from gql_app.work.transitions import close
from models.appointment import APPOINTMENT_COLUMNS, AppointmentRow
from models.audit import AuditAction
from models.database import fetch, fetch_first, for_update, insert, write
from models.lifecycle import Happening, TaskOrigin
from models.refusals import Refusal, RefusalCode
from models.task import IS_OPEN, TASK_COLUMNS, TaskRow


class NewAppointment(NamedTuple):
    """What a partner sends. `patient_id` is 0 if the client's id names no patient. `at` is
    aware."""

    patient_id: int
    at: datetime
    external_id: str


@dataclass(frozen=True, slots=True)
class RecordedAppointment:
    """What came of it: the appointment and the tasks that it has closed, or the refusals."""

    appointment: AppointmentRow | None = None
    closed: tuple[TaskRow, ...] = ()
    refusals: tuple[Refusal, ...] = ()


_EXTERNAL_ID_TAKEN = Refusal(
    RefusalCode.EXTERNAL_ID_TAKEN,
    "Another patient's appointment has this external id.",
    "externalId",
)


async def record_appointment(change: Change, new: NewAppointment) -> RecordedAppointment:
    """Record an appointment, and close what it makes needless in the queues that the key allows.
    Recorded again, it is moved; a key for more queues then closes more. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_create_tasks, "record appointments")
    patient_id = await lock_patient(viewer, new.patient_id)
    if patient_id is None:
        return RecordedAppointment(refusals=(missing("patient", "patientId"),))
    new = new._replace(patient_id=patient_id)
    there = await find_recorded(change, new)
    if isinstance(there, Refusal):
        return RecordedAppointment(refusals=(there,))
    recorded = await put_appointment(change, new, there)
    if not recorded.closed:  # otherwise their events say as much
        change.note(AuditAction.CHANGE, patient_id=new.patient_id)
    return recorded


async def find_recorded(change: Change, new: NewAppointment) -> AppointmentRow | Refusal | None:
    """The appointment as it was recorded before, None if it was not; refused if it is another
    patient's, whom the key need not see: external ids are the practice's. The patient is locked."""
    sql = f"""SELECT {APPOINTMENT_COLUMNS} FROM appointment a
    WHERE a.practice_id = $1 AND a.external_id = $2 {for_update()}"""
    found = await fetch_first(AppointmentRow, sql, change.practice_id, new.external_id)
    if found is not None and found.patient_id != new.patient_id:
        return _EXTERNAL_ID_TAKEN
    return found


async def put_appointment(
    change: Change,
    new: NewAppointment,
    there: AppointmentRow | None,
    worked_on: Collection[int] = (),
) -> RecordedAppointment:
    """Record an appointment, or move the one that is `there`, and close what it makes needless.
    Tasks that the same call was about, `worked_on`, stay as it has left them."""
    appointment = await _put(change, new, there)
    tasks = await _tasks_to_close(change.viewer, new.patient_id)
    closed = [
        await close(change, task, Happening.APPOINTMENT)
        for task in tasks
        if task.id not in worked_on
    ]
    return RecordedAppointment(appointment, tuple(closed))


async def _put(change: Change, new: NewAppointment, there: AppointmentRow | None) -> AppointmentRow:
    practice_id = change.practice_id
    if there is None:
        row_id = await insert(
            "appointment",
            practice_id=practice_id,
            patient_id=new.patient_id,
            at=new.at,
            external_id=new.external_id,
            recorded_at=change.now,
            recorded_by_id=change.viewer.staff_id,
        )
        return AppointmentRow(row_id, practice_id, new.patient_id, new.at, new.external_id)
    if there.at != new.at:
        move = "UPDATE appointment SET at = $3 WHERE practice_id = $1 AND id = $2"
        await write(move, practice_id, there.id, new.at)
    return there._replace(at=new.at)


async def _tasks_to_close(viewer: Viewer, patient_id: int) -> list[TaskRow]:
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
