"""Events: numbered, chained to the one before, and written when a change has done all else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from gql_app.access import Viewer
from models.chain import chained
from models.contact import ContactRow
from models.database import (
    Statement,
    fetch,
    for_update_but_its_key,
    insert_many,
    update_and_insert,
)
from models.event import TaskEventKind, columns_of_event
from models.task import TaskRow

BATCH = 500
"""Events of one statement: SQLite takes 32,766 values."""


class NewEvent(NamedTuple):
    """What happened to a task, without its place in history. `before` is the task as it was, None
    for a new one."""

    kind: TaskEventKind
    task: TaskRow
    before: TaskRow | None
    contact: ContactRow | None
    by: Viewer | None

    def columns(self) -> dict[str, object]:
        """The columns of its row in `task_event`, but for `seq`, `at`, `change` and `digest`."""
        task, before = self.task, self.before
        left = None if before is None or before.queue_id == task.queue_id else before.queue_id
        return columns_of_event(task) | {
            "kind": self.kind,
            "from_queue_id": left,
            "from_status": None if before is None else before.status,
            "from_follow_up": None if before is None else before.follow_up,
            "contact_id": None if self.contact is None else self.contact.id,
            "actor_id": None if self.by is None else self.by.staff_id,
        }


class _Counter(NamedTuple):
    """A practice's last event."""

    seq: int
    digest: bytes
    last_event_at: datetime | None


_COUNT = "UPDATE practice SET seq = $2, digest = $3, last_event_at = $4 WHERE id = $1"


async def write_events(
    practice_id: int,
    events: Sequence[NewEvent],
    keys_used: Sequence[Mapping[str, object]],
    now: datetime,
) -> int:
    """Write the events of one change (at least one) under the practice's next numbers, and the uses
    of idempotency keys with them. Returns the last number.

    The counter is taken last: its row lock holds the practice's other writers back until this
    transaction commits. The lock is the weaker one that an UPDATE takes, because rows that point to
    the practice are inserted before it: a stronger one would make their writers deadlock.
    """
    sql = f"""SELECT seq, digest, last_event_at FROM practice
    WHERE id = $1 {for_update_but_its_key()}"""
    ((seq, digest, last_event_at),) = await fetch(_Counter, sql, practice_id)
    at = now if last_event_at is None else max(now, last_event_at)
    change, rows = seq + 1, []
    for event in events:
        seq += 1
        row = event.columns() | {
            "seq": seq,
            "at": at,
            "change": change,
        }
        digest = chained(digest, row)
        row["digest"] = digest
        rows.append(row)
    while len(rows) > BATCH:
        await insert_many("task_event", rows[:BATCH], "id")
        del rows[:BATCH]
    counter = Statement(_COUNT, (practice_id, seq, digest, at))
    await update_and_insert(counter, ("idempotency_key", keys_used), ("task_event", rows))
    return seq
