"""The runner of a change: the one door through which everything is written.

A change is one transaction: what a use case writes, the events that it records, and its rows of the
audit are committed together or not at all. Then the bell is rung. A use case is a function whose
first argument is the change:

    async def log_contact(change: Change, task_id: int, …) -> ChangeResult: …

    result = await changes.make(viewer, log_contact, task_id, …)
"""

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from tortoise.exceptions import IntegrityError

from gql_app.access import BY_CLOCK, Origin, Viewer
from gql_app.work.audit import Noted
from gql_app.work.events import NewEvent, count_settings, write_records
from gql_app.work.ringing import Bell
from gql_app.work.shares import BusyLog, Shares
from models.audit import AuditAction
from models.contact import ContactRow
from models.database import has_row_locks, transaction
from models.event import SETTINGS, TaskEventKind
from models.limits import Busy
from models.task import TaskRow

TRIES = 5
"""How often a change is begun that others overtake."""

P = ParamSpec("P")
T = TypeVar("T")


class Change:
    """A change of one practice that is under way: its transaction has begun.

    `by` is who makes it, None for what the clock or an operator brings about. Rows are locked in
    one order everywhere: patients by id, tasks by id. The practice's counter comes last, by itself:
    events are numbered when the use case has returned.
    """

    __slots__ = (
        *("_clock", "_events", "_keys_used", "_noted", "_now"),
        *("by", "has_settings", "origin", "practice_id"),
    )

    def __init__(
        self,
        practice_id: int,
        by: Viewer | None,
        clock: Callable[[], datetime],
        origin: Origin = BY_CLOCK,
    ) -> None:
        self.practice_id = practice_id
        self.by = by
        self.origin = origin
        self._events: list[NewEvent] = []
        self._noted: list[Noted] = []
        self._keys_used: list[Mapping[str, object]] = []
        self._clock = clock
        self._now: datetime | None = None
        self.has_settings = False

    @property
    def viewer(self) -> Viewer:
        """Who makes the change, for use cases that nobody else may call."""
        assert self.by is not None
        return self.by

    @property
    def now(self) -> datetime:
        """The moment of the change: the time when it was first asked for. A use case locks its rows
        first, because it may wait for them."""
        if self._now is None:
            self._now = self._clock()
        return self._now

    def record(
        self,
        kind: TaskEventKind,
        task: TaskRow,
        *,
        before: TaskRow | None,
        contact: ContactRow | None = None,
        reason: str | None = None,
        by_clock: bool = False,
    ) -> None:
        """Record what happens to a task: an event of the practice's history, and a row of the audit
        for each patient. `task` is as it is right after it, and as it was `before`; None if it is
        new. `reason` is why it was postponed or reopened. What happens `by_clock` is nobody's
        doing, although it is found in somebody's change."""
        by = None if by_clock else self.by
        self._events.append(NewEvent(kind, task, before, contact, by, reason))

    def note(
        self,
        action: AuditAction,
        detail: str | None = None,
        *,
        patient_id: int | None = None,
        staff_id: int | None = None,
        key_id: int | None = None,
    ) -> None:
        """Record in the audit what is not an event. Somebody who signs in is named by `staff_id`
        and `key_id`: there is no viewer yet."""
        operation, address = self.origin
        if self.by is not None:
            staff_id, key_id = staff_id or self.by.staff_id, key_id or self.by.key_id
        row = Noted(
            action,
            operation,
            address,
            staff_id or None,
            key_id or None,
            patient_id,
            detail=detail,
        )
        self._noted.append(row)

    def note_setting(self, detail: str) -> None:
        """Record that the practice or a queue was changed: in the audit, and for all feeds."""
        self.has_settings = True
        self.note(AuditAction.SETTING, detail)

    def note_all(self, rows: Iterable[Noted]) -> None:
        """Record what has happened outside of changes, such as reads."""
        self._noted += rows

    def keep_result(self, use: Mapping[str, object]) -> None:
        """Keep what came of a request under its idempotency key, along with the events."""
        self._keys_used.append(use)

    async def write_records(self) -> int | None:
        """Write what was recorded, as the last thing before the commit. Returns the number of the
        last event, None if there is none."""
        assert self._events or not self._keys_used, "a request under a key changes a task"
        if not self._events and not self._noted:
            return None
        noted = [*self._of_events(), *self._noted]
        seq = await write_records(self.practice_id, self._events, noted, self._keys_used, self.now)
        if self.has_settings:
            await count_settings(self.practice_id)
        return seq if self._events else None

    @property
    def patients(self) -> set[int]:
        """Whom it was about."""
        noted = {row.patient_id for row in self._noted if row.patient_id is not None}
        return noted | {event.task.patient_id for event in self._events}

    def _of_events(self) -> Iterable[Noted]:
        """The rows of the audit for what was recorded of tasks: one a patient, and one more for
        what the clock has brought about."""
        rows: dict[tuple[int, bool], Noted] = {}
        for event in self._events:
            task, by = event.task, event.by
            key = (task.patient_id, by is None)
            if key in rows:
                continue
            operation, address = BY_CLOCK if self.by is not None and by is None else self.origin
            rows[key] = Noted(
                AuditAction.CHANGE,
                operation,
                address,
                None if by is None else by.staff_id,
                None if by is None else by.key_id or None,
                task.patient_id,
                task.id,
            )
        return rows.values()


