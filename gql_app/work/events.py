"""Events and rows of the audit: numbered, chained to the one before, and written when a change has
done all else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from gql_app.access import Viewer
from gql_app.work.audit import Noted, numbered
from models.chain import chained
from models.contact import ContactRow
from models.database import (
    Statement,
    fetch_first,
    for_update_but_its_key,
    insert_many,
    update_and_insert,
    write,
)
from models.event import TaskEventKind, columns_of_event
from models.task import TaskRow

BATCH = 500
"""Rows of one statement: SQLite takes 32,766 values."""


class NoPractice(Exception):
    """There is no such practice, so nothing can be recorded of it."""


class NewEvent(NamedTuple):
    """What happened to a task, without its place in history. `before` is the task as it was, None
    for a new one."""

    kind: TaskEventKind
    task: TaskRow
    before: TaskRow | None
    contact: ContactRow | None
    by: Viewer | None
    reason: str | None = None

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
            "from_review_since": before.review_since if before else None,
            "from_closed_at": before.closed_at if before and task.is_open else None,
            "given_reason": self.reason,
        }


class _Counter(NamedTuple):
    """A practice's last event, and the last row of its audit."""

    seq: int
    digest: bytes
    last_event_at: datetime | None
    audit_seq: int
    audit_digest: bytes


_COUNT = """UPDATE practice SET seq = $2, digest = $3, last_event_at = $4, audit_seq = $5,
    audit_digest = $6 WHERE id = $1"""


async def write_records(
    practice_id: int,
    events: Sequence[NewEvent],
    noted: Sequence[Noted],
    keys_used: Sequence[Mapping[str, object]],
    now: datetime,
) -> int:
    """Write the events of one change and its rows of the audit under the practice's next numbers,
    and the uses of idempotency keys with them. Returns the number of the practice's last event.
    Raises `NoPractice`.

    The counter is taken last: its row lock holds the practice's other writers back until this
    transaction commits. The lock is the weaker one that an UPDATE takes, because rows that point to
    the practice are inserted before it: a stronger one would make their writers deadlock.
    """
    sql = f"""SELECT seq, digest, last_event_at, audit_seq, audit_digest FROM practice
    WHERE id = $1 {for_update_but_its_key()}"""
    counter = await fetch_first(_Counter, sql, practice_id)
    if counter is None:
        raise NoPractice(practice_id)
    seq, digest, last_event_at, audit_seq, audit_digest = counter
    at = now if last_event_at is None else max(now, last_event_at)
    rows = _chained(events, seq, digest, at)
    if rows:
        seq += len(rows)
        digest = rows[-1]["digest"]
    audit = numbered(practice_id, noted, audit_seq, audit_digest, at)
    for table, of_table in (("task_event", rows), ("audit", audit.rows)):
        while len(of_table) > BATCH:
            await insert_many(table, of_table[:BATCH], "seq")
            del of_table[:BATCH]
    last_at = at if events else last_event_at
    count = Statement(_COUNT, (practice_id, seq, digest, last_at, audit.seq, audit.digest))
    of_keys = ("idempotency_key", keys_used)
    await update_and_insert(count, of_keys, ("task_event", rows), ("audit", audit.rows))
    return seq


async def count_settings(practice_id: int) -> None:
    """Say that the practice or its queues were changed. The counter of its events is locked."""
    await write("UPDATE practice SET settings = settings + 1 WHERE id = $1", practice_id)


def _chained(
    events: Sequence[NewEvent], seq: int, digest: bytes, at: datetime
) -> list[dict[str, Any]]:
    """The rows of the events of one change, which follow the event `seq` with its digest."""
    change, rows = seq + 1, []
    for number, event in enumerate(events, change):
        row: dict[str, Any] = event.columns() | {"seq": number, "at": at, "change": change}
        row["digest"] = digest = chained(digest, row)
        rows.append(row)
    return rows
