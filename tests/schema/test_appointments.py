"""Appointments over the API: recorded, read, cancelled, completed, missed."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.schema.ids import global_id
from models.practice import Queue
from models.task import Task
from tests.office import task_id
from tests.serving import Server

SHOWN = "id at externalId status kind recordedAt recordedBy { name } endedAt endedBy { name }"
RECORD = f"""mutation ($patient: ID!, $at: DateTime!, $id: String!, $kind: String) {{
  recordAppointment(patientId: $patient, at: $at, externalId: $id, kind: $kind) {{
    appointment {{ {SHOWN} }} closedTasks {{ id }} errors {{ code field }} }} }}"""
PAYLOAD = f"""appointment {{ {SHOWN} patient {{ name }} }}
    reopenedTasks {{ id status suggestedFollowUp }} createdTasks {{ reason queue {{ name }} }}
    closedTasks {{ id }} errors {{ code message field }}"""
CANCEL = f"""mutation ($id: ID, $externalId: String) {{
  cancelAppointment(id: $id, externalId: $externalId) {{ {PAYLOAD} }} }}"""
SET = f"""mutation ($status: AppointmentStatus!, $id: ID, $externalId: String) {{
  setAppointmentStatus(status: $status, id: $id, externalId: $externalId) {{ {PAYLOAD} }} }}"""
OF_PATIENT = f"""query ($id: ID!) {{ patient(id: $id) {{
    appointments {{ nodes {{ {SHOWN} }} }} nextAppointment {{ externalId }} }} }}"""
CREATE = """mutation ($input: CreateTaskInput!) {
  createTask(input: $input) { task { id } errors { code message field } } }"""


async def record(server: Server, name: str = "b1", days: float = 3, **given: Any) -> dict[str, Any]:
    at = (server.office.clock() + timedelta(days=days)).isoformat()
    patient = global_id("Patient", server.office.patients[0].id)
    given = {"patient": patient, "at": at, "id": name} | given
    answer: dict[str, Any] = (await server.data(RECORD, "partner", **given))["recordAppointment"]
    return answer


async def set_status(server: Server, status: str, key: str = "partner", **named: Any) -> Any:
    named = named or {"externalId": "b1"}
    return (await server.data(SET, key, status=status, **named))["setAppointmentStatus"]


async def of_patient(server: Server, key: str = "staff") -> Any:
    patient = global_id("Patient", server.office.patients[0].id)
    return (await server.data(OF_PATIENT, key, id=patient))["patient"]


@pytest.fixture
async def task(server: Server) -> Task:
    office = server.office
    await Queue.filter(id=office.recall.id).update(
        closes_on_appointment=True, follow_up_ladder="1,7,21"
    )
    return await office.make_task(expires_at=office.clock() + timedelta(days=90))


async def test_a_patient_shows_appointments_and_the_next_one(server: Server) -> None:
    await record(server, "past", -3)
    await record(server, "later", 9, kind=" Crown ")
    booked = (await record(server, "next", 2))["appointment"]
    await record(server, "off", 1)
    await server.data(CANCEL, "partner", externalId="off")
    shown = await of_patient(server)
    assert [(a["externalId"], a["status"], a["kind"]) for a in shown["appointments"]["nodes"]] == [
        ("off", "CANCELLED", None),
        ("next", "SCHEDULED", None),
        ("later", "SCHEDULED", "Crown"),
        ("past", "SCHEDULED", None),
    ]
    assert shown["nextAppointment"] == {"externalId": "next"}
    off = shown["appointments"]["nodes"][0]
    assert off["endedBy"] == off["recordedBy"] == {"name": "Partner of maple"}
    assert off["endedAt"] is not None
    assert (booked["endedAt"], booked["endedBy"]) == (None, None)
    # A partner is not told who works here.
    partners = (await of_patient(server, "partner"))["appointments"]["nodes"][0]
    assert partners["recordedBy"] != off["recordedBy"]
    node = "query ($id: ID!) { node(id: $id) { id ... on Appointment { externalId } } }"
    found = (await server.data(node, "staff", id=booked["id"]))["node"]
    assert found == {"id": booked["id"], "externalId": "next"}


async def test_a_cancelled_one_answers_with_the_tasks_that_are_back(
    server: Server, task: Task
) -> None:
    await server.office.log(task)
    recorded = await record(server)
    assert [closed["id"] for closed in recorded["closedTasks"]] == [task_id(task)]
    answer = (await server.data(CANCEL, "partner", id=recorded["appointment"]["id"]))[
        "cancelAppointment"
    ]
    assert answer["errors"] == []
    assert answer["appointment"]["status"] == "CANCELLED"
    assert answer["appointment"]["patient"] == {"name": "Amber Testwell"}
    (back,) = answer["reopenedTasks"]
    assert (back["id"], back["status"]) == (task_id(task), "IN_PROGRESS")
    in_seven_days = (server.office.today + timedelta(days=7)).isoformat()
    assert back["suggestedFollowUp"] == in_seven_days
    again = (await server.data(CANCEL, "partner", externalId="b1"))["cancelAppointment"]
    assert [(e["code"], e["field"]) for e in again["errors"]] == [
        ("APPOINTMENT_ENDED", ["externalId"])
    ]
    assert "cancelled" in again["errors"][0]["message"]
    assert again["appointment"]["status"] == "CANCELLED"
    late = await record(server)
    assert late["errors"] == [{"code": "APPOINTMENT_ENDED", "field": ["externalId"]}]


async def test_a_cancellation_that_comes_first_changes_nothing(server: Server, task: Task) -> None:
    early = (await server.data(CANCEL, "partner", externalId="b1"))["cancelAppointment"]
    assert [(e["code"], e["field"]) for e in early["errors"]] == [("NOT_FOUND", ["externalId"])]
    assert early["appointment"] is None
    assert (await record(server))["errors"] == []


async def test_a_missed_one_makes_a_task(server: Server) -> None:
    await Queue.filter(id=server.office.missed.id).update(missed_appointments=True)
    await record(server, days=3)
    refused = await set_status(server, "MISSED")
    assert [e["code"] for e in refused["errors"]] == ["APPOINTMENT_IN_FUTURE"]
    await record(server, days=-0.1)
    answer = await set_status(server, "MISSED", "supervisor")
    (made,) = answer["createdTasks"]
    assert made["queue"] == {"name": "Missed appointments"}
    assert made["reason"].startswith("Missed the appointment on ")
    assert [e["code"] for e in (await set_status(server, "COMPLETED"))["errors"]] == [
        "APPOINTMENT_ENDED"
    ]
    assert (await set_status(server, "SCHEDULED"))["appointment"]["status"] == "SCHEDULED"
    assert [e["code"] for e in (await set_status(server, "SCHEDULED"))["errors"]] == [
        "APPOINTMENT_OPEN"
    ]
    assert (await set_status(server, "COMPLETED"))["errors"] == []


async def test_a_booking_keeps_new_automatic_tasks_away_and_says_so(
    server: Server, task: Task
) -> None:
    await record(server)
    new = {
        "queueId": global_id("Queue", server.office.recall.id),
        "patientId": global_id("Patient", server.office.patients[0].id),
        "reason": "Overdue",
        "origin": "AUTOMATIC",
    }
    answer = (await server.data(CREATE, "partner", input=new))["createTask"]
    assert answer["task"] is None
    (error,) = answer["errors"]
    assert (error["code"], error["field"]) == ("HAS_APPOINTMENT", ["input", "patientId"])
    day = (server.office.clock() + timedelta(days=3)).date()
    assert str(day.year) in error["message"]
    by_hand = (await server.data(CREATE, "partner", input=new | {"origin": "MANUAL"}))["createTask"]
    assert by_hand["errors"] == []


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"externalId": ""},
        {"externalId": "x" * 201},
        {"externalId": "a\0"},
        {"id": "nothing"},
        {"id": global_id("Task", 1)},
        {"id": global_id("Appointment", 1), "externalId": "b1"},
    ],
)
async def test_what_names_no_appointment_or_two_is_bad_input(
    server: Server, named: dict[str, Any]
) -> None:
    await record(server)
    answer = await server.execute(CANCEL, "partner", **named)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert (await of_patient(server))["nextAppointment"] == {"externalId": "b1"}


async def test_a_kind_that_cannot_be_kept_is_bad_input(server: Server) -> None:
    for kind in ("x" * 101, "a\0"):
        given = {
            "patient": global_id("Patient", server.office.patients[0].id),
            "at": "2027-03-01T15:00:00Z",
            "id": "b1",
            "kind": kind,
        }
        answer = await server.execute(RECORD, "partner", **given)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert (await record(server, kind="  "))["appointment"]["kind"] is None


async def test_staff_may_read_and_not_cancel(server: Server) -> None:
    await record(server)
    answer = await server.execute(CANCEL, "staff", externalId="b1")
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await of_patient(server))["nextAppointment"] == {"externalId": "b1"}


async def test_a_queue_says_which_appointments_it_means(server: Server) -> None:
    update = """mutation ($input: UpdateQueueInput!) { updateQueue(input: $input) {
      queue { appointmentKinds missedAppointments } errors { code field } } }"""
    queue = global_id("Queue", server.office.missed.id)

    async def change(**given: Any) -> Any:
        given = {"id": queue} | given
        return (await server.data(update, "admin", input=given))["updateQueue"]

    changed = await change(appointmentKinds=[" Crown ", "crown"], missedAppointments=True)
    assert changed["queue"] == {"appointmentKinds": ["Crown"], "missedAppointments": True}
    refused = await change(appointmentKinds=["x" * 101])
    assert refused["errors"] == [{"code": "KIND_INVALID", "field": ["input", "appointmentKinds"]}]
    refused = await change(appointmentKinds=["a\0"])
    assert refused["errors"] == [{"code": "KIND_INVALID", "field": ["input", "appointmentKinds"]}]
    changed = await change(appointmentKinds=None, missedAppointments=None)
    assert changed["queue"] == {"appointmentKinds": None, "missedAppointments": False}
