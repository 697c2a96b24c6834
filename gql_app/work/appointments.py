"""Appointments: recorded by partners, or with the call in which they were agreed on, so that nobody
calls a patient who has one.

Locks: the patient, the appointment, then the patient's tasks by id.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.changes import Change
from gql_app.work.locking import lock_open_tasks, lock_patient
from gql_app.work.patients import touch_tasks
from gql_app.work.reads.conditions import Conditions
from gql_app.work.results import missing
from gql_app.work.transitions import close
from models.appointment import (
    APPOINTMENT_COLUMNS,
    AppointmentBefore,
    AppointmentRow,
    AppointmentStatus,
    ended,
    is_of_kind,
)
from models.audit import AuditAction
from models.contact import TaskBefore
from models.database import columns_of_new, fetch, fetch_first, for_update, insert, write
from models.lifecycle import Happening, TaskOrigin
from models.refusals import Refusal, RefusalCode
from models.task import IS_OPEN, TASK_COLUMNS, TaskRow


class NewAppointment(NamedTuple):
    """What a partner sends. `patient_id` is 0 if the client's id names no patient. `at` is aware.
    `kind` is None if it was not said."""

    patient_id: int
    at: datetime
    external_id: str
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedAppointment:
    """What came of it: the appointment as it is now, the tasks that it has closed, that are open
    again, and that are new; or the refusals."""

    appointment: AppointmentRow | None = None
    closed: tuple[TaskRow, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    reopened: tuple[TaskRow, ...] = ()
    created: tuple[TaskRow, ...] = ()


_EXTERNAL_ID_TAKEN = Refusal(
    RefusalCode.EXTERNAL_ID_TAKEN,
    "Another patient's appointment has this external id.",
    "externalId",
)


async def record_appointment(change: Change, new: NewAppointment) -> RecordedAppointment:
    """Record an appointment, and close what it makes needless in the queues that the key allows.
    Recorded again, it is moved; a key for more queues then closes more. One that has ended is
    refused. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_create_tasks, "record appointments")
    patient_id = await lock_patient(viewer, new.patient_id)
    if patient_id is None:
        return RecordedAppointment(refusals=(missing("patient", "patientId"),))
    new = new._replace(patient_id=patient_id)
    there = await find_recorded(change, new)
    if refusal := check_recorded(there, new):
        is_shown = there is not None and there.patient_id == patient_id
        return RecordedAppointment(there if is_shown else None, refusals=(refusal,))
    appointment = await _put(change, new, there, is_confirmed=True)
    closed = await close_needless(change, appointment, await find_needless(change, appointment))
    is_new = there is None or there.version != appointment.version
    told = await tell_of_appointment(change, patient_id, closed) if is_new else []
    if not (closed or told):  # otherwise their events say as much
        change.note(AuditAction.CHANGE, patient_id=patient_id)
    return RecordedAppointment(appointment, tuple(closed))


async def find_recorded(change: Change, new: NewAppointment) -> AppointmentRow | None:
    """The appointment as it was recorded before, by anybody and of anybody, locked; None if it was
    not. The patient is locked."""
    sql = f"""SELECT {APPOINTMENT_COLUMNS} FROM appointment a
    WHERE a.practice_id = $1 AND a.external_id = $2 {for_update()}"""
    return await fetch_first(AppointmentRow, sql, change.practice_id, new.external_id)


def check_recorded(there: AppointmentRow | None, new: NewAppointment) -> Refusal | None:
    """Why an appointment cannot be recorded where this one is `there`. Another patient's may be one
    whom the key need not see: external ids are the practice's."""
    if there is None or there.taken_back_at is not None:
        return None
    if there.patient_id != new.patient_id:
        return _EXTERNAL_ID_TAKEN
    return None if there.is_scheduled else ended(there.status, "externalId")


class PutInACall(NamedTuple):
    """An appointment that was agreed on in a call, what it was before, and the locked tasks that it
    makes needless."""

    appointment: AppointmentRow
    before: AppointmentBefore
    needless: list[TaskRow]


async def put_in_a_call(
    change: Change,
    new: NewAppointment,
    there: AppointmentRow | None,
    worked_on: Collection[int],
) -> PutInACall:
    """Record an appointment that was agreed on in a call, or move the one that is `there`. Tasks
    that the same call is about, `worked_on`, are not needless: it says itself what becomes of
    them."""
    row = await _put(change, new, there, is_confirmed=False)
    needless = [t for t in await find_needless(change, row) if t.id not in worked_on]
    closed = [task.id for task in needless]
    if there is None or there.taken_back_at is not None:
        before = AppointmentBefore(row.id, 0, row.at, row.kind, False, row.version, closed)
    else:
        kept = (there.version, there.at, there.kind, there.is_confirmed)
        before = AppointmentBefore(row.id, *kept, row.version, closed)
    return PutInACall(row, before, needless)


