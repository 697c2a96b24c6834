"""Calling hours: nobody is handed out outside them, at the practice or where the number is from."""

from datetime import datetime

import pytest

from gql_app.work.reads.nothing_next import Nothing, NothingReason
from gql_app.work.results import ClaimWarning
from gql_app.work.upkeep.indexing import index_all
from models.database import write
from models.task import Task
from tests.office import Office
from tests.support.call_backs import promise
from tests.work import open_hours
from tests.work.agents import assert_consistent, claims_of
from tests.work.open_hours import CHICAGO, LOS_ANGELES, OUTSIDE, at, call_by, nothing, set_hours
from tests.work.records import everything
from tests.work.test_claim_next import handed_out


@pytest.fixture(autouse=True)
async def begin(office: Office) -> None:
    await open_hours.begin(office)


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
