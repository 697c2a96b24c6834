"""A claim is one person's, on a patient, for a time; whoever may not touch it changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from gql_app.access import Forbidden, Viewer, authenticate, create_key
from gql_app.settings import BadSetting, read_settings
from gql_app.work.claims import Claims, claimed_tasks
from gql_app.work.expiry import free_lapsed, keep_freeing, sweep
from gql_app.work.outcomes import Outcome
from gql_app.work.transitions import Transitions
from models.access import Role
from models.event import TaskEventKind
from models.lifecycle import TaskStatus
from models.task import Task
from tests.office import Office, make_office
from tests.work.agents import FREE, all_events, assert_consistent, claim_on, claims_of
from tests.work.records import eventually, everything

LEASE = timedelta(minutes=10)

CLAIMED = TaskEventKind.CLAIMED
RELEASED = TaskEventKind.RELEASED


def codes(outcome: Outcome) -> list[str]:
    return [refusal.code.value for refusal in outcome.refusals]


async def limited_to(office: Office, queue_id: int) -> Viewer:
    """Somebody whose key is for one queue only."""
    key = await create_key(office.practice, Role.STAFF, "Limited", queue_ids=[queue_id])
    return await authenticate(key)


async def patient_with_two_tasks(office: Office) -> tuple[Task, Task]:
    """Amber's tasks, one in each queue."""
    return await office.make_task(office.recall), await office.make_task(office.missed)


async def changes_nothing(office: Office, act: Awaitable[Outcome]) -> Outcome:
    """Carry out `act`, which must leave every row, and the bell, alone."""
    before, rung = await everything(), list(office.rings)
    outcome = await act
    assert await everything() == before
    assert office.rings == rung
    return outcome


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


@pytest.mark.parametrize("act", ["claim", "release", "log", "log and close"])
async def test_anothers_live_claim_is_refused_with_who_and_until_when(
    office: Office, act: str
) -> None:
    recall, missed = await patient_with_two_tasks(office)
    office.clock.now = datetime(2026, 7, 1, 21, 50, tzinfo=UTC)  # 16:50 at the practice
    claims = claims_of(office)
    await claims.claim(office.supervisor, recall.id)
    office.clock.advance(minutes=9, seconds=59)
    acts: dict[str, Callable[[], Awaitable[Outcome]]] = {
        "claim": lambda: claims.claim(office.staff, missed.id),
        "release": lambda: claims.release(office.staff, missed.id),
        "log": lambda: office.log(missed),
        "log and close": lambda: office.log(missed, close=True),
    }

    outcome = await changes_nothing(office, acts[act]())

    (refusal,) = outcome.refusals
    assert refusal.code == "CLAIMED_BY_OTHER"
    assert refusal.field == "taskId"
    assert refusal.message == "Supervisor of maple has claimed this patient until 17:00."
    assert outcome.task is not None
    assert outcome.task.claimed_by_id == office.supervisor.staff_id


async def test_a_log_releases_the_claim_on_all_tasks_of_the_patient(office: Office) -> None:
    recall, missed = await patient_with_two_tasks(office)
    others = await office.make_task(patient=office.patients[1])
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)
    await claims.claim(office.staff, others.id)
    office.clock.advance(minutes=2)

    outcome = await office.log(recall)

    assert outcome.refusals == ()
    assert outcome.task is not None
    assert outcome.task.claimed_by_id is None
    assert [await claim_on(task) for task in (recall, missed)] == [FREE, FREE]
    assert (await claim_on(others))[0] == office.staff.staff_id
    logged, released = (await all_events(office))[-2:]
    assert (logged.kind, logged.task_id) == (TaskEventKind.CONTACT_LOGGED, recall.id)
    assert (released.kind, released.task_id) == (RELEASED, missed.id)
    assert released.actor_id == office.staff.staff_id
    assert office.rings[-1] == (office.practice.id, released.seq)
    await assert_consistent(office)


