"""What comes of a request to change a task, the first time and when it is sent again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gql_app.access import Viewer
from gql_app.work.idempotency import CONTACT_KEYS, free_key, is_kept, keys_as_stored
from gql_app.work.intake import NewTask
from gql_app.work.reads.history import staff_by_id
from models.contact import CONTACT_COLUMNS, ContactRow
from models.database import fetch, fetch_joined
from models.event import select_events
from models.lifecycle import Attempt, CloseCause, TaskOrigin
from models.refusals import Refusal, RefusalCode
from models.task import TASK_COLUMNS, TaskRow
from models.text import trimmed

NOT_FOUND = Refusal(RefusalCode.NOT_FOUND, "There is no such task here.", "taskId")

_KEY_REUSED = Refusal(
    RefusalCode.IDEMPOTENCY_MISMATCH,
    "This idempotency key was used for another request.",
    "idempotencyKey",
)


class SentContact(NamedTuple):
    """A contact as it was sent: `contacted_at` is None if it was made just now."""

    attempt: Attempt
    contacted_at: datetime | None = None
    idempotency_key: str | None = None


class _Change(NamedTuple):
    at: datetime
    by: str | None


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """What came of a request: the task as it is now, and the contact or the refusals. A `late`
    contact was kept on a task that had closed meanwhile."""

    task: TaskRow | None
    contact: ContactRow | None = None
    late: bool = False
    refusals: tuple[Refusal, ...] = ()


EXTERNAL_ID_TAKEN = ChangeResult(
    None,
    refusals=(
        Refusal(
            RefusalCode.EXTERNAL_ID_TAKEN,
            "Another patient's appointment has this external id.",
            "externalId",
        ),
    ),
)


async def earlier_log(
    viewer: Viewer, task_id: int, task: TaskRow | None, made: SentContact, now: datetime
) -> ChangeResult | None:
    """The answer to a log whose idempotency key has been used before, None if it has not.

    `task` is the task as it is now, None if the key does not allow it: it may have been moved
    since the contact was logged.
    """
    if made.idempotency_key is None:
        return None
    values: list[object] = [viewer.practice_id, *keys_as_stored(viewer, made.idempotency_key)]
    its_own = ""
    if viewer.queue_ids is not None:
        values.append(viewer.staff_id)
        its_own = "AND c.logged_by_id = $4"
    sql = f"""
    SELECT {CONTACT_COLUMNS}, {TASK_COLUMNS} FROM contact c
    JOIN task t ON t.practice_id = c.practice_id AND t.id = c.task_id
    WHERE c.practice_id = $1 AND c.idempotency_key IN ($2, $3) {its_own}
    """
    found = await fetch_joined((ContactRow, TaskRow), sql, *values)
    if not found[0]:
        return None
    contact, of_task = max(zip(*found, strict=True), key=lambda rows: rows[0].logged_at)
    if not is_kept(contact.logged_at, now):
        await free_key(CONTACT_KEYS, viewer, made.idempotency_key, now)
        return None
    notes = contact.notes and trimmed(contact.notes)  # older versions kept them as they were sent
    kept = Attempt(contact.outcome, contact.follow_up, notes, contact.closed_task)
    if (made.attempt, made.contacted_at) != (kept, contact.contacted_at) or (
        (task_id, viewer.staff_id) != (contact.task_id, contact.logged_by_id)
    ):
        return ChangeResult(task, refusals=(NOT_FOUND if task is None else _KEY_REUSED,))
    return ChangeResult(task, contact, late=_was_late(contact, of_task))


def _was_late(contact: ContactRow, task: TaskRow) -> bool:
    """Whether the task had expired when the contact was logged."""
    if task.close_cause != CloseCause.EXPIRED or task.closed_at is None:
        return False
    return contact.logged_at >= task.closed_at


async def earlier_creation(viewer: Viewer, new: NewTask, now: datetime) -> ChangeResult | None:
    """The answer to a new task whose idempotency key has been used before, None if it has not."""
    if new.idempotency_key is None:
        return None
    values: list[object] = [viewer.practice_id, *keys_as_stored(viewer, new.idempotency_key)]
    its_own = ""
    if viewer.queue_ids is not None:
        values.append(viewer.staff_id)
        its_own = """AND (t.idempotency_key = $3 OR EXISTS (
            SELECT 1 FROM task_event e WHERE e.practice_id = $1
              AND e.task_id = t.id AND e.version = 1 AND e.actor_id = $4))"""
    sql = f"""SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND t.idempotency_key IN ($2, $3) {its_own}"""
    found = await fetch(TaskRow, sql, *values)
    task = max(found, key=lambda row: row.created_at, default=None)
    if task is None or not is_kept(task.created_at, now):
        return None
    creation = "e.practice_id = $1 AND e.task_id = $2 AND e.version = 1"
    events = await select_events(creation, 1, [viewer.practice_id, task.id])
    made = events[0].task if events else task
    kept = NewTask(
        queue_id=made.queue_id,
        patient_id=made.patient_id,
        reason=made.reason,
        origin=TaskOrigin(made.origin),
        follow_up=made.follow_up,
        expires_at=made.expires_at,
        idempotency_key=new.idempotency_key,
    )
    if new.expires_at is None and _has_default_life(made):
        kept = replace(kept, expires_at=None)
    if not viewer.sees_queue(made.queue_id) or kept != new:
        return ChangeResult(None, refusals=(_KEY_REUSED,))
    # It may have been moved to where the key does not see it.
    return ChangeResult(task if viewer.sees_queue(task.queue_id) else made)


class _Number(NamedTuple):
    number: int


async def is_version(viewer: Viewer, task: TaskRow, expected: int | None) -> bool:
    """Whether the task is still at the version that the viewer expects, None for any. It is, for
    this, if all that has happened since then is that the patient has got another name or phone, or
    that the viewer has claimed or renewed: nothing of that would have to be looked at."""
    if expected is None or expected == task.version:
        return True
    sql = """
    SELECT COUNT(*) FROM task_event e
    WHERE e.practice_id = $1 AND e.task_id = $2 AND e.version > $3
      AND (e.kind = 'PATIENT_CHANGED' OR (e.kind = 'CLAIMED' AND e.actor_id = $4))
    """
    found = await fetch(_Number, sql, viewer.practice_id, task.id, expected, viewer.staff_id)
    return found[0].number == task.version - expected


async def version_conflict(viewer: Viewer, task: TaskRow, now: datetime) -> Refusal:
    """Who has changed the task last, and when by the practice's clock; as far as it is still known:
    events are not kept for ever."""
    sql = """
    SELECT e.at, s.name FROM task_event e
    LEFT JOIN staff s ON s.practice_id = e.practice_id AND s.id = e.actor_id
    WHERE e.practice_id = $1 AND e.task_id = $2 AND e.version = $3
    """
    found = await fetch(_Change, sql, viewer.practice_id, task.id, task.version)
    changed = "This task has changed meanwhile"
    if found:
        zone = ZoneInfo(viewer.time_zone)
        at, today = found[0].at.astimezone(zone), now.astimezone(zone).date()
        day = "" if at.date() == today else f"on {at.date().isoformat()} "
        changed = f"{found[0].by or 'The clock'} changed this task {day}at {at:%H:%M}"
    message = f"{changed}; it is at version {task.version} now."
    return Refusal(RefusalCode.VERSION_CONFLICT, message, "expectedVersion")


def _has_default_life(task: TaskRow) -> bool:
    """Whether its queue may have said when it expires: whole days after it was made."""
    return task.expires_at is not None and not (task.expires_at - task.created_at) % timedelta(1)


async def claimed_by_other(viewer: Viewer, task: TaskRow, now: datetime) -> Refusal | None:
    """Who else holds the task's patient, and until when; None if nobody else does."""
    if not task.is_claimed(now) or task.claimed_by_id == viewer.staff_id:
        return None
    assert task.claimed_until is not None
    holder = await staff_by_id(viewer, [task.claimed_by_id or 0])
    name = holder[0].name if holder else "Somebody else"
    until = task.claimed_until.astimezone(ZoneInfo(viewer.time_zone))
    message = f"{name} has claimed this patient until {until:%H:%M}."
    return Refusal(RefusalCode.CLAIMED_BY_OTHER, message, "taskId")


def missing(what: str, field: str) -> ChangeResult:
    """The answer where something is not there, or not for this key: the same for both."""
    refusal = Refusal(RefusalCode.NOT_FOUND, f"There is no such {what} here.", field)
    return ChangeResult(None, refusals=(refusal,))
