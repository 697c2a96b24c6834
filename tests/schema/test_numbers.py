"""Numbers, language and the note for the caller over GraphQL: who sets them, and who sees what."""

from typing import Any

import pytest

from gql_app.schema.ids import global_id
from tests.schema.test_patient_changes import new, patient_id, send
from tests.serving import Server

KNOWN = """patient { phones { number kind isWrong } language callerNote }
  errors { code field }"""
CREATE = f"mutation ($input: CreatePatientInput!) {{ createPatient(input: $input) {{ {KNOWN} }} }}"
UPDATE = f"mutation ($input: UpdatePatientInput!) {{ updatePatient(input: $input) {{ {KNOWN} }} }}"
MARK = f"""mutation ($id: ID!, $number: String!, $wrong: Boolean) {{
  markWrongNumber(patientId: $id, number: $number, isWrong: $wrong) {{ {KNOWN} }} }}"""
SHOWN = "query ($id: ID!) { patient(id: $id) { language callerNote phones { isWrong } } }"

OTHER = {"number": "217 555 0143", "kind": "WORK"}


async def test_a_patient_is_made_and_changed_with_all_of_it(server: Server) -> None:
    given = {"phoneKind": "MOBILE", "otherPhones": [OTHER], "language": "es", "callerNote": "Ana"}
    assert await send(server, CREATE, **new(**given)) == {
        "patient": {
            "phones": [
                {"number": "+12175550123", "kind": "MOBILE", "isWrong": False},
                {"number": "+12175550143", "kind": "WORK", "isWrong": False},
            ],
            "language": "es",
            "callerNote": "Ana",
        },
        "errors": [],
    }
    bad: dict[str, Any] = {"otherPhones": [OTHER, OTHER], "language": "?", "callerNote": "x" * 501}
    for query, called in (
        (CREATE, {"name": "Fern", "phone": "217 555 0123"}),
        (UPDATE, {"patientId": patient_id(server, 0)}),
    ):
        refused = await send(server, query, input=called | bad)
        assert [(error["code"], error["field"]) for error in refused["errors"]] == [
            ("PHONE_TWICE", ["input", "otherPhones", "1", "number"]),
            ("LANGUAGE_INVALID", ["input", "language"]),
            ("TEXT_TOO_LONG", ["input", "callerNote"]),
        ]


async def test_too_many_numbers_are_refused(server: Server) -> None:
    many = [{"number": f"+1217555{n:04}"} for n in range(100, 110)]
    done = await send(
        server, UPDATE, input={"patientId": patient_id(server, 0), "otherPhones": many}
    )
    assert done["errors"] == [{"code": "TOO_MANY_PHONES", "field": ["input", "otherPhones"]}]


@pytest.mark.parametrize(
    ("role", "note"), [("staff", "Ana"), ("supervisor", "Ana"), ("partner", None)]
)
async def test_the_note_is_for_those_who_may_read_notes(
    server: Server, role: str, note: str | None
) -> None:
    patient = patient_id(server, 0)
    await server.office.make_task()
    given = {"patientId": patient, "language": "es", "callerNote": "Ana"}
    await send(server, UPDATE, input=given)
    shown = await send(server, SHOWN, role, id=patient)
    assert (shown["language"], shown["callerNote"]) == ("es", note)


async def test_an_agent_marks_a_number_as_wrong(server: Server) -> None:
    await server.office.make_task()
    patient = patient_id(server, 0)
    marked = await send(server, MARK, "staff", id=patient, number="555-0100")
    assert marked["errors"] == []
    assert [phone["isWrong"] for phone in marked["patient"]["phones"]] == [True]
    righted = await send(server, MARK, "staff", id=patient, number="tel:5550100", wrong=False)
    assert [phone["isWrong"] for phone in righted["patient"]["phones"]] == [False]
    unknown = await send(server, MARK, "staff", id=patient, number="217 555 0199")
    assert unknown["errors"] == [{"code": "NOT_FOUND", "field": ["number"]}]
    nobody = await send(server, MARK, "staff", id=global_id("Patient", 99_999), number="1")
    assert nobody["errors"] == [{"code": "NOT_FOUND", "field": ["patientId"]}]
