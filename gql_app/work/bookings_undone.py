"""The appointment that was agreed on in a contact, taken back when the contact is undone."""

from typing import NamedTuple

from gql_app.work.appointments import tell_of_appointment, write_appointment
from gql_app.work.bringing_back import as_before_call
from gql_app.work.changes import Change
from models.appointment import APPOINTMENT_COLUMNS, AppointmentBefore, AppointmentRow
from models.contact import ContactRow
from models.database import fetch, fetch_first, for_update
from models.refusals import Refusal, RefusalCode
from models.task import TaskRow

_CHANGED = Refusal(
    RefusalCode.APPOINTMENT_CHANGED,
    "The appointment that was agreed on was moved, cancelled or missed since, or has taken place:"
    " the contact stands.",
    "contactId",
)


class Booked(NamedTuple):
    """The appointment of a contact as it is now, locked, and as it was before."""

    now: AppointmentRow
    before: AppointmentBefore


class _Kept(NamedTuple):
    appointment_before: str | None


async def booked_in(
    change: Change, contact: ContactRow, patient_id: int
) -> Booked | Refusal | None:
    """The appointment that was agreed on in a contact of a locked patient, None if there was none;
    or why it cannot be taken back any more."""
    sql = """SELECT c.appointment_before FROM contact c
    WHERE c.practice_id = $1 AND c.id = $2"""
    (kept,) = await fetch(_Kept, sql, change.practice_id, contact.id)
    if kept.appointment_before is None:
        return None
    before = AppointmentBefore.of(kept.appointment_before)
    sql = f"""SELECT {APPOINTMENT_COLUMNS} FROM appointment a
    WHERE a.practice_id = $1 AND a.id = $2 {for_update()}"""
    now = await fetch_first(AppointmentRow, sql, change.practice_id, before.id)
    if now is None or now.version != before.after or now.patient_id != patient_id:
        return _CHANGED
    return Booked(now, before)


async def take_booking_back(change: Change, booked: Booked, undone: TaskRow) -> None:
    """Make an appointment what it was before the contact on a task that was `undone`, and open what
    it has closed then. It stays if the booking system has recorded it too."""
    now, before = booked
    has_changed = before.version != before.after
    if has_changed and now.is_confirmed:
        return
    if before.version == 0:
        now = now._replace(taken_back_at=change.now, version=now.version + 1)
    else:
        now = now._replace(
            at=before.at,
            kind=before.kind,
            version=before.version,
            is_confirmed=before.is_confirmed,
        )
    if now != booked.now:
        await write_appointment(change, now)
    opened = await as_before_call(change, booked.now, before.closed)
    await tell_of_appointment(change, now.patient_id, [undone, *opened])
