"""Call-backs over the API: what is sent, what is refused, and what those who watch are told."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from gql_app.work.promises import tell_call_back
from models.roles import Role
from models.task import Task
from tests.office import task_id
from tests.serving import Server
from tests.support.access import create_key
from tests.work.records import everything

PROMISE = """followUp followUpAt isCallBackDue callBackBy { name }"""
LOG = f"""mutation ($taskId: ID!, $followUp: Date, $followUpTime: LocalTime, $by: CallBackBy,
                    $close: Boolean! = false) {{
  logContact(taskId: $taskId, outcome: NO_ANSWER, followUp: $followUp, close: $close,
             followUpTime: $followUpTime, callBackBy: $by) {{
    task {{ {PROMISE} }} contact {{ followUp followUpAt }} errors {{ code message field }} }} }}"""
POSTPONE = f"""mutation ($taskId: ID!, $followUp: Date!, $followUpTime: LocalTime) {{
  postponeTask(taskId: $taskId, followUp: $followUp, followUpTime: $followUpTime, reason: "Busy") {{
    task {{ {PROMISE} }} errors {{ code message field }} }} }}"""
WORK = "{ tasks(orderBy: WORK) { nodes { reason isCallBackDue } } }"
EVENTS = f"{{ events {{ nodes {{ kind actor {{ name }} snapshot {{ {PROMISE} }} }} }} }}"
NEXT = "mutation { claimNextTask { task { reason } nextAt } }"


def tomorrow(server: Server, days: int = 1) -> str:
    return (server.office.today + timedelta(days=days)).isoformat()


async def log(server: Server, task: Task, role: str = "staff", **given: Any) -> dict[str, Any]:
    variables = {"taskId": task_id(task), "followUp": tomorrow(server)} | given
    payload: dict[str, Any] = (await server.data(LOG, role, **variables))["logContact"]
    return payload


@pytest.mark.parametrize("sent", ["15:30", "15:30:00"])
async def test_the_answer_has_the_moment_and_who_calls(server: Server, sent: str) -> None:
    office = server.office
    task = await office.make_task()
    payload = await log(server, task, followUpTime=sent, by="ME")
    assert payload["errors"] == []
    told = payload["task"]
    assert (told["followUp"], told["isCallBackDue"]) == (tomorrow(server), False)
    assert told["callBackBy"] == {"name": "Staff of maple"}
    assert payload["contact"] == {k: told[k] for k in ("followUp", "followUpAt")}
    at = datetime.fromisoformat(told["followUpAt"])
    await task.refresh_from_db()
    assert at == task.follow_up_at

    day = tomorrow(server, 2)
    variables = {"taskId": task_id(task), "followUp": day, "followUpTime": "15:30"}
    told = (await server.data(POSTPONE, **variables))["postponeTask"]["task"]
    assert (told["followUp"], told["callBackBy"]) == (day, {"name": "Staff of maple"})
    told = (await server.data(POSTPONE, taskId=task_id(task), followUp=day))["postponeTask"]["task"]
    assert (told["followUpAt"], told["callBackBy"]) == (None, None)


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"followUpTime": "00:00", "days": 0}, "FOLLOW_UP_IN_PAST", "followUpTime"),
        ({"followUpTime": "23:59", "days": -1}, "FOLLOW_UP_IN_PAST", "followUp"),
        ({"followUpTime": "15:30", "followUp": None}, "FOLLOW_UP_REQUIRED", "followUp"),
        (
            {"followUpTime": "15:30", "followUp": None, "close": True},
            "FOLLOW_UP_NOT_ALLOWED",
            "followUpTime",
        ),
        ({"by": "ME"}, "FOLLOW_UP_TIME_REQUIRED", "followUpTime"),
        (
            {"by": "ANYONE", "followUp": None, "close": True},
            "FOLLOW_UP_NOT_ALLOWED",
            "callBackBy",
        ),
    ],
)
async def test_each_refusal_has_its_code_and_names_what_to_mend(
    server: Server, given: dict[str, Any], code: str, field: str
) -> None:
    task = await server.office.make_task()
    before = await everything()
    if "days" in given:
        given = {"followUpTime": given["followUpTime"], "followUp": tomorrow(server, given["days"])}
    (error,) = (await log(server, task, **given))["errors"]
    assert (error["code"], error["field"]) == (code, [field])
    assert error["message"]
    assert await everything() == before


async def test_the_hour_that_a_clock_change_skips_is_refused_and_of_two_it_is_the_first(
    server: Server,
) -> None:
    """The practice's clocks change twice within the two years for which follow-ups can be set."""
    office = server.office
    task = await office.make_task()
    year = office.today.year + 1
    march = next(d for d in range(8, 15) if datetime(year, 3, d, tzinfo=UTC).weekday() == 6)
    november = next(d for d in range(1, 8) if datetime(year, 11, d, tzinfo=UTC).weekday() == 6)
    given = {"followUp": f"{year}-03-{march:02}", "followUpTime": "02:30"}
    before = await everything()
    for payload in (
        await log(server, task, **given),
        (await server.data(POSTPONE, taskId=task_id(task), **given))["postponeTask"],
    ):
        (error,) = payload["errors"]
        assert (error["code"], error["field"]) == ("FOLLOW_UP_TIME_SKIPPED", ["followUpTime"])
        assert "02:30" in error["message"]
    assert await everything() == before
    day = f"{year}-11-{november:02}"
    told = (await log(server, task, followUp=day, followUpTime="01:30"))["task"]
    assert told["followUpAt"] == f"{day}T06:30:00+00:00"


