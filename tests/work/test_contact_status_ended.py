"""A contact status that ends by itself, after its last day at the practice."""

from datetime import timedelta

import pytest

from gql_app.clock import Doubtful
from gql_app.work.contact_status import end_status
from gql_app.work.upkeep.expiry import end_statuses
from models.event import TaskEvent, TaskEventKind
from models.people import Patient
from tests.commands.importing.rows import row
from tests.office import Office
from tests.work.agents import assert_consistent
from tests.work.imports.test_run import CREATED, take
from tests.work.statuses import DO_NOT_CONTACT, INACTIVE, OK, put, status_of


async def test_it_ends_by_itself_after_its_last_day_at_the_practice(office: Office) -> None:
    task = await office.make_task()
    await put(office, DO_NOT_CONTACT, until=office.today + timedelta(days=1), reason="until then")
    day = office.today
    while office.today == day:
        office.clock.advance(hours=1)
    assert await end_statuses(office.changes, office.clock()) == 0
    assert (await status_of(office))[0] is DO_NOT_CONTACT
    day = office.today
    while office.today == day:
        office.clock.advance(hours=1)
    # The clock decides, not the sweeper.
    assert (await office.make_task(office.missed)).status.is_open
    assert await end_statuses(office.changes, office.clock()) == 1
    assert await end_statuses(office.changes, office.clock()) == 0
    assert await status_of(office) == (OK, None)
    last = await TaskEvent.filter(task_id=task.id).order_by("-seq").first()
    assert last is not None
    assert (last.kind, last.actor_id) == (TaskEventKind.PATIENT_CHANGED, None)
    await assert_consistent(office)


async def test_a_status_that_has_ended_keeps_no_import_out(office: Office) -> None:
    await take(office, row("t1", patient_external_id="p1"))
    patient = await Patient.get(external_id="p1")
    await put(office, DO_NOT_CONTACT, patient=patient.id, until=office.today)
    office.clock.advance(hours=25)
    assert await take(office, row("t2", patient_external_id="p1")) == [CREATED]


async def test_a_clock_that_has_jumped_ends_nothing(office: Office) -> None:
    for number in range(12):
        patient = await Patient.create(
            practice_id=office.practice.id,
            name=f"Patient {number}",
            phone="555-0100",
            created_at=office.clock(),
        )
        await put(office, INACTIVE, patient=patient.id, until=office.today)
    office.clock.advance(days=60)
    with pytest.raises(Doubtful):
        await end_statuses(office.changes, office.clock())
    assert await end_statuses(office.changes, office.clock(), forced=True) == 12


async def test_a_status_that_was_made_longer_meanwhile_is_not_ended(office: Office) -> None:
    """As the sweeper finds it when it has waited for the patient."""
    await put(office, DO_NOT_CONTACT, until=office.today)
    office.clock.advance(hours=25)
    await put(office, DO_NOT_CONTACT, office.supervisor, until=office.today)
    amber = office.patients[0].id
    assert not await office.changes.make_for(office.practice.id, end_status, amber)
    assert (await status_of(office))[0] is DO_NOT_CONTACT