async def close_needless(
    change: Change, appointment: AppointmentRow, tasks: Iterable[TaskRow]
) -> list[TaskRow]:
    """Close locked tasks that an appointment makes needless."""
    closed = []
    for task in tasks:
        closed.append(await close(change, task, Happening.APPOINTMENT))
        await _keep_closing(change, appointment, task)
    return closed


async def tell_of_appointment(
    change: Change, patient_id: int, told: Collection[TaskRow]
) -> list[TaskRow]:
    """Record on a locked patient's open tasks, in the queues that the key allows, that something is
    new of an appointment, but for those whose events have `told` it: dashboards show it beside
    them."""
    but, sees = {task.id for task in told}, change.viewer.sees_queue
    tasks = await lock_open_tasks(change.practice_id, patient_id)
    return await touch_tasks(change, [t for t in tasks if t.id not in but and sees(t.queue_id)])


async def write_appointment(change: Change, row: AppointmentRow) -> None:
    """Write all that may change of a locked appointment."""
    sets = ", ".join(f"{column} = ${place}" for place, column in enumerate(_CHANGING, start=3))
    sql = f"UPDATE appointment SET {sets} WHERE practice_id = $1 AND id = $2"
    await write(sql, change.practice_id, row.id, *[getattr(row, column) for column in _CHANGING])


_CHANGING = tuple(
    column for column in AppointmentRow._fields if column not in ("id", "practice_id")
)


async def _put(
    change: Change, new: NewAppointment, there: AppointmentRow | None, *, is_confirmed: bool
) -> AppointmentRow:
    if there is None or there.taken_back_at is not None:
        row = AppointmentRow(
            id=0,
            practice_id=change.practice_id,
            patient_id=new.patient_id,
            at=new.at,
            external_id=new.external_id,
            recorded_at=change.now,
            recorded_by_id=change.viewer.staff_id,
            status=AppointmentStatus.SCHEDULED,
            kind=new.kind,
            ended_at=None,
            ended_by_id=None,
            version=1,
            is_confirmed=is_confirmed,
            taken_back_at=None,
        )
        if there is None:
            return row._replace(id=await insert("appointment", **columns_of_new(row)))
        row = row._replace(id=there.id, version=there.version + 1)
    else:
        row = there._replace(at=new.at, kind=new.kind or there.kind)
        if row != there:
            row = row._replace(version=there.version + 1, is_confirmed=is_confirmed)
        elif is_confirmed:
            row = row._replace(is_confirmed=True)
    if row != there:
        await write_appointment(change, row)
    return row


async def _keep_closing(change: Change, appointment: AppointmentRow, task: TaskRow) -> None:
    """Keep what a task was that an appointment closes, for when that is cancelled."""
    sql = """INSERT INTO appointment_closing (practice_id, task_id, appointment_id, task_before)
    VALUES ($1, $2, $3, $4) ON CONFLICT (practice_id, task_id)
    DO UPDATE SET appointment_id = excluded.appointment_id, task_before = excluded.task_before"""
    before = TaskBefore.as_is(task).text
    await write(sql, change.practice_id, task.id, appointment.id, before)


class _Queue(NamedTuple):
    id: int
    appointment_kinds: str | None


async def queues_that_mean(viewer: Viewer, kind: str | None, setting: str) -> list[int]:
    """The queues that the key allows, in their order, which have the `setting`, a column, and mean
    appointments of this kind."""
    where = Conditions.of(viewer, "q", "q.id")
    sql = f"""SELECT q.id, q.appointment_kinds FROM queue q
    WHERE {where} AND q.{setting} ORDER BY q.position, q.id"""
    found = await fetch(_Queue, sql, *where.values)
    return [queue.id for queue in found if is_of_kind(kind, queue.appointment_kinds)]


async def find_needless(change: Change, appointment: AppointmentRow) -> list[TaskRow]:
    """The patient's open automatic tasks whose queue closes them on such an appointment, of those
    that the key allows, locked."""
    queues = await queues_that_mean(change.viewer, appointment.kind, "closes_on_appointment")
    if not queues:
        return []
    where = Conditions.of(change.viewer, "t")
    where.among("t.queue_id", queues)
    where.add(f"t.patient_id = ${where.value(appointment.patient_id)}")
    where.add(f"t.origin = ${where.value(TaskOrigin.AUTOMATIC)}")
    sql = f"""SELECT {TASK_COLUMNS} FROM task t
    WHERE {where} AND {IS_OPEN} ORDER BY t.id {for_update()}"""
    return await fetch(TaskRow, sql, *where.values)
