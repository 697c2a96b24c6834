"""The filters and orders of a list of tasks, as a client gives them."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gql_app.schema.filters import TaskFilter, task_query
from gql_app.schema.ids import global_id
from gql_app.work.reads.task_filter import TaskQuery
from models.lifecycle import ContactOutcome, TaskOrigin, TaskStatus
from models.priority import TaskPriority
from models.task import Task
from tests.office import Office, task_id
from tests.schema.test_connections import walk
from tests.serving import Server


async def shown_tasks(server: Server, filter_: str) -> list[str]:
    page = await server.data(f"{{ tasks(filter: {{{filter_}}}) {{ nodes {{ id }} }} }}")
    return [node["id"] for node in page["tasks"]["nodes"]]


async def make_tasks(office: Office) -> tuple[Task, Task, Task]:
    """One that nobody has called for and that expires; two called for, the second one overdue."""
    fresh = await office.make_task(expires_at=office.clock() + timedelta(days=9))
    called = await office.make_task(office.missed, patient=office.patients[1])
    overdue = await office.make_task(patient=office.patients[2])
    await office.log(overdue, ContactOutcome.LEFT_MESSAGE, follow_up=office.today)
    office.clock.advance(seconds=1)  # an hour might lead to tomorrow
    await office.log(called, follow_up=office.today + timedelta(days=5))
    yesterday = office.today - timedelta(days=1)
    await Task.filter(id=overdue.id).update(follow_up=yesterday, due_on=yesterday)
    return fresh, called, overdue


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


async def test_each_filter_of_the_schema_narrows_the_list(server: Server) -> None:
    office = server.office
    fresh, called, overdue = await make_tasks(office)
    every = {fresh, called, overdue}
    now, today = office.clock(), office.today
    soon = now + timedelta(days=9)
    for filter_, expected in {
        f'dueFrom: "{today}"': {fresh, called},
        f'dueFrom: "{today}", dueBy: "{today}"': {fresh},
        "overdue: true": {overdue},
        "overdue: false": {fresh, called},
        f'expiresBefore: "{soon.isoformat()}"': {fresh},
        f'expiresFrom: "{soon.isoformat()}"': set(),
        f'expiresFrom: "{now.isoformat()}"': {fresh},
        "lastOutcome: [LEFT_MESSAGE]": {overdue},
        "lastOutcome: [LEFT_MESSAGE, NO_ANSWER, NO_ANSWER]": {overdue, called},
        "lastOutcome: []": set(),
        f'lastContactedBefore: "{now.isoformat()}"': {overdue},
        "minContacts: 1": {called, overdue},
        "maxContacts: 0": {fresh},
        'patient: "birch test"': {called},
        'patient: "0100"': every,
        'patient: "  "': every,
        'patient: "nobody"': set(),
        "overdue: null, patient: null, lastOutcome: null, minContacts: null": every,
        'overdue: false, patient: "amber"': {fresh},
    }.items():
        found = await shown_tasks(server, filter_)
        assert sorted(found) == sorted(task_id(task) for task in expected), filter_


NONSENSE = (
    'patient: "x"',
    f'patient: "{"x" * 101}"',
    'patient: "--"',
    "minContacts: -1",
    "maxContacts: -1",
    "minContacts: 2, maxContacts: 1",
    'dueFrom: "2026-05-13", dueBy: "2026-05-12"',
    'expiresFrom: "2026-05-13T00:00:00Z", expiresBefore: "2026-05-12T00:00:00Z"',
    'expiresFrom: "2026-05-13T00:00:00"',
    'lastContactedBefore: "9999-12-31T23:59:59-12:00"',
    'lastContactedBefore: "soon"',
    "lastOutcome: [MAYBE]",
)


async def test_a_filter_that_makes_no_sense_is_refused(server: Server) -> None:
    for filter_ in NONSENSE:
        tasks = f"tasks(filter: {{{filter_}}}) {{ nodes {{ id }} }}"
        for query in (f"{{ {tasks} }}", f"{{ queues {{ {tasks} }} }}"):
            answer = await server.execute(query)
            codes = {error["extensions"]["code"] for error in answer["errors"]}
            assert codes == {"BAD_USER_INPUT"}, filter_


async def test_the_tasks_of_a_queue_take_every_filter_too(server: Server) -> None:
    office = server.office
    fresh, _, overdue = await make_tasks(office)
    recall = global_id("Queue", office.recall.id)
    query = """query ($id: ID!, $ids: [ID!]) { queue(id: $id) {
        one: tasks(filter: {queueIds: $ids}) { nodes { id } }
        two: tasks(filter: {patient: "clover", overdue: true}) { nodes { id } } } }"""
    shown = (await server.data(query, id=recall, ids=[recall]))["queue"]
    assert {node["id"] for node in shown["one"]["nodes"]} == {task_id(fresh), task_id(overdue)}
    assert shown["two"]["nodes"] == [{"id": task_id(overdue)}]


async def test_pages_join_in_every_order(server: Server) -> None:
    fresh, called, overdue = await make_tasks(server.office)
    for order, expected in {
        "DUE": [overdue, fresh, called],
        "EXPIRES": [fresh, called, overdue],
        "CREATED": [overdue, called, fresh],
        "LAST_CONTACTED": [fresh, overdue, called],
    }.items():
        field = f"tasks(orderBy: {order}, first: $first, after: $after)"
        for size in (1, 2, 3):
            found = await walk(server, field, size)
            assert found == [task_id(task) for task in expected], order


VALUES: dict[str, Any] = {
    "queue_ids": [global_id("Queue", 1)],
    "status": [TaskStatus.CLOSED],
    "origin": TaskOrigin.MANUAL,
    "due_from": date(2026, 12, 1),
    "due_by": date(2026, 12, 1),
    "overdue": True,
    "expires_from": datetime(2026, 12, 1, tzinfo=UTC),
    "expires_before": datetime(2026, 12, 1, tzinfo=UTC),
    "last_outcome": [ContactOutcome.NO_ANSWER],
    "last_contacted_before": datetime(2026, 12, 1, tzinfo=UTC),
    "min_contacts": 1,
    "max_contacts": 1,
    "patient": "fern",
    "assignee_id": global_id("Staff", 1),
    "priority": [TaskPriority.HIGH],
    "needs_review": True,
}


@pytest.mark.parametrize("field", [field.name for field in fields(TaskFilter)])
def test_no_field_of_the_filter_is_left_out_of_the_query(field: str) -> None:
    now: Any = SimpleNamespace(
        services=SimpleNamespace(clock=lambda: datetime.now(UTC)),
        scope=SimpleNamespace(time_zone="America/Chicago"),
    )
    assert task_query(TaskFilter(**{field: VALUES[field]}), now) != TaskQuery()
