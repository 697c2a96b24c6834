"""Connections: how pages join."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.schema.ids import global_id
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
