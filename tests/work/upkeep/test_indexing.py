"""Whoever writes a patient's row, the patient is shown and found as all others are."""

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from gql_app.work.imports.run import Import
from gql_app.work.reads.patients import patients_by_id
from gql_app.work.reads.targets import find_target
from gql_app.work.upkeep import indexing
from gql_app.work.upkeep.indexing import index_all, index_some
from models.database import write
from models.limits import Busy
from models.people import Patient, PatientRow, PatientWord
from models.practice import Practice
from tests.commands.importing.rows import row
from tests.office import Office, make_office
from tests.serving import PATIENCE, Server
from tests.work.worklists import EVERY_STATUS, listed

BY_HAND = "INSERT INTO patient (practice_id, name, phone, created_at) VALUES ($1, $2, $3, $4)"


async def found(office: Office, typed: str) -> set[int]:
    viewer = replace(office.staff, region=(await Practice.get(id=office.practice.id)).region)
    return await listed(viewer, replace(EVERY_STATUS, patient=typed))


async def shown(office: Office, patient: Patient) -> PatientRow:
    (row,) = await patients_by_id(office.staff, [patient.id])
    return row


async def test_a_row_that_was_written_by_hand_is_found_and_shown(office: Office) -> None:
    here = office.practice.id
    await index_all(office.changes)
    await write(BY_HAND, here, "Łukasz Handwritten", "217-555-0143 x45", office.clock())
    patient = await Patient.get(name="Łukasz Handwritten")
    task = await office.make_task(patient=patient)
    row = await shown(office, patient)
    assert (row.shown_phone, row.phones[0].href) == ("217-555-0143 x45", "tel:2175550143;ext=45")

    assert await index_some(office.changes) == 1
    assert await found(office, "lukasz 217 555") == {task.id}
    row = await shown(office, patient)
    assert (row.phone, row.shown_phone) == ("217-555-0143 x45", "(217) 555-0143 ext. 45")
    assert row.phones[0].href == "tel:+12175550143;ext=45"

    sql = "UPDATE patient SET name = $3, phone = $4 WHERE practice_id = $1 AND id = $2"
    await write(sql, here, patient.id, "Søren Mended", "(217) 555-0199")
    row = await shown(office, patient)
    assert (row.shown_phone, row.phone_number) == ("(217) 555-0199", None)
    assert await index_all(office.changes) == 1
    assert await found(office, "soren 0199") == {task.id}
    assert await found(office, "lukasz") == await found(office, "0143") == set()


async def test_nobody_is_indexed_twice(office: Office) -> None:
    await index_all(office.changes)
    await write("UPDATE patient SET name = name, phone = phone, source = 'elsewhere'")
    assert await index_some(office.changes) == 0


async def test_numbers_are_read_anew_when_the_practice_is_in_another_country(
    office: Office,
) -> None:
    patient = office.patients[0]
    task = await office.make_task(patient=patient)
    await Patient.filter(id=patient.id).update(phone="030 23125001")
    await index_all(office.changes)
    assert (await shown(office, patient)).phones[0].number == "03023125001"

    await write("UPDATE practice SET region = 'DE' WHERE id = $1", office.practice.id)
    assert await index_all(office.changes) == len(office.patients)
    assert (await shown(office, patient)).phones[0].number == "+493023125001"
    for typed in ("030 23125001", "+49 30", "0049 (0)30", "5001"):
        assert await found(office, typed) == {task.id}, typed


async def test_many_are_indexed_a_batch_at_a_time_and_what_is_there_is_kept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = sorted(await PatientWord.all().values_list("patient_id", "word"))
    await write("UPDATE patient SET is_indexed = false")
    monkeypatch.setattr(indexing, "BATCH", 2)

    assert [await index_some(office.changes) for _ in range(3)] == [2, 1, 0]
    assert sorted(await PatientWord.all().values_list("patient_id", "word")) == words != []


async def test_who_is_imported_is_indexed_at_once_and_again_when_changed(office: Office) -> None:
    await index_all(office.changes)
    target = await find_target(office.supervisor, office.recall.id)
    assert target is not None
    run = Import(office.changes, office.supervisor, target, "test")
    rows = [
        row("t1", name="\u200bO\u00b4Testby\u2060", phone="(217) 555-0123 ext. 45"),
        row("t2", name="\u200b"),
        row("t3", name="李", phone="(217) 555-0188", reason="\ufeffCall\u00a0"),
    ]
    first, nameless, third = await run.take(rows)
    assert [str(refusal.code) for refusal in nameless.refusals] == ["NAME_REQUIRED"]
    assert await index_some(office.changes) == 0
    for typed in (
        "o'testby",
        "otestby",
        "(217) 555-0123 ext. 45",
        "0123 o\u2019t",
        "O\u00b4Testby 0123",
    ):
        assert await found(office, typed) == {first.task_id}, typed
    assert await found(office, "李") == {third.task_id}
    again = Import(office.changes, office.supervisor, target, "test")
    await again.take([row("t1", name="Ærø Testby", phone="217 555 0177")])
    assert await index_some(office.changes) == 0
    assert await found(office, "aero 0177") == {first.task_id}
    assert await found(office, "otestby") == set()
    patient = await Patient.get(name="Ærø Testby")
    assert (await shown(office, patient)).shown_phone == "(217) 555-0177"


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_somebody_whose_row_is_locked_is_passed_over(
    office: Office, database_url: str
) -> None:
    await write("UPDATE patient SET is_indexed = false")
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            first = office.patients[0].id
            await connection.execute("SELECT 1 FROM patient WHERE id = $1 FOR UPDATE", first)
            assert await index_all(office.changes) == len(office.patients) - 1
        assert await index_all(office.changes) == 1
    finally:
        await connection.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_server_indexes_whoever_is_written_by_hand(server: Server) -> None:
    office = server.office
    await write(BY_HAND, office.practice.id, "Dahlia Handmade", "(217) 555-0143", office.clock())
    await office.make_task(patient=await Patient.get(name="Dahlia Handmade"))
    query = '{ tasks(filter: {patient: "dahl 0143"}) { nodes { patient { phones { href } } } } }'
    expected = {"patient": {"phones": [{"href": "tel:+12175550143"}]}}
    async with asyncio.timeout(PATIENCE):
        while (await server.data(query))["tasks"]["nodes"] != [expected]:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_practice_that_is_held_up_does_not_hold_up_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    oak = await make_office("oak")
    await write("UPDATE patient SET is_indexed = false")
    make_for = office.changes.make_for

    async def busy(practice_id: int, *change: Any) -> Any:
        if practice_id == office.practice.id:
            raise Busy("its other changes were not done in time")
        return await make_for(practice_id, *change)

    monkeypatch.setattr(office.changes, "make_for", busy)
    assert await index_all(office.changes) == len(oak.patients)
