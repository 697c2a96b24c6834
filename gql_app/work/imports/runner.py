"""Carries imports on, and undoes them, for as long as the server runs.

Each step is a transaction of its own. So an import goes on after its last step when the server has
been away, and another server may take it over.
"""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from gql_app.access import Origin, Viewer
from gql_app.clock import Clock
from gql_app.logs.retrying import retried
from gql_app.work.changes import Change, Changes
from gql_app.work.imports.jobs import hashes_of, next_rows, reject_all, take_rows
from gql_app.work.imports.sent import discard
from gql_app.work.imports.undo import UNDO_FOR, forget_rows, take_back
from gql_app.work.reads.targets import find_target
from models.database import Id, fetch, fetch_first, for_update, write
from models.importing import IMPORT_COLUMNS, ImportJobRow, ImportState
from models.limits import Busy
from models.roles import Role

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
ROUND_SECONDS = 300.0
KEPT_FOR = timedelta(days=1)
"""How long rows are kept that have not come in."""


KEY_REVOKED = "The key of who started the import was revoked."
NO_QUEUE = "The queue of the import is not there any more."


class _Job(NamedTuple):
    practice_id: int
    id: int


class _Who(NamedTuple):
    time_zone: str
    region: str
    name: str


# By way of the practices, so that each is looked up in its own index.
_UNDER_WAY = """
SELECT j.practice_id, j.id FROM practice p JOIN import_job j ON j.practice_id = p.id
WHERE p.archived_at IS NULL AND j.state IN ('RUNNING', 'UNDOING') ORDER BY j.practice_id, j.id
"""
_OLD = f"""
SELECT j.practice_id, j.id FROM practice p JOIN import_job j ON j.practice_id = p.id
WHERE j.created_at < $1 AND (j.state IN ('{ImportState.UPLOADED}', '{ImportState.SENDING}')
    OR EXISTS (SELECT 1 FROM import_record r
        WHERE r.practice_id = j.practice_id AND r.job_id = j.id)
    OR EXISTS (SELECT 1 FROM import_step s
        WHERE s.practice_id = j.practice_id AND s.job_id = j.id))
"""


@contextmanager
def _apart(job: _Job) -> Iterator[None]:
    """What fails in one import keeps no others waiting."""
    try:
        yield
    except Busy:  # the log has named the practice
        pass
    except Exception as error:
        log.warning("import %d could not be carried on: %s", job.id, type(error).__name__)


class ImportRunner:
    """The server's part in imports. `wake` says that there is something to do."""

    def __init__(self, changes: Changes, clock: Clock) -> None:
        self._changes = changes
        self._clock = clock
        self._awake = asyncio.Event()
        self._leases: dict[int, datetime | None] = {}
        self._seen: dict[int, set[int]] = {}

    def wake(self) -> None:
        self._awake.set()

    async def keep_running(self) -> None:
        """Carry imports on until cancelled."""
        next_round = 0.0
        while True:
            worked = False
            with retried(log, "imports could not be carried on"):
                if time.monotonic() >= next_round:
                    await forget_old(self._changes, self._clock())
                    next_round = time.monotonic() + ROUND_SECONDS
                worked = await self.run_some()
            if not worked:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), LOOK_SECONDS)
                self._awake.clear()

    async def run_some(self) -> bool:
        """Carry each import on by a step. Whether there was one to be carried on here."""
        worked = False
        jobs = await fetch(_Job, _UNDER_WAY)
        for known in self._leases.keys() - {job.id for job in jobs}:
            del self._leases[known]
            self._seen.pop(known, None)
        for job in jobs:
            begun = time.monotonic()
            with _apart(job):
                if await self._step(job):
                    worked = True
                    # People who log contacts meanwhile have half of the time.
                    await asyncio.sleep(min(time.monotonic() - begun, 1.0))
        return worked

    async def _step(self, which: _Job) -> bool:
        job = await read_job(*which)
        if job is None or not self._is_free(job):
            return False
        viewer = await viewer_of(job)
        changes = self._changes.asked(Origin("an import"))
        if job.state is ImportState.UNDOING:
            took = await changes.make(viewer, take_back, job)
        else:
            target = None if job.queue_id is None else await find_target(viewer, job.queue_id)
            revoked = await _is_revoked(job)
            if target is None or revoked:
                reason = KEY_REVOKED if revoked else NO_QUEUE
                return await changes.make(viewer, reject_all, job, reason)
            seen = self._seen.setdefault(job.id, set())
            rows = await next_rows(job, target, seen)
            took = await changes.make(viewer, take_rows, job, target, rows)
            if took:  # if not, the same rows come again, and are not their own doubles
                seen |= hashes_of(rows)
        after = await read_job(*which)
        self._leases[job.id] = after.leased_until if took and after is not None else None
        return took

    def _is_free(self, job: ImportJobRow) -> bool:
        """Whether no other server is at work on the import."""
        until = job.leased_until
        return until is None or until <= self._clock() or until == self._leases.get(job.id)


