"""What comes of a request to change a task, the first time and when it is sent again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gql_app.access import Viewer
from gql_app.work.history import staff_by_id
from gql_app.work.intake import NewTask
from models.contact import Contact, ContactRow
from models.event import TaskEvent
from models.lifecycle import Attempt, Refusal, RefusalCode
from models.task import Task, TaskRow

NOT_FOUND = Refusal(RefusalCode.NOT_FOUND, "There is no such task here.", "taskId")

_KEY_REUSED = Refusal(
    RefusalCode.IDEMPOTENCY_MISMATCH,
    "This idempotency key was used for another request.",
    "idempotencyKey",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request: the task as it is now, and the contact or the refusals. A `late`
    contact was kept on a task that had closed meanwhile."""

    task: TaskRow | None
    contact: ContactRow | None = None
    late: bool = False
    refusals: tuple[Refusal, ...] = ()


EXTERNAL_ID_TAKEN = Outcome(
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
    viewer: Viewer, task: TaskRow, attempt: Attempt, key: str | None
) -> Outcome | None:
    """The answer to a log whose idempotency key has been used before, None if it has not."""
    earlier = key and await Contact.get_or_none(practice_id=viewer.practice_id, idempotency_key=key)
    if not earlier:
        return None
    sent = (task.id, attempt.outcome, attempt.follow_up, attempt.notes, attempt.close)
    kept = (earlier.task_id, earlier.outcome, earlier.follow_up, earlier.notes, earlier.closed_task)
    if sent != kept or earlier.logged_by_id != viewer.staff_id:
        return Outcome(task, refusals=(_KEY_REUSED,))
    return Outcome(task, contact_row(earlier))


async def earlier_creation(viewer: Viewer, new: NewTask) -> Outcome | None:
    """The answer to a new task whose idempotency key has been used before, None if it has not."""
    if new.idempotency_key is None:
        return None
    task = await Task.get_or_none(
        practice_id=viewer.practice_id, idempotency_key=new.idempotency_key
    )
    if task is None:
        return None
    made = await TaskEvent.get(practice_id=viewer.practice_id, task_id=task.id, version=1)
    kept = NewTask(
        queue_id=made.queue_id,
        patient_id=task.patient_id,
        reason=task.reason,
        origin=task.origin,
        follow_up=made.follow_up,
        expires_at=task.expires_at,
        idempotency_key=task.idempotency_key,
    )
    if new.expires_at is None and _has_default_life(task):
        kept = replace(kept, expires_at=None)
    if not viewer.sees_queue(task.queue_id) or kept != new:
        return Outcome(None, refusals=(_KEY_REUSED,))
    return Outcome(task_row(task))


def _has_default_life(task: Task) -> bool:
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


def missing(what: str, field: str) -> Outcome:
    """The answer where something is not there, or not for this key: the same for both."""
    refusal = Refusal(RefusalCode.NOT_FOUND, f"There is no such {what} here.", field)
    return Outcome(None, refusals=(refusal,))


def task_row(task: Task) -> TaskRow:
    return TaskRow(*(getattr(task, column) for column in TaskRow._fields))


def contact_row(contact: Contact) -> ContactRow:
    return ContactRow(*(getattr(contact, column) for column in ContactRow._fields))
