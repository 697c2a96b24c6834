"""reassignTasks and withdrawTasks over HTTP."""

from typing import Any

import pytest

from gql_app.schema.ids import global_id
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from models.roles import Role
from models.task import Task
from tests.office import older_id, task_id
from tests.serving import Server
from tests.support.access import create_key
from tests.work.agents import claims_of

REASSIGN = """
mutation Move($input: ReassignTasksInput!) {
  reassignTasks(input: $input) {
    matched changed skipped { id code message } skippedCount errors { code field }
  }
}
"""

WITHDRAW = """
mutation Withdraw($input: WithdrawTasksInput!) {
  withdrawTasks(input: $input) {
    matched changed skipped { id code } skippedCount errors { code field }
  }
}
"""


async def move(server: Server, **given: Any) -> Any:
    given = {"toQueueId": global_id("Queue", server.office.missed.id)} | given
    return (await server.data(REASSIGN, "supervisor", input=given))["reassignTasks"]


async def withdraw(server: Server, **given: Any) -> Any:
    given = {"reason": "Moved away"} | given
    return (await server.data(WITHDRAW, "supervisor", input=given))["withdrawTasks"]


async def test_the_payload_counts_and_names_what_was_skipped(server: Server) -> None:
    office = server.office
    free = await office.make_task()
    called = await office.make_task(patient=office.patients[1])
    await claims_of(office).claim(office.staff, called.id)
    impossible = older_id("Task", 10**30)
    ids = [task_id(free), task_id(called), global_id("Task", 999_999), impossible]

    counted = await move(server, ids=ids, dryRun=True)
    assert (await Task.get(id=free.id)).version == 1
    moved = await move(server, ids=ids)

    assert moved == counted
    skipped = {row["id"]: row["code"] for row in moved.pop("skipped")}
    assert moved == {"matched": 4, "changed": 1, "skippedCount": 3, "errors": []}
    assert skipped[task_id(called)] == "CLAIMED_BY_OTHER"
    assert skipped[global_id("Task", 999_999)] == "NOT_FOUND"
    assert (await Task.get(id=free.id)).queue_id == office.missed.id


async def test_no_more_than_a_hundred_of_the_skipped_are_named(server: Server) -> None:
    ids = [global_id("Task", 900_000 + place) for place in range(120)]
    moved = await withdraw(server, ids=ids)
    assert (moved["matched"], moved["skippedCount"], len(moved["skipped"])) == (120, 120, 100)


async def test_a_task_shows_whose_work_it_is_and_a_filter_finds_it(server: Server) -> None:
    task, _ = await server.office.make_task(), await server.office.make_task()
    staff = global_id("Staff", server.office.staff.staff_id)
    await move(server, ids=[task_id(task)], toQueueId=None, toStaffId=staff)
    query = """query ($filter: TaskFilter) {
        tasks(filter: $filter) { nodes { id assignee { id name } } } }"""

    shown = await server.data(query, filter={"assigneeId": staff})

    assignee = {"id": staff, "name": "Staff of maple"}
    assert shown["tasks"]["nodes"] == [{"id": task_id(task), "assignee": assignee}]
    nobodys = await server.data(query, filter={"assigneeId": older_id("Staff", 10**30)})
    assert nobodys["tasks"]["nodes"] == []
    assert (await move(server, filter={"assigneeId": staff}))["changed"] == 1


async def test_the_reason_of_a_withdrawal_is_for_those_who_may_read_notes(server: Server) -> None:
    task = await server.office.make_task()
    assert (await withdraw(server, filter={}))["changed"] == 1
    query = """query ($id: ID!) {
        task(id: $id) { status closeCause withdrawnReason }
        events { nodes { kind task { withdrawnReason } } } }"""

    for role, reason in (("staff", "Moved away"), ("supervisor", "Moved away"), ("partner", None)):
        shown = await server.data(query, role, id=task_id(task))
        assert shown["task"] == {
            "status": "CLOSED",
            "closeCause": "WITHDRAWN",
            "withdrawnReason": reason,
        }
        assert [(e["kind"], e["task"]["withdrawnReason"]) for e in shown["events"]["nodes"]] == [
            ("CREATED", None),
            ("WITHDRAWN", reason),
        ]


