"""A claim is one person's, on a patient, for a time; whoever may not touch it changes nothing."""

from datetime import timedelta

import pytest

from gql_app.access import Forbidden
from gql_app.settings import BadSetting, read_settings
from gql_app.work.reads.next_tasks import claimed_tasks
from gql_app.work.upkeep.expiry import free_lapsed, sweep
from models.event import TaskEventKind
from models.lifecycle import TaskStatus
from tests.office import Office, make_office
from tests.work.agents import FREE, all_events, assert_consistent, claim_on, claims_of
from tests.work.claiming import (
    CLAIMED,
    LEASE,
    changes_nothing,
    codes,
    limited_to,
    patient_with_two_tasks,
)
from tests.work.records import everything, unscoped


async def test_a_claim_covers_every_open_task_of_the_patient_in_all_queues(office: Office) -> None:
    closed = await office.make_task()
    await office.log(closed, close=True)
    recall, missed = await patient_with_two_tasks(office)
    await office.log(missed, follow_up=office.today)
    others = await office.make_task(patient=office.patients[1])
    office.clock.advance(minutes=5)

    outcome = await claims_of(office).claim(office.staff, recall.id)

    until = office.clock() + LEASE
    assert outcome.refusals == ()
    assert outcome.task is not None
    assert (outcome.task.id, outcome.task.version) == (recall.id, 2)
    assert (outcome.task.claimed_by_id, outcome.task.claimed_until) == (
        office.staff.staff_id,
        until,
    )
    for task in (recall, missed):
        assert await claim_on(task) == (office.staff.staff_id, until)
    for task in (closed, others):
        assert await claim_on(task) == FREE
    assert (recall.status, missed.status) == (TaskStatus.OPEN, TaskStatus.IN_PROGRESS)
    events = (await all_events(office))[-2:]
    assert [event.kind for event in events] == [CLAIMED, CLAIMED]
    assert [event.task_id for event in events] == [recall.id, missed.id]
    assert {event.actor_id for event in events} == {office.staff.staff_id}
    assert {event.at for event in events} == {office.clock()}
    assert office.rings[-1] == (office.practice.id, events[-1].seq)
    await assert_consistent(office)


async def test_claiming_again_moves_the_end(office: Office) -> None:
    recall, missed = await patient_with_two_tasks(office)
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)
    office.clock.advance(minutes=4)

    outcome = await claims.claim(office.staff, missed.id)

    assert outcome.task is not None
    assert outcome.task.claimed_until == office.clock() + LEASE
    for task in (recall, missed):
        assert await claim_on(task) == (office.staff.staff_id, office.clock() + LEASE)
    assert [event.kind for event in (await all_events(office))[2:]] == [CLAIMED] * 4
    await assert_consistent(office)


async def test_a_claim_lasts_as_long_as_it_is_set_to(office: Office) -> None:
    task = await office.make_task()

    await claims_of(office, minutes=3).claim(office.staff, task.id)

    assert await claim_on(task) == (
        office.staff.staff_id,
        office.clock() + timedelta(minutes=3),
    )


def test_the_time_limit_is_a_setting_of_ten_minutes() -> None:
    assert read_settings({}).claim_minutes == 10
    assert read_settings({"CALLBOARD_CLAIM_MINUTES": "3"}).claim_minutes == 3
    for wrong in ("0", "-1", "ten", "1441", ""):
        with pytest.raises(BadSetting, match="CLAIM_MINUTES"):
            read_settings({"CALLBOARD_CLAIM_MINUTES": wrong})


async def test_a_new_task_of_a_claimed_patient_comes_claimed(office: Office) -> None:
    task = await office.make_task(office.recall)
    await claims_of(office).claim(office.staff, task.id)
    until = office.clock() + LEASE
    office.clock.advance(minutes=5)

    new = await office.make_task(office.missed)
    others = await office.make_task(office.missed, patient=office.patients[1])

    assert await claim_on(new) == (office.staff.staff_id, until)
    assert await claim_on(others) == FREE
    created = (await all_events(office))[-2]
    assert (created.kind, created.task_id) == (TaskEventKind.CREATED, new.id)
    assert (created.claimed_by_id, created.claimed_until) == (office.staff.staff_id, until)
    assert (await office.log(new, viewer=office.supervisor)).refusals[0].code == "CLAIMED_BY_OTHER"
    await assert_consistent(office)


async def test_a_new_task_of_a_patient_whose_claim_has_lapsed_comes_free(office: Office) -> None:
    task = await office.make_task()
    await claims_of(office).claim(office.staff, task.id)
    office.clock.advance(minutes=10)

    assert await claim_on(await office.make_task()) == FREE


@pytest.mark.parametrize("closed", [True, False])
async def test_a_closed_or_expired_task_cannot_be_claimed(office: Office, closed: bool) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(hours=1))
    await office.make_task()
    if closed:
        await office.log(task, close=True)
    else:
        office.clock.advance(hours=1)

    outcome = await changes_nothing(office, claims_of(office).claim(office.staff, task.id))

    assert codes(outcome) == ["TASK_CLOSED"]


