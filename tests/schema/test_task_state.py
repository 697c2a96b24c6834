"""A snapshot: the task as it was right after an event, which no cache takes for the task itself."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.execution.strawberry_private import core_schema
from gql_app.schema import build_schema
from gql_app.schema.ids import global_id
from models.lifecycle import ContactOutcome
from tests.office import task_id
from tests.serving import Server

TYPES: dict[str, Any] = core_schema(build_schema()).type_map

ONLY_NOW = {"id", "externalIds", "contacts", "postponements", "suggestedFollowUp"}
"""What a task has and a snapshot has not: its ids, and what hangs on today."""

WITH_ID = {"Contact", "Patient", "Queue", "Staff"}
"""Types with an id that a snapshot shows: contacts never change, the others are as they are now."""

STATE = """status isOpen statusLabel origin reason followUp followUpAt isCallBackDue
    callBackBy { id name } expiresAt version contactCount number
    createdAt closedAt closeCause withdrawnReason queue { id name } patient { id name phone }
    assignee { id name } claim { by { id name } until }
    lastContact { id outcome followUp followUpAt notes contactedAt loggedBy { name } }"""
NOW = f"query ($id: ID!) {{ task(id: $id) {{ {STATE} }} }}"
THEN = f"{{ events {{ nodes {{ kind snapshot {{ taskId {STATE} }} task {{ id {STATE} }} }} }} }}"

CLAIM = "mutation ($id: ID!) { claimTask(taskId: $id) { errors { code } } }"
REASSIGN = "mutation ($input: ReassignTasksInput!) { reassignTasks(input: $input) { changed } }"
WITHDRAW = "mutation ($input: WithdrawTasksInput!) { withdrawTasks(input: $input) { changed } }"


def named(of: Any) -> Any:
    """A type without its list and non-null marks."""
    while hasattr(of, "of_type"):
        of = of.of_type
    return of


def test_a_snapshot_has_the_fields_of_a_task_but_its_id() -> None:
    task, snapshot = TYPES["Task"].fields, TYPES["TaskSnapshot"].fields
    assert task.keys() - snapshot.keys() == ONLY_NOW
    assert snapshot.keys() - task.keys() == {"taskId"}
    for name in snapshot.keys() & task.keys() - {"claim"}:
        assert str(snapshot[name].type) == str(task[name].type), name


def test_all_that_a_snapshot_shows_under_an_id_is_the_same_now_and_then() -> None:
    reached: set[str] = set()
    ahead = [TYPES["TaskSnapshot"]]
    while ahead:
        of = ahead.pop()
        if of.name not in reached | WITH_ID and hasattr(of, "fields"):
            reached.add(of.name)
            assert "id" not in of.fields, (
                f"a cache would take the {of.name} of then for that of now"
            )
            ahead += [named(field.type) for field in of.fields.values()]
    assert reached == {"TaskSnapshot", "ClaimSnapshot"}


@pytest.mark.parametrize("name", ["Task", "TaskSnapshot", "Claim", "ClaimSnapshot"])
def test_each_field_says_what_it_is(name: str) -> None:
    fields = TYPES[name].fields.items()
    assert [field for field, of in fields if not of.description] in ([], ["id"])


def test_the_task_of_an_event_is_still_there_and_says_what_to_use_in_its_place() -> None:
    fields = TYPES["TaskEvent"].fields
    assert "`snapshot`" in fields["task"].deprecation_reason
    assert str(fields["snapshot"].type) == "TaskSnapshot!"


async def test_each_snapshot_is_what_the_task_was_when_the_event_came(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    given = {"id": task_id(task)}
    seen = [(await server.data(NOW, **given))["task"]]

    async def see() -> None:
        seen.append((await server.data(NOW, **given))["task"])

    await server.data(CLAIM, **given)
    await see()
    await office.log(task, ContactOutcome.LEFT_MESSAGE, notes="Mornings only")
    await see()
    staff = global_id("Staff", office.staff.staff_id)
    await server.data(REASSIGN, "supervisor", input={"ids": [given["id"]], "toStaffId": staff})
    await see()
    queue = global_id("Queue", office.missed.id)
    await server.data(REASSIGN, "supervisor", input={"ids": [given["id"]], "toQueueId": queue})
    await see()
    await office.log(task, follow_up=office.today + timedelta(days=3))
    await see()
    why = {"ids": [given["id"]], "reason": "Moved away"}
    await server.data(WITHDRAW, "supervisor", input=why)
    await see()

    events = (await server.data(THEN))["events"]["nodes"]
    queues = [state.pop("queue") for state in seen]
    assert [event["snapshot"].pop("queue") for event in events] == queues
    assert queues[0] != queues[-1]
    for event, state in zip(events, seen, strict=True):
        assert event["snapshot"].pop("taskId") == event["task"].pop("id") == given["id"]
        del event["task"]["queue"]
        assert event["snapshot"] == event["task"] == state, event["kind"]
    assert [state["version"] for state in seen] == list(range(1, 8))


async def test_a_partner_reads_no_notes_in_a_snapshot(server: Server) -> None:
    task = await server.office.make_task()
    await server.office.log(task, notes="Mornings only")
    why = {"ids": [task_id(task)], "reason": "Moved away"}
    await server.data(WITHDRAW, "supervisor", input=why)
    for role, notes, reason in (
        ("staff", "Mornings only", "Moved away"),
        ("partner", None, None),
    ):
        last = (await server.data(THEN, role))["events"]["nodes"][-1]["snapshot"]
        assert last["lastContact"]["notes"] == notes
        assert last["withdrawnReason"] == reason


async def test_a_later_task_has_the_higher_number_which_no_partner_sees(server: Server) -> None:
    office = server.office
    tasks = [await office.make_task(patient=patient) for patient in office.patients]
    query = "query ($id: ID!) { task(id: $id) { number } }"
    for role in office.keys:
        found = [await server.data(query, role, id=task_id(task)) for task in tasks]
        numbers = [data["task"]["number"] for data in found]
        then = (await server.data("{ events { nodes { snapshot { number } } } }", role))["events"]
        assert [event["snapshot"]["number"] for event in then["nodes"]] == numbers
        assert numbers == ([None] * 3 if role == "partner" else sorted(set(numbers)))
