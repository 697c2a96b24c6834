"""Calling hours of an office, and claims by them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gql_app.work.patient_edits import PatientChanges, update_patient
from gql_app.work.practices import PracticeResult, update_practice
from gql_app.work.reads.nothing_next import Nothing, NothingReason
from models.people import Patient
from tests.office import Office
from tests.work.agents import claims_of

OUTSIDE = NothingReason.OUTSIDE_CALLING_HOURS
WEEK = "Mon-Fri 08:00-18:00"
CHICAGO, DENVER, LOS_ANGELES, KOLKATA = (
    "+13125550123",
    "+13035550123",
    "+13105550123",
    "+913323456789",
)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of July 2026 by the practice's clocks; the 1st is a Wednesday."""
    return datetime(2026, 7, day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


async def begin(office: Office) -> None:
    """A morning of the practice, which has calling hours."""
    office.clock.now = at(1, 9)
    assert (await set_hours(office, calling_hours=WEEK)).refusals == ()


async def set_hours(office: Office, **given: Any) -> PracticeResult:
    return await office.changes.make(office.admin, update_practice, given)


async def call_by(office: Office, patient: Patient, number: str) -> None:
    """Give the patient a number from there."""
    changes = PatientChanges(phone=number)
    done = await office.changes.make(office.supervisor, update_patient, patient.id, changes)
    assert done.refusals == ()


async def nothing(office: Office, skipped: Sequence[int] = ()) -> tuple[Nothing, list[Any]]:
    """What is said where there is nothing to claim next."""
    result = await claims_of(office).claim_next(office.staff, None, skipped=skipped)
    assert result.task is None
    assert result.nothing is not None
    return result.nothing, [*result.nothing.reasons]