async def test_a_task_that_expires_takes_no_claim_from_the_patients_other_tasks(
    office: Office,
) -> None:
    expiring = await office.make_task(expires_at=office.clock() + timedelta(minutes=5))
    other = await office.make_task()
    await claims_of(office).claim(office.staff, other.id)
    office.clock.advance(minutes=5)

    assert await sweep(office.changes, office.clock()) == 1

    assert await claim_on(expiring) == FREE
    assert (await claim_on(other))[0] == office.staff.staff_id
    await assert_consistent(office)


@pytest.mark.parametrize("act", ["claim", "release"])
async def test_a_task_of_another_practice_is_not_found(office: Office, act: str) -> None:
    elsewhere = await make_office("oak")
    task = await elsewhere.make_task()
    await claims_of(elsewhere).claim(elsewhere.staff, task.id)
    attempt = getattr(claims_of(office), act)

    for task_id in (task.id, 999_999, None):
        outcome = await changes_nothing(office, attempt(office.supervisor, task_id))
        assert codes(outcome) == ["NOT_FOUND"]
        assert outcome.task is None
    assert (await claims_of(office).claim_next(office.staff, [elsewhere.recall.id])).task is None


async def test_partners_may_not_claim_nor_release(office: Office) -> None:
    task = await office.make_task()
    claims = claims_of(office)
    before = await everything()

    for act in (
        claims.claim(office.partner, task.id),
        claims.claim(office.partner, 0),
        claims.release(office.partner, task.id),
        claims.claim_next(office.partner, None),
        claims.claim_next(office.partner, []),
    ):
        with pytest.raises(Forbidden):
            await act
    assert await everything() == before


async def test_a_key_for_some_queues_sees_no_task_of_the_others_but_its_claim_covers_them(
    office: Office,
) -> None:
    recall, missed = await patient_with_two_tasks(office)
    viewer = await limited_to(office, office.recall.id)
    claims = claims_of(office)

    for act in (claims.claim, claims.release):
        assert codes(await changes_nothing(office, act(viewer, missed.id))) == ["NOT_FOUND"]
    outcome = await claims.claim(viewer, recall.id)

    assert outcome.task is not None
    assert outcome.task.id == recall.id
    assert (await claim_on(missed))[0] == viewer.staff_id
    assert [row.id for row in await claimed_tasks(viewer, office.clock())] == [recall.id]
    refused = await changes_nothing(office, claims.claim(office.staff, missed.id))
    assert codes(refused) == ["CLAIMED_BY_OTHER"]
    await claims.release(viewer, recall.id)
    assert await claim_on(missed) == FREE


async def test_the_viewers_claims_are_those_that_last_the_next_to_end_first(
    office: Office,
) -> None:
    tasks = [await office.make_task(patient=patient) for patient in office.patients]
    claims = claims_of(office)
    for task in (tasks[2], tasks[0], tasks[1]):
        office.clock.advance(minutes=4)
        await claims.claim(office.staff, task.id)

    held = [row.id for row in await claimed_tasks(office.staff, office.clock())]
    later = office.clock() + timedelta(minutes=2)
    assert held == [tasks[2].id, tasks[0].id, tasks[1].id]
    assert [row.id for row in await claimed_tasks(office.staff, later)] == held[1:]
    assert await claimed_tasks(office.supervisor, office.clock()) == []


async def test_each_event_shows_the_claim_as_it_was_right_after_it(office: Office) -> None:
    task = await office.make_task()
    claims = claims_of(office)
    begin = office.clock()
    await claims.claim(office.staff, task.id)
    office.clock.advance(minutes=1)
    await claims.claim(office.staff, task.id)
    await claims.release(office.staff, task.id)
    await claims.claim(office.supervisor, task.id)
    office.clock.advance(minutes=10)
    await free_lapsed(claims.changes, office.clock())
    await claims.claim(office.staff, task.id)
    await office.log(task, close=True)

    rows = [event.task for event in await all_events(office)]
    minutes = [
        row.claimed_until and (row.claimed_until - begin) / timedelta(minutes=1) for row in rows
    ]
    one, two = office.staff.staff_id, office.supervisor.staff_id
    assert minutes == [None, 10, 11, None, 11, None, 21, None]
    assert [row.claimed_by_id for row in rows] == [None, one, one, None, two, None, one, None]
    assert [row.version for row in rows] == list(range(1, 9))


async def test_every_statement_of_a_claim_names_its_practice(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="tortoise.db_client")
    recall, _ = await patient_with_two_tasks(office)
    claims = claims_of(office)
    caplog.clear()

    await claims.claim_next(office.staff, None)
    await claims.claim(office.staff, recall.id)
    assert codes(await claims.claim(office.supervisor, recall.id)) == ["CLAIMED_BY_OTHER"]
    await claims.release(office.staff, recall.id)
    await claims.lapse(office.practice.id, recall.id)
    await claimed_tasks(office.staff, office.clock())

    assert unscoped(caplog, at_least=10) == []
