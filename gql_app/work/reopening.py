"""Closed tasks that are opened again, by supervisors."""

from datetime import date, datetime, timedelta

from gql_app.work.changes import Change
from gql_app.work.claims import under_claim
from gql_app.work.contact_status import why_barred
from gql_app.work.idempotency import KEY_REUSED, Request, earlier_use, keep_result
from gql_app.work.intake import check_reason
from gql_app.work.locking import lock_for
from gql_app.work.reads.queues import day_bounds
from gql_app.work.reads.targets import find_target
from gql_app.work.results import NOT_FOUND, QUEUE_ARCHIVED, ChangeResult
from gql_app.work.transitions import close
from gql_app.work.transitions import reopen as write_reopened
from models.database import Id, fetch
from models.follow_up import last_day, local_date
from models.lifecycle import Happening, Rule, reopen
from models.refusals import Refusal, RefusalCode
from models.task import TaskRow
from models.text import trimmed

TAKEN_BACK = Refusal(
    RefusalCode.IMPORT_UNDONE, "The import that this patient came with was undone.", "taskId"
)


async def reopen_task(
    change: Change,
    task_id: int,
    reason: str,
    follow_up: date | None = None,
    *,
    idempotency_key: str | None = None,
) -> ChangeResult:
    """Open a closed task again: in progress if it has a contact that stands, which needs a
    follow-up date, else as one that nobody has called for. Refusals change nothing. Raises
    `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_correct, "reopen tasks")
    reason = trimmed(reason)
    _, task = await lock_for(viewer, task_id)
    if task is None:
        return ChangeResult(None, refusals=(NOT_FOUND,))
    request = None
    if idempotency_key is not None:
        content = (viewer.staff_id, task_id, reason, follow_up)
        request = Request("reopenTask", idempotency_key, content)
        if earlier := await earlier_use(change, request):
            return ChangeResult(task, refusals=() if earlier.is_same else (KEY_REUSED,))
    if task.has_expired(change.now):
        task = await close(change, task, Happening.EXPIRY)
    verdict = await _verdict(change, task, reason, follow_up)
    if not isinstance(verdict, Rule):
        return ChangeResult(task, refusals=tuple(verdict))
    expires_at = _expiry(change, task, follow_up)
    task = await under_claim(change, task)
    task = await write_reopened(change, task, verdict, follow_up, reason, expires_at)
    if request is not None:
        keep_result(change, request, task=task_id)
    return ChangeResult(task)


async def _verdict(
    change: Change, task: TaskRow, reason: str, follow_up: date | None
) -> Rule | list[Refusal]:
    """The rule to follow, or every refusal that applies."""
    zone = change.viewer.time_zone
    verdict = reopen(
        task.status,
        follow_up,
        is_contacted=task.contact_count > 0,
        is_expired=_has_run_out(change, task),
        today=local_date(change.now, zone),
        last_day=last_day(task.expires_at, zone),
    )
    refusals = [check_reason(reason, "Say why the task is reopened.")]
    if isinstance(verdict, Refusal):
        refusals.append(verdict)
    if not task.is_open:
        if await find_target(change.viewer, task.queue_id) is None:
            refusals.append(QUEUE_ARCHIVED)
        refusals.append(await _nobody_to_call(change, task))
    found = [refusal for refusal in refusals if refusal is not None]
    return found or verdict  # type: ignore[return-value]


async def _nobody_to_call(change: Change, task: TaskRow) -> Refusal | None:
    """Why this patient, who is locked, is not to be called any more."""
    sql = """SELECT p.id FROM patient p
    WHERE p.practice_id = $1 AND p.id = $2 AND p.taken_back_at IS NOT NULL"""
    if await fetch(Id, sql, task.practice_id, task.patient_id):
        return TAKEN_BACK
    return await why_barred(change, task.patient_id, "The task stays closed", "taskId")


def _has_run_out(change: Change, task: TaskRow) -> bool:
    return task.expires_at is not None and task.expires_at <= change.now


def _expiry(change: Change, task: TaskRow, follow_up: date | None) -> datetime | None:
    """When the task expires once it is open. One whose time is up lives as long again as it did at
    first, from the end of the day of its follow-up."""
    if task.expires_at is None or follow_up is None or not _has_run_out(change, task):
        return task.expires_at
    life = max(task.expires_at - task.created_at, timedelta())
    return day_bounds(follow_up, change.viewer.time_zone)[1] + life
