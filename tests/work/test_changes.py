"""Events of one transaction say that they are one change, and a patient's new name is one, too."""

from datetime import timedelta

import pytest

from gql_app.work.appointments import NewAppointment, record_appointment
from gql_app.work.upkeep.verifying import Verdict, verify
from models.event import EventRow, TaskEventKind
from models.practice import Queue
from models.task import Task
from tests.commands.importing.rows import row
from tests.office import Office
from tests.work.agents import all_events, assert_consistent, claims_of
from tests.work.claiming import codes, patient_with_two_tasks
from tests.work.imports.test_run import take

CHANGED = TaskEventKind.PATIENT_CHANGED


def grouped(events: list[EventRow]) -> list[list[str]]:
    """The kinds of the events, change by change."""
    assert all(event.change is not None and event.change <= event.seq for event in events)
    changes = sorted({event.change or 0 for event in events})
    return [[str(event.kind) for event in events if event.change == c] for c in changes]


async def test_the_events_of_one_transaction_are_one_change(office: Office) -> None:
    await Queue.all().update(closes_on_appointment=True)
    soon = office.clock() + timedelta(minutes=5)
    recall, _ = await patient_with_two_tasks(office)
    await office.make_task(expires_at=soon)
    await claims_of(office).claim(office.staff, recall.id)
    await office.log(recall)  # it also ends the claim on the two others
    for _ in range(2):
        await office.make_task(expires_at=office.clock() + timedelta(days=9))
    patient = office.patients[0].id
    at = office.clock() + timedelta(days=3)
    appointment = NewAppointment(patient, at, "a1")
    await office.changes.make(office.supervisor, record_appointment, appointment)
    assert grouped(await all_events(office)) == [
        *[["CREATED"]] * 3,
        ["CLAIMED"] * 3,
        ["CONTACT_LOGGED", "RELEASED", "RELEASED"],
        *[["CREATED"]] * 2,
        [*["CLOSED_BY_APPOINTMENT"] * 3, *["PATIENT_CHANGED"] * 2],  # on the manual ones
    ]
    assert (await verify(office.practice.id)).changed_at is None


async def test_a_closing_by_the_clock_and_the_late_contact_are_one_change(office: Office) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(hours=1))
    made = office.clock()
    office.clock.advance(hours=2)
    await office.log(task, contacted_at=made)
    assert grouped(await all_events(office)) == [
        ["CREATED"],
        ["CLOSED_BY_EXPIRY", "CONTACT_LOGGED"],
    ]


async def test_a_patients_new_name_is_told_on_each_open_task(office: Office) -> None:
    await take(office, row("t1", patient_external_id="p1"))
    await take(office, row("t2", patient_external_id="p1"), queue=office.missed)
    await take(office, row("t3", patient_external_id="p3"))
    closed = await Task.get(external_id="t1")
    await office.log(closed, close=True)
    again = row("t4", patient_external_id="p1", name="Fern Newname")
    await take(office, row("t1", patient_external_id="p1", phone="217 555 0199"))
    before = len(await all_events(office))

    await take(office, again, row("t3", patient_external_id="p3"))

    (changed, created) = (await all_events(office))[before:]
    assert (changed.kind, created.kind) == (CHANGED, TaskEventKind.CREATED)
    elsewhere = await Task.get(external_id="t2")
    assert changed.task_id == elsewhere.id
    assert (changed.version, elsewhere.version) == (3, 3)
    assert (changed.from_status, changed.to_status) == ("OPEN", "OPEN")
    assert changed.actor_id == office.supervisor.staff_id
    assert changed.change == created.change == changed.seq
    assert [event.kind for event in await all_events(office)].count(CHANGED) == 2
    assert office.rings[-1] == (office.practice.id, created.seq)
    await assert_consistent(office)
    assert await verify(office.practice.id) == Verdict(1, created.seq, None)


async def test_rows_that_bring_nothing_new_or_are_refused_tell_nothing(office: Office) -> None:
    await take(office, row("t1", patient_external_id="p1"))
    before = len(await all_events(office))
    await take(office, row("t1", patient_external_id="p1"))
    await take(office, row("t1", patient_external_id="p2", name="Somebody Else"))
    await take(office, row("t1", patient_external_id="p1", name="Trial"), is_trial=True)
    assert len(await all_events(office)) == before


async def test_it_stands_in_the_way_of_nobody_who_is_typing(office: Office) -> None:
    await take(office, row("t1", patient_external_id="p1"))
    task = await Task.get(external_id="t1")
    for name in ("Fern Newname", "Fern Othername"):
        await take(office, row("t1", patient_external_id="p1", name=name))
    assert codes(await office.log(task, expected_version=1)) == []
    # A contact was logged since then: that has to be seen.
    await take(office, row("t1", patient_external_id="p1", name="Fern Thirdname"))
    assert codes(await office.log(task, expected_version=3)) == ["VERSION_CONFLICT"]
    assert codes(await office.log(task, expected_version=9)) == ["VERSION_CONFLICT"]
    assert codes(await office.log(task, expected_version=4)) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_many_patients_in_many_queues_are_each_told_once(office: Office) -> None:
    rows = [row(f"t{n}", patient_external_id=f"p{n}") for n in range(250)]
    await take(office, *rows)
    others = [r._replace(external_id=f"m{r.external_id}") for r in rows]
    await take(office, *others, queue=office.missed)
    before = len(await all_events(office))
    await take(office, *(r._replace(name="Fern Newname") for r in rows))
    events = (await all_events(office))[before:]
    assert {event.kind for event in events} == {CHANGED}
    assert len({event.task_id for event in events}) == len(events) == 500
    assert len({event.change for event in events}) == 3  # one for each batch of the import
    await assert_consistent(office)
