"""Several numbers of a patient, some of them wrong; the language, and a note for the caller."""

from dataclasses import replace
from typing import Any

import pytest

from gql_app.access import Forbidden
from gql_app.work.imports.run import Import
from gql_app.work.merging import merge_patients
from gql_app.work.patient_details import Details, TypedPhone
from gql_app.work.patient_edits import PatientResult
from gql_app.work.reads.patients import patient_now
from gql_app.work.reads.targets import find_target
from gql_app.work.upkeep.indexing import index_all
from gql_app.work.wrong_numbers import mark_wrong_number
from models.audit import Audit
from models.event import TaskEvent, TaskEventKind
from models.patient_phones import MOST_OTHERS
from models.people import Patient
from models.phone import Phone, PhoneKind
from models.practice import Practice
from tests.commands.importing.rows import row
from tests.office import Office
from tests.work.records import everything
from tests.work.test_patient_edits import PHONE, codes, found, make, update
from tests.work.test_patients_seen import desk_of

OWN, WORK, DAUGHTER = "+12175550123", "+12175550143", "+13105550163"
OTHERS = Details(
    PhoneKind.MOBILE,
    [TypedPhone("217 555 0143", PhoneKind.WORK), TypedPhone("(310) 555-0163")],
)


async def mark(office: Office, patient_id: int, number: str, **how: Any) -> PatientResult:
    viewer = how.pop("viewer", office.staff)
    return await office.changes.make(viewer, mark_wrong_number, patient_id, number, **how)


async def numbers(office: Office, patient_id: int) -> list[Phone]:
    patient = await patient_now(office.practice.id, patient_id)
    assert patient is not None
    return patient.phones


async def wrong(office: Office, patient_id: int) -> list[str]:
    return [p.stored for p in await numbers(office, patient_id) if p.is_wrong]


async def with_others(office: Office) -> int:
    """A patient with three numbers, who has an open task."""
    made = (await make(office, details=OTHERS)).patient
    assert made is not None
    await office.make_task(patient=await Patient.get(id=made.id))
    return made.id


async def kinds_of_last(office: Office) -> TaskEventKind:
    event = await TaskEvent.filter(practice_id=office.practice.id).order_by("-seq").first()
    assert event is not None
    return event.kind


async def test_a_patient_has_several_numbers_and_is_found_by_each(office: Office) -> None:
    patient = await with_others(office)
    assert [(p.stored, p.kind, p.display) for p in await numbers(office, patient)] == [
        (OWN, PhoneKind.MOBILE, PHONE),
        (WORK, PhoneKind.WORK, "(217) 555-0143"),
        (DAUGHTER, None, "(310) 555-0163"),
    ]
    for typed in ("0123", "217 555 0143", "0163"):
        assert await found(office.staff, typed) == {"Fern Testwell"}, typed


async def test_other_numbers_take_the_place_of_those_that_were_there(office: Office) -> None:
    patient = await with_others(office)
    done = await update(office, patient, details=Details(other_phones=[TypedPhone(DAUGHTER)]))
    assert done.refusals == ()
    assert [p.stored for p in await numbers(office, patient)] == [OWN, DAUGHTER]
    assert await found(office.staff, "0143") == set()
    assert await kinds_of_last(office) is TaskEventKind.PATIENT_CHANGED
    version = (await Patient.get(id=patient)).version
    await update(office, patient, details=Details(other_phones=[TypedPhone(DAUGHTER)]))
    await update(office, patient, details=Details())
    assert (await Patient.get(id=patient)).version == version
    await update(office, patient, details=Details(other_phones=[]))
    assert [p.stored for p in await numbers(office, patient)] == [OWN]


async def test_numbers_are_shown_as_the_region_writes_them(office: Office) -> None:
    patient = await with_others(office)
    await Practice.filter(id=office.practice.id).update(region="DE")
    await index_all(office.changes)
    assert [p.display for p in await numbers(office, patient)][1:] == [
        "+1 217-555-0143",
        "+1 310-555-0163",
    ]
    assert [p.kind for p in await numbers(office, patient)][1] is PhoneKind.WORK


@pytest.mark.parametrize(
    ("others", "refused"),
    [
        ([TypedPhone("x")], [("PHONE_INVALID", ("otherPhones", "0"), "number")]),
        (
            [TypedPhone(WORK), TypedPhone("217-555-0143"), TypedPhone("")],
            [
                ("PHONE_TWICE", ("otherPhones", "1"), "number"),
                ("PHONE_INVALID", ("otherPhones", "2"), "number"),
            ],
        ),
        ([TypedPhone(PHONE)], [("PHONE_TWICE", ("otherPhones", "0"), "number")]),
        (
            [TypedPhone(f"+1217555{n:04}") for n in range(200, 201 + MOST_OTHERS)],
            [("TOO_MANY_PHONES", (), "otherPhones")],
        ),
    ],
)
async def test_bad_numbers_are_refused_and_change_nothing(
    office: Office, others: list[TypedPhone], refused: list[tuple[str, tuple[str, ...], str]]
) -> None:
    patient = await with_others(office)
    before = await everything()
    for done in (
        await update(office, patient, name="Else", details=Details(other_phones=others)),
        await make(office, details=Details(other_phones=others)),
    ):
        assert [(r.code.value, r.under, r.field) for r in done.refusals] == refused
    assert await everything() == before


