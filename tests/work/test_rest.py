"""Who was called a short time ago is not handed out again, whichever of their tasks is due."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gql_app.access import authenticate
from gql_app.work.merging import merge_patients
from gql_app.work.next_claims import claim_next
from gql_app.work.practices import update_practice
from gql_app.work.reads.nothing_next import Nothing
from gql_app.work.undoing import undo_contact
from gql_app.work.unmerging import unmerge_patients
from models.event import TaskEventKind
from models.lifecycle import ContactOutcome
from models.practice import Practice
from models.roles import Role
from models.task import Task
from tests.office import Office
from tests.serving import PATIENCE
from tests.support.access import create_key
from tests.work.agents import (
    all_events,
    assert_consistent,
    claims_of,
    make_agents,
    make_patients,
)
from tests.work.records import everything
from tests.work.test_claim_next import handed_out

TEN = datetime(2026, 7, 1, 15, tzinfo=UTC)
"""10:00 at the practice, whose midnight is at 05:00 UTC in July."""

MIDNIGHT = datetime(2026, 7, 2, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def begin(office: Office) -> None:
    office.clock.now = TEN


async def set_rest(office: Office, hours: int | None) -> None:
    await office.changes.make(office.admin, update_practice, {"rest_hours": hours})


async def nothing(office: Office) -> Nothing:
    """What is said where there is nothing to claim next."""
    result = await claims_of(office).claim_next(office.staff, None)
    assert result.task is None
    assert result.nothing is not None
    return result.nothing


async def two_due(office: Office) -> tuple[Task, Task]:
    """Two due tasks of a patient, of whom the first is called."""
    first, second = [await office.make_task(queue) for queue in (office.recall, office.missed)]
    await office.log(first)
    return first, second


async def test_the_second_task_of_who_was_called_is_not_handed_out_the_same_day(
    office: Office,
) -> None:
    await two_due(office)
    other = await office.make_task(reason="of another patient", patient=office.patients[1])
    office.clock.advance(minutes=1)
    assert await handed_out(office) == [other.reason]
    await office.log(other, close=True)

    office.clock.now = MIDNIGHT - timedelta(seconds=1)
    assert (await claims_of(office).claim_next(office.staff, None)).task is None
    office.clock.now = MIDNIGHT
    assert len(await handed_out(office)) == 1  # a claim stands on both of the patient's tasks
    await assert_consistent(office)


@pytest.mark.parametrize("close", [False, True])
async def test_a_rest_of_hours_goes_over_midnight(office: Office, close: bool) -> None:
    await set_rest(office, 20)
    first, second = [await office.make_task(queue) for queue in (office.recall, office.missed)]
    await office.log(first, close=close)

    office.clock.now = TEN + timedelta(hours=20) - timedelta(seconds=1)
    assert await handed_out(office) == []
    office.clock.now = TEN + timedelta(hours=20)
    claimed = await claims_of(office).claim_next(office.staff, None)
    assert claimed.task is not None
    assert claimed.task.id in (first.id, second.id)


async def test_0_hours_turn_it_off_at_once_for_who_rests_too(office: Office) -> None:
    _, second = await two_due(office)
    assert await handed_out(office) == []
    await set_rest(office, 0)
    assert await handed_out(office) == [second.reason]


async def test_a_longer_rest_holds_for_who_was_called_before_it(office: Office) -> None:
    await two_due(office)
    await set_rest(office, 0)
    await set_rest(office, 48)
    office.clock.now = MIDNIGHT
    assert (await nothing(office)).next_at == TEN + timedelta(hours=48)


async def test_a_contact_that_was_undone_is_no_call(office: Office) -> None:
    first, _ = [await office.make_task(queue) for queue in (office.recall, office.missed)]
    contact = (await office.log(first, close=True)).contact
    assert contact is not None
    assert await handed_out(office) == []  # that they rest is noted on the other task
    await office.changes.make(office.staff, undo_contact, contact.id)
    assert len(await handed_out(office)) == 1  # a claim stands on both of the patient's tasks


async def test_a_follow_up_that_was_set_for_today_rests_today(office: Office) -> None:
    task = await office.make_task()
    await office.log(task, follow_up=office.today)
    assert await handed_out(office) == []
    office.clock.now = MIDNIGHT
    assert await handed_out(office) == [task.reason]


async def test_a_task_that_is_made_for_who_was_called_today_rests_too(office: Office) -> None:
    await office.log(await office.make_task(), close=True)
    await office.make_task(reason="made afterwards")
    assert await handed_out(office) == []


async def test_a_call_is_the_moment_at_which_it_was_made(office: Office) -> None:
    task, _ = [await office.make_task(queue) for queue in (office.recall, office.missed)]
    await office.log(task, contacted_at=TEN - timedelta(hours=11))  # late on the day before
    assert len(await handed_out(office)) == 1


async def test_a_call_that_is_logged_after_a_later_one_ends_no_rest(office: Office) -> None:
    first, _ = await two_due(office)
    await office.log(first, contacted_at=TEN - timedelta(days=2))
    assert await handed_out(office) == []


async def test_a_resting_patients_task_can_be_claimed_by_hand(office: Office) -> None:
    _, second = await two_due(office)
    assert await handed_out(office) == []
    claimed = await claims_of(office).claim(office.staff, second.id)
    assert claimed.refusals == ()
    logged = await office.log(second, ContactOutcome.SCHEDULED, close=True)
    assert logged.refusals == ()
    await assert_consistent(office)


async def test_who_was_merged_with_somebody_called_rests(office: Office) -> None:
    await office.log(await office.make_task(), close=True)
    await office.make_task(patient=office.patients[1])
    people = (office.patients[0].id, office.patients[1].id)
    merged = await office.changes.make(office.admin, merge_patients, *people)
    assert merged.refusals == ()
    assert await handed_out(office) == []
    assert merged.merge is not None

    await office.changes.make(office.admin, unmerge_patients, merged.merge.id)
    assert len(await handed_out(office)) == 1


async def test_many_resting_tasks_are_looked_up_once(office: Office) -> None:
    """However many there are: a claim that came past them notes it, and the next do not meet
    them."""
    patients = await make_patients(office, 130)
    for patient in patients:
        task = await office.make_task(patient=patient, follow_up=office.today)
        await office.log(task, close=True)
        await office.make_task(patient=patient, follow_up=office.today)
    last = await office.make_task(reason="the last")

    assert await handed_out(office) == [last.reason]
    assert await Task.filter(rests_since__isnull=False).count() == 130
    before = await everything()
    assert (await claims_of(office).claim_next(office.staff, None)).task is None
    assert await everything() == before

    office.clock.now = MIDNIGHT
    assert len(await handed_out(office)) == 131
    assert await Task.filter(rests_since__isnull=False).count() == 0


async def test_nobody_is_handed_out_after_a_call_that_came_between_look_and_lock(
    office: Office,
) -> None:
    agents = await make_agents(office, 4)
    for patient in await make_patients(office, 12):
        first, _ = [
            await office.make_task(queue, patient=patient)
            for queue in (office.recall, office.missed)
        ]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(
                office.log(first, close=True),
                *(claims_of(office).claim_next(agent, None) for agent in agents),
            )
    called: set[int] = set()
    for event in await all_events(office):
        if event.kind is TaskEventKind.CONTACT_LOGGED:
            called.add(event.patient_id)
        assert event.kind is not TaskEventKind.CLAIMED or event.patient_id not in called
    assert called
    await assert_consistent(office)


async def test_a_key_for_some_queues_does_not_hand_out_who_was_called_in_another(
    office: Office,
) -> None:
    await two_due(office)
    key = await create_key(office.practice, Role.STAFF, "L", queue_ids=[office.missed.id])
    viewer = await authenticate(key)
    result = await claims_of(office).claim_next(viewer, None)
    assert result.task is None
    assert result.nothing == Nothing("Everybody who is due was called today already.", MIDNIGHT)


async def test_another_practices_setting_holds_there(office: Office) -> None:
    await two_due(office)
    await Practice.exclude(id=office.practice.id).update(rest_hours=0)
    assert await handed_out(office) == []


# ---- what is said, and when there will be something


async def test_nothing_is_due_and_nothing_will_be(office: Office) -> None:
    assert await nothing(office) == Nothing("Nobody is due to be called.", None)
    none = await claim_next(office.changes, office.staff, [])
    assert none.nothing == Nothing("Nobody is due to be called.", None)


async def test_the_next_follow_up_is_due_when_its_day_begins(office: Office) -> None:
    for days in (9, 3, 5):
        await office.make_task(follow_up=office.today + timedelta(days=days))
    said = await nothing(office)
    assert said == Nothing("Nobody is due to be called.", MIDNIGHT + timedelta(days=2))
    office.clock.now = said.next_at or TEN
    assert len(await handed_out(office)) == 1


async def test_who_rests_is_free_when_the_day_ends(office: Office) -> None:
    await two_due(office)
    assert await nothing(office) == Nothing(
        "Everybody who is due was called today already.", MIDNIGHT
    )


async def test_the_first_of_those_who_rest_for_hours_is_free_first(office: Office) -> None:
    await set_rest(office, 6)
    for patient in office.patients:
        first, _ = [
            await office.make_task(q, patient=patient) for q in (office.recall, office.missed)
        ]
        await office.log(first, follow_up=office.today + timedelta(days=30))
        office.clock.advance(hours=1)
    said = await nothing(office)
    assert said == Nothing(
        "Everybody who is due was called within the last 6 hours.", TEN + timedelta(hours=6)
    )
    office.clock.now = TEN + timedelta(hours=6)
    assert len(await handed_out(office)) == 1


async def test_who_was_called_by_hand_meanwhile_rests_from_then_on(office: Office) -> None:
    await set_rest(office, 6)
    _, second = await two_due(office)
    await nothing(office)
    office.clock.advance(hours=2)
    await office.log(second, follow_up=office.today)
    assert (await nothing(office)).next_at == TEN + timedelta(hours=8)
    office.clock.now = TEN + timedelta(hours=6)
    assert (await nothing(office)).next_at == TEN + timedelta(hours=8)


async def test_a_follow_up_within_a_long_rest_waits_for_its_end(office: Office) -> None:
    await set_rest(office, 72)
    await office.log(await office.make_task())  # due tomorrow
    assert (await nothing(office)).next_at == TEN + timedelta(hours=72)
    office.clock.now = MIDNIGHT
    assert await nothing(office) == Nothing(
        "Everybody who is due was called within the last 72 hours.", TEN + timedelta(hours=72)
    )


async def test_what_expires_before_it_is_free_is_not_waited_for(office: Office) -> None:
    await office.make_task(expires_at=TEN + timedelta(hours=9))
    await office.log(await office.make_task(office.missed), close=True)
    assert (await nothing(office)).next_at is None


async def test_anothers_work_is_not_waited_for(office: Office) -> None:
    task = await office.make_task(follow_up=office.today + timedelta(days=2))
    await Task.filter(id=task.id).update(assignee_id=office.supervisor.staff_id)
    assert (await nothing(office)).next_at is None


async def test_who_is_being_called_is_told_of_and_not_waited_for(office: Office) -> None:
    task = await office.make_task()
    await claims_of(office).claim(office.supervisor, task.id)
    assert await nothing(office) == Nothing("Everybody who is due is being called now.", None)


async def test_all_that_keeps_the_due_ones_away_is_said(office: Office) -> None:
    await two_due(office)
    claimed = await office.make_task(patient=office.patients[1])
    await claims_of(office).claim(office.supervisor, claimed.id)
    skipped = await office.make_task(patient=office.patients[2])
    result = await claims_of(office).claim_next(office.staff, None, skipped=[skipped.id])
    assert result.nothing == Nothing(
        "Everybody who is due was skipped by you or was called today already or is being called"
        " now.",
        MIDNIGHT,
    )


async def test_the_moment_is_never_too_late_however_many_wait(office: Office) -> None:
    """A hundred patients rest for longer than until their follow-up; the next one does not."""
    await set_rest(office, 72)
    for patient in await make_patients(office, 100):
        await office.log(await office.make_task(patient=patient))
    await office.make_task(follow_up=office.today + timedelta(days=1), expires_at=None)
    next_at = (await nothing(office)).next_at
    assert next_at is not None
    assert next_at <= MIDNIGHT
    office.clock.now = MIDNIGHT
    assert len(await handed_out(office)) == 1


# ---- skipped


async def test_a_skipped_task_is_not_handed_out_nor_its_patients_others(office: Office) -> None:
    skipped = await office.make_task(reason="skipped")
    await office.make_task(office.missed, reason="of the same patient")
    await office.make_task(reason="of another", patient=office.patients[1])

    result = await claims_of(office).claim_next(office.staff, None, skipped=[skipped.id])
    assert result.task is not None
    assert result.task.reason == "of another"
    again = await claims_of(office).claim_next(office.staff, None, skipped=[skipped.id])
    assert again.nothing == Nothing(
        "Everybody who is due was skipped by you or is being called now.", None
    )
    assert await handed_out(office) == ["skipped"]


async def test_to_skip_a_task_that_the_key_does_not_see_changes_nothing(office: Office) -> None:
    hidden = await office.make_task(office.missed)
    seen = await office.make_task()
    key = await create_key(office.practice, Role.STAFF, "L", queue_ids=[office.recall.id])
    viewer = await authenticate(key)
    result = await claims_of(office).claim_next(viewer, None, skipped=[hidden.id])
    assert result.task is not None
    assert result.task.id == seen.id
