"""Requests that are well-formed HTTP and JSON but cannot be carried out, one by one."""

import json
from typing import Any

import pytest

from gql_app.schema.ids import global_id
from tests.office import older_id, task_id
from tests.schema.documents import CREATE_TASK, LOG_CONTACT
from tests.serving import Server
from tests.web.test_endpoint import LOG, VIEWER, is_untouched, refused


def log(**changes: object) -> dict[str, object]:
    """A contact that would be logged, but for the changes."""
    variables = {"taskId": "TASK", "outcome": "SCHEDULED", "close": True} | changes
    return {"query": LOG_CONTACT, "variables": variables}


def new_task(**changes: object) -> dict[str, object]:
    """A task that would be made, but for the changes."""
    given = {"queueId": "QUEUE", "patientId": "PATIENT", "reason": "Call"} | changes
    return {"query": CREATE_TASK, "variables": {"input": given}}


def tasks(**variables: object) -> dict[str, object]:
    query = """query ($first: Int! = 5, $after: String, $order: TaskOrder! = DUE) {
        tasks(first: $first, after: $after, orderBy: $order) { nodes { id } } }"""
    return {"query": query, "variables": variables}


def lookup(query: str, **variables: object) -> dict[str, object]:
    return {"query": query, "variables": variables}


BAD: dict[str, Any] = {
    "a list": [],
    "a batch": [{"query": LOG}],
    "a number": 1,
    "text": "x",
    "null": None,
    "an empty object": {},
    "a null query": {"query": None},
    "a blank query": {"query": "  "},
    "a list as query": {"query": [LOG]},
    "a syntax error": {"query": "{"},
    "an unknown field": {"query": "{ nothing }"},
    "only a fragment": {"query": "fragment F on Query { viewer { role } }"},
    "an unknown operation name": {"query": f"query A {VIEWER}", "operationName": "B"},
    "a number as operation name": {"query": VIEWER, "operationName": 1},
    "two operations and no name": {"query": f"{LOG.replace('{', 'A {', 1)} query B {VIEWER}"},
    "a subscription": {"query": "subscription { taskStatusChanged { seq } }"},
    "a list as variables": {"query": LOG, "variables": [1]},
    "text as variables": {"query": LOG, "variables": "{}"},
    "a list as extensions": {"query": LOG, "extensions": []},
    "a missing variable": {"query": LOG_CONTACT, "variables": {}},
    "very deep nesting": {"query": "{ viewer " * 900},
    "very deep nesting to its end": {"query": "{ viewer " * 900 + "}" * 900},
    "very deep lists": {"query": "{ node(id: " + "[" * 1_900},
    "very deep types": {"query": "query ($x: " + "[" * 1_900},
    "an unknown outcome": log(outcome="MAYBE"),
    "a list as outcome": log(outcome=["SCHEDULED"]),
    "a malformed date": log(followUp="tomorrow", close=False, outcome="NO_ANSWER"),
    "a date that is not": log(followUp="2027-02-30", close=False, outcome="NO_ANSWER"),
    "a number as date": log(followUp=20270101, close=False, outcome="NO_ANSWER"),
    "an object as date": log(followUp={"year": 2027}, close=False, outcome="NO_ANSWER"),
    "text as a flag": log(close="yes"),
    "a null flag": log(close=None),
    "a number as notes": log(notes=1),
    "NUL in notes": log(notes="a\0b"),
    "a version beyond 32 bits": log(expectedVersion=2**31),
    "an empty idempotency key": log(idempotencyKey=""),
    "a very long idempotency key": log(idempotencyKey="x" * 201),
    "NUL in an idempotency key": log(idempotencyKey="\0"),
    "a queue's id for a task": log(taskId="QUEUE"),
    "garbage as an id": log(taskId="garbage!"),
    "a bare number as an id": log(taskId=1),
    "an id with a negative number": log(taskId=older_id("Task", -1)),
    "NUL in a reason": new_task(reason="a\0b"),
    "NUL in a new task's idempotency key": new_task(idempotencyKey="\0"),
    "a moment without an offset": new_task(origin="AUTOMATIC", expiresAt="2099-01-01T00:00:00"),
    "a malformed moment": new_task(origin="AUTOMATIC", expiresAt="soon"),
    "a moment past the calendar": new_task(origin="AUTOMATIC", expiresAt="9999-12-31T24:00:00Z"),
    "a moment at the calendar's end": new_task(
        origin="AUTOMATIC", expiresAt="9999-12-31T23:59:59-12:00", followUp="2027-01-01"
    ),
    "an unknown input field": new_task(status="CLOSED"),
    "text as input": {"query": CREATE_TASK, "variables": {"input": "x"}},
    "a patient's id for a queue": new_task(queueId="PATIENT"),
    "NUL in an id": lookup('{ node(id: "\\u0000") { id } }'),
    "a negative page": tasks(first=-1),
    "a huge page": tasks(first=501),
    "a page beyond 32 bits": tasks(first=2**31),
    "a fraction of a page": tasks(first=1.5),
    "text as a page": tasks(first="5"),
    "a page of thousands of digits": lookup(
        f"{{ tasks(first: {'9' * 5_000}) {{ nodes {{ id }} }} }}"
    ),
    "a garbage cursor": tasks(after="garbage"),
    "an empty cursor": tasks(after=""),
    "a cursor beyond ASCII": tasks(after="ü"),
    "a cursor of another list": tasks(after="EVENT", order="CREATED"),
    "an event's cursor": tasks(after="EVENT"),
    "an unknown order": tasks(order="OLDEST"),
    "another type's id": lookup("query ($id: ID!) { queue(id: $id) { id } }", id="TASK"),
    "another type's id in a filter": lookup(
        "query ($id: ID!) { tasks(filter: {queueIds: [$id]}) { nodes { id } } }", id="TASK"
    ),
    "a huge page of events": lookup("{ events(first: 1000000) { nodes { seq } } }"),
    "a garbage cursor of events": lookup('{ events(after: "x") { nodes { seq } } }'),
    "a huge page in a list": lookup("{ queues { tasks(first: 501) { nodes { id } } } }"),
    "a garbage cursor in a list": lookup('{ queues { tasks(after: "x") { nodes { id } } } }'),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
async def test_bad_input_is_a_json_error_and_changes_nothing(server: Server, body: Any) -> None:
    task = await server.office.make_task()
    ids = {
        "TASK": task_id(task),
        "QUEUE": global_id("Queue", server.office.recall.id),
        "PATIENT": global_id("Patient", server.office.patients[0].id),
        "EVENT": (await server.data("{ events { pageInfo { endCursor } } }"))["events"]["pageInfo"][
            "endCursor"
        ],
    }
    text = json.dumps(body)
    for name, value in ids.items():
        text = text.replace(name, value)
    response = await server.post(text.encode(), server.office.keys["supervisor"])
    assert response.status_code in (200, 400)
    refused(response, "BAD_USER_INPUT")
    assert await is_untouched(task)


@pytest.mark.parametrize("value", ["[]", "{}", "null", "1"])
async def test_an_empty_or_wrong_status_filter_is_answered(server: Server, value: str) -> None:
    await server.office.make_task()
    query = f"{{ tasks(filter: {{status: {value}}}) {{ nodes {{ id }} }} }}"
    answer = await server.execute(query)
    if "errors" in answer:
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    else:
        assert len(answer["data"]["tasks"]["nodes"]) == (0 if value == "[]" else 1)
