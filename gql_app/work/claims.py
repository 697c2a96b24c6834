"""Claims: who is calling a patient now, so that nobody else does.

A claim is a lease: it stands on every open task of its patient, in all queues, until a contact is
logged, it is released, or its time is up. It changes no status. It has an id, which a client may
choose: a new one each time that the patient is claimed anew, the same while it is renewed. So one
person's two pages tell their claims apart, and neither releases or renews the other's.
"""

import asyncio
import random
import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.outcomes import NOT_FOUND, ChangeResult, claimed_by_other
from gql_app.work.reads.queues import MAX_SELECTS, visible_queues
from gql_app.work.reads.sections import DUE, NEW
from gql_app.work.records import Claim, PatientId, change_claim, lock_for, lock_tasks_around
from gql_app.work.transitions import Transitions
from models.database import fetch, has_row_locks, transaction
from models.event import TaskEventKind
from models.follow_up import local_date
from models.refusals import TASK_CLOSED, Refusal, RefusalCode
from models.task import EXPIRES_KEY, NEVER, TASK_COLUMNS, TaskRow

LEASE = timedelta(minutes=10)
WINDOW = 60
"""How many of a queue's most urgent tasks are looked at: as many agents may ask at once."""

QUEUES_AT_ONCE = MAX_SELECTS // 2
"""In one statement, with two selects each."""


CLAIM_LOST = Refusal(
    RefusalCode.CLAIM_LOST, "This claim has ended: claim the patient again.", "claimId"
)


class _TaskId(NamedTuple):
    id: int


class _Candidate(NamedTuple):
    id: int
    patient_id: int
    follow_up: date | None
    expires_at: datetime | None
    queue_id: int
    assignee_id: int | None