async def test_a_log_that_closes_the_task_releases_the_claim_too(office: Office) -> None:
    recall, missed = await patient_with_two_tasks(office)
    await claims_of(office).claim(office.staff, recall.id)

    await office.log(recall, close=True)

    assert [await claim_on(task) for task in (recall, missed)] == [FREE, FREE]
    await assert_consistent(office)


async def test_a_refused_log_keeps_the_claim(office: Office) -> None:
    task = await office.make_task()
    await claims_of(office).claim(office.staff, task.id)

    outcome = await changes_nothing(
        office, office.log(task, follow_up=office.today - timedelta(days=1))
    )

    assert codes(outcome) == ["FOLLOW_UP_IN_PAST"]


@pytest.mark.parametrize("swept", [False, True])
async def test_ones_own_lapsed_claim_does_not_stand_in_the_way_of_a_log(
    office: Office, swept: bool
) -> None:
    recall, missed = await patient_with_two_tasks(office)
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)
    office.clock.advance(minutes=11)
    if swept:
        await free_lapsed(claims, office.clock())

    assert (await office.log(recall)).refusals == ()
    assert [await claim_on(task) for task in (recall, missed)] == [FREE, FREE]
    await assert_consistent(office)


async def test_a_log_after_ones_lapsed_claim_is_refused_if_somebody_took_the_patient(
    office: Office,
) -> None:
    recall, missed = await patient_with_two_tasks(office)
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)
    office.clock.advance(minutes=10)
    assert (await claims.claim(office.supervisor, missed.id)).refusals == ()

    outcome = await changes_nothing(office, office.log(recall))

    assert codes(outcome) == ["CLAIMED_BY_OTHER"]


@pytest.mark.parametrize("act", ["claim", "claim next", "log"])
async def test_a_lapsed_claim_stands_in_nobodys_way_before_it_is_swept(
    office: Office, act: str
) -> None:
    recall, missed = await patient_with_two_tasks(office)
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)
    office.clock.advance(minutes=10)  # to the very moment of its end
    acts: dict[str, Callable[[], Awaitable[Outcome]]] = {
        "claim": lambda: claims.claim(office.supervisor, recall.id),
        "claim next": lambda: claims.claim_next(office.supervisor, None),
        "log": lambda: office.log(recall, viewer=office.supervisor),
    }

    outcome = await acts[act]()

    assert outcome.refusals == ()
    assert outcome.task is not None
    taken = (office.supervisor.staff_id, office.clock() + LEASE)
    for task in (recall, missed):
        assert await claim_on(task) == (FREE if act == "log" else taken)
    assert (await all_events(office))[-1].actor_id == office.supervisor.staff_id
    await assert_consistent(office)


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


async def test_releasing_frees_every_task_of_the_patient(office: Office) -> None:
    recall, missed = await patient_with_two_tasks(office)
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)

    outcome = await claims.release(office.staff, missed.id)

    assert outcome.refusals == ()
    assert outcome.task is not None
    assert (outcome.task.id, outcome.task.version) == (missed.id, 3)
    assert outcome.task.claimed_by_id is None
    assert [await claim_on(task) for task in (recall, missed)] == [FREE, FREE]
    events = (await all_events(office))[-2:]
    assert [event.kind for event in events] == [RELEASED, RELEASED]
    assert {event.actor_id for event in events} == {office.staff.staff_id}
    assert office.rings[-1] == (office.practice.id, events[-1].seq)
    assert (await claims.claim(office.supervisor, recall.id)).refusals == ()
    await assert_consistent(office)


async def test_releasing_what_nobody_holds_is_no_event(office: Office) -> None:
    task = await office.make_task()

    outcome = await changes_nothing(office, claims_of(office).release(office.staff, task.id))

    assert outcome.refusals == ()
    assert outcome.task is not None
    assert outcome.task.id == task.id


