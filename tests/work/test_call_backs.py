"""A patient who was promised a call is called then: first of all, and by whom it was promised."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from gql_app.access import authenticate
from gql_app.work import next_claims
from gql_app.work.giving_back import give_back
from gql_app.work.moves import reassign_tasks
from gql_app.work.postponing import postpone_task
from gql_app.work.practices import update_practice
from gql_app.work.promises import tell_call_back
from gql_app.work.reads.next_tasks import Candidate, most_urgent
from gql_app.work.reads.nothing_next import Nothing
from gql_app.work.reopening import reopen_task
from gql_app.work.results import ChangeResult
from gql_app.work.undoing import undo_contact
from models.call_back import GRACE, CallBackBy, Wish
from models.event import TaskEventKind
from models.lifecycle import ContactOutcome
from models.roles import Role
from models.task import Task
from tests.office import Office
from tests.serving import PATIENCE
from tests.support.access import create_key
from tests.support.call_backs import NONE, promise, promise_on
from tests.work.agents import all_events, assert_consistent, claims_of, make_agents
from tests.work.claiming import changes_nothing, codes, limited_to
from tests.work.records import events_of
from tests.work.test_claim_next import handed_out

TEN = datetime(2026, 7, 1, 15, tzinfo=UTC)
"""10:00 at the practice."""

THREE = datetime(2026, 7, 1, 20, tzinfo=UTC)
"""15:00 of the same day."""

MIDNIGHT = datetime(2026, 7, 2, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def begin(office: Office) -> None:
    office.clock.now = TEN


async def tell(office: Office, task: Task) -> bool:
    return await office.changes.make_for(office.practice.id, tell_call_back, task.id)


async def nothing(office: Office, skipped: Sequence[int] = ()) -> Nothing:
    result = await claims_of(office).claim_next(office.staff, None, skipped=skipped)
    assert result.task is None
    assert result.nothing is not None
    return result.nothing


# ---- how it is promised


@pytest.mark.parametrize("by", [None, *CallBackBy])
async def test_a_promise_stands_on_the_task_its_contact_and_its_event(
    office: Office, by: CallBackBy | None
) -> None:
    task = await office.make_task()
    result = await promise(office, task, THREE, by)
    assert result.refusals == ()
    assert result.task is not None
    assert result.contact is not None
    owner = office.staff.staff_id if by is CallBackBy.ME else None
    assert (result.task.follow_up_at, result.task.call_back_by_id) == (THREE, owner)
    assert (result.task.follow_up, result.contact.follow_up_at) == (office.today, THREE)
    assert await promise_on(task) == (THREE, owner, None)
    event = (await events_of(office))[-1]
    assert (event.follow_up_at, event.call_back_by_id) == (THREE, owner)
    await assert_consistent(office)


async def test_a_contact_without_a_time_promises_nothing_and_ends_a_promise(office: Office) -> None:
    task = await office.make_task()
    await promise(office, task, THREE, CallBackBy.ME)
    await office.log(task)
    assert await promise_on(task) == NONE


@pytest.mark.parametrize("close", [False, True])
async def test_what_is_wrong_with_it_is_said_with_all_the_rest_and_changes_nothing(
    office: Office, close: bool
) -> None:
    task = await office.make_task()
    log = office.log(
        task,
        ContactOutcome.DID_NOT_SCHEDULE,
        close=close,
        follow_up=office.today,
        call_back=Wish(time(9), CallBackBy.ME),
    )
    result = await changes_nothing(office, log)
    refused = [(refusal.code.value, refusal.field) for refusal in result.refusals]
    if close:
        assert refused == [
            ("FOLLOW_UP_NOT_ALLOWED", "followUp"),
            ("FOLLOW_UP_NOT_ALLOWED", "followUpTime"),
            ("FOLLOW_UP_NOT_ALLOWED", "callBackBy"),
        ]
    else:
        assert refused == [("NOTES_REQUIRED", "notes"), ("FOLLOW_UP_IN_PAST", "followUpTime")]
    assert result.task is not None


@pytest.mark.parametrize(
    ("days", "at", "refused"),
    [
        (-1, time(15), [("FOLLOW_UP_IN_PAST", "followUp")]),
        (0, time(10), [("FOLLOW_UP_IN_PAST", "followUpTime")]),
        (800, time(15), [("FOLLOW_UP_TOO_FAR", "followUp")]),
        (2_900_000, time(23), [("FOLLOW_UP_TOO_FAR", "followUp")]),
        (256, time(2, 30), [("FOLLOW_UP_TIME_SKIPPED", "followUpTime")]),  # 14 March 2027
    ],
)
async def test_a_moment_that_cannot_be_is_refused(
    office: Office, days: int, at: time, refused: list[tuple[str, str]]
) -> None:
    task = await office.make_task()
    day = office.today + timedelta(days=days)
    for act in (
        office.log(task, follow_up=day, call_back=Wish(at)),
        office.changes.make(
            office.staff, postpone_task, task.id, day, "Rang off", follow_up_time=at
        ),
    ):
        result = await changes_nothing(office, act)
        assert [(r.code.value, r.field) for r in result.refusals] == refused


async def test_a_closed_task_refuses_that_it_is_closed_and_no_more(office: Office) -> None:
    task = await office.make_task()
    await office.log(task, close=True)
    result = await changes_nothing(office, promise(office, task, THREE))
    assert codes(result) == ["TASK_CLOSED"]


async def test_the_same_request_sent_again_promises_once(office: Office) -> None:
    task = await office.make_task()
    first = await promise(office, task, THREE, CallBackBy.ME, idempotency_key="k")
    again = await promise(office, task, THREE, CallBackBy.ME, idempotency_key="k")
    assert first.contact is not None
    assert (again.contact, again.task) == (first.contact, first.task)
    for other in (
        promise(office, task, THREE, idempotency_key="k"),
        promise(office, task, THREE + timedelta(minutes=1), CallBackBy.ME, idempotency_key="k"),
        office.log(task, follow_up=office.today, idempotency_key="k"),
    ):
        assert codes(await other) == ["IDEMPOTENCY_MISMATCH"]


@pytest.mark.parametrize("by", list(CallBackBy))
async def test_a_postponed_call_back_is_still_for_who_was_to_call(
    office: Office, by: CallBackBy
) -> None:
    task = await office.make_task()
    await promise(office, task, THREE, by)
    owner = (await promise_on(task))[1]

    async def postpone(at: time | None) -> None:
        day = office.today + timedelta(days=1)
        result = await office.changes.make(
            office.supervisor, postpone_task, task.id, day, "Rang off", follow_up_time=at
        )
        assert result.refusals == ()

    await postpone(time(9))
    assert await promise_on(task) == (datetime(2026, 7, 2, 14, tzinfo=UTC), owner, None)
    await postpone(None)
    assert await promise_on(task) == NONE


# ---- how it is handed out


async def test_a_call_back_is_handed_out_at_its_time_and_not_before(office: Office) -> None:
    task = await office.make_task()
    await promise(office, task, THREE)
    await office.changes.make(office.admin, update_practice, {"rest_hours": 0})
    office.clock.now = THREE - timedelta(seconds=1)
    assert await nothing(office) == Nothing("Nobody is due to be called.", THREE)
    office.clock.now = THREE
    assert await handed_out(office) == [task.reason]


async def test_it_goes_before_a_rest_and_before_all_that_is_due(office: Office) -> None:
    overdue = await office.make_task(
        patient=office.patients[1], follow_up=office.today, reason="overdue"
    )
    late, early = [
        await office.make_task(patient=office.patients[n], reason=reason)
        for n, reason in ((0, "late"), (2, "early"))
    ]
    await promise(office, late, THREE)
    await promise(office, early, THREE - timedelta(minutes=1))
    office.clock.now = THREE
    assert await handed_out(office) == ["early", "late", overdue.reason]


async def test_the_patients_other_tasks_rest_still(office: Office) -> None:
    task, other = [
        await office.make_task(queue, reason=reason)
        for queue, reason in ((office.recall, "promised"), (office.missed, "another"))
    ]
    await promise(office, task, THREE)
    office.clock.now = THREE + timedelta(minutes=1)
    claimed = await claims_of(office).claim_next(office.staff, [office.missed.id])
    assert claimed.nothing == Nothing("Everybody who is due was called today already.", MIDNIGHT)
    claimed = await claims_of(office).claim_next(office.staff, None)
    assert claimed.task is not None
    assert claimed.task.id == task.id
    assert other.id != task.id
    await assert_consistent(office)


async def test_a_rest_that_was_noted_before_does_not_hide_it(office: Office) -> None:
    task = await office.make_task()
    await office.log(task, follow_up=office.today)
    assert await handed_out(office) == []
    assert await Task.filter(rests_since__isnull=False).count() == 1
    await promise(office, task, THREE)
    office.clock.now = THREE
    assert await handed_out(office) == [task.reason]


async def test_by_me_it_is_first_for_me_and_for_anyone_after_the_grace(office: Office) -> None:
    task = await office.make_task()
    await promise(office, task, THREE, CallBackBy.ME, viewer=office.supervisor)
    office.clock.now = THREE + GRACE - timedelta(seconds=1)
    assert await nothing(office) == Nothing(
        "Everybody who is due is to be called back by somebody else.", THREE + GRACE
    )
    mine = await claims_of(office).claim_next(office.supervisor, None)
    assert mine.task is not None
    assert (await nothing(office)).reason == "Everybody who is due is being called now."
    await claims_of(office).release(office.supervisor, task.id)
    office.clock.now = THREE + GRACE
    assert await handed_out(office) == [task.reason]


async def test_a_promise_goes_before_whose_work_the_task_is(office: Office) -> None:
    task = await office.make_task()
    await promise(office, task, THREE)
    await Task.filter(id=task.id).update(assignee_id=office.supervisor.staff_id)
    office.clock.now = THREE
    assert await handed_out(office) == [task.reason]


async def test_it_is_skipped_and_limited_as_all_others_are(office: Office) -> None:
    task = await office.make_task(office.recall)
    await promise(office, task, THREE)
    office.clock.now = THREE
    assert await nothing(office, skipped=[task.id]) == Nothing(
        "Everybody who is due was skipped by you.", None
    )
    limited = await limited_to(office, office.missed.id)
    assert (await claims_of(office).claim_next(limited, None)).task is None
    assert await handed_out(office) == [task.reason]


async def test_the_next_moment_takes_the_first_of_all_promises(office: Office) -> None:
    for patient, minutes in zip(office.patients, (90, 30, 60), strict=True):
        task = await office.make_task(patient=patient)
        await promise(office, task, TEN + timedelta(minutes=minutes))
    assert (await nothing(office)).next_at == TEN + timedelta(minutes=30)
    await Task.filter(patient_id=office.patients[1].id).update(
        call_back_by_id=office.supervisor.staff_id
    )
    assert (await nothing(office)).next_at == TEN + timedelta(minutes=33)


async def test_a_promise_for_another_day_waits_for_its_time_and_not_for_its_day(
    office: Office,
) -> None:
    task = await office.make_task()
    at = THREE + timedelta(days=3)
    await promise(office, task, at)
    assert (await nothing(office)).next_at == at


async def test_agents_at_once_call_each_promised_patient_once(office: Office) -> None:
    agents = await make_agents(office, 6)
    for patient in office.patients:
        await promise(office, await office.make_task(patient=patient), THREE)
    office.clock.now = THREE
    async with asyncio.timeout(PATIENCE):
        results = await asyncio.gather(
            *(claims_of(office).claim_next(agent, None) for agent in agents),
            *(tell(office, task) for task in await Task.all()),
        )
    claimed = [r.task.patient_id for r in results if isinstance(r, ChangeResult) and r.task]
    assert sorted(claimed) == sorted(patient.id for patient in office.patients)
    told = [e for e in await all_events(office) if e.kind is TaskEventKind.CALL_BACK_DUE]
    assert len(told) == len(office.patients)
    await assert_consistent(office)


async def test_nobody_is_handed_out_who_was_promised_a_later_call_between_look_and_lock(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.changes.make(office.admin, update_practice, {"rest_hours": 0})
    task = await office.make_task(follow_up=office.today)
    look = most_urgent
    looks = 0

    async def then_promise(*given: Any) -> list[Candidate]:
        nonlocal looks
        found = await look(*given)
        looks += 1
        if looks == 1:
            assert [candidate.id for candidate in found] == [task.id]
            await promise(office, task, THREE)
        return found

    monkeypatch.setattr(next_claims, "most_urgent", then_promise)
    assert (await nothing(office)).next_at == THREE
    assert looks == 2


# ---- what becomes of it


@pytest.mark.parametrize("told", [False, True])
async def test_undoing_the_promise_takes_it_back_and_undoing_the_call_brings_it_back(
    office: Office, told: bool
) -> None:
    task = await office.make_task()
    first = (await promise(office, task, THREE, CallBackBy.ME)).contact
    office.clock.now = THREE
    if told:
        assert await tell(office, task)
    before = await promise_on(task)
    second = (await office.log(task)).contact
    assert await promise_on(task) == NONE
    assert first is not None
    assert second is not None

    back = await office.changes.make(office.supervisor, undo_contact, second.id, "A mistake")
    assert back.refusals == ()
    assert await promise_on(task) == before
    back = await office.changes.make(office.supervisor, undo_contact, first.id, "A mistake")
    assert back.refusals == ()
    assert await promise_on(task) == NONE
    await assert_consistent(office)


async def test_that_it_was_told_keeps_nobody_from_undoing_the_promise(office: Office) -> None:
    task = await office.make_task()
    contact = (await promise(office, task, TEN + timedelta(minutes=5))).contact
    assert contact is not None
    office.clock.advance(minutes=6)
    assert await tell(office, task)
    undone = await office.changes.make(office.staff, undo_contact, contact.id)
    assert undone.refusals == ()
    assert await promise_on(task) == NONE


async def test_that_it_was_told_is_no_conflict_for_who_has_the_form_open(office: Office) -> None:
    task = await office.make_task()
    await promise(office, task, THREE)
    office.clock.now = THREE
    assert await tell(office, task)
    assert codes(await office.log(task, expected_version=2)) == []


async def test_a_closed_task_has_no_promise_and_none_when_it_is_reopened(office: Office) -> None:
    task = await office.make_task()
    await promise(office, task, THREE, CallBackBy.ME)
    await office.log(task, close=True)
    assert await promise_on(task) == NONE
    reopened = await office.changes.make(
        office.supervisor, reopen_task, task.id, "Rang back", office.today
    )
    assert reopened.refusals == ()
    assert await promise_on(task) == NONE


async def test_who_is_given_the_work_calls_back_too(office: Office) -> None:
    task, anyones = [await office.make_task(patient=patient) for patient in office.patients[:2]]
    await promise(office, task, THREE, CallBackBy.ME)
    await promise(office, anyones, THREE)
    ids = [task.id, anyones.id]
    other = office.supervisor.staff_id
    await reassign_tasks(office.changes, office.supervisor, ids, to_staff_id=other)
    assert await promise_on(task) == (THREE, other, None)
    assert await promise_on(anyones) == (THREE, None, None)
    await reassign_tasks(office.changes, office.supervisor, ids, to_queue_id=office.missed.id)
    assert await promise_on(task) == (THREE, None, None)
    told = (await events_of(office))[-2:]
    assert [event.call_back_by_id for event in told] == [None, None]
    await assert_consistent(office)


async def test_what_is_given_back_is_anybodys_to_call_back(office: Office) -> None:
    task = await office.make_task()
    await promise(office, task, THREE, CallBackBy.ME)
    mine = office.staff.staff_id
    await reassign_tasks(office.changes, office.supervisor, [task.id], to_staff_id=mine)
    await give_back(lambda act, *a: office.changes.make_for(office.practice.id, act, *a), mine)
    assert await promise_on(task) == (THREE, None, None)


async def test_another_practices_call_backs_are_not_handed_out(office: Office) -> None:
    task = await office.make_task()
    await promise(office, task, THREE)
    office.clock.now = THREE
    key = await create_key(office.practice, Role.STAFF, "L", queue_ids=[])
    viewer = await authenticate(key)
    assert (await claims_of(office).claim_next(viewer, None)).task is None
