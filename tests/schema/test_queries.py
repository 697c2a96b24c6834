"""Queries: what is shown, in which order, and how pages join."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.schema.ids import global_id
from models.lifecycle import ContactOutcome
from models.task import Task
from tests.office import Office, task_id
from tests.serving import Server

PAGE = """nodes { id } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"""


async def walk(server: Server, field: str, size: int, **given: Any) -> list[str]:
    """The ids that a connection of the root gives page by page."""
    query = f"query ($first: Int!, $after: String) {{ page: {field} {{ {PAGE} }} }}"
    ids: list[str] = []
    after = None
    while True:
        page = (await server.data(query, first=size, after=after, **given))["page"]
        assert [edge["node"] for edge in page["edges"]] == page["nodes"]
        cursors = [edge["cursor"] for edge in page["edges"]]
        info = page["pageInfo"]
        assert [info["startCursor"], info["endCursor"]] == [*cursors[:1], *cursors[-1:]]
        assert info["hasPreviousPage"] == (after is not None)
        ids += [node["id"] for node in page["nodes"]]
        if not info["hasNextPage"]:
            return ids
        assert len(page["nodes"]) == size
        after = info["endCursor"]


async def some_tasks(office: Office) -> list[Task]:
    """Seven tasks, several of them due on the same day, in the order in which they are due."""
    days = (3, 0, 1, 1, 0, 3, 1)
    made = [
        await office.make_task(follow_up=office.today + timedelta(days=ahead)) for ahead in days
    ]
    return sorted(made, key=lambda task: (task.due_on, task.id))


async def shown_tasks(server: Server, filter_: str) -> list[str]:
    page = await server.data(f"{{ tasks(filter: {{{filter_}}}) {{ nodes {{ id }} }} }}")
    return [node["id"] for node in page["tasks"]["nodes"]]


async def test_the_viewer_says_who_holds_the_key_and_what_it_may_do(server: Server) -> None:
    query = """{ viewer { name role mayReadNotes mayLogContacts mayCreateTasks expiresAt
        practice { timeZone today } queues { name } } }"""
    assert (await server.data(query, "partner"))["viewer"] == {
        "name": "Partner of maple",
        "role": "PARTNER",
        "mayReadNotes": False,
        "mayLogContacts": False,
        "mayCreateTasks": True,
        "expiresAt": None,
        "practice": {"timeZone": "America/Chicago", "today": server.office.today.isoformat()},
        "queues": [{"name": "Overdue recall"}, {"name": "Missed appointments"}],
    }


@pytest.mark.parametrize("size", [1, 2, 3, 7, 500])
async def test_pages_join_with_no_gap_and_no_repeat(server: Server, size: int) -> None:
    due = [task_id(task) for task in await some_tasks(server.office)]
    newest = [
        task_id(task) for task in sorted(await Task.all(), key=lambda task: task.id, reverse=True)
    ]
    assert await walk(server, "tasks(first: $first, after: $after)", size) == due
    field = "tasks(orderBy: CREATED, first: $first, after: $after)"
    assert await walk(server, field, size) == newest


async def test_nested_pages_join_too(server: Server) -> None:
    office = server.office
    tasks = await some_tasks(office)
    for _ in range(5):
        await office.log(tasks[0])
    for parent, field, expected in (
        (global_id("Queue", office.recall.id), "Queue { page: tasks", len(tasks)),
        (global_id("Patient", office.patients[0].id), "Patient { page: tasks", len(tasks)),
        (task_id(tasks[0]), "Task { page: contacts", 5),
    ):
        query = f"""query ($id: ID!, $after: String) {{ node(id: $id) {{ ... on {field}
            (first: 2, after: $after) {{ {PAGE} }} }} }} }}"""
        ids: list[str] = []
        info: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while info["hasNextPage"]:
            node = (await server.data(query, id=parent, after=info["endCursor"]))["node"]
            ids += [row["id"] for row in node["page"]["nodes"]]
            info = node["page"]["pageInfo"]
        assert len(ids) == len(set(ids)) == expected


async def test_a_page_of_none_is_empty(server: Server) -> None:
    await server.office.make_task()
    page = (await server.data(f"{{ tasks(first: 0) {{ {PAGE} }} }}"))["tasks"]
    assert page["nodes"] == []
    assert page["pageInfo"]["hasNextPage"]
    assert page["pageInfo"]["endCursor"] is None


async def test_filters_narrow_the_list_and_all_must_hold(server: Server) -> None:
    office = server.office
    fresh = await office.make_task()
    started, closed = await office.make_task(), await office.make_task(office.missed)
    automatic = await office.make_task(office.missed, expires_at=office.clock() + timedelta(days=9))
    later = office.today + timedelta(days=5)
    await office.log(started, follow_up=later)
    await office.log(closed, close=True)
    missed = global_id("Queue", office.missed.id)
    for filter_, expected in {
        "": {fresh, started, automatic},
        "status: [OPEN]": {fresh, automatic},
        "status: [IN_PROGRESS]": {started},
        "status: [CLOSED]": {closed},
        "status: [CLOSED, OPEN, OPEN]": {fresh, automatic, closed},
        "origin: AUTOMATIC": {automatic},
        f'queueIds: ["{missed}"]': {automatic},
        f'queueIds: ["{missed}"], status: [CLOSED]': {closed},
        "queueIds: []": set(),
        f'dueBy: "{office.today}"': {fresh, automatic},
        f'dueBy: "{later}"': {fresh, started, automatic},
        'dueBy: "0001-01-01"': set(),
        f'dueBy: "{office.today}", origin: MANUAL': {fresh},
    }.items():
        found = await shown_tasks(server, filter_)
        assert sorted(found) == sorted(task_id(task) for task in expected), filter_


async def test_a_task_shows_its_status_in_the_words_of_the_article(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    query = """query ($id: ID!) { task(id: $id) { status statusLabel isOpen origin reason version
        contactCount followUp closeCause closedAt createdAt lastContact { id } } }"""
    seen = [await server.data(query, id=task_id(task))]
    await office.log(task, ContactOutcome.LEFT_MESSAGE)
    seen.append(await server.data(query, id=task_id(task)))
    await office.log(task, ContactOutcome.SCHEDULED, close=True)
    seen.append(await server.data(query, id=task_id(task)))
    assert [
        (row["task"]["statusLabel"], row["task"]["isOpen"], row["task"]["contactCount"])
        for row in seen
    ] == [("Open", True, 0), ("Open + In Progress", True, 1), ("Closed", False, 2)]
    assert seen[0]["task"]["lastContact"] is None
    assert seen[1]["task"]["followUp"] == (office.today + timedelta(days=1)).isoformat()
    assert seen[2]["task"]["followUp"] is None
    assert seen[2]["task"]["closeCause"] == "CONTACT"
    assert seen[2]["task"]["createdAt"].endswith("+00:00")


async def test_contacts_are_shown_latest_first_and_each_says_who_logged_it(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    for number in range(3):
        await office.log(task, notes=f"call {number}")
    query = """query ($id: ID!) { task(id: $id) { lastContact { notes }
        contacts { nodes { notes outcome closedTask loggedAt loggedBy { name } } } } }"""
    shown = (await server.data(query, id=task_id(task)))["task"]
    assert shown["lastContact"] == {"notes": "call 2"}
    assert [contact["notes"] for contact in shown["contacts"]["nodes"]] == [
        "call 2",
        "call 1",
        "call 0",
    ]
    assert shown["contacts"]["nodes"][0]["loggedBy"] == {"name": "Staff of maple"}


async def test_a_patient_shows_all_tasks_newest_first(server: Server) -> None:
    office = server.office
    first, second = await office.make_task(), await office.make_task(office.missed)
    await office.make_task(patient=office.patients[1])
    await office.log(first, close=True)
    query = "query ($id: ID!) { patient(id: $id) { name phone tasks { nodes { id status } } } }"
    patient = global_id("Patient", office.patients[0].id)
    assert (await server.data(query, id=patient))["patient"] == {
        "name": "Amber Testwell",
        "phone": "555-0100",
        "tasks": {
            "nodes": [
                {"id": task_id(second), "status": "OPEN"},
                {"id": task_id(first), "status": "CLOSED"},
            ]
        },
    }


async def test_counts_say_how_much_work_a_queue_holds(server: Server) -> None:
    office = server.office
    tasks = [await office.make_task() for _ in range(5)]
    await office.log(tasks[0], follow_up=office.today)
    await office.log(tasks[1], follow_up=office.today + timedelta(days=1))
    await office.log(tasks[2], close=True)
    await Task.filter(id=tasks[1].id).update(follow_up=office.today - timedelta(days=1))
    counts = "open notContacted inProgress dueToday overdue closedToday"
    queues = (await server.data(f"{{ queues {{ counts {{ {counts} }} }} }}"))["queues"]
    assert queues[0]["counts"] == {
        "open": 4,
        "notContacted": 2,
        "inProgress": 2,
        "dueToday": 1,
        "overdue": 1,
        "closedToday": 1,
    }
    assert set(queues[1]["counts"].values()) == {0}


@pytest.mark.parametrize("size", [1, 2, 100])
async def test_events_are_listed_in_order_behind_a_cursor(server: Server, size: int) -> None:
    office = server.office
    task = await office.make_task()
    other = await office.make_task(office.missed)
    for _ in range(3):
        await office.log(task)
        await office.log(other)
    query = """query ($first: Int!, $after: String, $queueIds: [ID!]) {
        events(first: $first, after: $after, queueIds: $queueIds) {
            nodes { seq cursor kind } pageInfo { hasNextPage endCursor } } }"""
    for queue_ids, expected in (
        (None, list(range(1, 9))),
        ([global_id("Queue", office.missed.id)], [2, 4, 6, 8]),
    ):
        seqs: list[int] = []
        info: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while info["hasNextPage"]:
            given = {"first": size, "after": info["endCursor"], "queueIds": queue_ids}
            page = (await server.data(query, **given))["events"]
            seqs += [node["seq"] for node in page["nodes"]]
            info = page["pageInfo"]
            assert info["endCursor"] == page["nodes"][-1]["cursor"]
        assert seqs == expected


async def test_anything_is_found_by_its_global_id(server: Server) -> None:
    office = server.office
    task = await office.make_task()
    await office.log(task)
    query = "query ($id: ID!) { node(id: $id) { __typename id } }"
    rows = {
        "Task": task.id,
        "Queue": office.recall.id,
        "Patient": office.patients[2].id,
        "Contact": 1,
        "Staff": office.staff.staff_id,
    }
    for name, row_id in rows.items():
        wanted = {"__typename": name, "id": global_id(name, row_id)}
        assert (await server.data(query, id=wanted["id"]))["node"] == wanted
        for missing in (global_id(name, 999_999), global_id(name, 10**40)):
            assert (await server.data(query, id=missing))["node"] is None
    assert (await server.data(query, id=global_id("Practice", 1)))["node"] is None
