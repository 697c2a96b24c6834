"""New tasks: what one must bring before it may enter a queue, and how it is made."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from gql_app.access import Viewer
from gql_app.work.changes import Change
from gql_app.work.claims import Claim, live_claim
from gql_app.work.contact_status import why_barred
from gql_app.work.idempotency import KEY_REUSED, Request, earlier_use, keep_result
from gql_app.work.locking import lock_patient
from gql_app.work.reads.appointments import appointments_ahead
from gql_app.work.reads.queues import tasks_by_id
from gql_app.work.reads.targets import Target, find_target
from gql_app.work.results import ChangeResult, missing
from models.appointment import is_of_kind
from models.database import columns_of_new, insert
from models.event import TaskEventKind, select_events
from models.follow_up import check_follow_up_date, last_day, local_date
from models.lifecycle import TaskOrigin, TaskStatus
from models.priority import TaskPriority
from models.refusals import Refusal, RefusalCode
from models.task import TaskRow
from models.text import trimmed

MAX_REASON = 500
"""Longest reason of a task, in characters."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """What a task is made from. `expires_at` is aware; only automatic tasks may have it.
    `patient_id` is 0 until the patient is known."""

    queue_id: int
    patient_id: int
    reason: str
    origin: TaskOrigin = TaskOrigin.MANUAL
    follow_up: date | None = None
    expires_at: datetime | None = None
    idempotency_key: str | None = None
    priority: TaskPriority = TaskPriority.NORMAL


async def create_task(change: Change, new: NewTask) -> ChangeResult:
    """Make a task. Refusals change nothing and come back in the result. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_create_tasks, "create tasks")
    new = replace(new, reason=trimmed(new.reason))
    patient_id = await lock_patient(viewer, new.patient_id)
    request = _request(new)
    # Before it is checked: what was in order when it was first sent need not be so again.
    if request is not None and (earlier := await _earlier(change, request)):
        return earlier
    if refusals := check_new_task(new, viewer.time_zone, change.now):
        return ChangeResult(None, refusals=refusals)
    queue = await find_target(viewer, new.queue_id)
    if queue is None:
        return ChangeResult(None, refusals=(missing("queue", "queueId"),))
    if patient_id is None:
        return ChangeResult(None, refusals=(missing("patient", "patientId"),))
    new = replace(new, patient_id=patient_id)
    new = with_default_life(new, queue.automatic_life_days, change.now)
    refusals = check_new_task(new, viewer.time_zone, change.now)
    if not refusals and (
        barred := await why_barred(change, patient_id, "No task is made", "patientId")
    ):
        refusals = (barred,)
    if not refusals and (needless := await why_needless(change, new, queue)):
        refusals = (needless,)
    if refusals:
        return ChangeResult(None, refusals=refusals)
    task = await make_task(change, new)
    if request is not None:
        keep_result(change, request, task=task.id)
    return ChangeResult(task)


async def make_task(change: Change, new: NewTask) -> TaskRow:
    """Make a task that nothing refuses, of a locked patient: under the claim on them, if any."""
    claim = await live_claim(change.practice_id, new.patient_id, change.now)
    task = new_task(change.viewer, new, claim, change.now)
    task = task._replace(id=await insert("task", **columns_of_new(task)))
    change.record(TaskEventKind.CREATED, task, before=None)
    return task


async def why_needless(change: Change, new: NewTask, queue: Target) -> Refusal | None:
    """Why no automatic task is made for a locked patient: an appointment would have closed it."""
    if new.origin is not TaskOrigin.AUTOMATIC or not queue.closes_on_appointment:
        return None
    for one in await appointments_ahead(change.practice_id, [new.patient_id], change.now):
        if is_of_kind(one.kind, queue.appointment_kinds):
            day = local_date(one.at, change.viewer.time_zone).isoformat()
            message = f"No task is made: the patient has an appointment on {day}."
            return Refusal(RefusalCode.HAS_APPOINTMENT, message, "patientId")
    return None


def with_default_life(new: NewTask, days: int | None, now: datetime) -> NewTask:
    """The task with its queue's default life, if it is automatic and has no expiry of its own."""
    if days is None or new.expires_at is not None or new.origin is not TaskOrigin.AUTOMATIC:
        return new
    return replace(new, expires_at=now + timedelta(days=days))


