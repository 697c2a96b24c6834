"""Patients who are made and changed: what is refused, who may, and who is told."""

from dataclasses import replace
from typing import Any

import pytest

from gql_app.access import Forbidden, Viewer
from gql_app.work.patient_edits import (
    NewPatient,
    PatientChanges,
    PatientResult,
    create_patient,
    update_patient,
)
from gql_app.work.reads.conditions import BadInput
from gql_app.work.reads.external_ids import ExternalId
from gql_app.work.reads.patient_lists import patients_page
from models.audit import Audit
from models.event import TaskEvent, TaskEventKind
from models.people import Patient
from tests.office import Office, make_office
from tests.work.test_patients_seen import create, desk_of

PHONE = "(217) 555-0123"


async def make(
    office: Office, name: str = "Fern Testwell", phone: str = PHONE, **how: Any
) -> PatientResult:
    viewer = how.pop("viewer", office.supervisor)
    return await office.changes.make(viewer, create_patient, NewPatient(name, phone, **how))


async def update(office: Office, patient_id: int, **changes: Any) -> PatientResult:
    viewer = changes.pop("viewer", office.supervisor)
    given = PatientChanges(**changes)
    return await office.changes.make(viewer, update_patient, patient_id, given)


def codes(result: Any) -> list[tuple[str, str | None]]:
    return [(refusal.code.value, refusal.field) for refusal in result.refusals]


async def found(viewer: Viewer, search: str | None = None, **external: Any) -> set[str]:
    page = await patients_page(viewer, search, external.get("external_id"), 50, None)
    return {patient.name for patient in page.rows}


async def test_a_new_patient_is_found_by_name_number_and_external_id(office: Office) -> None:
    called = ExternalId("pms", "p1")
    made = await make(office, "  Zoë O'Brien ", "217-555-0123 x 45", external_id=called)
    assert made.patient is not None
    assert (made.patient.name, made.patient.shown_phone) == (
        "Zoë O'Brien",
        "(217) 555-0123 ext. 45",
    )
    for typed in ("zoe", "OBRIEN", "0123", "217 555"):
        assert await found(office.staff, typed) == {"Zoë O'Brien"}, typed
    assert await found(office.staff, external_id=called) == {"Zoë O'Brien"}
    assert await found(office.staff, external_id=ExternalId("crm", "p1")) == set()
    assert len(await found(office.staff)) == 4
    assert await Audit.filter(patient_id=made.patient.id, detail="patient made").count() == 1
    with pytest.raises(BadInput):
        await found(office.staff, "z")


@pytest.mark.parametrize(
    ("name", "phone", "expected"),
    [
        ("", PHONE, [("NAME_REQUIRED", "name")]),
        (" \u200b ", PHONE, [("NAME_REQUIRED", "name")]),
        ("x" * 201, PHONE, [("TEXT_TOO_LONG", "name")]),
        ("two\nlines", PHONE, [("TEXT_INVALID", "name")]),
        ("Fern", "", [("PHONE_INVALID", "phone")]),
        ("Fern", "call me", [("PHONE_INVALID", "phone")]),
        ("", "12", [("NAME_REQUIRED", "name"), ("PHONE_INVALID", "phone")]),
    ],
)
async def test_what_cannot_be_read_is_refused_and_changes_nothing(
    office: Office, name: str, phone: str, expected: list[tuple[str, str]]
) -> None:
    before = await Patient.all().order_by("id").values()
    assert codes(await make(office, name, phone)) == expected
    changed = await update(office, office.patients[0].id, name=name, phone=phone)
    assert codes(changed) == expected
    assert await Patient.all().order_by("id").values() == before


