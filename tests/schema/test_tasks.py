"""Tasks: what is shown of one, and createTask with the code of every refusal."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gql_app.schema.ids import global_id
from models.lifecycle import ContactOutcome
from models.refusals import RefusalCode
from models.task import Task
from tests.office import task_id
from tests.schema.documents import CREATE_TASK
from tests.schema.test_contacts import day, written
from tests.serving import Server


async def test_a_task_shows_its_status_in_the_words_of_the_article(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    query = """query ($id: ID!) { task(id: $id) { status statusLabel isOpen origin reason version
        contactCount followUp closeCause closedAt createdAt lastContact { id } } }"""
    seen = [await server.data(query, id=task_id(task))]
    await office.log(task, ContactOutcome.LEFT_MESSAGE)
    seen.append(await server.data(query, id=task_id(task)))
    await office.log(task, ContactOutcome.SCHEDULED, close=True)
    seen.append(await server.data(query, id=task_id(task)))
    assert [
        (row["task"]["statusLabel"], row["task"]["isOpen"], row["task"]["contactCount"])
        for row in seen
    ] == [("Open", True, 0), ("Open + In Progress", True, 1), ("Closed", False, 2)]
    assert seen[0]["task"]["lastContact"] is None
    assert seen[1]["task"]["followUp"] == (office.today + timedelta(days=1)).isoformat()
    assert seen[2]["task"]["followUp"] is None
    assert seen[2]["task"]["closeCause"] == "CONTACT"
    assert seen[2]["task"]["createdAt"].endswith("+00:00")


async def create(server: Server, **given: Any) -> Any:
    given = {
        "queueId": global_id("Queue", server.office.recall.id),
        "patientId": global_id("Patient", server.office.patients[1].id),
        "reason": "Cleaning overdue",
    } | given
    return (await server.data(CREATE_TASK, "supervisor", input=given))["createTask"]


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


async def test_every_refusal_of_a_new_task_has_its_code_and_changes_nothing(
    server: Server,
) -> None:
    for code, (payload, field) in (await refused_tasks(server)).items():
        (error,) = payload["errors"]
        assert error["code"] == code
        assert error["field"] == ["input", field]
        assert payload["task"] is None
    assert await written() == (1, 0, 1)


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
