"""Calling hours: nobody is handed out outside them, at the practice or where the number is from."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gql_app.work.hours import LOOK_AGAIN
from gql_app.work.merging import merge_patients
from gql_app.work.patient_edits import PatientChanges, update_patient
from gql_app.work.practices import PracticeResult, update_practice
from gql_app.work.reads.next_tasks import WINDOW
from gql_app.work.reads.nothing_next import Nothing, NothingReason
from gql_app.work.results import ClaimWarning
from gql_app.work.upkeep.indexing import index_all
from models.database import write
from models.people import Patient
from models.task import Task
from tests.office import Office
from tests.serving import PATIENCE
from tests.support.call_backs import promise
from tests.work.agents import assert_consistent, claims_of, make_agents
from tests.work.claiming import changes_nothing
from tests.work.crowds import make_many_tasks
from tests.work.records import everything
from tests.work.test_claim_next import handed_out

OUTSIDE = NothingReason.OUTSIDE_CALLING_HOURS
WEEK = "Mon-Fri 08:00-18:00"
CHICAGO, DENVER, LOS_ANGELES, KOLKATA = (
    "+13125550123",
    "+13035550123",
    "+13105550123",
    "+913323456789",
)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of July 2026 by the practice's clocks; the 1st is a Wednesday."""
    return datetime(2026, 7, day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


@pytest.fixture(autouse=True)
async def begin(office: Office) -> None:
    office.clock.now = at(1, 9)
    assert (await set_hours(office, calling_hours=WEEK)).refusals == ()


async def set_hours(office: Office, **given: Any) -> PracticeResult:
    return await office.changes.make(office.admin, update_practice, given)


async def call_by(office: Office, patient: Patient, number: str) -> None:
    """Give the patient a number from there."""
    changes = PatientChanges(phone=number)
    done = await office.changes.make(office.supervisor, update_patient, patient.id, changes)
    assert done.refusals == ()


async def nothing(office: Office, skipped: Sequence[int] = ()) -> tuple[Nothing, list[Any]]:
    """What is said where there is nothing to claim next."""
    result = await claims_of(office).claim_next(office.staff, None, skipped=skipped)
    assert result.task is None
    assert result.nothing is not None
    return result.nothing, [*result.nothing.reasons]


# ---- at the practice


@pytest.mark.parametrize(
    ("now", "opens"), [(at(1, 7, 59), at(1, 8)), (at(1, 18), at(2, 8)), (at(3, 18), at(6, 8))]
)
async def test_nobody_is_handed_out_while_the_practice_is_closed(
    office: Office, now: datetime, opens: datetime
) -> None:
    task = await office.make_task()
    office.clock.now = now
    before = await everything()
    said, reasons = await nothing(office)
    assert said == Nothing("Everybody who is due is outside the calling hours.", opens)
    assert reasons == [OUTSIDE]
    assert await everything() == before
    office.clock.now = opens
    assert await handed_out(office) == [task.reason]
    await assert_consistent(office)


async def test_nobody_is_handed_out_on_a_holiday(office: Office) -> None:
    await set_hours(office, holidays=["2026-07-03 Independence Day, observed"])
    await office.make_task()
    office.clock.now = at(3, 9)
    assert (await nothing(office))[0].next_at == at(6, 8)


async def test_a_practice_without_hours_calls_at_any_time(office: Office) -> None:
    await set_hours(office, calling_hours=None)
    task = await office.make_task()
    office.clock.now = at(4, 3)
    assert await handed_out(office) == [task.reason]


async def test_a_call_back_that_was_promised_goes_before_the_hours(office: Office) -> None:
    task = await office.make_task()
    await promise(office, task, at(1, 19))
    await office.make_task(patient=office.patients[1])
    office.clock.now = at(1, 18, 30)
    assert (await nothing(office))[0].next_at == at(1, 19)
    office.clock.now = at(1, 19)
    assert await handed_out(office) == [task.reason]
    assert (await nothing(office))[0].next_at == at(2, 8)


async def test_what_is_due_later_waits_for_the_hours_of_its_day(office: Office) -> None:
    await office.make_task(follow_up=at(4, 9).date())  # a Saturday
    said, reasons = await nothing(office)
    assert said == Nothing("Nobody is due to be called.", at(6, 8))
    assert reasons == [NothingReason.NOBODY_DUE]


async def test_who_rests_waits_for_the_hours_as_well(office: Office) -> None:
    await set_hours(office, rest_hours=12)
    await office.log(await office.make_task(), close=True)
    await office.make_task()
    said, reasons = await nothing(office)
    assert (said.next_at, reasons) == (at(2, 8), [NothingReason.CALLED_LATELY])
    office.clock.now = at(1, 20)
    said, reasons = await nothing(office)
    assert said == Nothing("Everybody who is due was called within the last 12 hours.", at(2, 8))


async def test_nobody_is_due_and_it_is_late(office: Office) -> None:
    office.clock.now = at(1, 22)
    assert await nothing(office) == (
        Nothing("Nobody is due to be called.", None),
        [NothingReason.NOBODY_DUE],
    )


async def test_what_expires_before_the_hours_is_not_waited_for(office: Office) -> None:
    await office.make_task(expires_at=at(2, 7))
    office.clock.now = at(1, 20)
    assert (await nothing(office))[0].next_at is None


async def test_what_was_skipped_is_not_named_while_the_practice_is_closed(office: Office) -> None:
    task = await office.make_task()
    office.clock.now = at(1, 20)
    assert (await nothing(office, [task.id]))[1] == [OUTSIDE]


async def test_who_is_being_called_while_the_practice_is_closed_is_told_of_as_that(
    office: Office,
) -> None:
    task = await office.make_task()
    office.clock.now = at(1, 20)
    assert (await claims_of(office).claim(office.staff, task.id)).refusals == ()
    said, reasons = await nothing(office)
    assert (said.next_at, reasons) == (None, [NothingReason.BEING_CALLED])


async def test_the_work_of_others_does_not_wait_for_the_hours(office: Office) -> None:
    early, other = office.patients[:2]
    await call_by(office, early, LOS_ANGELES)
    await office.make_task(patient=early)
    assert await handed_out(office) == []
    assert await Task.filter(waits_until__isnull=False).count() == 1
    await Task.all().update(assignee_id=office.supervisor.staff_id)
    nobody = Nothing("Nobody is due to be called.", None), [NothingReason.NOBODY_DUE]
    assert await nothing(office) == nobody
    await office.make_task(patient=other)
    await Task.all().update(assignee_id=office.supervisor.staff_id)
    office.clock.now = at(1, 20)
    assert await nothing(office) == nobody


# ---- where the number is from


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


# ---- claims by hand


@pytest.mark.parametrize(
    ("number", "now", "message"),
    [
        (CHICAGO, at(1, 9), None),
        (CHICAGO, at(1, 18, 40), "It is 18:40 at the practice: outside the calling hours."),
        (LOS_ANGELES, at(1, 18, 40), "It is 18:40 at the practice: outside the calling hours."),
        (
            LOS_ANGELES,
            at(1, 9, 5),
            "It is 07:05 in America/Los_Angeles, where the number is from: outside the calling"
            " hours.",
        ),
    ],
)
async def test_a_claim_by_hand_outside_the_hours_warns(
    office: Office, number: str, now: datetime, message: str | None
) -> None:
    await call_by(office, office.patients[0], number)
    task = await office.make_task()
    office.clock.now = now
    claimed = await claims_of(office).claim(office.staff, task.id, "mine")
    assert claimed.refusals == ()
    assert claimed.task is not None
    expected = [] if message is None else [(ClaimWarning.OUTSIDE_CALLING_HOURS, message)]
    assert [*map(tuple, claimed.warnings)] == expected
    renewed = await claims_of(office).claim(office.staff, task.id, "mine")
    assert renewed.warnings == ()
    await assert_consistent(office)


async def test_who_was_promised_a_call_is_called_without_a_warning(office: Office) -> None:
    task = await office.make_task()
    await promise(office, task, at(1, 19))
    office.clock.now = at(1, 18, 59)
    assert (await claims_of(office).claim(office.staff, task.id)).warnings != ()
    office.clock.now = at(1, 19)
    assert (await claims_of(office).claim(office.staff, task.id)).warnings == ()


# ---- settings


async def test_hours_are_kept_in_one_form_and_the_same_ones_change_nothing(office: Office) -> None:
    given = {"calling_hours": "mon 8:00-12:00, Tue 08:00 - 12:00", "holidays": ["2026-12-25"]}
    done = await set_hours(office, **given)
    assert done.changed == ("calling_hours", "holidays")
    assert done.practice.calling_hours == "Mon-Tue 08:00-12:00"
    assert (await set_hours(office, **given)).changed == ()


async def test_bad_hours_change_nothing(office: Office) -> None:
    before = await everything()
    done = await set_hours(
        office, calling_hours="Mon 18:00-08:00", holidays=["2026-12-25", "2026-12-25"]
    )
    assert [(r.code.value, r.under, r.field) for r in done.refusals] == [
        ("CALLING_HOURS_INVALID", (), "callingHours"),
        ("HOLIDAYS_INVALID", ("holidays", "1"), "date"),
    ]
    assert await everything() == before


async def test_patients_whose_rows_are_written_by_hand_are_looked_at_when_indexed(
    office: Office,
) -> None:
    task = await office.make_task()
    await write("UPDATE patient SET phone = $2 WHERE id = $1", office.patients[0].id, LOS_ANGELES)
    await index_all(office.changes)
    assert await handed_out(office) == []
    await write("UPDATE patient SET phone = $2 WHERE id = $1", office.patients[0].id, CHICAGO)
    await index_all(office.changes)
    assert await handed_out(office) == [task.reason]
