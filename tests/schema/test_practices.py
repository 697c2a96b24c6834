"""`practice` and what admins change of it: its name, its queues, and each value checked."""

from typing import Any

import pytest

from gql_app.schema.ids import global_id
from models.audit import Audit, AuditAction
from models.practice import Practice, Queue
from models.roles import Role
from tests.office import task_id
from tests.schema.documents import CREATE_TASK
from tests.serving import Server
from tests.support.access import create_key

PRACTICE = "{ practice { name slug timeZone region } viewer { maySetUp } }"
UPDATE_PRACTICE = """mutation ($input: UpdatePracticeInput!) { updatePractice(input: $input) {
    practice { name timeZone region } errors { code field message } } }"""
FIELDS = """id name position followUpLadder automaticLifeDays closesOnAppointment maxAttempts script
    archivedAt"""
CREATE = f"""mutation ($input: CreateQueueInput!) {{ createQueue(input: $input) {{
    queue {{ {FIELDS} }} errors {{ code field message }} }} }}"""
UPDATE = f"""mutation ($input: UpdateQueueInput!) {{ updateQueue(input: $input) {{
    queue {{ {FIELDS} }} errors {{ code field message }} }} }}"""
ARCHIVE = """mutation ($input: ArchiveQueueInput!) { archiveQueue(input: $input) {
    tasks queue { archivedAt } errors { code field message } } }"""
CLAIM = "mutation ($id: ID!) { claimTask(taskId: $id) { errors { code } } }"
QUEUES = "query ($all: Boolean) { queues(includeArchived: $all) { id name } }"


async def changed(server: Server, mutation: str, **given: Any) -> Any:
    """What an admin's mutation gives back."""
    (payload,) = (await server.data(mutation, "admin", input=given)).values()
    return payload


def codes(payload: Any) -> list[tuple[str, list[str] | None]]:
    return [(error["code"], error["field"]) for error in payload["errors"]]


async def names(server: Server, *, archived: bool = False) -> list[str]:
    found = await server.data(QUEUES, "admin", all=archived)
    return [queue["name"] for queue in found["queues"]]


async def test_an_admin_changes_the_practice(server: Server) -> None:
    before = await server.data(PRACTICE, "admin")
    assert before["practice"]["slug"] == "maple"
    assert before["viewer"] == {"maySetUp": True}
    payload = await changed(
        server, UPDATE_PRACTICE, name=" Zoë's ", timeZone="Europe/Berlin", region="de"
    )
    assert payload == {
        "practice": {"name": "Zoë's", "timeZone": "Europe/Berlin", "region": "DE"},
        "errors": [],
    }
    again = await changed(server, UPDATE_PRACTICE, name="Zoë's")
    assert again["errors"] == []
    rows = await Audit.filter(action=AuditAction.SETTING).values("operation", "detail")
    assert rows == [{"operation": "updatePractice", "detail": "practice: name, time_zone, region"}]


async def test_nobody_but_an_admin_of_all_queues_may_set_up(server: Server) -> None:
    office = server.office
    recall = global_id("Queue", office.recall.id)
    limited = await create_key(office.practice, Role.ADMIN, "Desk", queue_ids=[office.recall.id])
    asked: list[tuple[str, dict[str, Any]]] = [
        ("{ practice { name } }", {}),
        (UPDATE_PRACTICE, {"name": "Mine"}),
        (CREATE, {"name": "Mine"}),
        (UPDATE, {"id": recall, "name": "Mine"}),
        (ARCHIVE, {"id": recall}),
    ]
    for key in (office.keys["supervisor"], office.keys["partner"], limited):
        for query, given in asked:
            answer = (
                await server.post({"query": query, "variables": {"input": given}}, key)
            ).json()
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN", query
    assert await names(server) == ["Overdue recall", "Missed appointments"]


async def test_all_that_is_wrong_with_a_practice_is_said_at_once(server: Server) -> None:
    before = await Practice.get(id=server.office.practice.id).values("name", "time_zone", "region")
    payload = await changed(
        server, UPDATE_PRACTICE, name=" ", timeZone="America/Chigaco", region="UK"
    )
    assert codes(payload) == [
        ("NAME_REQUIRED", ["input", "name"]),
        ("TIME_ZONE_INVALID", ["input", "timeZone"]),
        ("REGION_INVALID", ["input", "region"]),
    ]
    said = [error["message"] for error in payload["errors"]]
    assert "did you mean America/Chicago?" in said[1]
    assert "did you mean GB?" in said[2]
    after = await Practice.get(id=server.office.practice.id).values("name", "time_zone", "region")
    assert after == before


