"""`Patient.household`, `setGuarantor`, and what each key is shown and told of them."""

from datetime import timedelta
from typing import Any

import pytest

from gql_app.schema.ids import global_id
from models.audit import AuditAction
from models.household import MAX_MEMBERS
from models.people import Patient
from models.roles import Role
from tests.office import task_id
from tests.schema.test_imports import load, sent
from tests.serving import Server
from tests.support.access import create_key
from tests.support.audited import rows_of
from tests.web.streams import eventually
from tests.work.agents import make_patients
from tests.work.families import answer, family

SET = """mutation ($patient: ID!, $guarantor: ID) {
  setGuarantor(patientId: $patient, guarantorId: $guarantor) {
    patient { id version household { guarantor { name } members { name } } }
    errors { code message field }
  }
}"""
SHOWN = """query ($id: ID!) {
  patient(id: $id) { household { guarantor { name } members { name tasks { nodes { reason } } } } }
}"""
LISTED = """{ patients { nodes { name household { members { id } } } } }"""
LOG = """mutation ($id: ID!, $others: [OtherTaskInput!]) {
  logContact(taskId: $id, outcome: NO_ANSWER, close: true, others: $others) {
    contact { id } others { task { id patient { name } } contact { outcome notes } }
    errors { code field }
  }
}"""
AMBER, BIRCH, CLOVER = range(3)


def patient(server: Server, place: int) -> str:
    return global_id("Patient", server.office.patients[place].id)


async def put(server: Server, of: int, by: int | None, role: str = "supervisor") -> Any:
    guarantor = None if by is None else patient(server, by)
    given = {"patient": patient(server, of), "guarantor": guarantor}
    return (await server.data(SET, role, **given))["setGuarantor"]


def names(household: Any) -> tuple[str | None, list[str]] | None:
    if household is None:
        return None
    guarantor = household["guarantor"]
    return (guarantor and guarantor["name"], [one["name"] for one in household["members"]])


async def test_members_share_a_guarantor_who_is_first_and_one_alone_is_none(
    server: Server,
) -> None:
    assert (await put(server, AMBER, BIRCH))["errors"] == []
    set_ = await put(server, CLOVER, BIRCH)
    assert set_["errors"] == []
    family_ = ("Birch Testwell", ["Birch Testwell", "Amber Testwell", "Clover Testwell"])
    assert names(set_["patient"]["household"]) == family_
    for place in (AMBER, BIRCH, CLOVER):
        shown = await server.data(SHOWN, "staff", id=patient(server, place))
        assert names(shown["patient"]["household"]) == family_
    left = await put(server, AMBER, None)
    assert (left["errors"], left["patient"]["household"]) == ([], None)
    assert left["patient"]["version"] == 3
    await put(server, CLOVER, None)
    listed = (await server.data(LISTED, "staff"))["patients"]["nodes"]
    assert [one["household"] for one in listed] == [None] * 3


async def test_what_cannot_be_a_household_is_refused_with_a_code(server: Server) -> None:
    office = server.office
    await put(server, BIRCH, AMBER)
    for of, by, code in (
        (AMBER, BIRCH, "GUARANTOR_CIRCLE"),
        (CLOVER, BIRCH, "GUARANTOR_CHAIN"),
        (AMBER, CLOVER, "GUARANTOR_CHAIN"),
    ):
        (error,) = (await put(server, of, by))["errors"]
        assert (error["code"], error["field"]) == (code, ["guarantorId"])
    for one in await make_patients(office, MAX_MEMBERS - 2):
        await answer(office, one.id, office.patients[AMBER].id)
    (error,) = (await put(server, CLOVER, AMBER))["errors"]
    assert (error["code"], str(MAX_MEMBERS) in error["message"]) == ("HOUSEHOLD_FULL", True)
    shown = await server.data(SHOWN, "staff", id=patient(server, AMBER))
    assert len(shown["patient"]["household"]["members"]) == MAX_MEMBERS