async def test_an_external_id_has_one_patient(office: Office) -> None:
    called = ExternalId("pms", "p1")
    first = (await make(office, external_id=called)).patient
    assert first is not None
    again = await make(office, "Somebody Else", external_id=called)
    assert codes(again) == [("EXTERNAL_ID_TAKEN", "externalId")]
    assert again.patient == first
    amber = office.patients[0].id
    taken = [("EXTERNAL_ID_TAKEN", "externalId")]
    assert codes(await update(office, amber, external_id=called)) == taken
    assert codes(await update(office, amber, external_id=ExternalId("crm", "a"))) == []
    other = [("EXTERNAL_ID_SET", "externalId")]
    assert codes(await update(office, amber, external_id=ExternalId("pms", "a"))) == other
    assert codes(await update(office, amber, external_id=ExternalId("crm", "b"))) == []
    assert await found(office.staff, external_id=ExternalId("crm", "b")) == {"Amber Testwell"}
    oak = await make_office("oak")
    assert codes(await make(oak, external_id=called)) == []


async def test_whoever_watches_an_open_task_is_told_of_a_new_name(office: Office) -> None:
    amber = office.patients[0]
    task, closed = await office.make_task(), await office.make_task()
    await office.log(closed, close=True)
    changed = await update(office, amber.id, name="Amber Newname", phone=PHONE)
    assert changed.patient is not None
    assert (changed.patient.name, changed.patient.version) == ("Amber Newname", 2)
    events = await TaskEvent.filter(kind=TaskEventKind.PATIENT_CHANGED)
    assert [event.task_id for event in events] == [task.id]
    assert await found(office.staff, "newname") == {"Amber Newname"}
    assert await found(office.staff, "0123") == {"Amber Newname"}
    assert await found(office.staff, "amber test") == set()


async def test_what_is_the_same_changes_nothing(office: Office) -> None:
    amber = office.patients[0]
    for given in (
        {},
        {"name": amber.name, "phone": "555-0100"},  # no number of any country, as it came in
    ):
        same = await update(office, amber.id, **given)
        assert same.patient is not None
        assert (same.refusals, same.patient.version) == ((), 1)


async def test_a_patient_who_has_changed_meanwhile_is_shown_and_stays(office: Office) -> None:
    amber = office.patients[0]
    await update(office, amber.id, name="Amber Newname", expected_version=1)
    late = await update(office, amber.id, name="Amber Late", expected_version=1)
    assert codes(late) == [("VERSION_CONFLICT", "expectedVersion")]
    assert "Amber Newname, 555-0100" in late.refusals[0].message
    assert late.patient is not None
    assert late.patient.name == "Amber Newname"


async def test_a_limited_key_reaches_whom_it_made_and_those_of_its_queues(office: Office) -> None:
    desk, (amber, birch, _) = desk_of(office), office.patients
    await office.make_task(patient=amber)
    await office.make_task(office.missed, patient=birch)
    assert await found(desk) == {"Amber Testwell"}
    assert codes(await update(office, birch.id, name="B", viewer=desk)) == [
        ("NOT_FOUND", "patientId")
    ]
    made = (await make(office, viewer=desk)).patient
    assert made is not None
    assert await found(desk) == {"Amber Testwell", "Fern Testwell"}
    assert not (await create(office, desk, made.id)).refusals
    colleague = replace(desk, staff_id=office.staff.staff_id, queue_ids=frozenset())
    assert await found(colleague) == set()
    called = ExternalId("pms", "hidden")
    await update(office, birch.id, external_id=called)
    hidden = await make(office, viewer=desk, external_id=called)
    assert (hidden.patient, codes(hidden)) == (None, [("EXTERNAL_ID_TAKEN", "externalId")])


async def test_agents_and_partners_who_only_read_may_not(office: Office) -> None:
    partner = replace(office.partner, may_create_tasks=False)
    for viewer in (office.staff, partner):
        with pytest.raises(Forbidden):
            await make(office, viewer=viewer)
        with pytest.raises(Forbidden):
            await update(office, office.patients[0].id, name="A", viewer=viewer)
    assert (await make(office, viewer=office.partner)).patient is not None
