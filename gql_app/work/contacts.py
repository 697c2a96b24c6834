"""Logging a contact: the call that an agent has made, and what becomes of the task."""

from dataclasses import replace
from datetime import datetime

from gql_app.work.changes import Change
from gql_app.work.claims import end_claim
from gql_app.work.conflicts import in_the_way
from gql_app.work.idempotency import KEY_REUSED, Request, earlier_use, keep_result
from gql_app.work.locking import lock_for
from gql_app.work.promises import promise_of
from gql_app.work.results import NOT_FOUND, ChangeResult
from gql_app.work.transitions import SentContact, close, keep_late, log_on
from models.call_back import NO_WISH, Promise, Wish
from models.contact import CONTACT_COLUMNS, ContactRow
from models.contact_checks import check_contacted_at
from models.database import fetch
from models.follow_up import last_day, local_date
from models.lifecycle import Attempt, CloseCause, Happening, Rule, decide
from models.refusals import Refusal
from models.task import TaskRow
from models.text import trimmed


async def log_contact(
    change: Change,
    task_id: int,
    attempt: Attempt,
    *,
    expected_version: int | None = None,
    idempotency_key: str | None = None,
    contacted_at: datetime | None = None,
    call_back: Wish = NO_WISH,
) -> ChangeResult:
    """Log a contact on a task. Refusals change nothing and come back in the result.

    One that was made at `contacted_at`, before its automatic task expired, is kept on the closed
    task and changes no status: the result is `late`.

    With an `idempotency_key` the same request may be sent again: it is carried out once, and the
    answer is the contact that it made. Raises `Forbidden`.
    """
    change.viewer.require(change.viewer.may_log_contacts, "log contacts")
    sent = SentContact(
        replace(attempt, notes=attempt.notes and trimmed(attempt.notes)),
        contacted_at,
        call_back,
    )
    tasks, task = await lock_for(change.viewer, task_id)
    request = _request(change, task_id, sent, idempotency_key)
    if request is not None and (earlier := await _earlier(change, request, task_id, task)):
        return earlier
    if task is None:
        return ChangeResult(None, refusals=(NOT_FOUND,))
    result = await _log_on(change, task, tasks, sent, expected_version)
    if request is not None and result.contact is not None:
        keep_result(change, request, task=task.id, contact=result.contact.id, late=result.late)
    return result


async def _log_on(
    change: Change,
    task: TaskRow,
    tasks: list[TaskRow],
    sent: SentContact,
    expected_version: int | None,
) -> ChangeResult:
    """Log a contact on a locked task, `tasks` being all of its patient that are open."""
    if sent.contacted_at and (refusal := check_contacted_at(sent.contacted_at, change.now)):
        return ChangeResult(task, refusals=(refusal,))
    if task.has_expired(change.now):
        # The clock, not the sweeper, decides: the task is closed before it is refused.
        task = await close(change, task, Happening.EXPIRY)
    if _was_in_time(task, sent.contacted_at):
        return ChangeResult(*await keep_late(change, task, sent), late=True)
    verdict = await _verdict(change, task, sent, expected_version)
    if isinstance(verdict, list):
        return ChangeResult(task, refusals=tuple(verdict))
    changed, contact = await log_on(change, task, sent, *verdict)
    await end_claim(change, tasks, task)
    return ChangeResult(changed, contact)


async def _verdict(
    change: Change, task: TaskRow, sent: SentContact, expected_version: int | None
) -> tuple[Rule, Promise | None] | list[Refusal]:
    """What comes of an attempt: the workflow's rule, and what is promised with it; or what stands
    in its way."""
    viewer, now, attempt = change.viewer, change.now, sent.attempt
    # The workflow itself says what a closed task refuses.
    if task.is_open and (refusal := await in_the_way(viewer, task, expected_version, now)):
        return [refusal]
    rule = decide(
        task.status,
        attempt,
        today=local_date(now, viewer.time_zone),
        last_day=last_day(task.expires_at, viewer.time_zone),
    )
    if isinstance(rule, list) and not task.is_open:
        return rule
    refusals = rule if isinstance(rule, list) else []
    promise = promise_of(
        viewer, sent.call_back, task, attempt.follow_up, refusals, now=now, close=attempt.close
    )
    if isinstance(promise, list):
        return promise
    assert isinstance(rule, Rule)
    return rule, promise


def _was_in_time(task: TaskRow, contacted_at: datetime | None) -> bool:
    """Whether a contact was made before its task expired, though it is logged after that."""
    return (
        contacted_at is not None
        and task.close_cause == CloseCause.EXPIRED
        and task.expires_at is not None
        and contacted_at < task.expires_at
    )


def _request(change: Change, task_id: int, sent: SentContact, key: str | None) -> Request | None:
    if key is None:
        return None
    attempt = sent.attempt
    what = (attempt.outcome, attempt.follow_up, attempt.notes, attempt.close, sent.contacted_at)
    asked = sent.call_back.asked
    return Request("logContact", key, (change.viewer.staff_id, task_id, *what, *asked))


async def _earlier(
    change: Change, request: Request, task_id: int, task: TaskRow | None
) -> ChangeResult | None:
    """The answer to a log whose key has been used before, None if it has not. `task` is the task as
    it is now, None if the key does not allow it: it may have been moved meanwhile."""
    earlier = await earlier_use(change, request)
    if earlier is None:
        return None
    result = earlier.result
    reused = ChangeResult(task, refusals=(NOT_FOUND if task is None else KEY_REUSED,))
    if earlier.is_same is False or result["task"] != task_id:
        return reused
    sql = f"""SELECT {CONTACT_COLUMNS} FROM contact c
    WHERE c.practice_id = $1 AND c.task_id = $2 AND c.id = $3"""
    (contact,) = await fetch(ContactRow, sql, change.practice_id, task_id, result["contact"])
    if earlier.is_same is None and _content_of(contact) != request.content:
        return reused
    return ChangeResult(task, contact, late=result["late"])


def _content_of(contact: ContactRow) -> tuple[object, ...]:
    """What was asked for by the request that has made a contact."""
    notes = contact.notes and trimmed(contact.notes)  # older versions kept them as they were sent
    what = (contact.outcome, contact.follow_up, notes, contact.closed_task, contact.contacted_at)
    return (contact.logged_by_id, contact.task_id, *what)