@pytest.mark.parametrize("role", ["staff"])
async def test_agents_may_not_set_it(server: Server, role: str) -> None:
    given = {"patient": patient(server, AMBER), "guarantor": patient(server, BIRCH)}
    answered = await server.execute(SET, role, **given)
    assert answered["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await Patient.filter(guarantor_id__isnull=False).count() == 0


async def test_a_limited_key_is_shown_the_members_whom_it_sees(server: Server) -> None:
    office = server.office
    mother, child = await family(office)
    office.keys["desk"] = await create_key(
        office.practice, Role.STAFF, "Desk", queue_ids=[office.missed.id]
    )
    assert child.queue_id == office.missed.id

    async def shown() -> Any:
        return (await server.data(SHOWN, "desk", id=patient(server, BIRCH)))["patient"]["household"]

    assert await shown() is None  # of the mother it sees nothing
    await answer(office, office.patients[CLOVER].id, mother.patient_id)
    await office.make_task(office.missed, patient=office.patients[CLOVER], reason="Of Clover")
    assert names(await shown()) == (None, ["Birch Testwell", "Clover Testwell"])


async def test_a_call_is_logged_on_the_tasks_of_several_members_each_on_its_own(
    server: Server,
) -> None:
    office = server.office
    mother, child = await family(office)
    stranger = await office.make_task(patient=office.patients[CLOVER])
    day = str(office.today + timedelta(days=2))
    one = {
        "taskId": task_id(child),
        "outcome": "LEFT_MESSAGE",
        "followUp": day,
        "close": False,
        "notes": "With his mother",
    }
    two = {"taskId": task_id(stranger), "outcome": "NO_ANSWER", "close": True}
    given = {"id": task_id(mother), "others": [one, two]}
    refused = (await server.data(LOG, "staff", **given))["logContact"]
    assert refused["errors"] == [{"code": "OTHER_PATIENT", "field": ["others", "1", "taskId"]}]
    logged = (await server.data(LOG, "staff", **given | {"others": [one]}))["logContact"]
    assert logged["errors"] == []
    (other,) = logged["others"]
    assert other["task"] == {"id": task_id(child), "patient": {"name": "Birch Testwell"}}
    assert other["contact"] == {"outcome": "LEFT_MESSAGE", "notes": "With his mother"}


async def test_a_row_of_an_import_names_the_guarantor(server: Server) -> None:
    rows = [
        sent(1, patientExternalId="child", guarantorExternalId="mother"),
        sent(2, patientExternalId="son", guarantorExternalId="nobody"),
        sent(3, patientExternalId="mother"),
    ]
    assert [r["result"] for r in (await load(server, *rows))["results"]] == ["CREATED"] * 3
    ids = {p.external_id: p.id for p in await Patient.filter(external_id__isnull=False)}
    guarantors = {p.external_id: p.guarantor_id for p in await Patient.filter(id__in=ids.values())}
    assert guarantors == {"child": ids["mother"], "son": None, "mother": None}


async def test_what_was_refused_and_whom_a_household_shows_is_in_the_audit(server: Server) -> None:
    office = server.office
    await put(server, BIRCH, AMBER)
    await put(server, AMBER, BIRCH)
    await server.data(SHOWN, "staff", id=patient(server, BIRCH))
    amber, birch = (one.id for one in office.patients[:2])

    async def told() -> bool:
        rows = await rows_of(office.practice, AuditAction.REFUSED, AuditAction.READ)
        of = {(row.action, row.result, row.patient_id, row.operation) for row in rows}
        return of >= {
            (AuditAction.REFUSED, "GUARANTOR_CIRCLE", amber, "setGuarantor"),
            (AuditAction.READ, "OK", amber, "patient"),
            (AuditAction.READ, "OK", birch, "patient"),
        }

    await eventually(told)
