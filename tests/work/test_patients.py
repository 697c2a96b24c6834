"""A patient is found by what somebody would type: parts of the name, digits of the number."""

from dataclasses import replace

import pytest

from gql_app.access import authenticate
from gql_app.work.patients import BATCH, index_patients
from gql_app.work.reads.conditions import BadInput
from models.people import Patient
from models.roles import Role
from tests.office import Office, make_office
from tests.support.access import create_key
from tests.work.worklists import EVERY_STATUS, listed

PEOPLE = {
    "Zoë O'Brien-Müller": "(217) 555-0143 ext. 45",
    "Zoltan Brienne": "+1 312 555 0199",
    "Amber Zoe 12": "555-0100",
    "No Number": "unknown",
}


async def make_people(office: Office) -> dict[int, str]:
    """The name of the patient of each task."""
    now = office.clock()
    names = {}
    for name, phone in PEOPLE.items():
        patient = await Patient.create(
            practice_id=office.practice.id, name=name, phone=phone, created_at=now
        )
        await index_patients(office.practice.id, [patient])
        names[(await office.make_task(patient=patient)).id] = name
    return names


async def found(office: Office, typed: str) -> set[int]:
    return await listed(office.staff, replace(EVERY_STATUS, patient=typed))


async def test_each_word_begins_a_word_of_the_name_and_digits_begin_or_end_the_number(
    office: Office,
) -> None:
    names = await make_people(office)
    zoe, zoltan, amber, none = PEOPLE
    for typed, expected in {
        "zo": {zoe, zoltan, amber},
        "ZOE": {zoe, amber},
        "zoë": {zoe, amber},
        "muller": {zoe},
        "o'br": {zoe},
        "obrien muel": set(),
        "Brien-Müller": set(),
        "O'Brien-Müller": {zoe},
        "br zo": {zoltan},
        " amber  zoe ": {amber},
        "amber zoltan": set(),
        "rien": set(),
        "0143": {zoe},
        "217": {zoe},
        "(217) 555-0143": {zoe},
        "217.555.0143": {zoe},
        "555 0143": {zoe},
        "(217) 555": {zoe},
        "217 555": {zoe},
        "2175550143": {zoe},
        "+1 217": {zoe},
        "muller 217": {zoe},
        "(217) 555-0143 ext. 45": {zoe},
        "tel:+12175550143": {zoe},
        "011 1 217 555": {zoe},
        "4345": set(),
        "3125550199": {zoltan},
        "1 312": {zoltan},
        "5501": set(),
        "zo 0199": {zoltan},
        "0143 zoltan": set(),
        "555": {amber},
        "12": {amber, zoe},  # +1 2…
        "no number": {none},
        "%%zo": {zoe, zoltan, amber},
        "zo_": {zoe, zoltan, amber},
        "<0010555": set(),
        "\U0010ffff zo": {zoe, zoltan, amber},
    }.items():
        assert {names[i] for i in await found(office, typed)} == expected, typed


async def test_what_says_too_little_or_too_much_is_refused(office: Office) -> None:
    too_little = ("", "z", " z ", "--", "()", "z.", "\0\0\0", "\ud800x", "\u200bz", "\u0938")
    for typed in (*too_little, "z" * 101):
        with pytest.raises(BadInput, match="patient has"):
            await found(office, typed)


async def test_a_patient_who_is_indexed_again_is_found_by_the_new_words_alone(
    office: Office,
) -> None:
    amber, birch, _ = office.patients
    task = await office.make_task(patient=amber)
    other = await office.make_task(patient=birch)
    amber.name, amber.phone = "Maple Newname", ""
    await index_patients(office.practice.id, [amber])

    assert await found(office, "maple newn") == {task.id}
    assert await found(office, "amber") == await found(office, "555 0100") - {other.id} == set()
    amber.name = "?"
    await index_patients(office.practice.id, [amber])
    assert await found(office, "maple") == set()
    assert await found(office, "birch") == {other.id}


async def test_many_patients_are_indexed_at_once(office: Office) -> None:
    here = office.practice.id
    await Patient.bulk_create(
        Patient(practice_id=here, name=f"Sage {n}x", phone="", created_at=office.clock())
        for n in range(BATCH + 5)
    )
    sages = await Patient.filter(practice_id=here, phone="").order_by("id")
    await index_patients(here, sages)

    last = await office.make_task(patient=sages[-1])
    await office.make_task(patient=sages[0])
    assert await found(office, f"sage {BATCH + 4}x") == {last.id}


async def test_nobody_finds_another_practices_patients_or_those_of_hidden_queues(
    office: Office,
) -> None:
    elsewhere = await make_office("oak")
    await elsewhere.make_task()
    await office.make_task(office.missed)
    seen = await office.make_task(office.recall)
    key = await create_key(office.practice, Role.STAFF, "Desk", queue_ids=[office.recall.id])

    query = replace(EVERY_STATUS, patient="amber")
    assert await listed(await authenticate(key), query) == {seen.id}
    assert seen.id not in await listed(elsewhere.staff, query)