async def run_to_end(changes: Changes, job: ImportJobRow) -> ImportJobRow:
    """Undo an import here and now, as the command line does."""
    while job.state is ImportState.UNDOING:
        await changes.make(await viewer_of(job), take_back, job)
        found = await read_job(job.practice_id, job.id)
        assert found is not None
        job = found
    return job


async def read_job(practice_id: int, job_id: int, lock: str = "") -> ImportJobRow | None:
    sql = f"""SELECT {IMPORT_COLUMNS} FROM import_job j
    WHERE j.practice_id = $1 AND j.id = $2 {lock}"""
    return await fetch_first(ImportJobRow, sql, practice_id, job_id)


async def _is_revoked(job: ImportJobRow) -> bool:
    """Whether the key, or the person, that an import was started with was revoked. A session may
    end meanwhile."""
    sql = """SELECT r.id FROM access_key k JOIN access_key r
    ON r.practice_id = k.practice_id AND r.id = COALESCE(k.parent_id, k.id)
    WHERE k.practice_id = $1 AND k.id = $2 AND r.revoked_at IS NOT NULL"""
    return bool(await fetch(Id, sql, job.practice_id, job.key_id or 0))


async def viewer_of(job: ImportJobRow) -> Viewer:
    """Who started an import, or undoes it, with the rights that their key had."""
    undoes = job.state is ImportState.UNDOING and job.undone_by_id is not None
    staff_id = job.undone_by_id if undoes and job.undone_by_id is not None else job.staff_id
    sql = """SELECT p.time_zone, p.region, s.name FROM practice p
    JOIN staff s ON s.practice_id = p.id AND s.id = $2 WHERE p.id = $1"""
    who = await fetch_first(_Who, sql, job.practice_id, staff_id)
    assert who is not None
    return Viewer(
        practice_id=job.practice_id,
        time_zone=who.time_zone,
        region=who.region,
        role=Role.SUPERVISOR,
        queue_ids=None if job.queue_ids is None else frozenset(json.loads(job.queue_ids)),
        key_id=0 if undoes else job.key_id or 0,
        staff_id=staff_id,
        name=who.name,
        may_create_tasks=True,
        expires_at=None,
    )


async def forget_old(changes: Changes, now: datetime) -> None:
    """Remove what files had in them that were sent a day ago, and what could have been undone."""
    for job in await fetch(_Job, _OLD, now - max(KEPT_FOR, UNDO_FOR)):
        with _apart(job):  # the next round tries again
            await changes.make_for(job.practice_id, _forget, job.id)


async def _forget(change: Change, job_id: int) -> None:
    job = await read_job(change.practice_id, job_id, for_update())
    if job is None or job.state in {ImportState.RUNNING, ImportState.UNDOING}:
        return
    if job.started_at is None:
        await discard(change, job_id)
        return
    if job.state is ImportState.SENDING:  # a run of the command that was killed
        over = """UPDATE import_job SET state = $3, finished_at = $4
        WHERE practice_id = $1 AND id = $2"""
        await write(over, change.practice_id, job_id, ImportState.DONE, change.now)
    await forget_rows(change, job_id)
    if change.now - job.started_at > UNDO_FOR:
        steps = "DELETE FROM import_step WHERE practice_id = $1 AND job_id = $2"
        await write(steps, change.practice_id, job_id)
