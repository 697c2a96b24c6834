"""`setContactStatus`, `logContact(contactStatus)`, and what each role is shown of it."""

from typing import Any

import pytest

from gql_app.schema.ids import global_id
from models.contact import Contact
from models.people import Patient
from models.roles import Role
from models.task import Task
from tests.office import task_id
from tests.schema.test_imports import load, sent
from tests.serving import Server
from tests.support.access import create_key

SET = """mutation ($id: ID!, $status: ContactStatus!, $reason: String, $until: Date) {
  setContactStatus(patientId: $id, status: $status, reason: $reason, until: $until) {
    patient { contactStatus contactStatusReason contactStatusUntil contactStatusSince version }
    closed { id status closeCause patient { contactStatus } queue { name } }
    offered { id queue { name } }
    errors { code message field }
  }
}"""
LOG = """mutation ($id: ID!, $close: Boolean!, $status: ContactStatus) {
  logContact(taskId: $id, outcome: NO_ANSWER, close: $close, contactStatus: $status) {
    task { status patient { contactStatus } } contact { id } errors { code field }
  }
}"""
SHOWN = """query ($id: ID!) { patient(id: $id) { contactStatus contactStatusReason } }"""
EVENTS = """{ events(first: 100) {
  nodes { kind change closeCause snapshot { isOpen patient { contactStatus } } } } }"""


def amber(server: Server) -> str:
    return global_id("Patient", server.office.patients[0].id)


async def put(server: Server, role: str, status: str, **given: Any) -> Any:
    answer = await server.data(SET, role, id=amber(server), status=status, **given)
    return answer["setContactStatus"]


async def test_it_is_set_shown_and_lifted(server: Server) -> None:
    office = server.office
    tasks = [await office.make_task(queue) for queue in (office.recall, office.missed)]
    until = f"{office.today.year + 1}-03-01"
    put_ = await put(server, "staff", "DO_NOT_CONTACT", reason="Told us", until=until)
    assert put_["errors"] == put_["offered"] == []
    assert [task["id"] for task in put_["closed"]] == [task_id(task) for task in tasks]
    assert put_["closed"][0] | {"id": ""} == {
        "id": "",
        "status": "CLOSED",
        "closeCause": "DO_NOT_CONTACT",
        "patient": {"contactStatus": "DO_NOT_CONTACT"},
        "queue": {"name": "Overdue recall"},
    }
    assert put_["patient"] | {"contactStatusSince": ""} == {
        "contactStatus": "DO_NOT_CONTACT",
        "contactStatusReason": "Told us",
        "contactStatusUntil": until,
        "contactStatusSince": "",
        "version": 2,
    }
    told = (await server.data(EVENTS, "staff"))["events"]["nodes"][2:]
    assert [event["kind"] for event in told] == ["CLOSED_BY_DO_NOT_CONTACT"] * 2
    assert len({event["change"] for event in told}) == 1
    assert {event["snapshot"]["patient"]["contactStatus"] for event in told} == {"DO_NOT_CONTACT"}
    lifted = await put(server, "supervisor", "OK")
    assert lifted["patient"]["contactStatus"] == "OK"
    assert lifted["patient"]["contactStatusUntil"] is None
    assert [task["id"] for task in lifted["offered"]] == [task_id(task) for task in tasks]


async def test_a_partner_sees_the_status_and_not_why(server: Server) -> None:
    await put(server, "staff", "DO_NOT_CONTACT", reason="Canary reason")
    shown = (await server.data(SHOWN, "partner", id=amber(server)))["patient"]
    assert shown == {"contactStatus": "DO_NOT_CONTACT", "contactStatusReason": None}
    put_ = await put(server, "partner", "DECEASED", reason="Canary too")
    assert put_["patient"]["contactStatusReason"] is None
    shown = (await server.data(SHOWN, "staff", id=amber(server)))["patient"]
    assert shown == {"contactStatus": "DECEASED", "contactStatusReason": "Canary too"}


@pytest.mark.parametrize("role", ["staff", "partner"])
async def test_who_may_not_lift_it_is_told_so(server: Server, role: str) -> None:
    await put(server, role, "DO_NOT_CONTACT")
    answer = await server.execute(SET, role, id=amber(server), status="OK")
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    milder = await put(server, role, "INACTIVE")
    assert [(e["code"], e["field"]) for e in milder["errors"]] == [("LIFT_NOT_ALLOWED", ["status"])]
    assert (await Patient.get(id=server.office.patients[0].id)).contact_status == "DO_NOT_CONTACT"


async def test_a_key_for_one_queue_is_shown_nothing_of_the_other(server: Server) -> None:
    office = server.office
    await office.make_task()
    await office.make_task(office.missed, reason="Canary reason")
    key = await create_key(office.practice, Role.SUPERVISOR, "Desk", queue_ids=[office.recall.id])
    office.keys["desk"] = key
    put_ = await put(server, "desk", "DECEASED")
    assert [task["queue"]["name"] for task in put_["closed"]] == ["Overdue recall"]
    assert await Task.filter(status="CLOSED").count() == 2
    lifted = await put(server, "desk", "OK")
    assert [task["queue"]["name"] for task in lifted["offered"]] == ["Overdue recall"]


async def test_it_is_set_along_with_a_contact_or_not_at_all(server: Server) -> None:
    task = await server.office.make_task()
    other = await server.office.make_task(server.office.missed)
    given = {"id": task_id(task), "status": "DO_NOT_CONTACT"}
    refused = (await server.data(LOG, "staff", close=False, **given))["logContact"]
    assert refused["errors"] == [{"code": "MUST_CLOSE", "field": ["close"]}]
    assert refused["task"] == {"status": "OPEN", "patient": {"contactStatus": "OK"}}
    bad = await server.execute(LOG, "staff", id=task_id(task), close=True, status="OK")
    assert bad["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await Contact.all().count() == 0
    logged = (await server.data(LOG, "staff", close=True, **given))["logContact"]
    assert logged["errors"] == []
    assert logged["task"] == {"status": "CLOSED", "patient": {"contactStatus": "DO_NOT_CONTACT"}}
    await other.refresh_from_db()
    assert other.close_cause == "DO_NOT_CONTACT"


async def test_rows_of_an_import_are_counted_apart(server: Server) -> None:
    rows = [sent(1), sent(2, patientExternalId="p1", name="Fern Newname")]
    await load(server, rows[0])
    patient = await Patient.get(external_id="p1")
    await server.data(SET, "staff", id=global_id("Patient", patient.id), status="DO_NOT_CONTACT")
    payload = await load(server, *rows)
    assert [row["result"] for row in payload["results"]] == ["UNCHANGED", "SUPPRESSED"]
    assert [row["errors"] for row in payload["results"]] == [[], []]
    assert await Task.all().count() == 1
    await patient.refresh_from_db()
    assert (patient.contact_status, patient.name) == ("DO_NOT_CONTACT", "Fern Newname")
