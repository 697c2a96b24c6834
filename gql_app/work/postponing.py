"""Postponing a task to another day: nobody has called, so nothing counts as an attempt."""

from datetime import date, time

from gql_app.work.changes import Change
from gql_app.work.claims import end_claim
from gql_app.work.conflicts import in_the_way
from gql_app.work.intake import check_reason
from gql_app.work.locking import lock_for
from gql_app.work.promises import promise_of
from gql_app.work.results import NOT_FOUND, ChangeResult
from gql_app.work.transitions import close, postpone
from models import lifecycle
from models.call_back import Promise, Wish
from models.follow_up import last_day, local_date
from models.lifecycle import Happening, Rule
from models.refusals import Refusal
from models.task import TaskRow
from models.text import trimmed


async def postpone_task(
    change: Change,
    task_id: int,
    follow_up: date,
    reason: str,
    *,
    expected_version: int | None = None,
    follow_up_time: time | None = None,
) -> ChangeResult:
    """Set when an open task is due, and say why. It keeps its status, and the claim on its patient
    ends. A call-back at `follow_up_time` is for who was to call back before, else anybody's.
    Refusals change nothing and come back in the result. Raises `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_log_contacts, "postpone tasks")
    tasks, task = await lock_for(viewer, task_id)
    if task is None:
        return ChangeResult(None, refusals=(NOT_FOUND,))
    if task.has_expired(change.now):
        # The clock, not the sweeper, decides: the task is closed before it is refused.
        task = await close(change, task, Happening.EXPIRY)
    if task.is_open and (refusal := await in_the_way(viewer, task, expected_version, change.now)):
        return ChangeResult(task, refusals=(refusal,))
    reason = trimmed(reason)
    verdict = _verdict(change, task, follow_up, follow_up_time, reason)
    if isinstance(verdict, list):
        return ChangeResult(task, refusals=tuple(verdict))
    rule, promise = verdict
    postponed = await postpone(change, task, rule, follow_up, reason, promise)
    await end_claim(change, tasks, task)
    return ChangeResult(postponed)


def _verdict(
    change: Change, task: TaskRow, follow_up: date, at: time | None, reason: str
) -> tuple[Rule, Promise | None] | list[Refusal]:
    """The workflow's rule and what is promised with it, or all that stands in the way."""
    zone = change.viewer.time_zone
    rule = lifecycle.postpone(
        task.status,
        follow_up,
        today=local_date(change.now, zone),
        last_day=last_day(task.expires_at, zone),
    )
    wrong = check_reason(reason, "Say why the patient is called another day.")
    refusals = [refusal for refusal in (rule, wrong) if isinstance(refusal, Refusal)]
    if not task.is_open:
        return refusals
    promise = promise_of(change.viewer, Wish(at), task, follow_up, refusals, now=change.now)
    if isinstance(promise, list):
        return promise
    assert isinstance(rule, Rule)
    return rule, promise and promise._replace(by_id=task.call_back_by_id)
