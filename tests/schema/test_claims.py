"""claimNextTask, claimTask and releaseTask over HTTP, and what clients are shown of a claim."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gql_app.schema.ids import global_id
from gql_app.work.reads.cursors import event_cursor
from gql_app.work.upkeep.expiry import free_lapsed
from models.chain import Position
from models.task import Task
from tests.office import Office, make_office, older_id, task_id
from tests.schema.documents import STATUS_CHANGED
from tests.serving import Server, TestSocket, serving
from tests.web.streams import log_over_http, until_streams
from tests.work.agents import claims_of
from tests.work.records import everything

_PAYLOAD = """{
  task { id status version claim { by { id name } until } }
  errors { code message field }
}"""

CLAIM_NEXT = f"mutation ($queueIds: [ID!]) {{ claimNextTask(queueIds: $queueIds) {_PAYLOAD} }}"
CLAIM = f"mutation ($taskId: ID!) {{ claimTask(taskId: $taskId) {_PAYLOAD} }}"
RELEASE = f"mutation ($taskId: ID!) {{ releaseTask(taskId: $taskId) {_PAYLOAD} }}"
CLAIMED = "{ viewer { claimed { id claim { by { name } } } } }"
SHOWN = "query ($id: ID!) { task(id: $id) { version claim { by { name } until } } }"
EVENTS = """{ events { nodes {
  seq kind fromStatus toStatus actor { name } task { id version claim { by { name } until } }
} } }"""
FEED = """subscription { queueFeed { __typename
  ... on QueueSnapshot { queues { tasks { nodes { id claim { by { name } } } } } }
  ... on TaskEvent { seq kind task { id version claim { by { name } } } actor { name } }
  ... on QueueCounts { seq open notContacted }
} }"""

NOBODY: dict[str, Any] = {"task": None, "errors": []}


async def claim(server: Server, task: Task, role: str = "staff") -> dict[str, Any]:
    payload: dict[str, Any] = (await server.data(CLAIM, role, taskId=task_id(task)))["claimTask"]
    return payload


async def claim_next(server: Server, *queue_ids: int) -> dict[str, Any]:
    given: dict[str, Any] = (
        {"queueIds": [global_id("Queue", i) for i in queue_ids]} if queue_ids else {}
    )
    payload: dict[str, Any] = (await server.data(CLAIM_NEXT, **given))["claimNextTask"]
    return payload


async def release(server: Server, task: Task, role: str = "staff") -> dict[str, Any]:
    data = await server.data(RELEASE, role, taskId=task_id(task))
    payload: dict[str, Any] = data["releaseTask"]
    return payload


def assert_lasts(until: str, **lease: float) -> None:
    """Whether `until` is so far from now, give or take what a request takes."""
    left = datetime.fromisoformat(until) - datetime.now(UTC)
    assert abs(left - timedelta(**lease)) < timedelta(seconds=30)


async def test_the_next_task_comes_claimed_and_nothing_comes_when_there_is_none(
    server: Server,
) -> None:
    office = server.office
    later = await office.make_task(office.recall, patient=office.patients[1])
    task = await office.make_task(office.missed, follow_up=office.today)

    payload = await claim_next(server)

    assert_lasts(payload["task"]["claim"].pop("until"), minutes=10)
    by = {"id": global_id("Staff", office.staff.staff_id), "name": "Staff of maple"}
    shown = {"id": task_id(task), "status": "OPEN", "version": 2, "claim": {"by": by}}
    assert payload == {"task": shown, "errors": []}
    assert await claim_next(server, office.missed.id) == NOBODY
    assert (await claim_next(server, office.recall.id))["task"]["id"] == task_id(later)
    assert await claim_next(server) == NOBODY


async def test_a_task_is_claimed_renewed_and_released(server: Server) -> None:
    task = await server.office.make_task()

    first, again = [await claim(server, task) for _ in range(2)]
    released = await release(server, task)

    assert [p["errors"] for p in (first, again, released)] == [[], [], []]
    assert [p["task"]["version"] for p in (first, again, released)] == [2, 3, 4]
    ends = [datetime.fromisoformat(p["task"]["claim"]["until"]) for p in (first, again)]
    assert ends[0] < ends[1]
    assert released["task"]["claim"] is None
    assert await release(server, task) == released


@pytest.mark.parametrize("time_zone", ["America/Chicago", "Asia/Kolkata"])
async def test_a_refusal_names_who_and_until_when_on_the_practices_clock(
    server: Server, time_zone: str
) -> None:
    server.office = await make_office("elm", time_zone)
    task = await server.office.make_task()
    taken = await claim(server, task, "supervisor")
    before = await everything()

    refused = [await claim(server, task), await release(server, task)]

    until = datetime.fromisoformat(taken["task"]["claim"]["until"]).astimezone(ZoneInfo(time_zone))
    error = {
        "code": "CLAIMED_BY_OTHER",
        "message": f"Supervisor of elm has claimed this patient until {until:%H:%M}.",
        "field": ["taskId"],
    }
    assert refused == [{"task": taken["task"], "errors": [error]}] * 2
    assert await everything() == before


async def test_every_other_refusal_is_a_result_too(server: Server) -> None:
    closed = await server.office.make_task()
    await server.office.log(closed, close=True)
    before = await everything()

    error = (await claim(server, closed))["errors"]
    assert [(e["code"], e["field"]) for e in error] == [("TASK_CLOSED", None)]
    for row_id in (999_999, 10**30):
        for document, name in ((CLAIM, "claimTask"), (RELEASE, "releaseTask")):
            payload = (await server.data(document, taskId=older_id("Task", row_id)))[name]
            assert payload["task"] is None
            (error,) = payload["errors"]
            assert (error["code"], error["field"]) == ("NOT_FOUND", ["taskId"])
    assert await claim_next(server, 999_999) == NOBODY
    assert await everything() == before


async def test_partners_are_forbidden_to_claim(server: Server) -> None:
    task = await server.office.make_task()
    before = await everything()
    for document, given in (
        (CLAIM_NEXT, {}),
        (CLAIM, {"taskId": task_id(task)}),
        (RELEASE, {"taskId": task_id(task)}),
    ):
        answer = await server.execute(document, "partner", **given)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await everything() == before


async def test_ids_of_something_else_are_bad_input(server: Server) -> None:
    await server.office.make_task()
    before = await everything()
    for document, given in (
        (CLAIM, {"taskId": "rubbish"}),
        (CLAIM, {"taskId": global_id("Queue", 1)}),
        (RELEASE, {"taskId": global_id("Patient", 1)}),
        (CLAIM_NEXT, {"queueIds": ["rubbish"]}),
        (CLAIM_NEXT, {"queueIds": [global_id("Task", 1)]}),
    ):
        answer = await server.execute(document, **given)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await everything() == before


async def test_a_task_shows_whose_claim_it_is_under_but_to_partners(server: Server) -> None:
    office = server.office
    task, other = await office.make_task(office.recall), await office.make_task(office.missed)
    until = (await claim(server, task))["task"]["claim"]["until"]
    for role in office.keys:
        for shown in (task, other):
            data = await server.data(SHOWN, role, id=task_id(shown))
            held = {"by": {"name": "Staff of maple"}, "until": until}
            shown_to = None if role == "partner" else held
            assert data["task"] == {"version": 2, "claim": shown_to}
    await log_over_http(server, other)
    for shown in (task, other):
        data = await server.data(SHOWN, id=task_id(shown))
        assert data["task"] == {"version": 3, "claim": None}


async def test_the_viewer_has_what_they_have_claimed(server: Server) -> None:
    office = server.office
    tasks = [await office.make_task(patient=patient) for patient in office.patients]
    for task in (tasks[1], tasks[0]):
        await claim(server, task)
    await claim(server, tasks[2], "supervisor")

    by = {"claim": {"by": {"name": "Staff of maple"}}}
    shown = (await server.data(CLAIMED))["viewer"]["claimed"]
    assert shown == [{"id": task_id(task)} | by for task in (tasks[1], tasks[0])]
    assert (await server.data(CLAIMED, "partner"))["viewer"]["claimed"] == []
    await release(server, tasks[1])
    assert [t["id"] for t in (await server.data(CLAIMED))["viewer"]["claimed"]] == [
        task_id(tasks[0])
    ]


async def test_the_settings_time_limit_is_that_of_the_claims(database_url: str) -> None:
    async with serving(database_url, claim_minutes=3) as server:
        await server.office.make_task()
        assert_lasts((await claim_next(server))["task"]["claim"]["until"], minutes=3)


async def test_events_show_each_claim_and_its_end(server: Server) -> None:
    task = await server.office.make_task()
    until = (await claim(server, task))["task"]["claim"]["until"]
    await release(server, task, "supervisor")
    await lapse(server.office, task)

    assert [e["kind"] for e in (await server.data(EVENTS, "partner"))["events"]["nodes"]] == [
        "CREATED"
    ]
    events = (await server.data(EVENTS))["events"]["nodes"]

    held = {"by": {"name": "Staff of maple"}, "until": until}
    assert [(e["kind"], e["actor"] and e["actor"]["name"]) for e in events[1:]] == [
        ("CLAIMED", "Staff of maple"),
        ("RELEASED", "Supervisor of maple"),
        ("CLAIMED", "Supervisor of maple"),
        ("RELEASED", None),
    ]
    assert [event["task"]["claim"] for event in events[:3]] == [None, held, None]
    assert events[3]["task"]["claim"]["by"] == {"name": "Supervisor of maple"}
    assert events[4]["task"]["claim"] is None
    assert [event["task"]["version"] for event in events] == [1, 2, 3, 4, 5]
    assert {(event["fromStatus"], event["toStatus"]) for event in events[1:]} == {("OPEN", "OPEN")}


async def lapse(office: Office, task: Task) -> None:
    """A claim whose time is up by the office's clock, as the clock ends it."""
    claims = claims_of(office)
    await claims.claim(office.supervisor, task.id)
    office.clock.advance(minutes=10)
    assert await free_lapsed(claims.changes, office.clock()) == 1


