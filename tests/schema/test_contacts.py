"""logContact over HTTP: both buttons for each outcome, and the code of every refusal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gql_app.schema.ids import global_id
from models.contact import Contact
from models.event import TaskEvent
from models.refusals import RefusalCode
from models.task import Task
from tests.office import task_id
from tests.schema.documents import LOG_CONTACT
from tests.serving import Server
from tests.support.claims import Claims

OUTCOMES = ("NO_ANSWER", "LEFT_MESSAGE", "DID_NOT_SCHEDULE", "SCHEDULED")


def day(server: Server, ahead: int) -> str:
    """A date so many days from today at the practice."""
    return (server.office.today + timedelta(days=ahead)).isoformat()


def moment(**ahead: float) -> str:
    """A moment so long from now."""
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


async def log(server: Server, task: Task, outcome: str = "NO_ANSWER", **given: Any) -> Any:
    given = {"taskId": task_id(task), "outcome": outcome} | given
    return (await server.data(LOG_CONTACT, **given))["logContact"]


async def written() -> tuple[int, int, int]:
    return await Task.all().count(), await Contact.all().count(), await TaskEvent.all().count()


@pytest.mark.parametrize("before", ["OPEN", "IN_PROGRESS"])
@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_log_contact_keeps_the_task_open_with_a_follow_up(
    server: Server, outcome: str, before: str
) -> None:
    task = await server.office.make_task()
    if before == "IN_PROGRESS":
        await server.office.log(task)
    version = 1 + (before == "IN_PROGRESS")
    payload = await log(server, task, outcome, followUp=day(server, 3), notes="Will call back.")
    if outcome == "SCHEDULED":
        assert [error["code"] for error in payload["errors"]] == ["MUST_CLOSE"]
        assert payload["contact"] is None
        assert (payload["task"]["status"], payload["task"]["version"]) == (before, version)
        return
    assert payload["errors"] == []
    assert payload["task"] == {
        "id": task_id(task),
        "status": "IN_PROGRESS",
        "isOpen": True,
        "statusLabel": "Open + In Progress",
        "followUp": day(server, 3),
        "version": version + 1,
        "contactCount": version,
        "closeCause": None,
        "closedAt": None,
    }
    assert payload["contact"].pop("id")
    assert payload["contact"] == {
        "outcome": outcome,
        "followUp": day(server, 3),
        "notes": "Will call back.",
        "closedTask": False,
        "loggedBy": {"name": "Staff of maple"},
    }


@pytest.mark.parametrize("before", ["OPEN", "IN_PROGRESS"])
@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_log_and_close_task_closes_it_without_notes(
    server: Server, outcome: str, before: str
) -> None:
    task = await server.office.make_task()
    if before == "IN_PROGRESS":
        await server.office.log(task)
    payload = await log(server, task, outcome, close=True)
    assert payload["errors"] == []
    assert datetime.fromisoformat(payload["task"].pop("closedAt")) <= datetime.now(UTC)
    assert payload["task"] == {
        "id": task_id(task),
        "status": "CLOSED",
        "isOpen": False,
        "statusLabel": "Closed",
        "followUp": None,
        "version": 2 + (before == "IN_PROGRESS"),
        "contactCount": 1 + (before == "IN_PROGRESS"),
        "closeCause": "CONTACT",
    }
    assert payload["contact"]["closedTask"]
    assert payload["contact"]["notes"] is None
    assert (await log(server, task, outcome, close=True))["errors"][0]["code"] == "TASK_CLOSED"


async def refused_logs(server: Server) -> dict[RefusalCode, tuple[Any, str | None]]:
    """For each code a payload that was refused with it, and the argument that is to be mended."""
    office, codes = server.office, RefusalCode
    task = await office.make_task()
    expiring = await office.make_task(expires_at=office.clock() + timedelta(days=5))
    closed = await office.make_task()
    await office.log(closed, close=True)
    claimed = await office.make_task(patient=office.patients[1])
    await Claims(office.changes).claim(office.supervisor, claimed.id)
    key: dict[str, Any] = {"idempotencyKey": "k", "close": True}
    await log(server, await office.make_task(), **key)
    missing: dict[str, Any] = {"taskId": global_id("Task", 999_999), "close": True}
    soon = day(server, 1)
    return {
        codes.MUST_CLOSE: (await log(server, task, "SCHEDULED", followUp=soon), "close"),
        codes.FOLLOW_UP_REQUIRED: (await log(server, task), "followUp"),
        codes.FOLLOW_UP_NOT_ALLOWED: (
            await log(server, task, followUp=soon, close=True),
            "followUp",
        ),
        codes.FOLLOW_UP_IN_PAST: (await log(server, task, followUp=day(server, -1)), "followUp"),
        codes.FOLLOW_UP_AFTER_EXPIRY: (
            await log(server, expiring, followUp=day(server, 6)),
            "followUp",
        ),
        codes.FOLLOW_UP_TOO_FAR: (await log(server, task, followUp=day(server, 800)), "followUp"),
        codes.NOTES_REQUIRED: (
            await log(server, task, "DID_NOT_SCHEDULE", followUp=soon, notes="  "),
            "notes",
        ),
        codes.CONTACTED_IN_FUTURE: (
            await log(server, task, followUp=soon, contactedAt=moment(minutes=5)),
            "contactedAt",
        ),
        codes.CONTACTED_TOO_LONG_AGO: (
            await log(server, task, followUp=soon, contactedAt=moment(days=-7, minutes=-1)),
            "contactedAt",
        ),
        codes.NOTES_TOO_LONG: (
            await log(server, task, followUp=soon, notes="x" * 10_001),
            "notes",
        ),
        codes.TASK_CLOSED: (await log(server, closed, close=True), None),
        codes.VERSION_CONFLICT: (
            await log(server, task, close=True, expectedVersion=2),
            "expectedVersion",
        ),
        codes.CLAIMED_BY_OTHER: (await log(server, claimed, close=True), "taskId"),
        codes.NOT_FOUND: (await log(server, task, **missing), "taskId"),
        codes.IDEMPOTENCY_MISMATCH: (await log(server, task, **key), "idempotencyKey"),
    }


async def test_every_refusal_of_a_contact_has_its_code_and_changes_nothing(server: Server) -> None:
    refused = await refused_logs(server)
    for code, (payload, field) in refused.items():
        (error,) = payload["errors"]
        assert error["code"] == code
        assert error["message"]
        assert error["field"] == (None if field is None else [field])
        assert payload["contact"] is None
    assert await written() == (5, 2, 8)
    # A refusal says what the task looks like now, so that what was typed can be sent again.
    assert refused[RefusalCode.TASK_CLOSED][0]["task"]["status"] == "CLOSED"
    assert refused[RefusalCode.VERSION_CONFLICT][0]["task"]["version"] == 1
    assert refused[RefusalCode.NOT_FOUND][0]["task"] is None


async def test_all_that_is_wrong_with_a_contact_is_said_at_once(server: Server) -> None:
    task = await server.office.make_task()
    payload = await log(server, task, "DID_NOT_SCHEDULE", followUp=day(server, -1))
    assert {error["code"] for error in payload["errors"]} == {"FOLLOW_UP_IN_PAST", "NOTES_REQUIRED"}


async def test_a_contact_that_is_sent_again_with_its_key_is_logged_once(server: Server) -> None:
    task = await server.office.make_task()
    given = {"followUp": day(server, 1), "notes": "Ünïcode 🦷", "idempotencyKey": "k"}
    first, again = [await log(server, task, **given) for _ in range(2)]
    assert first == again
    assert first["contact"]["notes"] == "Ünïcode 🦷"
    assert await written() == (1, 1, 2)


async def test_contacts_are_shown_latest_first_and_each_says_who_logged_it(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    for number in range(3):
        await office.log(task, notes=f"call {number}")
    query = """query ($id: ID!) { task(id: $id) { lastContact { notes }
        contacts { nodes { notes outcome closedTask loggedAt loggedBy { name } } } } }"""
    shown = (await server.data(query, id=task_id(task)))["task"]
    assert shown["lastContact"] == {"notes": "call 2"}
    assert [contact["notes"] for contact in shown["contacts"]["nodes"]] == [
        "call 2",
        "call 1",
        "call 0",
    ]
    assert shown["contacts"]["nodes"][0]["loggedBy"] == {"name": "Staff of maple"}
