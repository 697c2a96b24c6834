"""Patients: their contacts and tasks over all queues that a key allows, and who closed a task."""

from datetime import timedelta
from typing import Any

import pytest

import gql_app.work.reads.history as history_module
import gql_app.work.reads.queues as queues_module
from gql_app.access import authenticate
from gql_app.schema.ids import global_id
from gql_app.work.appointments import NewAppointment, record_appointment
from gql_app.work.moves import withdraw_tasks
from gql_app.work.reads.history import contacts_of_patients
from gql_app.work.reads.queues import tasks_of_patients
from gql_app.work.reads.task_filter import TaskQuery
from gql_app.work.upkeep.expiry import sweep
from models.database import fetch, fetch_joined, write
from models.lifecycle import ContactOutcome, TaskStatus
from models.practice import Queue
from models.roles import Role
from models.task import Task
from tests.office import Office, task_id
from tests.serving import Server
from tests.support.access import create_key

PAST = """query ($id: ID!, $first: Int!, $after: String, $status: [TaskStatus!]) {
  patient(id: $id) {
    contacts(first: $first, after: $after) {
      nodes { notes task { id reason queue { name } } }
      pageInfo { hasNextPage hasPreviousPage endCursor }
    }
    tasks(status: $status) { nodes { id } }
  }
}"""
CLOSED_BY = "query ($id: ID!) { task(id: $id) { closeCause closedBy { name } } }"


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


async def past(server: Server, key: str, first: int = 20, **given: Any) -> Any:
    """What the key reads of the office's first patient."""
    variables = {"id": global_id("Patient", server.office.patients[0].id), "first": first} | given
    answer = (await server.post({"query": PAST, "variables": variables}, key)).json()
    assert "errors" not in answer, answer
    return answer["data"]["patient"]


def notes(shown: Any) -> list[str | None]:
    return [contact["notes"] for contact in shown["contacts"]["nodes"]]


async def some_past(office: Office) -> list[Task]:
    """Three tasks of one patient, with five contacts made on them by turns; the last task is closed
    and in the other queue. Another patient has one of their own."""
    queues = (office.recall, office.recall, office.missed)
    tasks = [await office.make_task(queue, reason=f"Reason {i}") for i, queue in enumerate(queues)]
    for number, at in enumerate((0, 1, 2, 0, 1)):
        await office.log(tasks[at], notes=f"n{number}", close=at == 2)
    foreign = await office.make_task(patient=office.patients[1])
    await office.log(foreign, notes="of another patient")
    return tasks


async def test_a_patient_has_the_contacts_of_all_tasks_newest_first(server: Server) -> None:
    office = server.office
    tasks = await some_past(office)
    shown = await past(server, office.keys["staff"])
    assert notes(shown) == ["n4", "n3", "n2", "n1", "n0"]
    assert [contact["task"] for contact in shown["contacts"]["nodes"]][:3] == [
        {"id": task_id(tasks[1]), "reason": "Reason 1", "queue": {"name": "Overdue recall"}},
        {"id": task_id(tasks[0]), "reason": "Reason 0", "queue": {"name": "Overdue recall"}},
        {"id": task_id(tasks[2]), "reason": "Reason 2", "queue": {"name": "Missed appointments"}},
    ]
    pages, after = [], None
    while True:
        shown = await past(server, office.keys["staff"], 2, after=after)
        pages.append(notes(shown))
        info = shown["contacts"]["pageInfo"]
        assert info["hasPreviousPage"] == (after is not None)
        after = info["endCursor"]
        if not info["hasNextPage"]:
            break
    assert pages == [["n4", "n3"], ["n2", "n1"], ["n0"]]
    ids = [{"id": task_id(task)} for task in reversed(tasks)]
    for status, expected in (
        (None, ids),
        (["OPEN", "IN_PROGRESS"], ids[1:]),
        (["CLOSED", "CLOSED"], ids[:1]),
        ([], []),
    ):
        shown = await past(server, office.keys["staff"], status=status)
        assert shown["tasks"]["nodes"] == expected


