"""Claims: who is calling a patient now, so that nobody else does.

A claim is a lease: it stands on every open task of its patient and of the patient's household, in
all queues, until a contact is logged, it is released, or its time is up. It changes no status. It
has an id, which a client may choose: a new one each time that the patient is claimed anew, the same
while it is renewed. So one person's two pages tell their claims apart, and neither releases or
renews the other's.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from gql_app.work.changes import Change
from gql_app.work.conflicts import claimed_by_other
from gql_app.work.hours import outside_hours
from gql_app.work.locking import lock_for, lock_tasks_around
from gql_app.work.results import NOT_FOUND, ChangeResult
from models.database import Id, among, among_found, fetch, fetch_first, write
from models.event import TaskEventKind
from models.household import household_of
from models.refusals import TASK_CLOSED, Refusal, RefusalCode
from models.task import IS_OPEN, TaskRow

LEASE = timedelta(minutes=10)
"""How long a claim lasts, if it is not renewed."""

CLAIM_LOST = Refusal(
    RefusalCode.CLAIM_LOST, "This claim has ended: claim the patient again.", "claimId"
)


class Claim(NamedTuple):
    """Who works on a patient, and until when."""

    claimed_by_id: int
    claimed_until: datetime
    claim_id: str | None


async def claim_task(
    change: Change,
    task_id: int,
    claim_id: str | None = None,
    *,
    lease: timedelta = LEASE,
) -> ChangeResult:
    """Claim a task's patient anew; or, with the `claim_id` of the claim that the viewer has, renew
    that. An id that was used for this task and has ended is refused. Outside the calling hours a
    new claim comes with a warning. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_log_contacts, "claim tasks")
    tasks, task = await lock_for(viewer, task_id)
    if task is None:
        return ChangeResult(None, refusals=(NOT_FOUND,))
    if not task.is_open or task.has_expired(change.now):
        return ChangeResult(task, refusals=(TASK_CLOSED,))
    if refusal := await claimed_by_other(viewer, task, change.now):
        return ChangeResult(task, refusals=(refusal,))
    if claim_id not in (None, task.claim) and await _was_used(task, claim_id):
        return ChangeResult(task, refusals=(CLAIM_LOST,))
    is_renewed = claim_id is not None and claim_id == task.claim
    warnings = () if is_renewed else await outside_hours(change, task)
    claimed = await claim_all(change, tasks, task.id, claim_id or new_claim_id(), lease)
    return replace(claimed, warnings=warnings)


async def release_task(change: Change, task_id: int, claim_id: str | None = None) -> ChangeResult:
    """Release a claimed patient; with a `claim_id`, only if that claim still stands. Supervisors
    may release others' claims. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_log_contacts, "release tasks")
    tasks, task = await lock_for(viewer, task_id)
    if task is None:
        return ChangeResult(None, refusals=(NOT_FOUND,))
    held = [t for t in tasks if t.claim is not None and claim_id in (None, t.claim)]
    if not held:
        return ChangeResult(task)
    if not viewer.may_release_for_others and (
        refusal := await claimed_by_other(viewer, held[0], change.now)
    ):
        return ChangeResult(task, refusals=(refusal,))
    freed = await put_claim(change, held, None, TaskEventKind.RELEASED)
    return ChangeResult(next((row for row in freed if row.id == task_id), task))


async def release_own(change: Change, claim_id: str) -> ChangeResult:
    """Release the viewer's claim with this id, for a client that does not know its task. The result
    has no task if there is no such claim. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_log_contacts, "release tasks")
    sql = """SELECT t.id FROM task t
    WHERE t.practice_id = $1 AND t.claimed_by_id = $2 AND t.claim_id = $3 LIMIT 1"""
    found = await fetch(Id, sql, viewer.practice_id, viewer.staff_id, claim_id)
    return await release_task(change, found[0].id, claim_id) if found else ChangeResult(None)