async def test_a_supervisor_may_release_anothers_claim_but_not_log_on_it(office: Office) -> None:
    task = await office.make_task()
    claims = claims_of(office)
    await claims.claim(office.staff, task.id)

    outcome = await changes_nothing(office, office.log(task, viewer=office.supervisor))
    assert codes(outcome) == ["CLAIMED_BY_OTHER"]
    assert (await claims.release(office.supervisor, task.id)).refusals == ()

    assert await claim_on(task) == FREE
    assert (await all_events(office))[-1].actor_id == office.supervisor.staff_id


async def test_anothers_claim_cannot_be_released_by_way_of_the_patients_closed_task(
    office: Office,
) -> None:
    closed = await office.make_task()
    await office.log(closed, close=True)
    task = await office.make_task()
    claims = claims_of(office)
    await claims.claim(office.supervisor, task.id)

    outcome = await changes_nothing(office, claims.release(office.staff, closed.id))

    assert codes(outcome) == ["CLAIMED_BY_OTHER"]


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

    assert await sweep(office.transitions, office.clock()) == 1

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
        claims.claim(office.partner, None),
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


async def test_a_claim_whose_time_is_up_returns_to_the_pool_by_the_clock(office: Office) -> None:
    recall, missed = await patient_with_two_tasks(office)
    renewed = await office.make_task(patient=office.patients[1])
    claims = claims_of(office)
    await claims.claim(office.staff, recall.id)
    await claims.claim(office.staff, renewed.id)
    office.clock.advance(minutes=5)
    await claims.claim(office.staff, renewed.id)
    office.clock.advance(minutes=4, seconds=59)
    before = await everything()
    assert await free_lapsed(claims, office.clock()) == 0
    assert await everything() == before
    office.clock.advance(seconds=1)

    assert await free_lapsed(claims, office.clock()) == 1

    assert [await claim_on(task) for task in (recall, missed)] == [FREE, FREE]
    assert (await claim_on(renewed))[0] == office.staff.staff_id
    events = (await all_events(office))[-2:]
    assert [event.kind for event in events] == [RELEASED, RELEASED]
    assert [event.task_id for event in events] == [recall.id, missed.id]
    assert {event.actor_id for event in events} == {None}
    assert office.rings[-1] == (office.practice.id, events[-1].seq)
    assert await free_lapsed(claims, office.clock()) == 0
    await assert_consistent(office)


async def test_a_claim_that_is_renewed_before_the_sweeper_comes_to_it_is_kept(
    office: Office,
) -> None:
    task = await office.make_task()
    claims = claims_of(office)
    await claims.claim(office.staff, task.id)
    office.clock.advance(minutes=10)
    await claims.claim(office.staff, task.id)
    before = await everything()

    # What a sweeper does that looked for lapsed claims just before this one was renewed.
    assert not await claims.lapse(office.practice.id, task.id)

    assert not await claims.lapse(office.practice.id, 999_999)
    assert await everything() == before


async def test_the_sweeper_wakes_when_the_next_claim_ends_and_not_before(office: Office) -> None:
    task = await office.make_task()
    transitions = Transitions(lambda practice, seq: office.rings.append((practice, seq)))
    claims = Claims(transitions, timedelta(seconds=0.5))
    outcome = await claims.claim(office.staff, task.id)
    assert outcome.task is not None
    sweeper = asyncio.create_task(keep_freeing(claims))

    async def is_free() -> bool:
        return await claim_on(task) == FREE

    try:
        await eventually(is_free, patience=3)  # well within its longest sleep of five seconds
    finally:
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper
    released = (await all_events(office))[-1]
    assert (released.kind, released.actor_id) == (RELEASED, None)
    assert outcome.task.claimed_until is not None
    assert released.at >= outcome.task.claimed_until


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
    await free_lapsed(claims, office.clock())
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

    statements = [r.getMessage() for r in caplog.records if " WHERE " in r.getMessage()]
    assert len(statements) >= 10
    unscoped = [
        statement
        for statement in statements
        if "practice_id" not in statement.partition(" WHERE ")[2]
        and not statement.startswith("UPDATE practice ")
    ]
    assert unscoped == []
