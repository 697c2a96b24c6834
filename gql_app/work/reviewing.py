"""Tasks whose patient was called as often as the queue allows: a supervisor lets them go on, or
closes them as any other task (see `work/supervision.py`)."""

from datetime import date

from gql_app.work.changes import Change
from gql_app.work.conflicts import in_the_way
from gql_app.work.locking import lock_for
from gql_app.work.results import NOT_FOUND, ChangeResult
from gql_app.work.transitions import close
from gql_app.work.transitions import resume as write_resumed
from models import lifecycle
from models.follow_up import last_day, local_date
from models.lifecycle import Happening
from models.refusals import Refusal, RefusalCode

NOT_IN_REVIEW = Refusal(
    RefusalCode.NOT_IN_REVIEW, "This task does not wait for a review.", "taskId"
)


async def resume_task(
    change: Change,
    task_id: int,
    follow_up: date | None = None,
    *,
    expected_version: int | None = None,
) -> ChangeResult:
    """Let a task go on that waits for a review, at its date or at another: for one more attempt,
    after which it waits again. Refusals change nothing and come back in the result. Raises
    `Forbidden`."""
    viewer = change.viewer
    viewer.require(viewer.may_correct, "resume tasks")
    _, task = await lock_for(viewer, task_id)
    if task is None:
        return ChangeResult(None, refusals=(NOT_FOUND,))
    if task.has_expired(change.now):
        task = await close(change, task, Happening.EXPIRY)
    # The workflow itself says what a closed task refuses.
    if task.is_open:
        refusal = await in_the_way(viewer, task, expected_version, change.now)
        if refusal is None and task.review_since is None:
            refusal = NOT_IN_REVIEW
        if refusal is not None:
            return ChangeResult(task, refusals=(refusal,))
    rule = lifecycle.resume(
        task.status,
        follow_up,
        today=local_date(change.now, viewer.time_zone),
        last_day=last_day(task.expires_at, viewer.time_zone),
    )
    if isinstance(rule, Refusal):
        return ChangeResult(task, refusals=(rule,))
    return ChangeResult(await write_resumed(change, task, rule, follow_up))
