"""Handing out whom to call next: the most urgent patient whom nobody is calling, and who was not
called too recently."""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.changes import Change, Changes
from gql_app.work.claims import LEASE, claim_all, new_claim_id
from gql_app.work.hours import note_waiting, waits
from gql_app.work.locking import lock_household_if_free, lock_tasks_around
from gql_app.work.reads.next_tasks import (
    FIRST_LOOK,
    WINDOW,
    Candidate,
    Where,
    most_urgent,
    where_to_look,
)
from gql_app.work.reads.nothing_next import why_nothing
from gql_app.work.resting import note_resting, rests, wake
from gql_app.work.results import ChangeResult
from models.database import fetch, has_row_locks
from models.task import IS_OPEN, TaskRow


class _Free(NamedTuple):
    """A task that is free, with its patient, who was locked, and whether they are in a
    household."""

    id: int
    patient_id: int
    has_household: bool


async def claim_next(
    changes: Changes,
    viewer: Viewer,
    queue_ids: Sequence[int] | None,
    claim_id: str | None = None,
    *,
    skipped: Sequence[int] = (),
    lease: timedelta = LEASE,
) -> ChangeResult:
    """Claim the most urgent free task of the queues (None: of all that the key allows): call-backs
    that are due first, then overdue follow-ups with those due today, then never contacted; both by
    priority first. None of the patients of `skipped` tasks and, but for call-backs, none that is
    another's work, none of a patient who rests, and none of one who may not be called at this
    hour. The claim gets `claim_id` as its id, or one of ours. If none is free the result says why.
    Raises `Forbidden`."""
    viewer.require(viewer.may_log_contacts, "claim tasks")
    where = await where_to_look(viewer, queue_ids, skipped)
    claim_id = claim_id or new_claim_id()
    most = FIRST_LOOK
    # Looked for before the change: hundreds of rows, and more that are others' work.
    while candidates := await _allowed(viewer, where, changes.clock(), most):
        if any(candidate.rests_since is not None for candidate in candidates):
            is_news = await changes.make(viewer, wake, where)
        else:
            done = await changes.make(viewer, _claim_one_of, where, candidates, claim_id, lease)
            if isinstance(done, ChangeResult):
                return done
            is_news = done
        most = WINDOW
        if not is_news:
            # All that we saw was taken by others between our look and our lock.
            await asyncio.sleep(random.uniform(0.001, 0.01))  # noqa: S311 - no secret
    return ChangeResult(None, nothing=await why_nothing(viewer, where, changes.clock()))


async def _allowed(viewer: Viewer, where: Where, now: datetime, most: int) -> list[Candidate]:
    """The most urgent tasks; while the practice is closed, only what was promised."""
    found = await most_urgent(viewer, where, now, most)
    return found if where.hours.may_call(now) else [task for task in found if task.is_promised]


async def _claim_one_of(
    change: Change, where: Where, candidates: list[Candidate], claim_id: str, lease: timedelta
) -> ChangeResult | bool:
    """Claim the first of the candidates that is still free. If none is: whether some are passed
    over from now on, because their patients rest, or wait for the calling hours."""
    for candidate in await _not_locked(change, candidates):
        tasks = await lock_tasks_around(change.practice_id, candidate.id)
        if not _is_free(tasks, candidate, change.now):
            continue
        if not candidate.is_promised:
            if await rests(change, where.rest, candidate.patient_id):
                await note_resting(change, where.rest, candidates)
                return True
            if await waits(change, where.hours, candidate.patient_id):
                await note_waiting(change, where, candidate)
                return True
        return await claim_all(change, tasks, candidate.id, claim_id, lease)
    return False


def _is_free(tasks: Sequence[TaskRow], candidate: Candidate, now: datetime) -> bool:
    """Whether the candidate, locked now, is still what it was when it was looked at."""
    task = next(task for task in tasks if task.id == candidate.id)
    return (
        task.is_open
        and not task.has_expired(now)
        and (task.follow_up, task.priority) == (candidate.follow_up, candidate.priority)
        and (task.queue_id, task.assignee_id) == (candidate.queue_id, candidate.assignee_id)
        and task.follow_up_at == candidate.follow_up_at
        and (task.review_since is None or candidate.is_promised)
        and task.call_back_by_id == candidate.call_back_by_id
        and not any(task.is_claimed(now) for task in tasks)
    )


async def _not_locked(change: Change, candidates: list[Candidate]) -> list[Candidate]:
    """The first of the candidates that is still free, and whose household nobody else is claiming
    at this moment: locked. In SQLite, where nobody else can be, all of them.

    A change may have waited for its turn, and the first candidates were claimed meanwhile: to lock
    one of those would be in vain, and the next look would come too late again."""
    if not has_row_locks():
        return candidates
    sql = f"""
    SELECT t.id, p.id AS patient_id, p.guarantor_id IS NOT NULL OR EXISTS (
        SELECT 1 FROM patient m WHERE m.practice_id = $1 AND m.guarantor_id = p.id)
    FROM unnest($2::bigint[]) WITH ORDINALITY AS c (id, place)
    JOIN task t ON t.practice_id = $1 AND t.id = c.id AND {IS_OPEN}
      AND (t.claimed_until IS NULL OR t.claimed_until <= $3)
    JOIN patient p ON p.practice_id = $1 AND p.id = t.patient_id
    ORDER BY c.place LIMIT 1 FOR UPDATE OF p SKIP LOCKED
    """
    first = candidates[:WINDOW]
    ids = [candidate.id for candidate in first]
    while found := await fetch(_Free, sql, change.practice_id, ids, change.now):
        ((task_id, patient_id, has_household),) = found
        if not has_household or await lock_household_if_free(change.practice_id, patient_id):
            return [candidate for candidate in first if candidate.id == task_id]
        first = [candidate for candidate in first if candidate.patient_id != patient_id]
        ids = [candidate.id for candidate in first]
    return []