async def test_a_queue_is_made_changed_and_put_in_order(server: Server) -> None:
    made = await changed(
        server,
        CREATE,
        name="Plans",
        followUpLadder=[1, 7, 21],
        automaticLifeDays=90,
        closesOnAppointment=True,
        maxAttempts=5,
        script="## Hello\r\nAsk **when**.",
        position=0,
    )
    queue = made["queue"]
    assert made["errors"] == []
    assert queue | {"id": None} == {
        "id": None,
        "name": "Plans",
        "position": 0,
        "followUpLadder": [1, 7, 21],
        "automaticLifeDays": 90,
        "closesOnAppointment": True,
        "maxAttempts": 5,
        "script": "## Hello\nAsk **when**.",
        "archivedAt": None,
    }
    assert await names(server) == ["Plans", "Overdue recall", "Missed appointments"]
    moved = await changed(server, UPDATE, id=queue["id"], position=2, name="Treatment plans")
    assert (moved["queue"]["position"], moved["queue"]["maxAttempts"]) == (2, 5)
    assert await names(server) == ["Overdue recall", "Missed appointments", "Treatment plans"]
    cleared = await changed(server, UPDATE, id=queue["id"], script=None, followUpLadder=None)
    assert (cleared["queue"]["script"], cleared["queue"]["followUpLadder"]) == (None, None)
    assert cleared["queue"]["automaticLifeDays"] == 90


BAD_QUEUES: dict[str, tuple[dict[str, Any], str]] = {
    "followUpLadder": ({"followUpLadder": [7, 1]}, "LADDER_INVALID"),
    "name": ({"name": "overdue RECALL "}, "NAME_TAKEN"),
    "automaticLifeDays": ({"automaticLifeDays": 0}, "NUMBER_INVALID"),
    "maxAttempts": ({"maxAttempts": 101}, "NUMBER_INVALID"),
    "script": ({"script": "x" * 10_001}, "TEXT_TOO_LONG"),
}


async def test_each_value_of_a_queue_is_checked(server: Server) -> None:
    missed = global_id("Queue", server.office.missed.id)
    before = await Queue.filter(practice_id=server.office.practice.id).values()
    for field, (given, code) in BAD_QUEUES.items():
        for mutation, more in ((CREATE, {"name": "New"}), (UPDATE, {"id": missed})):
            payload = await changed(server, mutation, **(more | given))
            assert codes(payload) == [(code, ["input", field])], field
    long = await changed(server, CREATE, name="New", followUpLadder=list(range(1, 60)))
    assert codes(long) == [("LADDER_INVALID", ["input", "followUpLadder"])]
    nobody = await changed(server, UPDATE, id=global_id("Queue", 999), name="x")
    assert (nobody["queue"], codes(nobody)) == (None, [("NOT_FOUND", ["input", "id"])])
    assert await Queue.filter(practice_id=server.office.practice.id).values() == before
    assert not await Audit.filter(action=AuditAction.SETTING).exists()


@pytest.mark.parametrize("is_moved", [True, False])
async def test_an_archived_queue_has_no_open_tasks_and_takes_none(
    server: Server, is_moved: bool
) -> None:
    office = server.office
    tasks = [await office.make_task(patient=patient) for patient in office.patients]
    recall, missed = (global_id("Queue", queue.id) for queue in (office.recall, office.missed))
    to = {"moveTo": missed} if is_moved else {}
    payload = await changed(server, ARCHIVE, id=recall, **to)
    assert (payload["errors"], payload["tasks"]) == ([], len(tasks))
    assert payload["queue"]["archivedAt"] is not None
    for task in tasks:
        await task.refresh_from_db()
        assert task.status.is_open is is_moved
        assert task.queue_id == (office.missed.id if is_moved else office.recall.id)
    assert await names(server) == ["Missed appointments"]
    assert await names(server, archived=True) == ["Overdue recall", "Missed appointments"]
    new = {"queueId": recall, "reason": "x"}
    new["patientId"] = global_id("Patient", office.patients[0].id)
    refused = await server.data(CREATE_TASK, "supervisor", input=new)
    assert refused["createTask"]["errors"][0]["code"] == "NOT_FOUND"
    taken = await changed(server, CREATE, name="Overdue recall")
    assert codes(taken) == [("NAME_TAKEN", ["input", "name"])]
    last = await changed(server, ARCHIVE, id=missed)
    assert codes(last) == [("LAST_QUEUE", ["input", "id"])]
    again = await changed(server, ARCHIVE, id=recall)
    assert ("QUEUE_ARCHIVED", ["input", "id"]) in codes(again)
    back = await changed(server, UPDATE, id=recall, bringBack=True)
    assert (back["errors"], back["queue"]["archivedAt"]) == ([], None)
    assert sorted(await names(server)) == ["Missed appointments", "Overdue recall"]


async def test_a_queue_with_claimed_tasks_is_not_archived(server: Server) -> None:
    office = server.office
    await office.make_task()
    claimed = await office.make_task(patient=office.patients[1])
    await server.data(CLAIM, "staff", id=task_id(claimed))
    payload = await changed(server, ARCHIVE, id=global_id("Queue", office.recall.id))
    assert codes(payload) == [("QUEUE_HAS_CLAIMS", ["input", "id"])]
    assert "1 task is claimed" in payload["errors"][0]["message"]
    assert payload["tasks"] == 0
    assert await names(server) == ["Overdue recall", "Missed appointments"]
    await claimed.refresh_from_db()
    assert claimed.status.is_open