class Claims:
    """`lease` is how long a claim lasts, if it is not renewed."""

    def __init__(self, transitions: Transitions, lease: timedelta = LEASE) -> None:
        self._transitions = transitions
        self.lease = lease

    async def claim_next(
        self, viewer: Viewer, queue_ids: Sequence[int] | None, claim_id: str | None = None
    ) -> ChangeResult:
        """Claim the most urgent free task of the queues (None: of all that the key allows):
        overdue follow-ups first, then due today, then never contacted, by expiry; none that is
        another's work. The claim gets `claim_id` as its id, or one of ours. The outcome has no task
        if none is free. Raises `Forbidden`."""
        viewer.require(viewer.may_log_contacts, "claim tasks")
        queues = [queue.id for queue in await visible_queues(viewer, queue_ids)]
        if not queues:
            return ChangeResult(None)
        return await self._transitions.carry_out(
            viewer.practice_id, self._claim_next(viewer, queues, claim_id or _new_id())
        )

    async def claim(
        self, viewer: Viewer, task_id: int | None, claim_id: str | None = None
    ) -> ChangeResult:
        """Claim a task's patient anew; or, with the `claim_id` of the claim that the viewer has,
        renew that. An id that was used for this task and has ended is refused. Raises
        `Forbidden`."""
        viewer.require(viewer.may_log_contacts, "claim tasks")
        if task_id is None:
            return ChangeResult(None, refusals=(NOT_FOUND,))
        work = self._claim(viewer, task_id, claim_id)
        return await self._transitions.carry_out(viewer.practice_id, work)

    async def release(
        self, viewer: Viewer, task_id: int | None, claim_id: str | None = None
    ) -> ChangeResult:
        """Give a claimed patient back; with a `claim_id`, only if that claim still stands.
        Supervisors may release others' claims. Raises `Forbidden`."""
        viewer.require(viewer.may_log_contacts, "release tasks")
        if task_id is None:
            return ChangeResult(None, refusals=(NOT_FOUND,))
        work = self._release(viewer, task_id, claim_id)
        return await self._transitions.carry_out(viewer.practice_id, work)

    async def release_own(self, viewer: Viewer, claim_id: str) -> ChangeResult:
        """Give back what the viewer holds under this id, for one who does not know of which task
        the claim is. The outcome has no task if there is no such claim. Raises `Forbidden`."""
        viewer.require(viewer.may_log_contacts, "release tasks")
        sql = """SELECT t.id FROM task t
        WHERE t.practice_id = $1 AND t.claimed_by_id = $2 AND t.claim_id = $3 LIMIT 1"""
        found = await fetch(_TaskId, sql, viewer.practice_id, viewer.staff_id, claim_id)
        return await self.release(viewer, found[0].id, claim_id) if found else ChangeResult(None)

    async def lapse(self, practice_id: int, task_id: int) -> bool:
        """Free a patient whose claim's time is up. False if there was nothing to free."""
        return await self._transitions.carry_out(practice_id, self._lapse(practice_id, task_id))

    async def _claim_next(
        self, viewer: Viewer, queues: list[int], claim_id: str
    ) -> tuple[ChangeResult, int | None]:
        while True:
            # Before the transaction: it looks at hundreds of rows, and more that are others' work.
            candidates = await _most_urgent(viewer, queues, self._transitions.clock())
            if not candidates:
                return ChangeResult(None), None
            async with transaction():
                now = self._transitions.clock()
                for candidate in await _not_locked(viewer.practice_id, candidates):
                    tasks = await lock_tasks_around(viewer.practice_id, candidate.id)
                    if _is_free(tasks, candidate, now):
                        return await self._put(viewer, tasks, candidate.id, claim_id, now)
            # It, or all that we saw, was taken by others between our look and our lock.
            await asyncio.sleep(random.uniform(0.001, 0.01))  # noqa: S311 - no secret

    async def _claim(
        self, viewer: Viewer, task_id: int, claim_id: str | None
    ) -> tuple[ChangeResult, int | None]:
        async with transaction():
            tasks, task = await lock_for(viewer, task_id)
            now = self._transitions.clock()
            if task is None:
                return ChangeResult(None, refusals=(NOT_FOUND,)), None
            if not task.is_open or task.has_expired(now):
                return ChangeResult(task, refusals=(TASK_CLOSED,)), None
            if refusal := await claimed_by_other(viewer, task, now):
                return ChangeResult(task, refusals=(refusal,)), None
            if claim_id not in (None, task.claim) and await _was_used(task, claim_id):
                return ChangeResult(task, refusals=(CLAIM_LOST,)), None
            return await self._put(viewer, tasks, task_id, claim_id or _new_id(), now)

    async def _put(
        self, viewer: Viewer, tasks: list[TaskRow], task_id: int, claim_id: str, now: datetime
    ) -> tuple[ChangeResult, int]:
        claim = Claim(viewer.staff_id, now + self.lease, claim_id)
        still_open = [task for task in tasks if task.is_open]
        claimed, seq = await change_claim(still_open, claim, TaskEventKind.CLAIMED, now, viewer)
        return ChangeResult(next(task for task in claimed if task.id == task_id)), seq

    async def _release(
        self, viewer: Viewer, task_id: int, claim_id: str | None
    ) -> tuple[ChangeResult, int | None]:
        async with transaction():
            tasks, task = await lock_for(viewer, task_id)
            now = self._transitions.clock()
            if task is None:
                return ChangeResult(None, refusals=(NOT_FOUND,)), None
            held = [t for t in tasks if t.claim is not None and claim_id in (None, t.claim)]
            if not held:
                return ChangeResult(task), None
            if not viewer.may_release_for_others and (
                refusal := await claimed_by_other(viewer, held[0], now)
            ):
                return ChangeResult(task, refusals=(refusal,)), None
            freed, seq = await change_claim(held, None, TaskEventKind.RELEASED, now, viewer)
        return ChangeResult(next((row for row in freed if row.id == task_id), task)), seq

    async def _lapse(self, practice_id: int, task_id: int) -> tuple[bool, int | None]:
        async with transaction():
            now = self._transitions.clock()
            tasks = await lock_tasks_around(practice_id, task_id)
            held = [t for t in tasks if t.claimed_by_id is not None and not t.is_claimed(now)]
            if not held:
                return False, None
            _, seq = await change_claim(held, None, TaskEventKind.RELEASED, now)
        return True, seq


def _new_id() -> str:
    return secrets.token_urlsafe(16)


async def _was_used(task: TaskRow, claim_id: str | None) -> bool:
    """Whether a claim with this id has stood on the task, as far as events tell."""
    sql = """SELECT e.task_id FROM task_event e
    WHERE e.practice_id = $1 AND e.task_id = $2 AND e.claim_id = $3 LIMIT 1"""
    return bool(await fetch(_TaskId, sql, task.practice_id, task.id, claim_id))


