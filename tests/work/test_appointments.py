"""An appointment closes the patient's open automatic tasks, where their queue says so."""

from datetime import timedelta

import pytest

from gql_app.access import Forbidden, authenticate
from gql_app.schema.ids import global_id
from gql_app.work.appointments import NewAppointment, record_appointment
from models.appointment import Appointment
from models.event import TaskEvent, TaskEventKind
from models.lifecycle import CloseCause
from models.practice import Queue
from models.refusals import RefusalCode
from models.roles import Role
from models.task import Task
from tests.office import Office, make_office
from tests.serving import Server
from tests.support.access import create_key
from tests.work.booking import book

RECORD = """mutation ($patient: ID!, $at: DateTime!, $id: String!) {
  recordAppointment(patientId: $patient, at: $at, externalId: $id) {
    appointment { at externalId patient { name } }
    closedTasks { id status closeCause }
    errors { code field }
  }
}"""


@pytest.fixture
async def tasks(office: Office) -> dict[str, Task]:
    """Tasks that an appointment may close, by what they are; Overdue recall says that it does."""
    await Queue.filter(id=office.recall.id).update(closes_on_appointment=True)
    soon = office.clock() + timedelta(days=9)
    made = {
        "automatic": await office.make_task(expires_at=soon),
        "in progress": await office.make_task(expires_at=soon),
        "manual": await office.make_task(),
        "another queue's": await office.make_task(office.missed, expires_at=soon),
        "another patient's": await office.make_task(patient=office.patients[1], expires_at=soon),
        "closed": await office.make_task(expires_at=soon),
    }
    await office.log(made["in progress"])
    await office.log(made["closed"], close=True)
    return made


async def test_it_closes_automatic_tasks_of_the_patient_in_queues_that_say_so(
    office: Office, tasks: dict[str, Task]
) -> None:
    recorded = await book(office)
    assert recorded.appointment is not None
    assert {row.id for row in recorded.closed} == {tasks["automatic"].id, tasks["in progress"].id}
    for row in recorded.closed:
        assert (row.status, row.close_cause) == ("CLOSED", CloseCause.APPOINTMENT_BOOKED)
        assert row.follow_up is None
    events = await TaskEvent.filter(kind=TaskEventKind.CLOSED_BY_APPOINTMENT).order_by("seq")
    assert [event.actor_id for event in events] == [office.partner.staff_id] * 2
    last = await TaskEvent.all().order_by("-seq").first()
    assert last is not None
    assert office.rings[-1] == (office.practice.id, last.seq)
    for name in ("manual", "another queue's", "another patient's"):
        assert (await Task.get(id=tasks[name].id)).status.is_open
    assert (await Appointment.get(id=recorded.appointment.id)).patient_id == office.patients[0].id


async def test_tasks_in_queues_that_the_key_does_not_see_stay_open(
    office: Office, tasks: dict[str, Task]
) -> None:
    key = await create_key(office.practice, Role.SUPERVISOR, "Desk", queue_ids=[office.missed.id])
    recorded = await book(office, viewer=await authenticate(key))
    assert (recorded.refusals, recorded.closed) == ((), ())
    await tasks["automatic"].refresh_from_db()
    assert tasks["automatic"].closed_at is None


async def test_recorded_again_it_is_moved_and_closes_nothing_twice(
    office: Office, tasks: dict[str, Task]
) -> None:
    first = (await book(office)).appointment
    events = await TaskEvent.all().count()
    closed = await Task.filter(status="CLOSED").count()
    moved = await book(office, days=5)
    again = moved.appointment
    assert first is not None
    assert again is not None
    assert (again.id, again.at) == (first.id, office.clock() + timedelta(days=5))
    assert (moved.closed, moved.refusals) == ((), ())
    assert await Appointment.all().count() == 1
    assert (await Appointment.get(id=first.id)).at == again.at
    assert await Task.filter(status="CLOSED").count() == closed
    # Those that are open still are told of it.
    told = await TaskEvent.all().order_by("seq").offset(events)
    assert [(event.kind, event.task_id) for event in told] == [
        (TaskEventKind.PATIENT_CHANGED, tasks[name].id) for name in ("manual", "another queue's")
    ]
    assert (await book(office, days=5)).closed == ()
    assert await TaskEvent.all().count() == events + len(told), "as it is already"


async def test_an_external_id_stands_for_one_patient(
    office: Office, tasks: dict[str, Task]
) -> None:
    await book(office)
    refused = await book(office, patient=1)
    assert (refused.appointment, refused.closed) == (None, ())
    assert [refusal.code for refusal in refused.refusals] == [RefusalCode.EXTERNAL_ID_TAKEN]
    assert (await Task.get(id=tasks["another patient's"].id)).status.is_open


async def test_a_patient_of_another_practice_is_not_found(office: Office) -> None:
    other = await make_office("oak")
    new = NewAppointment(other.patients[0].id, office.clock(), "b1")
    refused = await office.changes.make(office.partner, record_appointment, new)
    assert refused.appointment is None
    assert [refusal.code for refusal in refused.refusals] == [RefusalCode.NOT_FOUND]
    assert await Appointment.all().count() == 0


async def test_a_key_without_the_right_to_create_may_not_record(office: Office) -> None:
    with pytest.raises(Forbidden):
        await office.changes.make(
            office.staff,
            record_appointment,
            NewAppointment(office.patients[0].id, office.clock(), "b1"),
        )


async def test_a_partner_records_it_over_http(server: Server) -> None:
    office = server.office
    await Queue.filter(id=office.recall.id).update(closes_on_appointment=True)
    await office.make_task(expires_at=office.clock() + timedelta(days=9))
    given = {
        "patient": global_id("Patient", office.patients[0].id),
        "at": "2027-03-01T15:00:00Z",
        "id": "booking 7",
    }
    payload = (await server.data(RECORD, "partner", **given))["recordAppointment"]
    assert payload["errors"] == []
    assert payload["appointment"]["externalId"] == "booking 7"
    assert payload["appointment"]["patient"] == {"name": "Amber Testwell"}
    (closed,) = payload["closedTasks"]
    assert (closed["status"], closed["closeCause"]) == ("CLOSED", "APPOINTMENT_BOOKED")
    taken = given | {"patient": global_id("Patient", office.patients[1].id)}
    payload = (await server.data(RECORD, "partner", **taken))["recordAppointment"]
    assert payload["errors"] == [{"code": "EXTERNAL_ID_TAKEN", "field": ["externalId"]}]
    for bad in ({"id": ""}, {"id": "x" * 201}, {"id": "a\0"}, {"at": "2027-03-01T15:00:00"}):
        answer = await server.execute(RECORD, "partner", **given | bad)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
