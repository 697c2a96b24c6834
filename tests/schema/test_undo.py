"""`undoContact` and `reopenTask` over the API: what each role is told."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.schema.ids import global_id
from models.task import Task
from tests.office import task_id
from tests.schema.test_roles import data, error_code
from tests.serving import Server

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

STATE = "status isOpen version contactCount followUp lastContact { outcome }"
UNDO = f"""mutation ($id: ID!, $reason: String, $key: String) {{
  undoContact(contactId: $id, reason: $reason, idempotencyKey: $key) {{
    task {{ {STATE} }} contact {{ id undo {{ at reason by {{ name }} }} }}
    errors {{ code message field }}
  }}
}}"""
REOPEN = f"""mutation ($id: ID!, $reason: String!, $followUp: Date) {{
  reopenTask(taskId: $id, reason: $reason, followUp: $followUp) {{
    task {{ {STATE} }} errors {{ code field }}
  }}
}}"""
SEEN = f"""query ($id: ID!) {{ task(id: $id) {{
  {STATE} contacts {{ nodes {{ notes outcome undo {{ reason by {{ name }} }} }} }}
}} }}"""
EVENTS = """{ events { nodes {
  kind change seq givenReason fromStatus toStatus contact { outcome notes undo { reason } }
  snapshot { contactCount lastContact { outcome } }
} } }"""


async def logged(server: Server, task: Task, **given: Any) -> str:
    result = await server.office.log(task, notes="secret", **given)
    assert result.contact is not None
    return global_id("Contact", result.contact.id)


async def test_an_undone_contact_stays_and_counts_nowhere(server: Server) -> None:
    keys, task = server.office.keys, await server.office.make_task()
    contact = await logged(server, task, close=True)

    undone = (await data(server, keys["staff"], UNDO, id=contact, reason="Wrong one"))[
        "undoContact"
    ]

    assert undone["errors"] == []
    assert undone["task"] == {
        "status": "OPEN",
        "isOpen": True,
        "version": 3,
        "contactCount": 0,
        "followUp": None,
        "lastContact": None,
    }
    assert undone["contact"]["undo"]["reason"] == "Wrong one"
    assert undone["contact"]["undo"]["by"]["name"] == "Staff of maple"
    seen = (await data(server, keys["supervisor"], SEEN, id=task_id(task)))["task"]
    assert seen["contacts"]["nodes"] == [
        {
            "notes": "secret",
            "outcome": "NO_ANSWER",
            "undo": {"reason": "Wrong one", "by": {"name": "Staff of maple"}},
        }
    ]


async def test_partners_see_that_it_was_undone_and_neither_why_nor_by_whom(server: Server) -> None:
    keys, task = server.office.keys, await server.office.make_task()
    contact = await logged(server, task, close=True)
    await data(server, keys["staff"], UNDO, id=contact, reason="secret")
    reopened = {"id": task_id(task), "reason": "secret"}
    assert await error_code(server, keys["partner"], UNDO, id=contact) == "FORBIDDEN"
    assert await error_code(server, keys["partner"], REOPEN, **reopened) == "FORBIDDEN"
    assert await error_code(server, keys["staff"], REOPEN, **reopened) == "FORBIDDEN"

    seen = (await data(server, keys["partner"], SEEN, id=task_id(task)))["task"]
    events = await data(server, keys["partner"], EVENTS)

    hidden = {"reason": None, "by": {"name": "Staff"}}
    assert seen["contacts"]["nodes"] == [{"notes": None, "outcome": "NO_ANSWER", "undo": hidden}]
    last = events["events"]["nodes"][-1]
    assert (last["kind"], last["fromStatus"], last["toStatus"]) == (
        "CONTACT_UNDONE",
        "CLOSED",
        "OPEN",
    )
    assert last["contact"] == {"outcome": "NO_ANSWER", "notes": None, "undo": {"reason": None}}
    assert last["snapshot"] == {"contactCount": 0, "lastContact": None}
    assert "secret" not in str(events)


async def test_a_refusal_says_how_the_task_is_now(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    contact = await logged(server, task)
    await office.log(task, close=True)
    refused = (await data(server, office.keys["staff"], UNDO, id=contact))["undoContact"]
    assert [(e["code"], e["field"]) for e in refused["errors"]] == [("FOLLOWED", ["contactId"])]
    assert (refused["task"]["status"], refused["task"]["contactCount"]) == ("CLOSED", 2)
    assert refused["contact"] == {"id": contact, "undo": None}


async def test_a_supervisor_reopens_a_task_and_all_are_told_why_who_may_read_notes(
    server: Server,
) -> None:
    office = server.office
    task = await office.make_task()
    await office.log(task, close=True)
    key, tomorrow = office.keys["supervisor"], (office.today + timedelta(days=1)).isoformat()
    refused = (await data(server, key, REOPEN, id=task_id(task), reason=" "))["reopenTask"]
    assert [(e["code"], e["field"]) for e in refused["errors"]] == [
        ("REASON_REQUIRED", ["reason"]),
        ("FOLLOW_UP_REQUIRED", ["followUp"]),
    ]
    assert refused["task"]["status"] == "CLOSED"
    sent = {"id": task_id(task), "reason": "Rang back", "followUp": tomorrow}
    reopened = (await data(server, key, REOPEN, **sent))["reopenTask"]
    assert reopened["errors"] == []
    assert (reopened["task"]["status"], reopened["task"]["followUp"]) == ("IN_PROGRESS", tomorrow)
    for role, reason in (("staff", "Rang back"), ("partner", None)):
        last = (await data(server, office.keys[role], EVENTS))["events"]["nodes"][-1]
        assert (last["kind"], last["givenReason"]) == ("REOPENED", reason)


async def test_the_practice_says_for_how_long(server: Server) -> None:
    keys = server.office.keys
    update = """mutation ($minutes: Int) { updatePractice(input: { undoMinutes: $minutes }) {
        practice { undoMinutes } errors { code field } } }"""
    for minutes in (-1, 121, None):
        refused = (await data(server, keys["admin"], update, minutes=minutes))["updatePractice"]
        assert refused["practice"] == {"undoMinutes": 15}
        assert refused["errors"] == [
            {"code": "NUMBER_INVALID", "field": ["input", "undoMinutes"]}
        ], minutes
    set_ = (await data(server, keys["admin"], update, minutes=120))["updatePractice"]
    assert set_ == {"practice": {"undoMinutes": 120}, "errors": []}
    shown = await data(server, keys["staff"], "{ viewer { mayCorrect practice { undoMinutes } } }")
    assert shown["viewer"] == {"mayCorrect": False, "practice": {"undoMinutes": 120}}
