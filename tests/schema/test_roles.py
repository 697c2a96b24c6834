"""What a role may do, and what a key for some queues sees: only these, by any way."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.schema.ids import global_id
from gql_app.work.reads.cursors import event_cursor
from models.chain import Position
from models.contact import Contact
from models.roles import Role
from models.task import Task
from tests.office import task_id
from tests.schema.documents import CREATE_TASK, LOG_CONTACT, QUEUE_FEED, STATUS_CHANGED
from tests.serving import Server
from tests.support.access import create_key
from tests.web.streams import event_stream, log_over_http, until_streams

NODE = "query ($id: ID!) { node(id: $id) { id } }"


async def data(server: Server, key: str, query: str, **variables: Any) -> Any:
    """The data of an operation under a key of its own."""
    answer = (await server.post({"query": query, "variables": variables}, key)).json()
    assert "errors" not in answer, answer
    return answer["data"]


async def error_code(server: Server, key: str, query: str, **variables: Any) -> str:
    answer = (await server.post({"query": query, "variables": variables}, key)).json()
    code: str = answer["errors"][0]["extensions"]["code"]
    return code


def new_task(server: Server, **changes: object) -> dict[str, object]:
    return {
        "queueId": global_id("Queue", server.office.recall.id),
        "patientId": global_id("Patient", server.office.patients[0].id),
        "reason": "Call",
    } | changes


class Limited:
    """A key for the recall queue alone, beside a task in either queue."""

    def __init__(self, server: Server, key: str, seen: Task, hidden: Task) -> None:
        self.server, self.key, self.seen, self.hidden = server, key, seen, hidden

    async def data(self, query: str, **variables: Any) -> Any:
        return await data(self.server, self.key, query, **variables)


@pytest.fixture
async def limited(server: Server) -> Limited:
    office = server.office
    seen = await office.make_task(office.recall)
    hidden = await office.make_task(office.missed, patient=office.patients[1])
    await office.make_task(office.missed, patient=office.patients[0])  # of a patient who is seen
    await office.log(hidden, notes="hidden")
    await office.log(seen, notes="seen")
    key = await create_key(office.practice, Role.SUPERVISOR, "Desk", queue_ids=[office.recall.id])
    return Limited(server, key, seen, hidden)


async def test_a_limited_key_lists_its_queues_and_their_tasks_alone(limited: Limited) -> None:
    office = limited.server.office
    recall, missed = (global_id("Queue", queue.id) for queue in (office.recall, office.missed))
    shown = await limited.data(
        """query ($missed: ID!) {
            viewer { queues { id } } queues { id tasks { nodes { id } } counts { open } }
            tasks { nodes { id } } newest: tasks(orderBy: CREATED) { nodes { id } }
            other: tasks(filter: {queueIds: [$missed]}) { nodes { id } }
            queue(id: $missed) { id } }""",
        missed=missed,
    )
    only = {"nodes": [{"id": task_id(limited.seen)}]}
    assert shown == {
        "viewer": {"queues": [{"id": recall}]},
        "queues": [{"id": recall, "tasks": only, "counts": {"open": 1}}],
        "tasks": only,
        "newest": only,
        "other": {"nodes": []},
        "queue": None,
    }


async def test_a_limited_key_finds_nothing_else_by_its_id(limited: Limited) -> None:
    office = limited.server.office
    contact = await Contact.get(task_id=limited.hidden.id)
    hidden = {
        "Task": limited.hidden.id,
        "Contact": contact.id,
        "Queue": office.missed.id,
        "Patient": office.patients[1].id,
    }
    for name, row_id in hidden.items():
        assert await limited.data(NODE, id=global_id(name, row_id)) == {"node": None}
    query = "query ($t: ID!, $p: ID!) { task(id: $t) { id } patient(id: $p) { id } }"
    found = await limited.data(
        query, t=task_id(limited.hidden), p=global_id("Patient", hidden["Patient"])
    )
    assert found == {"task": None, "patient": None}
    query = "query ($p: ID!) { patient(id: $p) { tasks { nodes { id } } } }"
    shared = await limited.data(query, p=global_id("Patient", office.patients[0].id))
    assert shared["patient"]["tasks"]["nodes"] == [{"id": task_id(limited.seen)}]


async def test_a_limited_key_catches_up_on_its_queues_alone(limited: Limited) -> None:
    missed = global_id("Queue", limited.server.office.missed.id)
    query = """query ($missed: ID!) {
        events { nodes { seq task { id } } } other: events(queueIds: [$missed]) { nodes { seq } } }
    """
    shown = await limited.data(query, missed=missed)
    assert [event["seq"] for event in shown["events"]["nodes"]] == [1, 5]
    assert shown["other"]["nodes"] == []


async def test_a_limited_key_changes_nothing_elsewhere(limited: Limited) -> None:
    office = limited.server.office
    log = await limited.data(
        LOG_CONTACT, taskId=task_id(limited.hidden), outcome="SCHEDULED", close=True
    )
    assert log["logContact"]["task"] is None
    assert log["logContact"]["errors"][0]["code"] == "NOT_FOUND"
    given = new_task(limited.server, queueId=global_id("Queue", office.missed.id))
    made = await limited.data(CREATE_TASK, input=given)
    assert made["createTask"]["errors"][0]["code"] == "NOT_FOUND"
    await limited.hidden.refresh_from_db()
    assert limited.hidden.version == 2
    assert await Task.all().count() == 3
    made = await limited.data(CREATE_TASK, input=new_task(limited.server))
    assert made["createTask"]["errors"] == []


async def test_a_limited_key_is_sent_the_changes_of_its_queues_alone(limited: Limited) -> None:
    server, start = limited.server, event_cursor(limited.server.office.practice.id, Position(0))
    async with (
        server.socket(limited.key) as socket,
        event_stream(server, STATUS_CHANGED, limited.key, last_event_id=start) as stream,
    ):
        await socket.subscribe(STATUS_CHANGED, after=start)
        await until_streams(server, 2)
        await log_over_http(server, limited.hidden)
        await log_over_http(server, limited.seen)
        for seq in (1, 5, 7):
            assert (await socket.next_data())["taskStatusChanged"]["seq"] == seq
            assert (await stream.result())["data"]["taskStatusChanged"]["seq"] == seq
        missed = global_id("Queue", server.office.missed.id)
        for document in (STATUS_CHANGED, QUEUE_FEED):
            await socket.subscribe(document, "other", queueIds=[missed])
            refused = await socket.next()
            assert refused["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_limited_key_has_its_queues_alone_on_its_board(limited: Limited) -> None:
    server = limited.server
    async with server.socket(limited.key) as socket:
        await socket.subscribe(QUEUE_FEED)
        (on_board,) = (await socket.next_data())["queueFeed"]["queues"]
        assert on_board["queue"]["name"] == "Overdue recall"
        assert [task["id"] for task in on_board["tasks"]["nodes"]] == [task_id(limited.seen)]
        await until_streams(server, 1)
        await log_over_http(server, limited.hidden)
        await log_over_http(server, limited.seen)
        event, counts = [(await socket.next_data())["queueFeed"] for _ in range(2)]
        assert event["task"] == {"id": task_id(limited.seen)}
        assert counts["queue"]["name"] == "Overdue recall"


async def test_a_key_that_is_limited_to_no_queue_sees_nothing(server: Server) -> None:
    await server.office.make_task()
    key = await create_key(server.office.practice, Role.STAFF, "Nobody", queue_ids=[])
    shown = await data(
        server, key, "{ queues { id } tasks { nodes { id } } events { nodes { seq } } }"
    )
    assert shown == {"queues": [], "tasks": {"nodes": []}, "events": {"nodes": []}}


async def test_a_partner_reads_everything_but_notes(server: Server) -> None:
    task = await server.office.make_task()
    await server.office.log(task, notes="afraid of needles")
    contact = await Contact.get(task_id=task.id)
    query = """query ($task: ID!, $contact: ID!) {
        task(id: $task) { lastContact { notes outcome } contacts { nodes { notes } } }
        tasks { nodes { lastContact { notes } } }
        events { nodes { contact { notes } } }
        node(id: $contact) { ... on Contact { notes outcome } } }"""
    given = {"task": task_id(task), "contact": global_id("Contact", contact.id)}
    for role, times in (("staff", 5), ("supervisor", 5), ("admin", 5), ("partner", 0)):
        shown = str(await server.data(query, role, **given))
        assert shown.count("afraid of needles") == times
        assert shown.count("NO_ANSWER") == 2
    start = event_cursor(server.office.practice.id, Position(1))
    async with server.socket(server.office.keys["partner"]) as socket:
        await socket.subscribe(STATUS_CHANGED, after=start)
        event = (await socket.next_data())["taskStatusChanged"]
        assert event["contact"] == {"outcome": "NO_ANSWER", "notes": None}
        await socket.subscribe(QUEUE_FEED, "feed")
        snapshot = (await socket.next_data())["queueFeed"]
        assert snapshot["queues"][0]["tasks"]["nodes"][0]["lastContact"] == {"notes": None}


async def test_a_partner_may_not_log_contacts(server: Server) -> None:
    task = await server.office.make_task()
    given = {"taskId": task_id(task), "outcome": "SCHEDULED", "close": True}
    for values in (given, given | {"taskId": global_id("Task", 999_999)}):
        answer = await server.execute(LOG_CONTACT, "partner", **values)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    await task.refresh_from_db()
    assert task.version == 1


@pytest.mark.parametrize(
    ("role", "says_so", "may"),
    [
        (Role.STAFF, False, False),
        (Role.SUPERVISOR, False, True),
        (Role.ADMIN, False, True),
        (Role.PARTNER, False, False),
        (Role.PARTNER, True, True),
    ],
)
async def test_who_may_create_tasks(server: Server, role: Role, says_so: bool, may: bool) -> None:
    key = await create_key(server.office.practice, role, "Someone", may_create_tasks=says_so)
    assert (await data(server, key, "{ viewer { mayCreateTasks } }")) == {
        "viewer": {"mayCreateTasks": may}
    }
    given = new_task(server, followUp=(server.office.today + timedelta(days=1)).isoformat())
    if may:
        assert (await data(server, key, CREATE_TASK, input=given))["createTask"]["task"]
    else:
        assert await error_code(server, key, CREATE_TASK, input=given) == "FORBIDDEN"
    assert await Task.all().count() == int(may)