async def next_events(socket: TestSocket, number: int) -> list[dict[str, Any]]:
    """The next events of a queueFeed. The counts behind each must say the same as ever."""
    events = []
    for _ in range(number):
        events.append((await socket.next_data())["queueFeed"])
        assert events[-1]["__typename"] == "TaskEvent"
        counts = (await socket.next_data())["queueFeed"]
        assert (counts["__typename"], counts["seq"]) == ("QueueCounts", events[-1]["seq"])
        assert (counts["open"], counts["notContacted"]) == (1, 1)
    return events


async def test_claims_and_releases_are_sent_on_the_queue_feed(server: Server) -> None:
    office = server.office
    tasks = [await office.make_task(office.recall), await office.make_task(office.missed)]
    async with server.socket() as socket:
        await socket.subscribe(FEED)
        assert (await socket.next_data())["queueFeed"]["__typename"] == "QueueSnapshot"
        await claim(server, tasks[0])
        claimed = await next_events(socket, 2)
        await release(server, tasks[1], "supervisor")
        released = await next_events(socket, 2)
        await claim_next(server)
        again = await next_events(socket, 2)
    for events, kind, by, actor in (
        (claimed, "CLAIMED", "Staff of maple", "Staff of maple"),
        (released, "RELEASED", None, "Supervisor of maple"),
        (again, "CLAIMED", "Staff of maple", "Staff of maple"),
    ):
        assert [event["task"]["id"] for event in events] == [task_id(task) for task in tasks]
        for event in events:
            assert (event["kind"], event["actor"]) == (kind, {"name": actor})
            assert event["task"]["claim"] == (by and {"by": {"name": by}})
    assert [event["seq"] for event in claimed + released + again] == list(range(3, 9))


