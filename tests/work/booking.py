"""Appointments that are recorded and changed, for tests."""

from datetime import timedelta
from typing import Any

from gql_app.access import Viewer
from gql_app.work.appointment_changes import Named, set_appointment_status
from gql_app.work.appointments import NewAppointment, RecordedAppointment, record_appointment
from models.appointment import AppointmentStatus
from models.practice import Queue
from models.task import Task
from tests.office import Office

SCHEDULED, CANCELLED, COMPLETED, MISSED = AppointmentStatus


async def book(
    office: Office,
    patient: int = 0,
    external_id: str = "b1",
    viewer: Viewer | None = None,
    *,
    kind: str | None = None,
    **later: float,
) -> RecordedAppointment:
    """Record an appointment of the patient at this place, in three days or as much `later`."""
    at = office.clock() + timedelta(**later or {"days": 3})
    new = NewAppointment(office.patients[patient].id, at, external_id, kind)
    return await office.changes.make(viewer or office.partner, record_appointment, new)


async def becomes(
    office: Office,
    status: AppointmentStatus,
    external_id: str = "b1",
    viewer: Viewer | None = None,
) -> RecordedAppointment:
    named = Named(external_id=external_id)
    return await office.changes.make(
        viewer or office.partner, set_appointment_status, named, status
    )


async def cancel(
    office: Office, external_id: str = "b1", viewer: Viewer | None = None
) -> RecordedAppointment:
    return await becomes(office, CANCELLED, external_id, viewer)


def codes(result: Any) -> list[tuple[str, str | None]]:
    return [(refusal.code.value, refusal.field) for refusal in result.refusals]


async def closing(office: Office, queue: Queue | None = None, **settings: Any) -> None:
    """Have a queue, Overdue recall unless it is said, close its tasks on appointments."""
    queue = queue or office.recall
    await Queue.filter(id=queue.id).update(closes_on_appointment=True, **settings)


async def automatic(office: Office, queue: Queue | None = None, **given: Any) -> Task:
    """An automatic task that lives for nine days."""
    given = {"expires_at": office.clock() + timedelta(days=9)} | given
    return await office.make_task(queue, **given)