async def lapse_claim(change: Change, task_id: int) -> bool:
    """Free a patient whose claim's time is up. False if there was nothing to free."""
    tasks = await lock_tasks_around(change.practice_id, task_id)
    held = [t for t in tasks if t.claimed_by_id is not None and not t.is_claimed(change.now)]
    await put_claim(change, held, None, TaskEventKind.RELEASED)
    return bool(held)


async def live_claim(practice_id: int, patient_id: int, now: datetime) -> Claim | None:
    """The claim on the patient, who is locked, and with them on their household."""
    sql = f"""
    SELECT t.claimed_by_id, t.claimed_until, t.claim_id FROM task t
    WHERE t.practice_id = $1 AND {among_found("t.patient_id", household_of("$2"))}
      AND {IS_OPEN} AND t.claimed_until > $3
    LIMIT 1
    """
    return await fetch_first(Claim, sql, practice_id, patient_id, now)


async def under_claim(change: Change, task: TaskRow) -> TaskRow:
    """A closed task as it is once it is open, under the claim on its patient if there is one."""
    claim = await live_claim(change.practice_id, task.patient_id, change.now)
    return task if claim is None else task._replace(**claim._asdict())


async def put_claim(
    change: Change, tasks: Sequence[TaskRow], claim: Claim | None, kind: TaskEventKind
) -> list[TaskRow]:
    """Put locked tasks, if there are any, under the claim, or free them, each with its event.
    Returns them as they are then."""
    if not tasks:
        return []
    by, until, claim_id = claim or (None, None, None)
    sql = f"""UPDATE task SET claimed_by_id = $3, claimed_until = $4, claim_id = $5,
        version = version + 1
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, change.practice_id, [task.id for task in tasks], by, until, claim_id)
    changed = []
    for task in tasks:
        put = task._replace(
            claimed_by_id=by, claimed_until=until, claim_id=claim_id, version=task.version + 1
        )
        change.record(kind, put, before=task)
        changed.append(put)
    return changed


async def end_claim(
    change: Change, tasks: Sequence[TaskRow], *worked_on: TaskRow, is_incoming: bool = False
) -> list[TaskRow]:
    """End the claim on a patient, some of whose tasks were worked on, which has ended it there.
    `tasks` are all that are open. One that `is_incoming` ends whoever's it is. Returns those that
    it stood on still, as they are then."""
    done = {task.id for task in worked_on}
    held = [
        t
        for t in tasks
        if t.id not in done
        and t.claimed_by_id is not None
        and (is_incoming or not _is_of_other(change, t))
    ]
    return await put_claim(change, held, None, TaskEventKind.RELEASED)


async def claim_all(
    change: Change, tasks: list[TaskRow], task_id: int, claim_id: str, lease: timedelta
) -> ChangeResult:
    """Claim the patient of locked tasks, those of whom are all that are open; gives one of them."""
    claim = Claim(change.viewer.staff_id, change.now + lease, claim_id)
    still_open = [task for task in tasks if task.is_open and not _is_of_other(change, task)]
    claimed = await put_claim(change, still_open, claim, TaskEventKind.CLAIMED)
    return ChangeResult(next(task for task in claimed if task.id == task_id))


def _is_of_other(change: Change, task: TaskRow) -> bool:
    """Whether somebody else holds the task: two people hold parts of a household that an import has
    joined meanwhile."""
    return task.is_claimed(change.now) and task.claimed_by_id != change.viewer.staff_id


def new_claim_id() -> str:
    return secrets.token_urlsafe(16)


async def _was_used(task: TaskRow, claim_id: str | None) -> bool:
    """Whether a claim with this id has stood on the task, as far as events tell."""
    sql = """SELECT e.task_id FROM task_event e
    WHERE e.practice_id = $1 AND e.task_id = $2 AND e.claim_id = $3 LIMIT 1"""
    return bool(await fetch(Id, sql, task.practice_id, task.id, claim_id))
