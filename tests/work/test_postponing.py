"""A task that is postponed is called another day, and nothing counts as an attempt."""

from datetime import timedelta

import pytest

from gql_app.access import Forbidden, Viewer
from gql_app.work.postponing import postpone_task
from gql_app.work.reads.postponements import postponements_of_tasks
from gql_app.work.reports.activity import Activity, read_activity
from gql_app.work.reports.buckets import BucketSize
from gql_app.work.results import ChangeResult
from models.event import TaskEventKind
from models.lifecycle import CloseCause, TaskStatus
from models.task import Task
from tests.office import Office, make_office
from tests.work.agents import FREE, assert_consistent, claim_on, claims_of
from tests.work.claiming import changes_nothing, codes, limited_to, patient_with_two_tasks
from tests.work.records import events_of

REASON = "The practice is closed on Friday"


async def postpone(
    office: Office,
    task: Task,
    days: int = 3,
    reason: str = REASON,
    *,
    viewer: Viewer | None = None,
    expected_version: int | None = None,
) -> ChangeResult:
    return await office.changes.make(
        viewer or office.staff,
        postpone_task,
        task.id,
        office.today + timedelta(days=days),
        reason,
        expected_version=expected_version,
    )


@pytest.mark.parametrize("contacted", [False, True])
async def test_a_task_is_due_another_day_and_all_else_stays(
    office: Office, contacted: bool
) -> None:
    task = await office.make_task(office.recall)
    if contacted:
        await office.log(task)
    await task.refresh_from_db()
    result = await postpone(office, task, reason=f"  {REASON}\n")

    assert result.refusals == ()
    after = await Task.get(id=task.id)
    day = office.today + timedelta(days=3)
    assert (after.follow_up, after.due_on, after.version) == (day, day, task.version + 1)
    kept = ("status", "contact_count", "last_contact_id", "last_contacted_at", "last_outcome")
    assert [getattr(after, name) for name in kept] == [getattr(task, name) for name in kept]
    assert after.status is (TaskStatus.IN_PROGRESS if contacted else TaskStatus.OPEN)
    event = (await events_of(office))[-1]
    assert event.kind is TaskEventKind.POSTPONED
    assert (event.from_follow_up, event.follow_up) == (task.follow_up, day)
    assert (event.given_reason, event.actor_id) == (REASON, office.staff.staff_id)
    assert (event.contact_id, event.from_status, event.to_status) == (
        None,
        task.status,
        task.status,
    )
    await assert_consistent(office)
    assert (await claims_of(office).claim_next(office.staff, None)).task is None


async def test_it_is_no_contact_and_nothing_that_was_done(office: Office) -> None:
    async def activity() -> Activity:
        day = office.today
        return await read_activity(office.supervisor, day, day, BucketSize.DAY, None)

    task = await office.make_task()
    before = await activity()
    await postpone(office, task)
    assert await activity() == before


async def test_the_claim_on_the_patient_ends_with_it(office: Office) -> None:
    task, other = await patient_with_two_tasks(office)
    await claims_of(office).claim(office.staff, task.id)
    await postpone(office, task)
    assert [await claim_on(task), await claim_on(other)] == [FREE, FREE]
    first, second = (await events_of(office))[-2:]
    assert (first.kind, second.kind) == (TaskEventKind.POSTPONED, TaskEventKind.RELEASED)
    assert first.change == second.change
    await assert_consistent(office)


@pytest.mark.parametrize(
    ("days", "reason", "refused"),
    [
        (-1, REASON, ["FOLLOW_UP_IN_PAST"]),
        (5, REASON, ["FOLLOW_UP_AFTER_EXPIRY"]),
        (1, " \n", ["REASON_REQUIRED"]),
        (1, "x" * 501, ["REASON_TOO_LONG"]),
        (-1, "", ["FOLLOW_UP_IN_PAST", "REASON_REQUIRED"]),
    ],
)
async def test_what_is_wrong_is_said_at_once_and_changes_nothing(
    office: Office, days: int, reason: str, refused: list[str]
) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(days=4))
    result = await changes_nothing(office, postpone(office, task, days, reason))
    assert codes(result) == refused
    assert result.task is not None


async def test_a_date_over_two_years_ahead_is_a_typing_error(office: Office) -> None:
    task = await office.make_task()
    result = await changes_nothing(office, postpone(office, task, 800))
    assert codes(result) == ["FOLLOW_UP_TOO_FAR"]


async def test_today_and_the_longest_reason_will_do(office: Office) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(days=4))
    assert codes(await postpone(office, task, 0, "x" * 500)) == []


async def test_a_closed_task_is_not_postponed(office: Office) -> None:
    task = await office.make_task()
    await office.log(task, close=True)
    result = await changes_nothing(office, postpone(office, task))
    assert codes(result) == ["TASK_CLOSED"]


async def test_an_expired_task_is_closed_before_it_is_refused(office: Office) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(days=9))
    office.clock.advance(days=9)
    assert codes(await postpone(office, task)) == ["TASK_CLOSED"]
    await task.refresh_from_db()
    assert task.close_cause is CloseCause.EXPIRED


async def test_a_patient_whom_somebody_else_calls_is_not_postponed(office: Office) -> None:
    task, other = await patient_with_two_tasks(office)
    await claims_of(office).claim(office.supervisor, other.id)
    result = await changes_nothing(office, postpone(office, task))
    assert codes(result) == ["CLAIMED_BY_OTHER"]


async def test_a_version_that_was_overtaken_is_refused(office: Office) -> None:
    task = await office.make_task()
    await postpone(office, task)
    result = await changes_nothing(office, postpone(office, task, 5, expected_version=1))
    assert codes(result) == ["VERSION_CONFLICT"]
    assert codes(await postpone(office, task, 5, expected_version=2)) == []


async def test_whom_the_key_does_not_allow_is_not_found(office: Office) -> None:
    task = await office.make_task(office.recall)
    limited = await limited_to(office, office.missed.id)
    foreign = await make_office("oak")
    for viewer in (limited, foreign.staff):
        result = await changes_nothing(office, postpone(office, task, viewer=viewer))
        assert (codes(result), result.task) == (["NOT_FOUND"], None)
    with pytest.raises(Forbidden):
        await postpone(office, task, viewer=office.partner)


async def test_postponements_are_told_the_latest_first_and_in_ones_queues_only(
    office: Office,
) -> None:
    task = await office.make_task(office.recall)
    for n in range(25):
        await postpone(office, task, n, f"reason {n}")
    (found,) = await postponements_of_tasks(office.staff, [task.id])
    assert [row.given_reason for row in found.rows] == [f"reason {n}" for n in range(24, 14, -1)]
    assert found.rows[0].follow_up == office.today + timedelta(days=24)
    limited = await limited_to(office, office.missed.id)
    foreign = await make_office("oak")
    for viewer in (limited, foreign.staff):
        assert await postponements_of_tasks(viewer, [task.id]) == []