UseCase = Callable[Concatenate[Change, P], Awaitable[T]]


class Changes:
    """`ring(practice_id, seq)` is called after each commit that has events, or once for several
    that come together, and with `SETTINGS` after one that changed the practice or its queues;
    `clock` gives the aware time; `shares` bounds the connections that a practice's changes use.
    """

    def __init__(
        self,
        ring: Callable[[int, int], None],
        clock: Callable[[], datetime],
        shares: Shares | None = None,
    ) -> None:
        self._ring = ring
        self._bell = Bell(ring)
        self.clock = clock
        self._shares = shares or Shares()
        self._busy_log = BusyLog()
        self._running: set[asyncio.Task[Any]] = set()
        self.origin = BY_CLOCK
        self.changed: set[int] | None = None

    def asked(self, origin: Origin, changed: set[int] | None = None) -> "Changes":
        """The same runner, for what is asked for by one operation. Patients whom its changes were
        about are added to `changed`."""
        asked = copy.copy(self)
        asked.origin, asked.changed = origin, changed
        return asked

    async def make(
        self,
        viewer: Viewer,
        use_case: UseCase[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Carry out a use case for a viewer, and give its result. Raises `Busy`, and what the use
        case raises: then nothing is changed. On `IntegrityError` the use case runs again, so it
        must not change its arguments."""
        return await self._to_its_end(viewer.practice_id, viewer, use_case, *args, **kwargs)

    async def make_for(
        self,
        practice_id: int,
        use_case: UseCase[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The same for what no viewer asks for: the clock, an operator, somebody who signs in. Here
        too the use case may run several times."""
        return await self._to_its_end(practice_id, None, use_case, *args, **kwargs)

    @asynccontextmanager
    async def begin(self, practice_id: int, viewer: Viewer | None = None) -> AsyncIterator[Change]:
        """One change, for as long as the block lasts. Raises `Busy`."""
        try:
            # SQLite has one connection that writes, and its changes have their own line.
            place = self._shares.place(practice_id) if has_row_locks() else nullcontext()
            # The bell knows of those in the line too, and rings once for several.
            with self._bell.change(practice_id) as committed:
                async with place, transaction():
                    change = Change(practice_id, viewer, self.clock, self.origin)
                    yield change
                    last = await change.write_records()
                if last is not None:
                    committed(last)
            if change.has_settings:
                self._ring(change.practice_id, SETTINGS)
            if self.changed is not None:
                self.changed.update(change.patients)
        except Busy as busy:
            self._busy_log.note(practice_id, busy)
            raise

    async def drain(self) -> None:
        """Wait until every change that has begun is committed or rolled back."""
        while self._running:
            await asyncio.wait(self._running)

    async def _to_its_end(
        self,
        practice_id: int,
        viewer: Viewer | None,
        use_case: UseCase[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Also when the caller is cancelled (a socket that closes): half a transaction must not
        hold locks, and a committed one must ring the bell."""

        async def once() -> T:
            async with self.begin(practice_id, viewer) as change:
                return await use_case(change, *args, **kwargs)

        task = asyncio.create_task(_seeing_others(once))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # If it fails when the caller has gone, asyncio would log it with its text: patient data.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)


async def _seeing_others(once: Callable[[], Awaitable[T]]) -> T:
    """Carry a change out, and again if another has taken its idempotency key or external id between
    its look and its write, or has made a task another patient's or household's: then that can be
    seen. An import that joins families does so to the same patient several times."""
    for _ in range(TRIES - 1):
        try:
            return await once()
        except IntegrityError:
            continue
    return await once()
