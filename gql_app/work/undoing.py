"""Contacts that were logged by mistake: undone, as if nobody had logged them.

The contact stays, and counts nowhere. Its task is again what it was before: with its status, its
follow-up date, its place in the ladder and the outcome before it. So is the appointment that was
agreed on in it, and what that has closed.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.bookings_undone import booked_in, take_booking_back
from gql_app.work.changes import Change
from gql_app.work.claims import under_claim
from gql_app.work.conflicts import claimed_by_other
from gql_app.work.contact_status import why_barred
from gql_app.work.idempotency import KEY_REUSED, Request, earlier_use, keep_result
from gql_app.work.intake import check_reason
from gql_app.work.locking import lock_for
from gql_app.work.reads.history import contacts_by_id
from gql_app.work.reads.practices import find_practice
from gql_app.work.reads.targets import find_target
from gql_app.work.resting import forget_rest
from gql_app.work.results import QUEUE_ARCHIVED, ChangeResult, missing
from gql_app.work.transitions import close, take_back
from models.contact import CONTACT_COLUMNS, ContactRow, TaskBefore, stands
from models.database import Number, fetch, fetch_first, insert
from models.event import TaskEventKind
from models.lifecycle import Happening, Rule, undo
from models.refusals import Refusal, RefusalCode
from models.task import TaskRow, one_of
from models.text import trimmed

UNDONE = Refusal(RefusalCode.ALREADY_UNDONE, "This contact was undone already.", "contactId")
NOT_AUTHOR = Refusal(
    RefusalCode.NOT_AUTHOR, "Somebody else has logged this contact: ask a supervisor.", "contactId"
)
LATE = Refusal(
    RefusalCode.CONTACT_LATE,
    "This contact was logged when its task had closed already, so there is nothing to undo.",
    "contactId",
)
FOLLOWED = Refusal(
    RefusalCode.FOLLOWED,
    "More has been done on this task since then: only its last step can be undone.",
    "contactId",
)
NOT_KEPT = Refusal(
    RefusalCode.UNDO_TOO_LATE,
    "It is not known any more what the task was before this contact.",
    "contactId",
)
# What may have happened to a task since a contact on it without resting on that contact. It stays.
_APART = (
    TaskEventKind.CLAIMED,
    TaskEventKind.RELEASED,
    TaskEventKind.REASSIGNED,
    TaskEventKind.PATIENT_CHANGED,
    TaskEventKind.CALL_BACK_DUE,
    TaskEventKind.CALL_BACK_PASSED_ON,
    TaskEventKind.CLOSED_BY_MAX_ATTEMPTS,  # by the contact itself
    TaskEventKind.PRIORITY_CHANGED,
)


class _Before(NamedTuple):
    task_before: str | None


class _Since(NamedTuple):
    """How many events are kept of a task since a contact, and how many of them rest on it."""

    kept: int
    resting: int


async def undo_contact(
    change: Change,
    contact_id: int,
    reason: str | None = None,
    *,
    idempotency_key: str | None = None,
) -> ChangeResult:
    """Undo a contact: one's own for as long as the practice allows, any as a supervisor; in both
    cases only while nothing rests on it. Another's needs a reason. Refusals change nothing. Raises
    `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_log_contacts, "undo contacts")
    reason = trimmed(reason or "") or None
    found = await contacts_by_id(viewer, [contact_id])
    if not found:
        return ChangeResult(None, refusals=(missing("contact", "contactId"),))
    (contact,) = found
    tasks, task = await lock_for(viewer, contact.task_id)
    if task is None:
        return ChangeResult(None, refusals=(missing("contact", "contactId"),))
    request = _request(viewer, contact_id, reason, idempotency_key)
    if request is not None and (earlier := await earlier_use(change, request)):
        is_same = earlier.is_same and earlier.result["contact"] == contact_id
        refused = () if is_same else (KEY_REUSED,)
        return ChangeResult(task, contact, refusals=refused)
    result = await _undo_if_allowed(change, tasks, task, contact, reason)
    if request is not None and not result.refusals:
        keep_result(change, request, contact=contact_id)
    return result


async def _undo_if_allowed(
    change: Change,
    tasks: Sequence[TaskRow],
    task: TaskRow,
    contact: ContactRow,
    reason: str | None,
) -> ChangeResult:
    """Undo a contact on a locked task, `tasks` being all of its patient that are open."""
    refusal = await _may_not(change, contact, reason) or await _is_called(change, tasks)
    if refusal is None and task.has_expired(change.now):
        # As where a contact is logged: the clock decides, and this closing rests on the contact.
        task, refusal = await close(change, task, Happening.EXPIRY), FOLLOWED
    way = refusal or await _way_back(change, task, contact)
    if isinstance(way, Refusal):
        return ChangeResult(task, contact, refusals=(way,))
    booked = await booked_in(change, contact, task.patient_id)
    if isinstance(booked, Refusal):
        return ChangeResult(task, contact, refusals=(booked,))
    task = await _undo(change, task, contact, reason, *way)
    if booked is not None:
        await take_booking_back(change, booked, task)
    return ChangeResult(task, contact)


async def _may_not(change: Change, contact: ContactRow, reason: str | None) -> Refusal | None:
    """Why this contact is not for this viewer to undo, now and for this reason."""
    viewer, is_own = change.viewer, contact.logged_by_id == change.viewer.staff_id
    if reason is not None or (not is_own and viewer.may_correct):
        refusal = check_reason(reason or "", "Say why the contact of somebody else is undone.")
        if refusal is not None:
            return refusal
    sql = f"""SELECT COUNT(*) FROM contact c
    WHERE c.practice_id = $1 AND c.id = $2 AND {stands("c")}"""
    if not (await fetch(Number, sql, change.practice_id, contact.id))[0].number:
        return UNDONE
    if viewer.may_correct:
        return None
    if not is_own:
        return NOT_AUTHOR
    minutes = (await find_practice(change.practice_id)).undo_minutes
    if minutes and change.now - contact.logged_at <= timedelta(minutes=minutes):
        return None
    limit = f"for {minutes} minutes" if minutes else "by supervisors only"
    message = f"A contact can be undone {limit} here: ask a supervisor."
    return Refusal(RefusalCode.UNDO_TOO_LATE, message, "contactId")


async def _is_called(change: Change, tasks: Sequence[TaskRow]) -> Refusal | None:
    """Who else is calling the patient now: nothing changes under their hands."""
    for task in tasks:
        if task.is_open and (refusal := await claimed_by_other(change.viewer, task, change.now)):
            return refusal._replace(field="contactId")
    return None


async def _way_back(
    change: Change, task: TaskRow, contact: ContactRow
) -> tuple[Rule, TaskBefore] | Refusal:
    """The rule that leads a locked task back, and what it was before; or what stands in the way."""
    sql = "SELECT c.task_before FROM contact c WHERE c.practice_id = $1 AND c.id = $2"
    (found,) = await fetch(_Before, sql, change.practice_id, contact.id)
    if found.task_before is None:
        return NOT_KEPT
    before = TaskBefore.of(found.task_before)
    if not before.status.is_open:
        return LATE
    if refusal := await _followed(task, before.version + 1):
        return refusal
    rule = undo(task.status, before.status)
    assert rule is not None, "the workflow knows the way back of each contact"
    return await _stays_closed(change, task) or (rule, before)


async def _stays_closed(change: Change, task: TaskRow) -> Refusal | None:
    """Why a locked task cannot be open again; None if it is open."""
    if task.is_open:
        return None
    if await find_target(change.viewer, task.queue_id) is None:
        return QUEUE_ARCHIVED
    return await why_barred(change, task.patient_id, "The task stays closed", "contactId")


async def _followed(task: TaskRow, version: int) -> Refusal | None:
    """Whether anything rests on the contact that has left the task at `version`. A later contact
    that was undone does not."""
    if task.version == version:
        return None
    undone = f"""(e.kind = '{TaskEventKind.CONTACT_UNDONE}'
        OR (e.kind = '{TaskEventKind.CONTACT_LOGGED}' AND NOT {stands("c")}))"""
    sql = f"""SELECT COUNT(*), COUNT(*) FILTER (
        WHERE NOT {one_of("e.kind", _APART)} AND NOT {undone})
    FROM task_event e
    LEFT JOIN contact c ON c.practice_id = e.practice_id AND c.id = e.contact_id
    WHERE e.practice_id = $1 AND e.task_id = $2 AND e.version > $3"""
    (since,) = await fetch(_Since, sql, task.practice_id, task.id, version)
    if since.resting:
        return FOLLOWED
    return None if since.kept == task.version - version else NOT_KEPT


async def _undo(
    change: Change,
    task: TaskRow,
    contact: ContactRow,
    reason: str | None,
    rule: Rule,
    before: TaskBefore,
) -> TaskRow:
    undone = {"contact_id": contact.id, "at": change.now, "by_id": change.viewer.staff_id}
    await insert("contact_undo", practice_id=change.practice_id, reason=reason, **undone)
    sql = f"SELECT {CONTACT_COLUMNS} FROM contact c WHERE c.practice_id = $1 AND c.id = $2"
    last = await fetch_first(ContactRow, sql, change.practice_id, before.last_contact_id)
    if not task.is_open:
        # It is one of the patient's open tasks again, and these are under one claim.
        task = await under_claim(change, task)
    task = await take_back(change, task, rule, contact, before, last)
    await forget_rest(change, task.patient_id)
    if task.has_expired(change.now):
        task = await close(change, task, Happening.EXPIRY)
    return task


def _request(
    viewer: Viewer, contact_id: int, reason: str | None, key: str | None
) -> Request | None:
    if key is None:
        return None
    return Request("undoContact", key, (viewer.staff_id, contact_id, reason))
