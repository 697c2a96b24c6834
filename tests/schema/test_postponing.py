"""postponeTask over HTTP, and what claimNextTask says where there is nothing."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.audit import AuditAction
from models.task import Task
from tests.office import task_id
from tests.schema.documents import STATUS_CHANGED
from tests.serving import Server
from tests.support.audited import rows_of
from tests.web.streams import eventually, log_over_http, until_streams

REASON = "The line was busy"

POSTPONE = """mutation ($taskId: ID!, $followUp: Date!, $reason: String!, $version: Int) {
  postponeTask(taskId: $taskId, followUp: $followUp, reason: $reason, expectedVersion: $version) {
    task { status followUp version contactCount lastContact { id } } errors { code field }
  }
}"""
EVENTS = "{ events { nodes { kind givenReason snapshot { followUp } } } }"
SHOWN = """query ($id: ID!) { task(id: $id) {
  postponements { at followUp givenReason by { name } } contacts { nodes { id } } } }"""
NEXT = """mutation ($skip: [ID!]) { claimNextTask(skip: $skip) {
  task { id } reason nextAt errors { code } } }"""
SET = """mutation ($hours: Int) { updatePractice(input: { restHours: $hours }) {
  practice { restHours } errors { code field } } }"""
REST = "{ viewer { practice { restHours } } }"


async def postpone(server: Server, task: Task, **given: Any) -> dict[str, Any]:
    day = (server.office.today + timedelta(days=3)).isoformat()
    variables = {"taskId": task_id(task), "followUp": day, "reason": REASON} | given
    payload: dict[str, Any] = (await server.data(POSTPONE, **variables))["postponeTask"]
    return payload


async def test_a_task_is_postponed_and_the_reason_is_for_those_who_may_read_notes(
    server: Server,
) -> None:
    office = server.office
    task = await office.make_task()
    day = (office.today + timedelta(days=3)).isoformat()
    after = {"status": "OPEN", "followUp": day, "version": 2, "contactCount": 0}
    assert await postpone(server, task) == {"task": after | {"lastContact": None}, "errors": []}

    for role, reason, name in (
        ("staff", REASON, "Staff of maple"),
        ("supervisor", REASON, "Staff of maple"),
        ("partner", None, "Staff"),
    ):
        shown = (await server.data(SHOWN, role, id=task_id(task)))["task"]
        (one,) = shown["postponements"]
        assert datetime.fromisoformat(one.pop("at"))
        assert one == {"followUp": day, "givenReason": reason, "by": {"name": name}}
        assert shown["contacts"] == {"nodes": []}
        event = (await server.data(EVENTS, role))["events"]["nodes"][-1]
        told = {"kind": "POSTPONED", "givenReason": reason, "snapshot": {"followUp": day}}
        assert event == told


async def test_refusals_name_the_argument_to_mend(server: Server) -> None:
    task = await server.office.make_task()
    yesterday = (server.office.today - timedelta(days=1)).isoformat()
    payload = await postpone(server, task, followUp=yesterday, reason=" ")
    assert payload["errors"] == [
        {"code": "FOLLOW_UP_IN_PAST", "field": ["followUp"]},
        {"code": "REASON_REQUIRED", "field": ["reason"]},
    ]
    assert payload["task"]["version"] == 1
    payload = await postpone(server, task, version=9)
    assert payload["errors"] == [{"code": "VERSION_CONFLICT", "field": ["expectedVersion"]}]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_to_read_a_reason_is_to_read_notes_for_the_audit(server: Server) -> None:
    task = await server.office.make_task()
    await postpone(server, task)
    await server.data(SHOWN.replace("givenReason", ""), id=task_id(task))
    await server.data(SHOWN, "supervisor", id=task_id(task))

    async def told() -> bool:
        return len(await rows_of(server.office.practice, AuditAction.READ)) >= 2

    await eventually(told)
    rows = await rows_of(server.office.practice, AuditAction.READ)
    assert [row.notes for row in rows] == [False, True]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_it_is_no_change_of_status(server: Server) -> None:
    task = await server.office.make_task()
    async with server.socket() as socket:
        await socket.subscribe(STATUS_CHANGED)
        await until_streams(server, 1)
        await postpone(server, task)
        await log_over_http(server, task)
        event = (await socket.next_data())["taskStatusChanged"]
        assert event["kind"] == "CONTACT_LOGGED"


async def test_who_gets_no_task_is_told_why_and_until_when(server: Server) -> None:
    office = server.office
    first, second = [await office.make_task(queue) for queue in (office.recall, office.missed)]
    await office.log(first)
    payload = (await server.data(NEXT))["claimNextTask"]
    assert payload["task"] is None
    assert payload["reason"] == "Everybody who is due was called today already."
    assert datetime.fromisoformat(payload["nextAt"]) > office.clock()

    skipped = (await server.data(NEXT, skip=[task_id(second)]))["claimNextTask"]
    assert skipped["reason"] == payload["reason"]
    assert (await server.data(SET, "admin", hours=0))["updatePractice"] == {
        "practice": {"restHours": 0},
        "errors": [],
    }
    skipped = (await server.data(NEXT, skip=[task_id(second)]))["claimNextTask"]
    assert skipped["reason"] == "Everybody who is due was skipped by you."
    given = (await server.data(NEXT))["claimNextTask"]
    assert given == {"task": {"id": task_id(second)}, "reason": None, "nextAt": None, "errors": []}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_more_than_a_hundred_tasks_are_not_skipped(server: Server) -> None:
    task = task_id(await server.office.make_task())
    answer = await server.execute(NEXT, skip=[task] * 101)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    given = (await server.data(NEXT, skip=[task] * 100))["claimNextTask"]
    assert given["task"] is None


async def test_the_rest_is_a_setting_of_the_practice(server: Server) -> None:
    async def rest() -> int | None:
        hours: int | None = (await server.data(REST))["viewer"]["practice"]["restHours"]
        return hours

    assert await rest() is None
    for hours in (720, 0, None, 1):
        payload = (await server.data(SET, "admin", hours=hours))["updatePractice"]
        assert payload["errors"] == []
        assert await rest() == hours
    for hours in (-1, 721):
        payload = (await server.data(SET, "admin", hours=hours))["updatePractice"]
        error = {"code": "NUMBER_INVALID", "field": ["input", "restHours"]}
        assert payload == {"practice": {"restHours": 1}, "errors": [error]}
