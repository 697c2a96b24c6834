"""The audit tells of everyone whose data was shown, by whichever field, and is shown to admins."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from gql_app.schema.ids import global_id, read_id
from gql_app.work.reads.conditions import BadInput
from gql_app.work.upkeep.verifying import verify_audit
from models.audit import AuditAction, AuditRow
from models.contact import Contact
from models.roles import Role
from models.task import Task
from tests.office import task_id
from tests.schema.attacks import MUTATIONS, QUERIES
from tests.schema.documents import LOG_CONTACT
from tests.schema.hidden import World, make_world
from tests.schema.walk import document
from tests.serving import Server
from tests.support.access import create_key
from tests.support.audited import rows_of
from tests.web.streams import eventually
from tests.work.agents import claims_of

AUDIT = """
query ($patientId: ID, $staffId: ID, $from: Date, $to: Date, $first: Int!, $after: String) {
  audit(patientId: $patientId, staffId: $staffId, from: $from, to: $to, first: $first,
        after: $after) {
    nodes { seq at action operation address staff { name } key patientId patient { name } taskId
            notes result detail }
    pageInfo { hasNextPage endCursor }
  }
}"""
TOLD = (AuditAction.READ, AuditAction.CHANGE, AuditAction.REFUSED)


def shown_in(value: Any) -> Iterator[tuple[str, int]]:
    """The type and number of everything that has a global id in an answer."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from shown_in(one)
    elif isinstance(value, str):
        with suppress(BadInput):
            yield read_id(value)


async def patients_shown(answer: Any) -> set[int]:
    """Whose data is in an answer."""
    shown = set(shown_in(answer))
    of_contacts = [number for name, number in shown if name == "Contact"]
    tasks = {number for name, number in shown if name == "Task"}
    tasks |= {contact.task_id for contact in await Contact.filter(id__in=of_contacts)}
    patients = {number for name, number in shown if name == "Patient"}
    return patients | {task.patient_id for task in await Task.filter(id__in=tasks)}


async def until_told(world: World, wanted: set[tuple[str, int]]) -> list[AuditRow]:
    """Wait until the audit tells of these patients, by operation. Returns its rows."""
    rows: list[AuditRow] = []

    async def told() -> bool:
        rows[:] = await rows_of(world.office.practice, *TOLD)
        return wanted <= {(row.operation, row.patient_id) for row in rows}

    try:
        await eventually(told)
    except TimeoutError:
        pytest.fail(f"not told: {wanted - {(row.operation, row.patient_id) for row in rows}}")
    return rows


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_everyone_who_is_shown_is_told_of(server: Server) -> None:
    world = await make_world("oak", Role.STAFF, may_create_tasks=False)
    key, wanted = world.office.keys["admin"], set()
    for kind, attacks in (("query", QUERIES), ("mutation", MUTATIONS)):
        for name, of_field in attacks.items():
            for attack in of_field:
                sent = {"query": document(kind, name), "variables": attack(world, world.named)}
                answer = (await server.post(sent, key)).json()
                wanted |= {(name, patient) for patient in await patients_shown(answer)}
    shown_by = {name for name, _ in wanted}
    assert shown_by >= {"task", "patient", "node", "tasks", "events", "queues", "queue", "viewer"}
    assert shown_by >= {"logContact", "claimTask", "releaseTask", "createTask", "importTasks"}
    rows = await until_told(world, wanted)
    assert {row.staff_id for row in rows if row.action is AuditAction.REFUSED} == {
        world.office.admin.staff_id
    }
    assert {row.address for row in rows if row.staff_id == world.office.admin.staff_id} == {
        "127.0.0.1"
    }
    assert (await verify_audit(world.office.practice.id)).changed_at is None


ALONE = {
    "tasks": "{ tasks { nodes { reason } } }",
    "events": "{ events { nodes { snapshot { reason } } } }",
    "viewer": "{ viewer { claimed { reason } } }",
    "queues": "{ queues { tasks { nodes { reason } } } }",
    "node": "query ($id: ID!) { node(id: $id) { ... on Contact { notes } } }",
}
"""Documents that show something of a patient without the patient, by root field."""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ALONE)
async def test_who_is_not_named_is_told_of_all_the_same(server: Server, name: str) -> None:
    office = server.office
    task = await office.make_task()
    logged = await office.log(task)
    assert logged.contact is not None
    await claims_of(office).claim(office.staff, task.id)
    contact = {"id": global_id("Contact", logged.contact.id)} if name == "node" else {}
    await server.data(ALONE[name], **contact)

    async def told() -> bool:
        rows = await rows_of(office.practice, AuditAction.READ)
        return (name, task.patient_id) in {(row.operation, row.patient_id) for row in rows}

    await eventually(told)