async def test_a_snapshot_shows_who_is_calling(server: Server) -> None:
    task = await server.office.make_task()
    await claim(server, task)
    async with server.socket() as socket:
        await socket.subscribe(FEED)
        (queue, _) = (await socket.next_data())["queueFeed"]["queues"]
    shown = {"id": task_id(task), "claim": {"by": {"name": "Staff of maple"}}}
    assert queue["tasks"]["nodes"] == [shown]


async def test_claims_and_releases_are_no_changes_of_a_status(server: Server) -> None:
    office = server.office
    task, other = await office.make_task(office.recall), await office.make_task(office.missed)
    start = event_cursor(office.practice.id, Position(2))
    async with server.socket() as live, server.socket() as resumed:
        await live.subscribe(STATUS_CHANGED)
        await until_streams(server, 1)
        await claim(server, task)
        await release(server, task)
        await claim_next(server)
        await log_over_http(server, task)  # it ends the other's claim as well, by an event
        await log_over_http(server, other)
        await resumed.subscribe(STATUS_CHANGED, after=start)
        for socket in (live, resumed):
            events = [(await socket.next_data())["taskStatusChanged"] for _ in range(2)]
            assert [event["kind"] for event in events] == ["CONTACT_LOGGED"] * 2
            assert [event["seq"] for event in events] == [9, 11]
            assert [event["task"]["version"] for event in events] == [5, 6]


