"""A partner's key is never told who of the staff did what, nor whom somebody is calling: every
query and subscription, with every argument that could be an oracle."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from gql_app.access import Viewer, authenticate
from gql_app.delivery.operations import Operations
from gql_app.delivery.results import Results
from gql_app.execution.request import GraphQLRequest
from gql_app.live.feeds import Feeds
from gql_app.schema import build_schema
from gql_app.schema.context import SharedContext
from gql_app.schema.ids import global_id
from gql_app.work.conflicts import claimed_by_other, version_conflict
from gql_app.work.moves import reassign_tasks, withdraw_tasks
from gql_app.work.reads.cursors import event_cursor
from gql_app.work.reads.queues import tasks_by_id
from models.chain import Position
from models.event import CLAIM_KINDS, feed_bounds
from models.lifecycle import ContactOutcome
from models.roles import Role
from models.task import Task
from tests.flows.dashboard import services
from tests.office import task_id
from tests.schema.walk import document, root_fields
from tests.serving import PATIENCE, Server
from tests.support.access import create_key
from tests.work.agents import claims_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CANARY = "Canarystaff"
ANY = ["OPEN", "IN_PROGRESS", "CLOSED"]
FIELDS = """id version claim { id until by { name } } assignee { id name } closedBy { id name }
    lastContact { loggedBy { id name } } contacts { nodes { loggedBy { id name } } }"""


class Practice:
    """A practice whose staff have worked: `held` is claimed, `given` somebody's own, `called` has a
    contact, `done` is closed by one, `withdrawn` by a supervisor."""

    def __init__(self, server: Server, worker: Viewer, boss: Viewer, **tasks: Task) -> None:
        self.server, self.worker, self.boss, self.tasks = server, worker, boss, tasks

    @property
    def start(self) -> str:
        return event_cursor(self.server.office.practice.id, Position(0))

    def variables(self, name: str) -> list[dict[str, Any]]:
        """What to ask a root field with."""
        office = self.server.office
        day = {"from": office.today.isoformat(), "to": office.today.isoformat()}
        ids = [task_id(task) for task in self.tasks.values()]
        patients = [global_id("Patient", patient.id) for patient in office.patients]
        queue = global_id("Queue", office.recall.id)
        staff = global_id("Staff", self.worker.staff_id)
        asked: dict[str, list[dict[str, Any]]] = {
            "viewer": [{}],
            "queues": [{}],
            "queue": [{"id": queue}],
            "task": [{"id": i} for i in ids],
            "patient": [{"id": i} for i in patients],
            "node": [{"id": i} for i in (*ids, *patients, queue, staff, global_id("Contact", 1))],
            "tasks": [
                {"filter": {"status": ANY}},
                {"filter": {"status": ANY, "patient": CANARY}},
                {"filter": {"status": ANY, "assigneeId": staff}},
                *({"filter": {"status": ANY}, "orderBy": o} for o in ("WORK", "CLOSED")),
            ],
            "events": [{}, {"first": 100, "after": self.start}],
            "activity": [day],
            "audit": [{}],
            "practice": [{}],
            "staff": [{}],
            "assignees": [{}],
            "keys": [{}],
            "patients": [{}, {"search": CANARY}],
            "importJobs": [{}],
            "importJob": [{"id": global_id("ImportJob", 1)}],
            "importPreview": [
                {"input": {"importId": global_id("ImportJob", 1), "queueId": queue, "source": "x"}}
            ],
        }
        return asked[name]


@pytest.fixture
async def practice(server: Server) -> Practice:
    office = server.office
    worker, boss = [
        await authenticate(await create_key(office.practice, role, f"{CANARY} {role}"))
        for role in (Role.STAFF, Role.SUPERVISOR)
    ]
    names = ("held", "given", "called", "done", "withdrawn")
    tasks = {
        name: await office.make_task(patient=office.patients[place % 3])
        for place, name in enumerate(names)
    }
    await reassign_tasks(office.changes, boss, [tasks["given"].id], to_staff_id=worker.staff_id)
    await office.log(tasks["called"], viewer=worker)
    await office.log(tasks["done"], ContactOutcome.SCHEDULED, close=True, viewer=worker)
    await withdraw_tasks(office.changes, boss, [tasks["withdrawn"].id], reason="Gone")
    assert not (await claims_of(office).claim(worker, tasks["held"].id)).refusals
    return Practice(server, worker, boss, **tasks)


async def answers(practice: Practice, role: str) -> dict[str, str]:
    """What each query answers, whatever it is asked with."""
    told: dict[str, str] = {}
    key = practice.server.office.keys[role]
    for name in root_fields("query"):
        for variables in practice.variables(name):
            body = {"query": document("query", name), "variables": variables}
            answer = (await practice.server.post(body, key)).json()
            for error in answer.get("errors", ()):
                assert error["extensions"]["code"] == "FORBIDDEN", (name, answer)
            told[name] = told.get(name, "") + json.dumps(answer)
    return told


async def test_no_query_tells_a_partner_who_works(practice: Practice) -> None:
    for name, told in (await answers(practice, "partner")).items():
        assert CANARY not in told, name
        assert global_id("Staff", practice.worker.staff_id) not in told, name
        assert '"claim": {' not in told, name
        assert not [kind for kind in CLAIM_KINDS if f'"{kind}"' in told], name


async def test_the_same_queries_tell_the_practices_own_people(practice: Practice) -> None:
    told = await answers(practice, "supervisor")
    for name in ("task", "tasks", "events", "queues", "activity", "node"):
        assert CANARY in told[name], name
    assert '"claim": {' in told["task"]
    assert all(f'"{kind}"' in told["events"] for kind in (CLAIM_KINDS - {"RELEASED"}))


async def test_a_partner_sees_that_somebody_acted(practice: Practice) -> None:
    query = f"query ($id: ID!) {{ task(id: $id) {{ {FIELDS} }} }}"
    somebody = {"id": global_id("Staff", 0), "name": "Staff"}
    shown = {
        name: (await practice.server.data(query, "partner", id=task_id(task)))["task"]
        for name, task in practice.tasks.items()
    }
    assert shown["given"]["assignee"] == somebody
    assert shown["done"]["closedBy"] == shown["withdrawn"]["closedBy"] == somebody
    assert shown["called"]["lastContact"]["loggedBy"] == somebody
    assert shown["held"]["assignee"] is shown["held"]["claim"] is shown["held"]["closedBy"] is None
    viewer = await practice.server.data("{ viewer { name staff { name } } }", "partner")
    assert viewer["viewer"]["staff"]["name"] == viewer["viewer"]["name"] == "Partner of maple"


async def test_no_subscription_tells_a_partner_who_works(practice: Practice) -> None:
    """Executed for the partner alone, and for all who share its scope; transports add nothing."""
    office = practice.server.office
    await office.make_task(reason="The end")
    last = (await feed_bounds(office.practice.id)).last.seq
    wired = services(Feeds(), office.clock)
    operations = Operations(build_schema(), wired)
    for name in root_fields("subscription"):
        if name == "importProgress":
            continue  # of one import, which partners may not follow
        for after in (practice.start, None):
            if after is None and name != "queueFeed":
                continue  # without a cursor it begins with what comes next
            request = GraphQLRequest(document("subscription", name), {"after": after}, None)
            shared = SharedContext(office.partner.scope, wired)
            for results in (
                operations.alone(office.partner, request),
                operations.results(shared, request, None),
            ):
                told = await until_told(results, last)
                assert CANARY not in told, name
                assert '"claim":{' not in told, name
                assert not [kind for kind in CLAIM_KINDS if f'"kind":"{kind}"' in told], name


async def until_told(results: Results, last: int) -> str:
    """Everything up to the event with this number."""
    told = ""
    async with aclosing(results), asyncio.timeout(PATIENCE):
        async for result in results:
            assert not result.last, result.payload
            told += result.payload
            if result.position is not None and result.position.seq == last:
                break
    return told


async def test_a_partner_may_not_look_for_the_work_of_one_person(practice: Practice) -> None:
    staff = global_id("Staff", practice.worker.staff_id)
    for place in ("tasks", "queues { tasks"):
        end = " }" if "{" in place else ""
        query = f'{{ {place}(filter: {{assigneeId: "{staff}"}}) {{ nodes {{ id }} }}{end} }}'
        answer = await practice.server.execute(query, "partner")
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert "errors" not in await practice.server.execute(query, "staff")


async def test_refusals_do_not_name_anybody_to_a_partner(practice: Practice) -> None:
    """No mutation that partners may call is refused so today. These words are made for whoever
    asks, all the same."""
    office = practice.server.office
    (task,) = await tasks_by_id(office.partner, [practice.tasks["held"].id])
    for viewer, is_told in ((office.partner, False), (office.staff, True)):
        refused = await claimed_by_other(viewer, task, office.clock())
        assert refused is not None
        changed = await version_conflict(viewer, task, office.clock())
        for words in (refused.message, changed.message):
            assert (CANARY in words) is is_told, words