async def test_what_is_to_be_mended_is_named(server: Server) -> None:
    ids = [task_id(await server.office.make_task())]
    missing, nobody = global_id("Queue", 999_999), global_id("Staff", 999_999)
    refused = [
        (await move(server, ids=ids, toQueueId=missing), "NOT_FOUND", "toQueueId"),
        (
            await move(server, ids=ids, toQueueId=None, toStaffId=nobody),
            "NOT_FOUND",
            "toStaffId",
        ),
        (await withdraw(server, ids=ids, reason=" "), "REASON_REQUIRED", "reason"),
        (await withdraw(server, ids=ids, reason="x" * 501), "REASON_TOO_LONG", "reason"),
    ]
    for payload, code, field in refused:
        assert payload["errors"] == [{"code": code, "field": ["input", field]}]
        assert payload["changed"] == 0
    assert (await Task.get()).version == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_not_clear_is_bad_input(server: Server) -> None:
    ids = [task_id(await server.office.make_task())]
    queue = global_id("Queue", server.office.missed.id)
    staff = global_id("Staff", server.office.staff.staff_id)
    for document, given in (
        (REASSIGN, {"toQueueId": queue}),
        (REASSIGN, {"toQueueId": queue, "ids": ids, "filter": {}}),
        (REASSIGN, {"toQueueId": queue, "ids": []}),
        (REASSIGN, {"toQueueId": queue, "ids": ["garbage"]}),
        (REASSIGN, {"toQueueId": queue, "ids": [queue]}),
        (REASSIGN, {"ids": ids}),
        (REASSIGN, {"ids": ids, "toQueueId": queue, "toStaffId": staff}),
        (WITHDRAW, {"reason": "x"}),
        (WITHDRAW, {"reason": "x\0", "ids": ids}),
    ):
        answer = await server.execute(document, "supervisor", input=given)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", given
    for role in ("staff", "partner"):
        for document, given in (
            (REASSIGN, {"ids": ids, "toQueueId": queue}),
            (WITHDRAW, {"ids": ids, "reason": "x"}),
        ):
            answer = await server.execute(document, role, input=given)
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await Task.get()).version == 1


EVENTS = """query ($queueIds: [ID!], $after: String) {
  events(queueIds: $queueIds, after: $after) { nodes {
    seq kind fromQueue { name } contact { notes }
    task { queue { name } patient { name } lastContact { notes } }
  } }
}"""


async def test_a_key_for_one_queue_is_told_what_leaves_it_and_what_comes(server: Server) -> None:
    office = server.office
    await office.log(await office.make_task(), notes="Call back")  # 1, 2
    task = await Task.get()
    await move(server, ids=[task_id(task)])  # 3
    await office.log(task, notes="Called again")  # 4
    keys = {
        queue.id: await create_key(office.practice, Role.STAFF, queue.name, queue_ids=[queue.id])
        for queue in (office.recall, office.missed)
    }

    async def told(queue_id: int, asked: int | None = None, **after: str) -> list[Any]:
        given = {} if asked is None else {"queueIds": [global_id("Queue", asked)]}
        body = {"query": EVENTS, "variables": given | after}
        answer = (await server.post(body, keys[queue_id])).json()
        assert "errors" not in answer, answer
        nodes: list[Any] = answer["data"]["events"]["nodes"]
        return nodes

    left = await told(office.recall.id)
    assert [event["seq"] for event in left] == [1, 2, 3]
    assert left[1]["contact"] == {"notes": "Call back"}
    assert left[2] == {
        "seq": 3,
        "kind": "REASSIGNED",
        "fromQueue": {"name": "Overdue recall"},
        "contact": None,
        "task": {
            "queue": None,
            "patient": {"name": "Amber Testwell"},
            "lastContact": {"notes": "Call back"},
        },
    }
    came = await told(office.missed.id)
    assert [event["seq"] for event in came] == [3, 4]
    assert came[0]["fromQueue"] is None
    assert came[0]["task"]["queue"] == {"name": "Missed appointments"}
    assert await told(office.recall.id, office.recall.id) == left
    assert await told(office.recall.id, office.missed.id) == []
    here = office.practice.id
    assert await told(office.recall.id, after=event_cursor(here, Position(2))) == left[2:]
    # What has left a queue is told of, but no longer to be found there.
    found = "query ($id: ID!) { node(id: $id) { id } }"
    contacts = {
        contact["notes"]: contact["id"]
        for contact in (
            await server.data(
                "query ($id: ID!) { task(id: $id) { contacts { nodes { id notes } } } }",
                id=task_id(task),
            )
        )["task"]["contacts"]["nodes"]
    }
    for row_id, node in (
        (task_id(task), None),
        (contacts["Called again"], None),
        (contacts["Call back"], {"id": contacts["Call back"]}),
    ):
        body = {"query": found, "variables": {"id": row_id}}
        answer = (await server.post(body, keys[office.recall.id])).json()
        assert answer == {"data": {"node": node}}