async def test_a_key_reads_of_it_what_its_queues_and_its_role_allow(server: Server) -> None:
    office = server.office
    tasks = await some_past(office)
    desk = await create_key(office.practice, Role.STAFF, "Desk", queue_ids=[office.missed.id])
    shown = await past(server, desk)
    assert notes(shown) == ["n2"]
    assert shown["tasks"]["nodes"] == [{"id": task_id(tasks[2])}]
    assert notes(await past(server, office.keys["partner"])) == [None] * 5
    # An event in its queue still shows the contact after the task has left, but not the task.
    leaves = """mutation ($id: ID!, $to: ID!) {
      reassignTasks(input: {ids: [$id], toQueueId: $to, filter: null}) { errors { code } } }"""
    recall = await create_key(office.practice, Role.STAFF, "Recall", queue_ids=[office.recall.id])
    to = global_id("Queue", office.missed.id)
    await server.data(leaves, "supervisor", id=task_id(tasks[0]), to=to)
    query = "{ events(first: 100) { nodes { contact { notes task { id } } } } }"
    answer = (await server.post({"query": query}, recall)).json()
    contacts = [node["contact"] for node in answer["data"]["events"]["nodes"] if node["contact"]]
    assert {"notes": "n3", "task": None} in contacts
    assert {"notes": "n4", "task": {"id": task_id(tasks[1])}} in contacts


async def test_a_closed_task_says_who_closed_it(server: Server) -> None:
    office = server.office
    await Queue.filter(id=office.missed.id).update(closes_on_appointment=True)
    by_contact, open_, withdrawn = [
        await office.make_task(patient=office.patients[0]) for _ in range(3)
    ]
    expired = await office.make_task(expires_at=office.clock() + timedelta(days=1))
    booked = await office.make_task(
        office.missed, patient=office.patients[1], expires_at=office.clock() + timedelta(days=9)
    )
    await office.log(open_)
    await office.log(by_contact, ContactOutcome.SCHEDULED, close=True)
    await withdraw_tasks(office.changes, office.supervisor, [withdrawn.id], reason="Twice")
    new = NewAppointment(office.patients[1].id, office.clock() + timedelta(days=2), "a1")
    await office.changes.make(office.partner, record_appointment, new)
    office.clock.advance(days=2)
    await sweep(office.changes, office.clock(), forced=True)
    told = {
        by_contact: ("CONTACT", "Staff of maple"),
        open_: (None, None),
        withdrawn: ("WITHDRAWN", "Supervisor of maple"),
        expired: ("EXPIRED", None),
        booked: ("APPOINTMENT_BOOKED", "Partner of maple"),
    }
    for task, (cause, name) in told.items():
        shown = (await server.data(CLOSED_BY, id=task_id(task)))["task"]
        assert shown == {"closeCause": cause, "closedBy": name and {"name": name}}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_finds_both_by_the_patient(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []

    async def note(row: Any, sql: str, *values: object) -> Any:
        asked.append((sql, values))
        return await (fetch_joined if isinstance(row, tuple) else fetch)(row, sql, *values)

    monkeypatch.setattr(history_module, "fetch_joined", note)
    monkeypatch.setattr(queues_module, "fetch", note)
    ids = [patient.id for patient in office.patients]
    desk = await create_key(office.practice, Role.STAFF, "Desk", queue_ids=[office.recall.id])
    for viewer in (office.staff, await authenticate(desk)):
        await contacts_of_patients(viewer, ids, 20, None)
        await tasks_of_patients(viewer, ids, TaskQuery(), 20, None)
        await tasks_of_patients(viewer, ids, TaskQuery(status=tuple(TaskStatus)), 20, None)
    for sql, values in asked:
        plan = str(await write(f"EXPLAIN QUERY PLAN {sql}", *values))
        assert "INDEX task_by_patient (practice_id=? AND patient_id=?)" in plan, plan
        assert "FROM task t CROSS JOIN" not in sql or "INDEX contact_by_task" in plan, plan
    assert len(asked) == 6