async def test_language_and_note_are_set_and_taken_away(office: Office) -> None:
    patient = await with_others(office)
    given = Details(language="ES-mx", caller_note=" call the daughter ")
    done = await update(office, patient, details=given)
    assert done.patient is not None
    assert (done.patient.language, done.patient.caller_note) == ("es-MX", "call the daughter")
    assert await kinds_of_last(office) is TaskEventKind.PATIENT_CHANGED
    done = await update(office, patient, details=Details(language="", caller_note=""))
    assert done.patient is not None
    assert (done.patient.language, done.patient.caller_note) == (None, None)
    bad = Details(language="Klingon", caller_note="x" * 501)
    refused = await update(office, patient, details=bad)
    assert codes(refused) == [("LANGUAGE_INVALID", "language"), ("TEXT_TOO_LONG", "callerNote")]


# ---- wrong numbers


@pytest.mark.parametrize("named", [OWN, f"tel:{OWN}", PHONE, "217.555.0123"])
async def test_an_agent_marks_a_number_as_wrong_and_watchers_are_told(
    office: Office, named: str
) -> None:
    patient = await with_others(office)
    done = await mark(office, patient, named)
    assert done.refusals == ()
    assert await wrong(office, patient) == [OWN]
    assert await kinds_of_last(office) is TaskEventKind.PATIENT_CHANGED
    assert (await Patient.get(id=patient)).version == 2
    again = await mark(office, patient, named)
    assert (again.refusals, (await Patient.get(id=patient)).version) == ((), 2)
    await mark(office, patient, named, is_wrong=False)
    assert await wrong(office, patient) == []


async def test_what_nobody_watches_is_in_the_audit(office: Office) -> None:
    made = (await make(office)).patient
    assert made is not None
    before = await Audit.filter(patient_id=made.id).count()
    await mark(office, made.id, OWN)
    assert await Audit.filter(patient_id=made.id).count() == before + 1


async def test_a_new_patient_has_the_calling_hours_of_their_number(office: Office) -> None:
    made = (await make(office, phone=DAUGHTER)).patient
    assert made is not None
    assert (await Patient.get(id=made.id)).time_zone == "America/Los_Angeles"


async def test_calling_hours_are_those_of_the_next_number(office: Office) -> None:
    patient = await with_others(office)
    assert (await Patient.get(id=patient)).time_zone == "America/Chicago"
    await mark(office, patient, OWN)
    await mark(office, patient, WORK)
    assert (await Patient.get(id=patient)).time_zone == "America/Los_Angeles"
    await mark(office, patient, DAUGHTER)
    assert (await Patient.get(id=patient)).time_zone is None


async def test_an_import_lifts_no_mark(office: Office) -> None:
    target = await find_target(office.supervisor, office.recall.id)
    assert target is not None

    async def bring(phone: str) -> None:
        run = Import(office.changes, office.supervisor, target, "pms")
        await run.take([row("t1", phone=phone)])

    await bring(OWN)
    patient = (await Patient.get(name="Fern Testwell")).id
    await mark(office, patient, OWN)
    await bring(OWN)
    assert await wrong(office, patient) == [OWN]
    await bring(WORK)
    assert await wrong(office, patient) == []
    await bring(OWN)
    assert await wrong(office, patient) == [OWN]


async def test_a_merged_patients_wrong_number_stays_wrong(office: Office) -> None:
    patient, survivor = await with_others(office), office.patients[1].id
    await mark(office, patient, WORK)
    await office.changes.make(office.admin, merge_patients, survivor, patient)
    assert await wrong(office, survivor) == [WORK]
    assert {p.stored for p in await numbers(office, survivor)} > {OWN, WORK, DAUGHTER}
    await mark(office, survivor, OWN)
    assert sorted(await wrong(office, survivor)) == [OWN, WORK]
    assert await found(office.staff, "0163") == {"Birch Testwell"}


async def test_a_number_that_is_not_there_and_a_patient_who_is_not_are_refused(
    office: Office,
) -> None:
    patient = await with_others(office)
    before = await everything()
    assert codes(await mark(office, patient, "+12175550999")) == [("NOT_FOUND", "number")]
    assert codes(await mark(office, patient, "")) == [("NOT_FOUND", "number")]
    assert codes(await mark(office, 99_999, OWN)) == [("NOT_FOUND", "patientId")]
    assert await everything() == before


async def test_a_limited_key_marks_only_the_numbers_of_whom_it_sees(office: Office) -> None:
    patient, desk = await with_others(office), desk_of(office)
    hidden = (await make(office, phone=WORK, viewer=office.admin)).patient
    assert hidden is not None
    await office.make_task(office.missed, patient=await Patient.get(id=hidden.id))
    before = await everything()
    assert codes(await mark(office, hidden.id, WORK, viewer=desk)) == [("NOT_FOUND", "patientId")]
    assert await everything() == before
    assert (await mark(office, patient, OWN, viewer=desk)).refusals == ()


async def test_a_partner_who_may_not_write_marks_nothing(office: Office) -> None:
    patient = await with_others(office)
    reader = replace(office.partner, may_create_tasks=False)
    with pytest.raises(Forbidden):
        await mark(office, patient, OWN, viewer=reader)