async def page(server: Server, role: str = "admin", **given: Any) -> Any:
    return (await server.data(AUDIT, role, **{"first": 50} | given))["audit"]


async def test_an_admin_reads_who_saw_and_changed_a_patient(server: Server) -> None:
    office = server.office
    first, other = [await office.make_task(patient=p) for p in office.patients[:2]]
    with_notes = "query ($id: ID!) { task(id: $id) { lastContact { notes } } }"
    await server.data(with_notes, id=task_id(first))
    given: dict[str, Any] = {"taskId": task_id(first), "outcome": "SCHEDULED", "close": True}
    assert (await server.data(LOG_CONTACT, **given))["logContact"]["errors"] == []
    assert (await server.data(LOG_CONTACT, **given))["logContact"]["errors"]
    await server.data("query ($id: ID!) { task(id: $id) { reason } }", "partner", id=task_id(other))
    patient = global_id("Patient", office.patients[0].id)

    async def all_told() -> bool:
        return len((await page(server, patientId=patient))["nodes"]) >= 4

    await eventually(all_told)
    nodes = (await page(server, patientId=patient))["nodes"]
    nodes = sorted(
        (node for node in nodes if node["operation"] != "audit"),
        key=lambda node: (node["action"], node["operation"] != "logContact"),
    )
    assert [
        (node["action"], node["operation"], node["result"], node["notes"]) for node in nodes
    ] == [
        ("CHANGE", "logContact", "OK", False),
        ("CHANGE", "the clock", "OK", False),
        ("READ", "task", "OK", True),
        ("REFUSED", "logContact", "TASK_CLOSED", False),
    ]
    assert {node["patient"]["name"] for node in nodes} == {"Amber Testwell"}
    assert nodes[0]["staff"] == {"name": "Staff of maple"}
    assert nodes[0]["taskId"] == task_id(first)
    assert nodes[0]["key"] == str(office.staff.key_id)
    by_partner = await page(server, staffId=global_id("Staff", office.partner.staff_id))
    assert {n["patientId"] for n in by_partner["nodes"]} == {
        global_id("Patient", office.patients[1].id)
    }


async def test_it_is_read_a_page_at_a_time_and_by_dates(server: Server) -> None:
    office = server.office
    for _ in range(5):
        await office.make_task()
    today = office.today
    seqs, after = [], None
    while True:
        got = await page(server, first=4, after=after, to=today.isoformat())
        seqs += [node["seq"] for node in got["nodes"]]
        after = got["pageInfo"]["endCursor"]
        if not got["pageInfo"]["hasNextPage"]:
            break
    assert len(seqs) == len(set(seqs)) >= 9
    assert 9 in seqs
    tomorrow = (today + timedelta(days=1)).isoformat()
    assert (await page(server, **{"from": tomorrow}))["nodes"] == []
    assert (await page(server, to=(today - timedelta(days=1)).isoformat()))["nodes"] == []
    wrong = await server.execute(
        AUDIT, "admin", first=1, to=today.isoformat(), **{"from": tomorrow}
    )
    assert wrong["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_nobody_else_reads_it_and_that_is_told(server: Server) -> None:
    office = server.office
    limited = await create_key(office.practice, Role.ADMIN, "Desk", queue_ids=[office.recall.id])
    for role in ("staff", "supervisor", "partner"):
        refused = await server.execute(AUDIT, role, first=1)
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    refused = (await server.post({"query": AUDIT, "variables": {"first": 1}}, limited)).json()
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"

    async def told() -> bool:
        return len(await rows_of(office.practice, AuditAction.REFUSED)) == 4

    await eventually(told)
    rows = await rows_of(office.practice, AuditAction.REFUSED)
    assert {(row.operation, row.result, row.patient_id) for row in rows} == {
        ("audit", "FORBIDDEN", None)
    }
    assert {row.staff_id for row in rows} >= {office.staff.staff_id, office.partner.staff_id}


async def test_to_read_the_audit_is_told_too(server: Server) -> None:
    patient = global_id("Patient", server.office.patients[2].id)
    await page(server, patientId=patient)

    async def told() -> bool:
        return "audit" in json.dumps((await page(server, patientId=patient))["nodes"])

    await eventually(told)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_reads_are_refused_while_they_cannot_be_recorded(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await server.office.make_task()
    monkeypatch.setattr("gql_app.work.access_log.MOST_WAITING", 0)
    query = "query ($id: ID!) { task(id: $id) { reason } }"
    await server.execute(query, id=task_id(task))
    answer = await server.execute(query, id=task_id(task))
    assert answer["errors"][0]["extensions"]["code"] == "BUSY"
    assert (await server.data("{ queues { name } }"))["queues"]  # of no patient