async def claimed_tasks(viewer: Viewer, now: datetime) -> list[TaskRow]:
    """The tasks that the viewer holds, those first whose claim ends first."""
    sql = f"""
    SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND t.claimed_by_id = $2 AND t.claimed_until > $3
    ORDER BY t.claimed_until, t.id
    """
    rows = await fetch(TaskRow, sql, viewer.practice_id, viewer.staff_id, now)
    return [row for row in rows if viewer.sees_queue(row.queue_id)]


def _is_free(tasks: Sequence[TaskRow], candidate: _Candidate, now: datetime) -> bool:
    """Whether the candidate, locked now, is still what it was when it was looked at."""
    task = next(task for task in tasks if task.id == candidate.id)
    return (
        task.is_open
        and not task.has_expired(now)
        and task.follow_up == candidate.follow_up
        and (task.queue_id, task.assignee_id) == (candidate.queue_id, candidate.assignee_id)
        and not any(task.is_claimed(now) for task in tasks)
    )


async def _most_urgent(viewer: Viewer, queues: list[int], now: datetime) -> list[_Candidate]:
    """The first free tasks of each queue, most urgent first. Each select reads the beginning of an
    index, so it costs the same however many tasks there are, but for those that are passed over as
    others' work."""
    found: list[_Candidate] = []
    for begin in range(0, len(queues), QUEUES_AT_ONCE):
        found += await _first_of(viewer, queues[begin : begin + QUEUES_AT_ONCE], now)
    return sorted(found, key=_urgency)


async def _first_of(viewer: Viewer, queues: list[int], now: datetime) -> list[_Candidate]:
    today = local_date(now, viewer.time_zone)
    values: list[object] = [viewer.practice_id, now, today, viewer.staff_id]
    if has_row_locks():
        # One select a kind, not a queue: to plan dozens takes ten times as long as to run them.
        values.append(queues)
        queue = "unnest($5::bigint[]) AS q (id)"
        selects = [
            f"SELECT f.* FROM {queue} CROSS JOIN LATERAL ({first}) AS f"
            for first in _firsts("q.id")
        ]
    else:
        values += queues
        numbers = range(5, 5 + len(queues))
        selects = [f"SELECT * FROM ({first})" for n in numbers for first in _firsts(f"${n}")]
    return await fetch(_Candidate, " UNION ALL ".join(selects), *values)


def _firsts(queue: str) -> list[str]:
    """The first free tasks of a queue: to be called again, and never called. The parameters are the
    practice, now, today, and who asks."""
    return [
        f"""SELECT t.id, t.patient_id, t.follow_up, t.expires_at, t.queue_id, t.assignee_id
        FROM task t
        WHERE t.practice_id = $1 AND t.queue_id = {queue}
          AND {section.holds("$3")}
          AND {EXPIRES_KEY} > $2
          AND (t.claimed_until IS NULL OR t.claimed_until <= $2)
          AND (t.assignee_id IS NULL OR t.assignee_id = $4)
        ORDER BY {section.sort} LIMIT {WINDOW}"""
        for section in (DUE, NEW)
    ]


def _urgency(task: _Candidate) -> tuple[object, ...]:
    """What puts candidates of several queues into the order of work."""
    return (task.follow_up or date.max, task.expires_at or NEVER, task.id)


async def _not_locked(practice_id: int, candidates: list[_Candidate]) -> list[_Candidate]:
    """The first of the candidates whose patient nobody else is claiming at this moment: locked. In
    SQLite, where nobody else can be, all of them: some may have been claimed since the look."""
    if not has_row_locks():
        return candidates
    sql = """
    SELECT p.id FROM unnest($2::bigint[]) WITH ORDINALITY AS c (id, place)
    JOIN patient p ON p.practice_id = $1 AND p.id = c.id
    ORDER BY c.place LIMIT 1 FOR UPDATE OF p SKIP LOCKED
    """
    patients = [candidate.patient_id for candidate in candidates]
    found = await fetch(PatientId, sql, practice_id, patients)
    return [c for c in candidates if found and c.patient_id == found[0].id][:1]
