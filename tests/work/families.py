"""Households of an office."""

from typing import Any

from gql_app.access import Viewer
from gql_app.work.households import GuarantorResult, set_guarantor
from models.people import Patient
from models.task import Task
from tests.office import Office
from tests.work.records import everything


async def answer(
    office: Office, patient: int, guarantor: int | None, viewer: Viewer | None = None
) -> GuarantorResult:
    """Say who answers for a patient."""
    by = viewer or office.supervisor
    return await office.changes.make(by, set_guarantor, patient, guarantor)


def codes(result: GuarantorResult) -> list[tuple[str, str | None]]:
    return [(refusal.code.value, refusal.field) for refusal in result.refusals]


async def family(office: Office) -> tuple[Task, Task]:
    """A task of Amber, the mother of Birch, and one of his; Clover is somebody else."""
    amber, birch, _ = office.patients
    assert codes(await answer(office, birch.id, amber.id)) == []
    return (
        await office.make_task(patient=amber),
        await office.make_task(office.missed, patient=birch),
    )


async def rows(office: Office) -> list[Any]:
    """All that a change of a household could touch."""
    patients = await Patient.filter(practice_id=office.practice.id).order_by("id").values()
    return [patients, *await everything()]


async def guarantors(office: Office) -> dict[int, int | None]:
    """Who answers for whom, of those for whom somebody does."""
    rows = await Patient.filter(practice_id=office.practice.id, guarantor_id__isnull=False)
    return {row.id: row.guarantor_id for row in rows}
