"""The transition service: the only writer of a task's status.

Each function moves a locked task along one rule of the workflow's table, within a change: the task
is written, with the contact that moves it if there is one, and its event is recorded.
"""

from datetime import date, datetime
from operator import itemgetter
from typing import NamedTuple

from gql_app.work.attempts import AttemptsEnd, end_of_attempts
from gql_app.work.changes import Change
from gql_app.work.locking import lock_task
from models.appointment import AppointmentBefore
from models.call_back import NO_WISH, Promise, Wish
from models.contact import ContactRow, TaskBefore
from models.database import NEW_ID, Statement, columns_of_new, insert_and_update, write
from models.event import TaskEventKind
from models.lifecycle import Attempt, Happening, Rule, ends
from models.task import TaskRow

_CHANGED = (
    "status",
    "version",
    "close_cause",
    "follow_up",
    "due_on",
    "closed_at",
    "contact_count",
    "last_contact_id",
    "withdrawn_reason",
    "claimed_by_id",
    "claimed_until",
    "claim_id",
    "follow_up_at",
    "call_back_by_id",
    "call_back_told_at",
    "review_since",
)
"""The columns that a rule can change."""

_SET = ", ".join(f"{column} = ${place}" for place, column in enumerate(_CHANGED, start=5))

# $3 and $4 are null where there is no contact.
_CHANGE = f"""
UPDATE task SET {_SET},
    last_contacted_at = COALESCE($3, last_contacted_at), last_outcome = COALESCE($4, last_outcome)
WHERE practice_id = $1 AND id = $2
"""

# By whether the patient has called.
_LOG = {
    is_incoming: f"{_CHANGE} RETURNING {end_of_attempts(more)} AS attempts_end"
    for is_incoming, more in ((False, "1"), (True, "0"))
}

# What the last contact says is put back to what the one before it says, null if there is none.
_PUT_BACK = f"""
UPDATE task SET {_SET}, last_contacted_at = $3, last_outcome = $4
WHERE practice_id = $1 AND id = $2
"""

_KINDS = {
    Happening.EXPIRY: TaskEventKind.CLOSED_BY_EXPIRY,
    Happening.APPOINTMENT: TaskEventKind.CLOSED_BY_APPOINTMENT,
    Happening.WITHDRAWAL: TaskEventKind.WITHDRAWN,
    Happening.DO_NOT_CONTACT: TaskEventKind.CLOSED_BY_DO_NOT_CONTACT,
    Happening.MAX_ATTEMPTS: TaskEventKind.CLOSED_BY_MAX_ATTEMPTS,
}

_changed = itemgetter(*map(TaskRow._fields.index, _CHANGED))


class SentContact(NamedTuple):
    """A contact as it was sent: `contacted_at` is None if it was made just now. In one that
    `is_incoming` the patient has called. `booked` is the appointment that was agreed on in it, as
    it was before."""

    attempt: Attempt
    contacted_at: datetime | None = None
    call_back: Wish = NO_WISH
    is_incoming: bool = False
    booked: AppointmentBefore | None = None


async def log_on(
    change: Change, task: TaskRow, sent: SentContact, rule: Rule, promise: Promise | None = None
) -> tuple[TaskRow, ContactRow]:
    """Log a contact on a task, which moves along `rule`, and with it what is promised. Returns both
    as they are then."""
    contact = _contact(change, task, sent)
    if promise is not None:
        contact = contact._replace(follow_up_at=promise.at)
    changed = _along(rule, task, change.now, follow_up=contact.follow_up, promise=promise)
    counted = changed._replace(contact_count=task.contact_count + 1, review_since=None)
    return await _write_both(change, task, counted, contact, sent.booked)


async def keep_late(change: Change, task: TaskRow, sent: SentContact) -> tuple[TaskRow, ContactRow]:
    """Keep a contact on a task that has closed meanwhile, and count it."""
    counted = task._replace(version=task.version + 1, contact_count=task.contact_count + 1)
    return await _write_both(change, task, counted, _contact(change, task, sent), sent.booked)


async def postpone(
    change: Change,
    task: TaskRow,
    rule: Rule,
    until: date,
    reason: str,
    promise: Promise | None = None,
) -> TaskRow:
    """Give an open task another follow-up date without a contact."""
    postponed = _along(rule, task, change.now, follow_up=until, promise=promise)
    await write(_CHANGE, *_values(postponed))
    change.record(TaskEventKind.POSTPONED, postponed, before=task, reason=reason)
    return postponed


async def close(
    change: Change, task: TaskRow, happening: Happening, reason: str | None = None
) -> TaskRow:
    """Close an open task without a contact. `reason` is why it is withdrawn."""
    rule = ends(task.status, happening)
    assert rule is not None
    closed = _along(rule, task, change.now)._replace(withdrawn_reason=reason)
    await write(_CHANGE, *_values(closed))
    by_clock = happening is Happening.EXPIRY
    change.record(_KINDS[happening], closed, before=task, by_clock=by_clock)
    return closed


async def take_back(
    change: Change,
    task: TaskRow,
    rule: Rule,
    contact: ContactRow,
    before: TaskBefore,
    last: ContactRow | None,
) -> TaskRow:
    """Make a task what it was `before` its last contact, which is undone; `last` is the contact
    that is the last one then. Queue, assignee and claim stay as they are now."""
    back = _as_before(task, rule, before)._replace(
        contact_count=task.contact_count - 1, last_contact_id=before.last_contact_id
    )
    said = (None, None) if last is None else (last.made_at, last.outcome)
    await write(_PUT_BACK, back.practice_id, back.id, *said, *_changed(back))
    change.record(TaskEventKind.CONTACT_UNDONE, back, before=task, contact=contact)
    return back


