"""logContact and createTask over HTTP: both buttons for each outcome, and every refusal's code."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gql_app.schema.ids import global_id
from gql_app.work.claims import Claims
from models.contact import Contact
from models.event import TaskEvent
from models.refusals import RefusalCode
from models.task import Task
from tests.commands.importing.rows import BAD_TEXTS
from tests.office import task_id
from tests.schema.documents import CREATE_TASK, LOG_CONTACT
from tests.serving import Server

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


async def create(server: Server, **given: Any) -> Any:
    given = {
        "queueId": global_id("Queue", server.office.recall.id),
        "patientId": global_id("Patient", server.office.patients[1].id),
        "reason": "Cleaning overdue",
    } | given
    return (await server.data(CREATE_TASK, "supervisor", input=given))["createTask"]


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
    await Claims(office.transitions).claim(office.supervisor, claimed.id)
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


async def refused_tasks(server: Server) -> dict[RefusalCode, tuple[Any, str | None]]:
    codes, moment = RefusalCode, datetime.now(UTC)
    later, earlier = ((moment + timedelta(hours=by)).isoformat() for by in (1, -1))
    await create(server, idempotencyKey="k")
    return {
        codes.REASON_REQUIRED: (await create(server, reason=" \n"), "reason"),
        codes.REASON_TOO_LONG: (await create(server, reason="x" * 501), "reason"),
        codes.EXPIRY_NOT_ALLOWED: (await create(server, expiresAt=later), "expiresAt"),
        codes.EXPIRY_IN_PAST: (
            await create(server, origin="AUTOMATIC", expiresAt=earlier),
            "expiresAt",
        ),
        codes.FOLLOW_UP_IN_PAST: (await create(server, followUp=day(server, -1)), "followUp"),
        codes.FOLLOW_UP_TOO_FAR: (await create(server, followUp=day(server, 800)), "followUp"),
        codes.FOLLOW_UP_AFTER_EXPIRY: (
            await create(server, origin="AUTOMATIC", expiresAt=later, followUp=day(server, 2)),
            "followUp",
        ),
        codes.NOT_FOUND: (await create(server, queueId=global_id("Queue", 999_999)), "queueId"),
        codes.IDEMPOTENCY_MISMATCH: (
            await create(server, idempotencyKey="k", reason="Another"),
            "idempotencyKey",
        ),
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


async def test_every_refusal_of_a_new_task_has_its_code_and_changes_nothing(
    server: Server,
) -> None:
    for code, (payload, field) in (await refused_tasks(server)).items():
        (error,) = payload["errors"]
        assert error["code"] == code
        assert error["field"] == ["input", field]
        assert payload["task"] is None
    assert await written() == (1, 0, 1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_there_is_no_code_that_nothing_is_refused_with(server: Server) -> None:
    refused = set(await refused_logs(server)) | set(await refused_tasks(server))
    refused |= {RefusalCode(code) for _, _, code in BAD_TEXTS}  # of rows that come in
    # These are refused for an appointment or such a row: test_appointments.py, test_importing.py.
    refused |= {RefusalCode.EXTERNAL_ID_TAKEN, RefusalCode.EXTERNAL_ID_TWICE}
    refused.add(RefusalCode.CLAIM_LOST)  # of a claim that is renewed: test_claim_ids.py
    assert refused == set(RefusalCode)


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


async def test_a_task_is_made_with_all_that_was_given(server: Server) -> None:
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    payload = await create(
        server,
        reason="  Whitening  ",
        origin="AUTOMATIC",
        followUp=day(server, 2),
        expiresAt=expires_at.isoformat(),
        idempotencyKey="k",
    )
    assert payload["errors"] == []
    task = payload["task"]
    assert datetime.fromisoformat(task.pop("expiresAt")) == expires_at
    assert global_id("Task", (await Task.get()).id) == task.pop("id")
    assert task == {
        "status": "OPEN",
        "origin": "AUTOMATIC",
        "reason": "Whitening",
        "followUp": day(server, 2),
        "version": 1,
        "queue": {"name": "Overdue recall"},
        "patient": {"name": "Birch Testwell"},
    }


async def test_a_task_that_is_sent_again_with_its_key_is_made_once(server: Server) -> None:
    first, again = [await create(server, idempotencyKey="k") for _ in range(2)]
    assert first == again
    assert await written() == (1, 0, 1)
