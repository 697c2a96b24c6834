"""Appointments that were recorded: cancelled, completed, missed, or scheduled after all."""

from typing import NamedTuple

from gql_app.work.appointments import (
    RecordedAppointment,
    close_needless,
    find_needless,
    tell_of_appointment,
    write_appointment,
)
from gql_app.work.bringing_back import bring_tasks_back
from gql_app.work.changes import Change
from gql_app.work.locking import Overtaken, lock_patient
from gql_app.work.missed import make_missed_tasks
from gql_app.work.results import missing
from models.appointment import (
    APPOINTMENT_COLUMNS,
    IS_THERE,
    AppointmentRow,
    AppointmentStatus,
    check_status,
)
from models.audit import AuditAction
from models.database import fetch_first, for_update
from models.follow_up import local_date
from models.refusals import Refusal, RefusalCode

_TOOK_PLACE = (AppointmentStatus.COMPLETED, AppointmentStatus.MISSED)


class Named(NamedTuple):
    """Which appointment is meant: by its number, 0 if the client's id names none, or by how the
    booking system calls it."""

    id: int | None = None
    external_id: str | None = None

    @property
    def field(self) -> str:
        """The argument that names it."""
        return "id" if self.external_id is None else "externalId"


async def set_appointment_status(
    change: Change, named: Named, status: AppointmentStatus
) -> RecordedAppointment:
    """Say what has become of an appointment. Cancelled, it brings the tasks back that it has
    closed; missed, it makes one in the queues that are set for it; scheduled again, it closes what
    it makes needless. Refusals change nothing. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_create_tasks, "change appointments")
    there = await _lock(change, named)
    if there is None:
        return RecordedAppointment(refusals=(missing("appointment", named.field),))
    if refusal := _why_not(change, there, status, named.field):
        return RecordedAppointment(there, refusals=(refusal,))
    is_over = status is not AppointmentStatus.SCHEDULED
    now = there._replace(
        status=status,
        ended_at=change.now if is_over else None,
        ended_by_id=viewer.staff_id if is_over else None,
        version=there.version + 1,
        is_confirmed=True,
    )
    await write_appointment(change, now)
    result = await _carry_out(change, now)
    told = [*result.closed, *result.reopened, *result.created]
    await tell_of_appointment(change, now.patient_id, told)
    change.note(AuditAction.CHANGE, f"appointment {status.lower()}", patient_id=now.patient_id)
    reopened = tuple(task for task in result.reopened if viewer.sees_queue(task.queue_id))
    return RecordedAppointment(now, result.closed, reopened=reopened, created=result.created)


async def _carry_out(change: Change, now: AppointmentRow) -> RecordedAppointment:
    """What comes of an appointment that is something else `now`."""
    match now.status:
        case AppointmentStatus.CANCELLED:
            return RecordedAppointment(now, reopened=tuple(await bring_tasks_back(change, now)))
        case AppointmentStatus.MISSED:
            return RecordedAppointment(now, created=tuple(await make_missed_tasks(change, now)))
        case AppointmentStatus.SCHEDULED if now.is_ahead(change.now):
            needless = await find_needless(change, now)
            return RecordedAppointment(now, tuple(await close_needless(change, now, needless)))
    return RecordedAppointment(now)


def _why_not(
    change: Change, there: AppointmentRow, status: AppointmentStatus, field: str
) -> Refusal | None:
    if refusal := check_status(there.status, status, field):
        return refusal
    zone = change.viewer.time_zone
    if status in _TOOK_PLACE and local_date(there.at, zone) > local_date(change.now, zone):
        day = local_date(there.at, zone).isoformat()
        message = f"The appointment is on {day}: nobody can have come, or missed it, yet."
        return Refusal(RefusalCode.APPOINTMENT_IN_FUTURE, message, field)
    return None


async def _lock(change: Change, named: Named) -> AppointmentRow | None:
    """Lock the patient, then the appointment that is meant; None if there is none, or its patient
    is not for this key. Raises `Overtaken`."""
    column, value = ("id", named.id) if named.external_id is None else ("external_id", named[1])
    sql = f"""SELECT {APPOINTMENT_COLUMNS} FROM appointment a
    WHERE a.practice_id = $1 AND a.{column} = $2 AND {IS_THERE}"""
    found = await fetch_first(AppointmentRow, sql, change.practice_id, value)
    if found is None:
        return None
    patient_id = await lock_patient(change.viewer, found.patient_id)
    if patient_id is None:
        return None
    locked = await fetch_first(AppointmentRow, f"{sql} {for_update()}", change.practice_id, value)
    if locked is not None and locked.patient_id != patient_id:
        raise Overtaken
    return locked
