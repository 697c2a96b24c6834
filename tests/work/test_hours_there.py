"""Patients are called in the hours of where their number is from, too."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gql_app.work.hours import LOOK_AGAIN
from gql_app.work.merging import merge_patients
from gql_app.work.reads.next_tasks import WINDOW
from gql_app.work.reads.nothing_next import Nothing, NothingReason
from models.people import Patient
from models.task import Task
from tests.office import Office
from tests.serving import PATIENCE
from tests.support.call_backs import promise
from tests.work import open_hours
from tests.work.agents import assert_consistent, claims_of, make_agents
from tests.work.claiming import changes_nothing
from tests.work.crowds import make_many_tasks
from tests.work.open_hours import (
    CHICAGO,
    DENVER,
    KOLKATA,
    LOS_ANGELES,
    OUTSIDE,
    at,
    call_by,
    nothing,
    set_hours,
)
from tests.work.test_claim_next import handed_out


@pytest.fixture(autouse=True)
async def begin(office: Office) -> None:
    await open_hours.begin(office)


async def test_a_patient_where_it_is_too_early_is_passed_over(office: Office) -> None:
    for patient, number in zip(office.patients, (LOS_ANGELES, DENVER, CHICAGO), strict=True):
        await call_by(office, patient, number)
        await office.make_task(reason=number, patient=patient)
    assert await handed_out(office) == [DENVER, CHICAGO]
    said, reasons = await nothing(office)
    assert said.next_at == at(1, 10)
    assert reasons == [OUTSIDE, NothingReason.BEING_CALLED]
    office.clock.now = at(1, 10) - timedelta(seconds=1)
    assert LOS_ANGELES not in await handed_out(office)
    office.clock.now = at(1, 10)
    assert LOS_ANGELES in await handed_out(office)
    await assert_consistent(office)


async def test_nobody_is_handed_out_where_the_practice_is_closed_and_they_are_not(
    office: Office,
) -> None:
    await call_by(office, office.patients[0], LOS_ANGELES)
    await office.make_task()
    office.clock.now = at(1, 18)  # 16:00 there
    assert (await nothing(office))[0].next_at == at(2, 10)


async def test_where_there_is_no_hour_in_common_only_people_claim(office: Office) -> None:
    await call_by(office, office.patients[0], KOLKATA)
    task = await office.make_task()
    assert await nothing(office) == (
        Nothing("Everybody who is due is outside the calling hours.", None),
        [OUTSIDE],
    )
    assert (await claims_of(office).claim(office.staff, task.id)).refusals == ()


async def test_another_number_is_looked_at_at_once(office: Office) -> None:
    await call_by(office, office.patients[0], LOS_ANGELES)
    task = await office.make_task()
    assert await handed_out(office) == []
    await call_by(office, office.patients[0], CHICAGO)
    assert await handed_out(office) == [task.reason]


@pytest.mark.parametrize(
    "given",
    [{"calling_hours": "Mon-Fri 07:00-18:00"}, {"calling_hours": None}, {"time_zone": "UTC"}],
)
async def test_other_hours_hold_at_once_for_who_was_passed_over(
    office: Office, given: dict[str, Any]
) -> None:
    await call_by(office, office.patients[0], LOS_ANGELES)
    task = await office.make_task()
    assert await handed_out(office) == []
    office.clock.now = at(1, 9, 30)
    assert (await set_hours(office, **given)).refusals == ()
    assert await Task.filter(waits_until__isnull=False).count() == 0
    found = await handed_out(office)
    assert found == ([] if "time_zone" in given else [task.reason])


async def test_who_was_merged_is_looked_at_by_the_number_of_who_stays(office: Office) -> None:
    early, now = office.patients[:2]
    await call_by(office, early, LOS_ANGELES)
    task = await office.make_task(patient=early)
    assert await handed_out(office) == []
    await office.changes.make(office.admin, merge_patients, now.id, early.id)
    assert await handed_out(office) == [task.reason]


async def test_a_promise_goes_before_the_hours_where_the_number_is_from(office: Office) -> None:
    await call_by(office, office.patients[0], LOS_ANGELES)
    task = await office.make_task()
    assert await handed_out(office) == []
    await promise(office, task, at(1, 9, 30))
    office.clock.now = at(1, 9, 30)
    assert await handed_out(office) == [task.reason]


async def test_a_note_is_looked_at_again_every_hour(office: Office) -> None:
    await call_by(office, office.patients[0], LOS_ANGELES)
    await office.make_task()
    for now in (at(1, 8), at(1, 9)):
        office.clock.now = now
        assert await handed_out(office) == []
        (noted,) = await Task.filter(waits_until__isnull=False)
        assert noted.waits_until == now + LOOK_AGAIN


async def test_a_note_ends_when_the_hours_begin(office: Office) -> None:
    await call_by(office, office.patients[0], LOS_ANGELES)
    task = await office.make_task()
    office.clock.now = at(1, 9, 30)
    assert await handed_out(office) == []
    office.clock.now = at(1, 10)
    assert await handed_out(office) == [task.reason]


async def test_a_rest_that_is_noted_stays_noted(office: Office) -> None:
    await set_hours(office, rest_hours=12)
    called, other = office.patients[:2]
    for patient in (called, other):
        await call_by(office, patient, LOS_ANGELES)
    await office.log(await office.make_task(patient=called), close=True)
    for patient in (called, other):
        await office.make_task(patient=patient)
    said, reasons = await nothing(office)
    assert (said.next_at, reasons) == (at(1, 10), [NothingReason.CALLED_LATELY, OUTSIDE])


async def test_thousands_where_it_is_too_early_are_passed_over_once(office: Office) -> None:
    """However many: a claim that came past them notes it, and the next do not meet them."""
    for patient in office.patients:
        await call_by(office, patient, LOS_ANGELES)
    await make_many_tasks(office, 2_500)
    other = await Patient.create(
        practice_id=office.practice.id, name="Dill", phone=CHICAGO, created_at=office.clock()
    )
    last = await office.make_task(office.missed, reason="the last", patient=other)
    assert await handed_out(office) == [last.reason]
    assert await Task.filter(waits_until__isnull=False).count() == 2_500
    result = await changes_nothing(office, claims_of(office).claim_next(office.staff, None))
    assert result.task is None

    office.clock.now = at(1, 10)
    assert (await claims_of(office).claim_next(office.staff, None)).task is not None
    assert await Task.filter(waits_until__isnull=False).count() == 0


async def test_who_stands_behind_those_that_are_looked_at_may_be_called_before_them(
    office: Office,
) -> None:
    for patient in office.patients:
        await call_by(office, patient, LOS_ANGELES)
    await make_many_tasks(office, WINDOW)
    tomorrow = at(2, 9).date()
    await Task.all().update(follow_up=tomorrow, due_on=tomorrow)
    assert (await nothing(office))[0].next_at == at(2, 8)


async def test_agents_at_once_are_handed_nobody_where_it_is_too_early(office: Office) -> None:
    agents = await make_agents(office, 6)
    numbers = [LOS_ANGELES, CHICAGO, LOS_ANGELES]
    for patient, number in zip(office.patients, numbers, strict=True):
        await call_by(office, patient, number)
        await office.make_task(patient=patient, reason=number)
    async with asyncio.timeout(PATIENCE):
        results = await asyncio.gather(
            *(claims_of(office).claim_next(agent, None) for agent in agents)
        )
    assert [r.task.reason for r in results if r.task is not None] == [CHICAGO]
    await assert_consistent(office)
