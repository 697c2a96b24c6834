"""`logContact` with several tasks and an appointment, over the API."""

from datetime import timedelta
from typing import Any

import pytest

from models.contact import Contact
from models.event import TaskEvent
from models.practice import Queue
from models.task import Task
from tests.office import task_id
from tests.schema.test_roles import data, error_code
from tests.serving import Server

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LOG = """mutation (
  $task: ID!, $outcome: ContactOutcome! = NO_ANSWER, $followUp: Date, $close: Boolean,
  $once: String, $others: [OtherTaskInput!], $appointment: AppointmentInput
) {
  logContact(
    taskId: $task, outcome: $outcome, followUp: $followUp, close: $close, idempotencyKey: $once,
    others: $others, appointment: $appointment
  ) {
    task { id status } contact { id outcome }
    others { late task { id status version followUp } contact { outcome notes closedTask } }
    appointment { at externalId patient { name } } closedTasks { id closeCause }
    errors { code message field }
  }
}"""
EVENTS = "{ events { nodes { seq change kind snapshot { taskId } contact { outcome notes } } } }"


def also(task: Task | str, **given: Any) -> dict[str, Any]:
    named = task if isinstance(task, str) else task_id(task)
    return {"taskId": named, "outcome": "NO_ANSWER", "close": True} | given


async def log(server: Server, task: Task, role: str = "staff", **given: Any) -> Any:
    given = {"task": task_id(task), "close": True} | given
    return (await data(server, server.office.keys[role], LOG, **given))["logContact"]


async def test_a_call_is_one_change_for_those_who_watch(server: Server) -> None:
    office = server.office
    task, second = await office.make_task(), await office.make_task(office.missed)
    today = office.today.isoformat()
    sent = also(second, outcome="LEFT_MESSAGE", close=False, followUp=today, notes="secret")

    logged = await log(server, task, others=[sent], once="k")

    assert logged["errors"] == []
    assert (logged["task"]["status"], logged["contact"]["outcome"]) == ("CLOSED", "NO_ANSWER")
    assert logged["others"] == [
        {
            "late": False,
            "task": {
                "id": task_id(second),
                "status": "IN_PROGRESS",
                "version": 2,
                "followUp": today,
            },
            "contact": {"outcome": "LEFT_MESSAGE", "notes": "secret", "closedTask": False},
        }
    ]
    assert (logged["appointment"], logged["closedTasks"]) == (None, [])
    assert await log(server, task, others=[sent], once="k") == logged
    for role, notes in (("supervisor", "secret"), ("partner", None)):
        events = (await data(server, office.keys[role], EVENTS))["events"]["nodes"][-2:]
        assert [event["change"] for event in events] == [3, 3]
        assert [event["seq"] for event in events] == [3, 4]
        assert events[1]["contact"] == {"outcome": "LEFT_MESSAGE", "notes": notes}


async def test_each_refusal_names_its_path(server: Server) -> None:
    office = server.office
    task, second, third = [await office.make_task() for _ in range(3)]
    strange = await office.make_task(patient=office.patients[1])
    before = await TaskEvent.all().count()

    refused = await log(
        server,
        task,
        others=[
            also(second, close=False),
            also(third, close=None, outcome="DID_NOT_SCHEDULE", followUp="2020-01-01"),
            also(strange),
            also(task),
        ],
        appointment={"at": "2027-03-01T15:00:00Z", "externalId": "b1"},
    )

    assert [(error["code"], error["field"]) for error in refused["errors"]] == [
        ("FOLLOW_UP_REQUIRED", ["others", "0", "followUp"]),
        ("FOLLOW_UP_IN_PAST", ["others", "1", "followUp"]),
        ("NOTES_REQUIRED", ["others", "1", "notes"]),
        ("OTHER_PATIENT", ["others", "2", "taskId"]),
        ("TASK_TWICE", ["others", "3", "taskId"]),
        ("APPOINTMENT_NOT_ALLOWED", ["appointment"]),
    ]
    assert refused["task"]["status"] == "OPEN"
    assert [one["task"] and one["task"]["version"] for one in refused["others"]] == [1, 1, None, 1]
    assert {one["contact"] and 1 for one in refused["others"]} == {None}
    many = await log(server, task, others=[also(second)] * 200)
    assert [(e["code"], e["field"]) for e in many["errors"]] == [("TOO_MANY_TASKS", ["others"])]
    assert await TaskEvent.all().count() == before
    assert await Contact.all().count() == 0


async def test_an_appointment_comes_in_with_the_call(server: Server) -> None:
    office = server.office
    await Queue.filter(id=office.recall.id).update(closes_on_appointment=True)
    needless = await office.make_task(expires_at=office.clock() + timedelta(days=9))
    task = await office.make_task(office.missed)
    appointment = {"at": "2027-03-01T15:00:00Z", "externalId": " b1 "}
    given: dict[str, Any] = {"outcome": "SCHEDULED", "appointment": appointment, "once": "k"}

    logged = await log(server, task, **given)

    assert logged["errors"] == []
    assert logged["appointment"] == {
        "at": "2027-03-01T15:00:00+00:00",
        "externalId": "b1",
        "patient": {"name": "Amber Testwell"},
    }
    assert logged["closedTasks"] == [{"id": task_id(needless), "closeCause": "APPOINTMENT_BOOKED"}]
    assert await log(server, task, **given) == logged
    stranger = await office.make_task(patient=office.patients[1])
    refused = await log(server, stranger, outcome="SCHEDULED", appointment=appointment)
    assert [(error["code"], error["field"]) for error in refused["errors"]] == [
        ("EXTERNAL_ID_TAKEN", ["appointment", "externalId"])
    ]


async def test_what_cannot_be_read_is_refused_whole(server: Server) -> None:
    task, key = await server.office.make_task(), server.office.keys["staff"]
    at = "2027-03-01T15:00:00Z"
    for bad in (
        {"others": [also("nonsense")]},
        {"others": [also(task, notes="a\0")]},
        {"others": [also(task, followUp="soon")]},
        {"appointment": {"at": at, "externalId": ""}},
        {"appointment": {"at": at, "externalId": "x" * 201}},
        {"appointment": {"at": "2027-03-01T15:00:00", "externalId": "b"}},
        {"appointment": {"at": "9999-03-01T15:00:00Z", "externalId": "b"}},
    ):
        given = {"task": task_id(task), "outcome": "SCHEDULED", "close": True} | bad
        assert await error_code(server, key, LOG, **given) == "BAD_USER_INPUT", bad
    assert await Contact.all().count() == 0


async def test_a_key_that_may_not_log_contacts_brings_no_appointment_in_either(
    server: Server,
) -> None:
    task, second = await server.office.make_task(), await server.office.make_task()
    given = {"task": task_id(task), "outcome": "SCHEDULED", "close": True}
    given |= {"appointment": {"at": "2027-03-01T15:00:00Z", "externalId": "b"}}
    given |= {"others": [also(second)]}
    assert await error_code(server, server.office.keys["partner"], LOG, **given) == "FORBIDDEN"


async def test_nothing_and_no_others_are_the_same(server: Server) -> None:
    task = await server.office.make_task()
    logged = await log(server, task, others=[], once="k")
    assert (logged["errors"], logged["others"]) == ([], [])
    assert await log(server, task, others=None, appointment=None, once="k") == logged