async def test_a_claims_id_is_shown_kept_and_told_of(server: Server) -> None:
    """By the server's choice and by the client's, on the task, in its events, and to its holder."""
    task = await server.office.make_task()
    shown = "claim { id }"
    claim_it = f"""mutation ($id: ID!, $claim: ID) {{
      claimTask(taskId: $id, claimId: $claim) {{ task {{ {shown} }} errors {{ code field }} }} }}"""
    next_one = f"""mutation ($claim: ID) {{
      claimNextTask(claimId: $claim) {{ task {{ id {shown} }} }} }}"""
    release_it = """mutation ($id: ID, $claim: ID) {
      releaseTask(taskId: $id, claimId: $claim) { task { claim { id } } errors { code } } }"""
    held = f"{{ viewer {{ claimed {{ {shown} }} practice {{ claimSeconds }} }} }}"
    given = {"id": task_id(task)}
    first = (await server.data(claim_it, **given))["claimTask"]["task"]["claim"]["id"]
    second = (await server.data(claim_it, **given))["claimTask"]["task"]["claim"]["id"]
    assert first != second
    renewed = (await server.data(claim_it, **given, claim=second))["claimTask"]
    assert renewed["task"]["claim"]["id"] == second
    lost = (await server.data(claim_it, **given, claim=first))["claimTask"]
    assert lost["errors"] == [{"code": "CLAIM_LOST", "field": ["claimId"]}]
    kept = (await server.data(release_it, **given, claim=first))["releaseTask"]
    assert kept == {"task": {"claim": {"id": second}}, "errors": []}
    viewer = (await server.data(held))["viewer"]
    assert viewer == {"claimed": [{"claim": {"id": second}}], "practice": {"claimSeconds": 600}}
    await server.data(release_it, **given, claim=second)
    assert (await server.data(next_one, claim="mine"))["claimNextTask"]["task"]["claim"][
        "id"
    ] == "mine"
    assert (await server.data(release_it, claim="mine"))["releaseTask"]["task"] == {"claim": None}
    events = "{ events { nodes { seq change snapshot { claim { claimId } } } } }"
    told = (await server.data(events))["events"]["nodes"]
    ids = [event["snapshot"]["claim"] and event["snapshot"]["claim"]["claimId"] for event in told]
    assert ids == [None, first, second, second, None, "mine", None]
    assert [event["change"] for event in told] == [event["seq"] for event in told]
    for wrong in ({}, {"claim": ""}, {"claim": "x" * 101}):
        answer = await server.execute(release_it, **wrong)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
