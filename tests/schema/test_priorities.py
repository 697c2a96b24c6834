"""Priorities over HTTP: said when a task is made, set later, filtered by, and told live."""

from typing import Any

from gql_app.schema.ids import global_id
from models.priority import TaskPriority
from models.task import Task
from tests.office import task_id
from tests.serving import Server
from tests.work.agents import claims_of

SET = """
mutation ($input: SetTaskPriorityInput!) {
  setTaskPriority(input: $input) {
    matched changed skipped { id code message } skippedCount errors { code field }
  }
}
"""
CREATE = """
mutation ($input: CreateTaskInput!) {
  createTask(input: $input) { task { priority } errors { code } }
}
"""
IMPORT = """
mutation ($input: ImportTasksInput!) {
  importTasks(input: $input) {
    results { result task { priority } errors { code field message } } errors { code }
  }
}
"""
EVENTS = """
{ events { nodes { kind snapshot { priority } task { priority } actor { name } } } }
"""


async def set_priority(server: Server, key: str = "supervisor", **given: Any) -> Any:
    return (await server.data(SET, key, input=given))["setTaskPriority"]


async def test_a_task_is_made_with_a_priority(server: Server) -> None:
    office = server.office
    new = {
        "queueId": global_id("Queue", office.recall.id),
        "patientId": global_id("Patient", office.patients[0].id),
        "reason": "Cleaning overdue",
    }
    for given, expected in (({}, "NORMAL"), ({"priority": "HIGH"}, "HIGH")):
        made = (await server.data(CREATE, "supervisor", input=new | given))["createTask"]
        assert made == {"task": {"priority": expected}, "errors": []}
    answer = await server.execute(CREATE, "supervisor", input=new | {"priority": "URGENT"})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await Task.all().count() == 2


async def test_a_supervisor_sets_it_and_everybody_is_told(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    closed = await office.make_task(patient=office.patients[1])
    await office.log(closed, close=True)
    claimed = await office.make_task(patient=office.patients[2])
    await claims_of(office).claim(office.staff, claimed.id)
    ids = [task_id(task), task_id(closed), task_id(claimed), global_id("Task", 999_999)]

    counted = await set_priority(server, ids=ids, priority="HIGH", dryRun=True)
    assert (await Task.get(id=task.id)).priority is TaskPriority.NORMAL
    told = await set_priority(server, ids=ids, priority="HIGH")

    assert told == counted
    skipped = {row["id"]: row["code"] for row in told.pop("skipped")}
    assert told == {"matched": 4, "changed": 2, "skippedCount": 2, "errors": []}
    assert skipped == {task_id(closed): "TASK_CLOSED", ids[3]: "NOT_FOUND"}
    events = (await server.data(EVENTS))["events"]["nodes"]
    assert [event for event in events if event["kind"] == "PRIORITY_CHANGED"] == 2 * [
        {
            "kind": "PRIORITY_CHANGED",
            "snapshot": {"priority": "HIGH"},
            "task": {"priority": "HIGH"},
            "actor": {"name": "Supervisor of maple"},
        }
    ]
    assert {e["snapshot"]["priority"] for e in events if e["kind"] == "CREATED"} == {"NORMAL"}


async def test_ids_or_a_filter_say_which_tasks(server: Server) -> None:
    await server.office.make_task()
    both: dict[str, Any] = {"ids": [], "filter": {}}
    for which in ({}, both):
        answer = await server.execute(SET, "supervisor", input=which | {"priority": "LOW"})
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    filtered: dict[str, Any] = {"filter": {"priority": ["NORMAL"]}, "priority": "LOW"}
    assert (await set_priority(server, **filtered))["changed"] == 1
    assert (await set_priority(server, **filtered))["matched"] == 0


async def test_agents_and_partners_may_not_set_it(server: Server) -> None:
    task = await server.office.make_task()
    for key in ("staff", "partner"):
        answer = await server.execute(SET, key, input={"ids": [task_id(task)], "priority": "HIGH"})
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await Task.get(id=task.id)).version == 1


async def test_a_list_is_filtered_by_priority(server: Server) -> None:
    low, high, normal = [
        task_id(await server.office.make_task(priority=priority))
        for priority in (TaskPriority.LOW, TaskPriority.HIGH, TaskPriority.NORMAL)
    ]
    for asked, expected in (
        ("[HIGH]", [high]),
        ("[LOW, HIGH, HIGH]", [high, low]),
        ("[]", []),
        ("null", [high, normal, low]),
    ):
        page = await server.data(
            f"{{ tasks(orderBy: WORK, filter: {{priority: {asked}}}) {{ nodes {{ id }} }} }}"
        )
        assert [node["id"] for node in page["tasks"]["nodes"]] == expected, asked


async def test_a_row_of_an_import_says_how_urgent_its_task_is(server: Server) -> None:
    texts = [None, "", "hoch", " LOW ", "b", "1", "asap"]
    rows = [
        {
            "externalId": f"t{n}",
            "name": "Fern Testwell",
            "phone": "(217) 555-0123",
            "reason": "Cleaning overdue",
            "priority": text,
        }
        for n, text in enumerate(texts)
    ]
    queue = global_id("Queue", server.office.recall.id)
    given = {"queueId": queue, "source": "Dentrix", "rows": rows}

    results = (await server.data(IMPORT, "supervisor", input=given))["importTasks"]["results"]

    assert [row["task"] and row["task"]["priority"] for row in results] == [
        *("NORMAL", "NORMAL", "HIGH", "LOW", "NORMAL", "HIGH"),
        None,
    ]
    assert results[-1]["result"] == "REJECTED"
    (error,) = results[-1]["errors"]
    assert error["code"] == "PRIORITY_INVALID"
    assert error["field"] == ["input", "rows", "6", "priority"]
    # A task that is there already stays as it is, whatever the file says by then.
    rows[0]["priority"] = "high"
    again = (await server.data(IMPORT, "supervisor", input=given))["importTasks"]["results"]
    assert again[0] == {"result": "UNCHANGED", "task": {"priority": "NORMAL"}, "errors": []}
