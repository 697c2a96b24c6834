"""What was read, delivered and refused: collected as it happens, and written in batches.

A write has its row of the audit in its own transaction. To read costs less than to write a row, so
what was read is kept in memory for up to half a second, and is told once: one row for each viewer,
address, operation, patient and minute. A process that is killed loses what it has collected.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from gql_app.access import Origin, Viewer
from gql_app.logs.retrying import retried
from gql_app.work.audit import Noted
from gql_app.work.changes import Change, Changes
from gql_app.work.events import BATCH, NoPractice
from models.audit import OK, AuditAction
from models.limits import Busy

log = logging.getLogger(__name__)

ROUND_SECONDS = 0.5

MOST_WAITING = 20_000
"""Rows of a practice that may wait to be written. Then reads of its patients are refused."""

MOST_IN_ALL = 2 * MOST_WAITING
"""What cannot be refused any more is collected up to here. More is lost, and the log says so."""

MOST_TOLD = 500_000
"""Rows of a minute that are remembered as told, in all practices. Then some are told twice."""

AT_ONCE = 8
"""Practices that are written at the same time."""


class Access(NamedTuple):
    """Who had access to patients' data, or was refused it, and how."""

    practice_id: int
    action: AuditAction
    operation: str
    address: str | None
    staff_id: int | None
    key_id: int | None
    notes: bool = False
    result: str = OK

    @classmethod
    def by(
        cls,
        viewer: Viewer,
        origin: Origin,
        action: AuditAction,
        *,
        notes: bool = False,
        result: str = OK,
    ) -> "Access":
        who = (viewer.staff_id or None, viewer.key_id or None)
        return cls(viewer.practice_id, action, *origin, *who, notes, result)

    def noted(self, patient_id: int | None, at: datetime) -> Noted:
        """Its row for one patient."""
        _, action, operation, address, staff_id, key_id, notes, result = self
        who = (action, operation, address, staff_id, key_id)
        return Noted(*who, patient_id, notes=notes, result=result, at=at)


class _OfPractice:
    """What was collected of a practice: rows that wait, and what was told in this minute."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Access, int | None, datetime]] = []
        self.told: dict[Access, set[int | None]] = {}
        self.lost = 0


class AccessLog:
    """What this process has collected. `clock` gives the aware time."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._minute = -1
        self._told = 0
        self._practices: dict[int, _OfPractice] = {}
        self._being_written: set[int] = set()

    def check(self, practice_id: int) -> None:
        """Raise `Busy` if so much waits to be written that nothing more may be read."""
        practice = self._practices.get(practice_id)
        if practice is not None and len(practice.waiting) >= MOST_WAITING:
            raise Busy("its audit could not be written for some time")

    def note(self, access: Access, patients: Collection[int | None]) -> None:
        """Record an access to these patients, or to none by `{None}`."""
        now = self._clock()
        if now.minute != self._minute or self._told > MOST_TOLD:
            self._forget(now.minute)
        practice = self._practices.get(access.practice_id)
        if practice is None:
            practice = self._practices[access.practice_id] = _OfPractice()
        told = practice.told.get(access)
        if told is None:
            told = practice.told[access] = set()
        new = set(patients) - told
        if not new:
            return
        if len(practice.waiting) >= MOST_IN_ALL:
            practice.lost += len(new)
            return
        told |= new
        self._told += len(new)
        practice.waiting += [(access, patient, now) for patient in new]

    def _forget(self, minute: int) -> None:
        """A minute has begun: what is seen in it is told again."""
        self._minute, self._told = minute, 0
        self._practices = {i: of for i, of in self._practices.items() if of.waiting or of.lost}
        for practice in self._practices.values():
            practice.told.clear()

    async def keep_writing(self, changes: Changes, settle: Callable[[], None]) -> None:
        """Write what was collected twice a second, until cancelled, and once more then. `settle`
        has those who collect on their own hand over what they have."""
        places = asyncio.Semaphore(AT_ONCE)
        writing: set[asyncio.Task[None]] = set()

        async def write(practice_id: int) -> None:
            async with places:
                await self._write(changes, practice_id)

        def begin() -> None:
            settle()
            for practice_id in self._to_write():
                task = asyncio.create_task(write(practice_id))
                writing.add(task)
                task.add_done_callback(writing.discard)

        try:
            while True:
                await asyncio.sleep(ROUND_SECONDS)
                begin()
        finally:
            if writing:
                await asyncio.wait(writing)
            begin()
            if writing:
                await asyncio.wait(writing)

    async def write(self, changes: Changes) -> None:
        """Write all that was collected."""
        for practice_id in self._to_write():
            await self._write(changes, practice_id)

    def _to_write(self) -> list[int]:
        """The practices of which something waits that is not being written: one that is held up
        does not hold up others."""
        found = [
            i for i, of in self._practices.items() if of.waiting and i not in self._being_written
        ]
        self._being_written.update(found)
        return found

    async def _write(self, changes: Changes, practice_id: int) -> None:
        practice = self._practices[practice_id]
        try:
            with retried(log, "the audit was not written, will retry", but=(NoPractice, Busy)):
                while practice.waiting:
                    batch = practice.waiting[:BATCH]
                    rows = [access.noted(patient, at) for access, patient, at in batch]
                    await changes.make_for(practice_id, _write_down, rows)
                    del practice.waiting[: len(batch)]
                if practice.lost:
                    lost = "practice %d: %d reads are not in its audit"
                    log.error(lost, practice_id, practice.lost)
                    practice.lost = 0
        except NoPractice:  # somebody has tried a key of a practice that is not there
            practice.waiting.clear()
        except Busy:  # the log has named the practice; the next round tries again
            pass
        finally:
            self._being_written.discard(practice_id)


async def _write_down(change: Change, rows: Iterable[Noted]) -> None:
    change.note_all(rows)
