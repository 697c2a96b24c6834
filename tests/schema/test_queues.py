"""Queues: their counts, and the follow-up that their ladder suggests wherever a task is shown."""

from datetime import timedelta
from typing import Any

import pytest

from models.practice import Queue
from models.task import Task
from tests.schema.documents import CREATE_TASK
from tests.schema.test_loaders import statements  # noqa: F401 - a fixture
from tests.schema.test_roles import new_task
from tests.serving import Server

TASKS = """query ($first: Int!) { tasks(first: $first) { nodes {
  suggestedFollowUp patient { name } lastContact { outcome } queue { followUpLadder } } } }"""


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


@pytest.fixture
async def office(server: Server) -> Any:
    queue = Queue.filter(id=server.office.recall.id)
    await queue.update(follow_up_ladder="1,7", automatic_life_days=30)
    return server.office


async def test_the_suggested_follow_up_follows_the_contacts(server: Server, office: Any) -> None:
    task = await office.make_task()
    await office.make_task(office.missed)

    async def shown(query: str) -> list[Any]:
        nodes = (await server.data(query, first=10))["tasks"]["nodes"]
        return [node["suggestedFollowUp"] for node in nodes]

    for days in (1, 7, None):
        day = days and (office.today + timedelta(days=days)).isoformat()
        # The page in full, and the plain one: it is read in another way.
        for query in (TASKS, TASKS.replace("lastContact { outcome }", "")):
            assert sorted(await shown(query), key=str) == sorted([day, None], key=str)
        await office.log(task, follow_up=office.today)


async def test_it_costs_one_statement_however_many_tasks(
    server: Server,
    office: Any,
    statements: list[str],  # noqa: F811
) -> None:
    for number in range(12):
        await office.make_task((office.recall, office.missed)[number % 2])
    counts = []
    for first in (2, 12):
        statements.clear()
        await server.data(TASKS, first=first)
        counts.append(len(statements))
    assert counts[0] == counts[1]


async def test_an_event_shows_it_too_until_the_task_is_closed(server: Server, office: Any) -> None:
    await office.log(await office.make_task())
    await office.log(await office.make_task(), close=True)
    query = "{ events { nodes { task { suggestedFollowUp } } } }"
    shown = [n["task"]["suggestedFollowUp"] for n in (await server.data(query))["events"]["nodes"]]
    one, seven = ((office.today + timedelta(days=days)).isoformat() for days in (1, 7))
    assert shown == [one, seven, one, None]


async def test_a_new_automatic_task_gets_its_queues_default_life(
    server: Server, office: Any
) -> None:
    async def create(**given: Any) -> Any:
        sent = new_task(server, **given)
        return (await server.data(CREATE_TASK, "supervisor", input=sent))["createTask"]

    made = await create(origin="AUTOMATIC", idempotencyKey="once")
    again = await create(origin="AUTOMATIC", idempotencyKey="once")
    assert made["task"]["expiresAt"] is not None
    assert again == made, "also when the same request is sent again"
    assert (await create(origin="MANUAL"))["task"]["expiresAt"] is None
    late = (office.today + timedelta(days=31)).isoformat()
    refused = await create(origin="AUTOMATIC", followUp=late)
    assert [error["code"] for error in refused["errors"]] == ["FOLLOW_UP_AFTER_EXPIRY"]
    query = "query ($id: ID!) { task(id: $id) { suggestedFollowUp } }"
    assert (await server.data(query, id=made["task"]["id"]))["task"]["suggestedFollowUp"]
