"""Setting contact statuses, for tests."""

from datetime import date
from typing import Any

from gql_app.access import Viewer
from gql_app.work.contact_status import NewStatus, StatusResult, set_contact_status
from gql_app.work.contacts import log_contact
from models.contact_status import ContactStatus
from models.lifecycle import Attempt, ContactOutcome
from models.people import Patient
from models.task import Task
from tests.office import Office

OK, DO_NOT_CONTACT, INACTIVE, DECEASED = ContactStatus
BARRED = (DO_NOT_CONTACT, INACTIVE, DECEASED)


async def put(
    office: Office,
    status: ContactStatus,
    viewer: Viewer | None = None,
    *,
    patient: int | None = None,
    reason: str | None = None,
    until: date | None = None,
) -> StatusResult:
    new = NewStatus(status, reason, until)
    patient = office.patients[0].id if patient is None else patient
    return await office.changes.make(viewer or office.staff, set_contact_status, patient, new)


def codes(result: Any) -> list[tuple[str, str | None]]:
    return [(refusal.code.value, refusal.field) for refusal in result.refusals]


async def said(office: Office, **how: Any) -> Any:
    """Log and close the patient's first task: the patient has said not to be called again."""
    task = how.pop("task")
    status = how.pop("status", DO_NOT_CONTACT)
    close = how.pop("close", True)
    attempt = Attempt(ContactOutcome.DID_NOT_SCHEDULE, None, how.pop("notes", None), close, status)
    viewer = how.pop("viewer", office.staff)
    return await office.changes.make(viewer, log_contact, task.id, attempt, **how)


async def both_tasks(office: Office) -> list[Task]:
    """An open task of the first patient in each queue."""
    return [await office.make_task(queue) for queue in (office.recall, office.missed)]


async def status_of(office: Office) -> tuple[ContactStatus, str | None]:
    patient = await Patient.get(id=office.patients[0].id)
    return patient.contact_status, patient.contact_status_reason