def check_new_task(
    new: NewTask, time_zone: str, now: datetime, *, may_be_overdue: bool = False
) -> tuple[Refusal, ...]:
    """Every refusal that applies to `new` at a practice in `time_zone`; none if it may be made."""
    follow_up, today = None, local_date(now, time_zone)
    if new.follow_up is not None and not (may_be_overdue and new.follow_up < today):
        last = last_day(new.expires_at, time_zone)
        follow_up = check_follow_up_date(new.follow_up, today, last)
    found = (check_reason(new.reason), _check_expiry(new, now), follow_up)
    return tuple(refusal for refusal in found if refusal is not None)


def check_reason(
    reason: str, if_missing: str = "Say why the patient is to be called."
) -> Refusal | None:
    """Whether a reason says something, and can be kept."""
    if not trimmed(reason):
        return Refusal(RefusalCode.REASON_REQUIRED, if_missing, "reason")
    if len(reason) > MAX_REASON:
        message = f"The reason has {len(reason):,} characters; at most {MAX_REASON} are kept."
        return Refusal(RefusalCode.REASON_TOO_LONG, message, "reason")
    return None


def _check_expiry(new: NewTask, now: datetime) -> Refusal | None:
    if new.expires_at is None:
        return None
    if new.origin is not TaskOrigin.AUTOMATIC:
        message = "Only automatic tasks expire."
        return Refusal(RefusalCode.EXPIRY_NOT_ALLOWED, message, "expiresAt")
    if new.expires_at <= now:
        message = "The task would expire at once."
        return Refusal(RefusalCode.EXPIRY_IN_PAST, message, "expiresAt")
    return None


def new_task(viewer: Viewer, new: NewTask, claim: Claim | None, now: datetime) -> TaskRow:
    """The task as it will be, without its id."""
    return TaskRow(
        id=0,
        practice_id=viewer.practice_id,
        queue_id=new.queue_id,
        patient_id=new.patient_id,
        status=TaskStatus.OPEN,
        origin=new.origin,
        reason=new.reason,
        follow_up=new.follow_up,
        due_on=new.follow_up or local_date(now, viewer.time_zone),
        expires_at=new.expires_at,
        version=1,
        contact_count=0,
        last_contact_id=None,
        created_at=now,
        closed_at=None,
        close_cause=None,
        claimed_by_id=None if claim is None else claim.claimed_by_id,
        claimed_until=None if claim is None else claim.claimed_until,
        claim_id=None if claim is None else claim.claim_id,
        assignee_id=None,
        withdrawn_reason=None,
        follow_up_at=None,
        call_back_by_id=None,
        call_back_told_at=None,
        review_since=None,
        priority=new.priority,
    )


def _request(new: NewTask) -> Request | None:
    if new.idempotency_key is None:
        return None
    content = (new.queue_id, new.patient_id, new.reason, new.origin, new.follow_up, new.expires_at)
    # A request without a priority compares as it did before there were any.
    urgent = () if new.priority is TaskPriority.NORMAL else (new.priority,)
    return Request("createTask", new.idempotency_key, (*content, *urgent))


async def _earlier(change: Change, request: Request) -> ChangeResult | None:
    """The answer to a new task whose key has been used before, None if it has not."""
    earlier = await earlier_use(change, request)
    if earlier is None:
        return None
    reused = ChangeResult(None, refusals=(KEY_REUSED,))
    if earlier.is_same is False:
        return reused
    if tasks := await tasks_by_id(change.viewer, [earlier.result["task"]]):
        # Of a key without a digest, all is compared that the task still says.
        task = tasks[0]
        told = (task.patient_id, task.reason, task.origin)
        return ChangeResult(task) if earlier.is_same or told == request.content[1:4] else reused
    # It was moved to where the key does not see it: here it is as it was made.
    where = "e.practice_id = $1 AND e.task_id = $2 AND e.version = 1"
    events = await select_events(where, 1, [change.practice_id, earlier.result["task"]])
    if events and change.viewer.sees_queue(events[0].queue_id):
        return ChangeResult(events[0].task)
    return reused