async def reopen(
    change: Change,
    task: TaskRow,
    rule: Rule,
    follow_up: date | None,
    reason: str,
    expires_at: datetime | None,
) -> TaskRow:
    """Open a closed task again, until `expires_at`."""
    opened = task._replace(
        status=rule.to,
        version=task.version + 1,
        close_cause=None,
        follow_up=follow_up,
        due_on=follow_up or task.due_on,
        closed_at=None,
        withdrawn_reason=None,
        expires_at=expires_at,
    )
    await write(_CHANGE, *_values(opened))
    if expires_at != task.expires_at:
        sql = "UPDATE task SET expires_at = $3 WHERE practice_id = $1 AND id = $2"
        await write(sql, task.practice_id, task.id, expires_at)
    change.record(TaskEventKind.REOPENED, opened, before=task, reason=reason)
    return opened


async def resume(change: Change, task: TaskRow, rule: Rule, follow_up: date | None) -> TaskRow:
    """Let a task go on that waits for a review: at `follow_up`, or else at the date it has."""
    resumed = task._replace(
        status=rule.to,
        version=task.version + 1,
        follow_up=follow_up or task.follow_up,
        due_on=follow_up or task.due_on,
        review_since=None,
    )
    await write(_CHANGE, *_values(resumed))
    change.record(TaskEventKind.RESUMED, resumed, before=task)
    return resumed


async def bring_back(change: Change, task: TaskRow, rule: Rule, before: TaskBefore) -> TaskRow:
    """Make a task that an appointment has closed what it was `before`. Queue, assignee and claim
    are as they are now."""
    opened = _as_before(task, rule, before)
    await write(_CHANGE, *_values(opened))
    change.record(TaskEventKind.REOPENED_BY_CANCELLATION, opened, before=task)
    return opened


async def expire_task(change: Change, task_id: int) -> bool:
    """Close an automatic task if its time is up. False if there was nothing to close."""
    task = await lock_task(change.practice_id, task_id)
    if task is None or not task.has_expired(change.now):
        return False
    await close(change, task, Happening.EXPIRY)
    return True


async def _write_both(
    change: Change,
    before: TaskRow,
    task: TaskRow,
    contact: ContactRow,
    booked: AppointmentBefore | None,
) -> tuple[TaskRow, ContactRow]:
    """Write a task together with the contact that makes it what it is now. If that was the last
    attempt, the task waits for a review, or closes."""
    columns = columns_of_new(contact) | {"task_before": TaskBefore.as_is(before).text}
    if booked is not None:
        columns["appointment_before"] = booked.text
    statement = Statement(_LOG[contact.is_incoming], _values(task, contact))
    written = await insert_and_update("contact", columns, statement)
    contact = contact._replace(id=written["id"])
    task = task._replace(last_contact_id=contact.id)
    # A promise is kept: what it leads to is the last attempt then.
    end = written["attempts_end"] if task.is_open and task.follow_up_at is None else None
    if end == AttemptsEnd.REVIEW:
        task = task._replace(review_since=before.review_since or change.now)
        sql = "UPDATE task SET review_since = $3 WHERE practice_id = $1 AND id = $2"
        await write(sql, task.practice_id, task.id, task.review_since)
    change.record(TaskEventKind.CONTACT_LOGGED, task, before=before, contact=contact)
    if end == AttemptsEnd.CLOSE:
        task = await close(change, task, Happening.MAX_ATTEMPTS)
    return task, contact


def _contact(change: Change, task: TaskRow, sent: SentContact) -> ContactRow:
    """The contact as it will be, without its id."""
    attempt = sent.attempt
    return ContactRow(
        id=0,
        practice_id=task.practice_id,
        task_id=task.id,
        outcome=attempt.outcome,
        follow_up=attempt.follow_up,
        notes=attempt.notes,
        closed_task=attempt.close,
        contacted_at=sent.contacted_at,
        logged_at=change.now,
        logged_by_id=change.viewer.staff_id,
        follow_up_at=None,
        is_incoming=sent.is_incoming,
    )


def _as_before(task: TaskRow, rule: Rule, before: TaskBefore) -> TaskRow:
    """The task open again after `rule`, as it was `before`, with its contacts as they are now."""
    return task._replace(
        status=rule.to,
        version=task.version + 1,
        close_cause=None,
        follow_up=before.follow_up,
        due_on=before.due_on,
        closed_at=None,
        follow_up_at=before.follow_up_at,
        call_back_by_id=before.call_back_by_id,
        call_back_told_at=before.call_back_told_at,
        review_since=before.review_since,
    )


def _along(
    rule: Rule,
    task: TaskRow,
    now: datetime,
    *,
    follow_up: date | None = None,
    promise: Promise | None = None,
) -> TaskRow:
    """The task after `rule`, which ends its claim, and what was promised before."""
    at, by_id = promise or (None, None)
    return task._replace(
        status=rule.to,
        version=task.version + 1,
        close_cause=rule.cause or task.close_cause,
        follow_up=follow_up,
        due_on=follow_up or task.due_on,
        closed_at=task.closed_at if rule.to.is_open else now,
        claimed_by_id=None,
        claimed_until=None,
        claim_id=None,
        follow_up_at=at,
        call_back_by_id=by_id,
        call_back_told_at=None,
        review_since=task.review_since if rule.to.is_open else None,
    )


def _values(task: TaskRow, contact: ContactRow | None = None) -> list[object]:
    """What `_CHANGE` writes, for the task as it is now; `contact` is new, if there is one."""
    made_at, outcome = (None, None) if contact is None else (contact.made_at, contact.outcome)
    values = [task.practice_id, task.id, made_at, outcome, *_changed(task)]
    if contact is not None:
        values[4 + _CHANGED.index("last_contact_id")] = NEW_ID
    return values
