"""Merges beside everything else that is done with the same two patients at that moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gql_app.work.locking import Overtaken, lock_patient, lock_tasks_around
from gql_app.work.merging import merge_patients
from models.database import Number, fetch, transaction
from models.merge import PatientMerge
from models.people import Patient
from models.task import Task
from tests.office import Office
from tests.web.streams import eventually
from tests.work.agents import assert_consistent, claims_of
from tests.work.test_merging import book, merge, undo
from tests.work.test_patient_edits import codes, update
from tests.work.test_patients_seen import create

ROUNDS = 8
PATIENCE = 30.0


async def test_whatever_happens_at_once_nothing_stays_with_who_was_merged_away(
    office: Office,
) -> None:
    amber, birch = (patient.id for patient in office.patients[:2])
    tasks = [await office.make_task(patient=patient) for patient in office.patients[:2]]
    claims = claims_of(office)
    for number in range(ROUNDS):
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(
                merge(office, amber, birch),
                merge(office, birch, amber),
                *(office.log(task, follow_up=office.today) for task in tasks),
                *(claims.claim(office.supervisor, task.id) for task in tasks),
                *(create(office, office.supervisor, patient) for patient in (amber, birch)),
                book(office, birch, f"b{number}"),
                update(office, birch, name=f"Birch {number}"),
            )
        gone = await Patient.filter(merged_into_id__isnull=False).get()
        assert await Task.filter(patient_id=gone.id).count() == 0
        await assert_consistent(office)
        standing = await PatientMerge.get(undone_at=None)
        assert codes(await undo(office, standing.id, keep_later_changes=True)) == []
        assert await Patient.filter(merged_into_id__isnull=False).count() == 0
        await assert_consistent(office)


WAITING = """SELECT COUNT(*) FROM pg_locks l WHERE NOT l.granted AND l.pid IN (
    SELECT o.pid FROM pg_locks o JOIN pg_database d ON d.oid = o.database
    WHERE d.datname = current_database())"""


async def somebody_waits() -> bool:
    return (await fetch(Number, WAITING))[0].number > 0


async def meanwhile(
    office: Office, act: Callable[[], Awaitable[Any]], change: Callable[..., Any], *args: int
) -> asyncio.Task[Any]:
    """An act that has waited for the locks of a change by the supervisor, made by now."""
    begun = asyncio.Event()

    async def waiting() -> Any:
        await begun.wait()
        return await act()

    acting = asyncio.create_task(waiting())  # before the change: tasks inherit transactions
    async with office.changes.begin(office.practice.id, office.supervisor) as made:
        assert (await change(made, *args)).refusals == ()
        begun.set()
        await eventually(somebody_waits)
    return acting


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("what", ["patient", "task"])
async def test_a_change_that_waits_for_a_patient_who_is_merged_begins_again(
    office: Office, what: str
) -> None:
    """What it has locked is another's: to wait for who that is would be out of order."""
    amber, birch = office.patients[:2]
    task = await office.make_task(patient=birch)

    async def look() -> None:
        async with transaction():
            if what == "patient":
                await lock_patient(office.staff, birch.id)
            else:
                await lock_tasks_around(office.practice.id, task.id)

    looking = await meanwhile(office, look, merge_patients, amber.id, birch.id)
    with pytest.raises(Overtaken):
        await looking