@pytest.mark.parametrize(
    "sent",
    ["24:00", "9:30", "15:30Z", "15:30+02:00", "15:30:00.5", "15", "noon", "", 930, "1\uff15:30"],
)
async def test_what_is_no_time_is_refused_with_an_example(server: Server, sent: Any) -> None:
    task = await server.office.make_task()
    before = await everything()
    variables = {"taskId": task_id(task), "followUp": tomorrow(server), "followUpTime": sent}
    (error,) = (await server.execute(LOG, **variables))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "15:30" in error["message"]
    assert await everything() == before


async def test_a_time_may_stand_in_the_document(server: Server) -> None:
    task = await server.office.make_task()
    document = f"""mutation {{ logContact(taskId: "{task_id(task)}", outcome: NO_ANSWER,
        followUp: "{tomorrow(server)}", followUpTime: "15:30", callBackBy: ANYONE) {{
        task {{ followUpAt callBackBy {{ name }} }} errors {{ code }} }} }}"""
    told = (await server.data(document))["logContact"]
    assert told["errors"] == []
    assert told["task"]["followUpAt"]
    assert told["task"]["callBackBy"] is None


async def test_a_key_that_is_nobodys_promises_nothing(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    key = await create_key(office.practice, Role.PARTNER, "A program", may_create_tasks=True)
    before = await everything()
    variables = {
        "taskId": task_id(task),
        "followUp": tomorrow(server),
        "followUpTime": "15:30",
        "by": "ME",
    }
    for used in (key, office.keys["partner"]):
        answer = (await server.post({"query": LOG, "variables": variables}, used)).json()
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert error["path"] == ["logContact"]
    assert await everything() == before


async def test_when_it_is_time_it_is_told_stands_first_and_is_next(server: Server) -> None:
    office = server.office
    await office.make_task(patient=office.patients[1], follow_up=office.today, reason="due")
    task = await office.make_task(reason="promised")
    await log(server, task, followUpTime="15:30")
    # As if the time had come: the server goes by the real clock.
    at = datetime.now(UTC) - timedelta(seconds=1)
    await Task.filter(id=task.id).update(follow_up_at=at, call_back_told_at=None)
    await office.changes.make_for(office.practice.id, tell_call_back, task.id)

    nodes = (await server.data(WORK))["tasks"]["nodes"]
    assert nodes[0] == {"reason": "promised", "isCallBackDue": True}
    assert [node["isCallBackDue"] for node in nodes[1:]] == [False]
    for role in ("staff", "partner"):
        told = (await server.data(EVENTS, role))["events"]["nodes"][-1]
        assert (told["kind"], told["actor"]) == ("CALL_BACK_DUE", None)
        assert told["snapshot"]["isCallBackDue"] is True
        assert datetime.fromisoformat(told["snapshot"]["followUpAt"]) == at
    assert (await server.data(NEXT))["claimNextTask"]["task"] == {"reason": "promised"}


async def test_who_watches_is_told_within_a_second(server: Server) -> None:
    """By the server's own clock and sweeper."""
    office = server.office
    task = await office.make_task()
    feed = """subscription { queueFeed { __typename ... on TaskEvent {
        kind at snapshot { taskId followUpAt isCallBackDue } } } }"""
    async with server.socket() as socket:
        await socket.subscribe(feed)
        await log(server, task, followUpTime=str(time(23, 59, 59)))
        at = datetime.now(UTC) + timedelta(seconds=1)
        await Task.filter(id=task.id).update(follow_up_at=at)
        while True:
            told = (await socket.next_data())["queueFeed"]
            if told.get("kind") == "CALL_BACK_DUE":
                break
    late = datetime.fromisoformat(told["at"]) - at
    assert timedelta(0) <= late < timedelta(seconds=6)
    assert told["snapshot"]["isCallBackDue"] is True
    assert told["snapshot"]["taskId"] == task_id(task)


async def test_a_list_goes_on_behind_a_call_back_whatever_it_shows(server: Server) -> None:
    office = server.office
    tasks = [await office.make_task(patient=patient) for patient in office.patients]
    at = datetime.now(UTC) - timedelta(seconds=1)
    await Task.filter(id__in=[task.id for task in tasks[1:]]).update(
        follow_up=office.today, follow_up_at=at, call_back_told_at=at
    )
    document = """query ($after: String) { tasks(orderBy: WORK, first: 1, after: $after) {
        nodes { id patient { name } lastContact { id } }
        pageInfo { endCursor hasNextPage } } }"""
    found, after = [], None
    for _ in tasks:
        page = (await server.data(document, after=after))["tasks"]
        found += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert found == [task_id(task) for task in (tasks[1], tasks[2], tasks[0])]
    assert not page["pageInfo"]["hasNextPage"]
