"""Households that change at the moment at which somebody else waits for one of their members."""

import asyncio

import pytest

from gql_app.work.households import set_guarantor
from gql_app.work.locking import (
    Overtaken,
    lock_household_if_free,
    lock_households,
    lock_tasks_around,
)
from gql_app.work.merging import merge_patients
from models.database import Id, fetch, transaction
from tests.office import Office
from tests.work.families import answer, codes, family, guarantors
from tests.work.test_merging_in_parallel import meanwhile

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.mark.parametrize("is_patient", [True, False])
async def test_who_is_merged_away_meanwhile_gets_no_guarantor_and_is_none(
    office: Office, is_patient: bool
) -> None:
    amber, birch, clover = (patient.id for patient in office.patients)
    pair = (birch, clover) if is_patient else (clover, birch)
    act = await meanwhile(office, lambda: answer(office, *pair), merge_patients, amber, birch)
    assert codes(await act) == [("NOT_FOUND", "patientId" if is_patient else "guarantorId")]
    assert await guarantors(office) == {}


@pytest.mark.parametrize("joins", [True, False])
async def test_a_look_at_the_tasks_of_a_household_that_changes_meanwhile_begins_again(
    office: Office, joins: bool
) -> None:
    amber, birch, clover = (patient.id for patient in office.patients)
    mothers, childs = await family(office)

    async def look() -> None:
        async with transaction():
            await lock_tasks_around(office.practice.id, (mothers if joins else childs).id)

    change = (clover, amber) if joins else (birch, 0)
    looking = await meanwhile(office, look, set_guarantor, *change)
    with pytest.raises(Overtaken):
        await looking


async def test_a_household_that_somebody_joins_meanwhile_is_locked_anew(office: Office) -> None:
    amber, birch, clover = (patient.id for patient in office.patients)

    async def look() -> None:
        async with transaction():
            await lock_households(office.practice.id, [amber, birch])

    looking = await meanwhile(office, look, set_guarantor, clover, amber)
    with pytest.raises(Overtaken):
        await looking


async def test_a_household_one_of_whom_is_locked_is_not_waited_for(office: Office) -> None:
    amber, birch, clover = (patient.id for patient in office.patients)
    await family(office)
    begun = asyncio.Event()

    async def are_free() -> list[bool]:
        await begun.wait()
        async with transaction():
            here = office.practice.id
            return [await lock_household_if_free(here, one) for one in (amber, birch, clover)]

    looking = asyncio.create_task(are_free())
    async with transaction():
        await lock_alone(office, birch)
        begun.set()
        assert await looking == [False, False, True]


async def lock_alone(office: Office, patient_id: int) -> None:
    """Lock one patient by themselves, as an import does."""
    sql = "SELECT p.id FROM patient p WHERE p.practice_id = $1 AND p.id = $2 FOR UPDATE"
    await fetch(Id, sql, office.practice.id, patient_id)
