"""Promised call-backs in a change: made of what was asked for, told when it is time, passed on."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.changes import Change
from gql_app.work.locking import lock_task
from models.call_back import (
    AWAY_AFTER,
    GRACE,
    NO_WISH,
    CallBackBy,
    Promise,
    Wish,
    check_wish,
    moment_of,
)
from models.database import fetch, write
from models.event import TaskEventKind
from models.refusals import Refusal
from models.task import TaskRow


def promise_of(
    viewer: Viewer,
    wish: Wish,
    task: TaskRow,
    follow_up: date | None,
    refusals: Sequence[Refusal],
    *,
    now: datetime,
    close: bool = False,
) -> Promise | list[Refusal] | None:
    """The promise that comes of a wish, None if there was none; or all that is wrong, which begins
    with the `refusals` of the rest of the form."""
    if wish == NO_WISH:
        return list(refusals) or None
    told = {(refusal.code, refusal.field) for refusal in refusals}
    wrong = [r for r in check_wish(wish, follow_up, close=close) if (r.code, r.field) not in told]
    if wrong or any(field == "followUp" for _, field in told) or not follow_up or not wish.at:
        return [*refusals, *wrong]
    at = moment_of(follow_up, wish.at, viewer.time_zone, now=now, expires_at=task.expires_at)
    if isinstance(at, Refusal):
        return [*refusals, at]
    return list(refusals) or Promise(at, viewer.staff_id if wish.by is CallBackBy.ME else None)


async def tell_call_back(change: Change, task_id: int) -> bool:
    """Record that it is time to call back, once; if who promised it is away, it is anybody's. False
    if there is nothing to tell: not yet, or not any more."""
    task = await lock_task(change.practice_id, task_id)
    if task is None or task.call_back_told_at is not None or task.has_expired(change.now):
        return False
    if task.follow_up_at is None or task.follow_up_at > change.now:
        return False
    by_id = task.call_back_by_id
    if by_id is not None and await _is_away(change, by_id):
        by_id = None
    told = task._replace(call_back_told_at=change.now, call_back_by_id=by_id)
    await _write(change, TaskEventKind.CALL_BACK_DUE, task, told)
    return True


async def pass_call_back_on(change: Change, task_id: int) -> bool:
    """Make a due call-back anybody's if who promised it has taken too long, or is away. False if
    there is nothing to pass on; nothing is while somebody is calling the patient."""
    task = await lock_task(change.practice_id, task_id)
    if task is None or task.call_back_told_at is None or task.call_back_by_id is None:
        return False
    if task.is_claimed(change.now):
        return False
    assert task.follow_up_at is not None
    is_late = task.follow_up_at <= change.now - GRACE
    if not is_late and not await _is_away(change, task.call_back_by_id):
        return False
    passed = task._replace(call_back_by_id=None)
    await _write(change, TaskEventKind.CALL_BACK_PASSED_ON, task, passed)
    return True


async def _write(change: Change, kind: TaskEventKind, task: TaskRow, told: TaskRow) -> None:
    told = told._replace(version=task.version + 1)
    sql = """UPDATE task SET call_back_told_at = $3, call_back_by_id = $4, version = $5
    WHERE practice_id = $1 AND id = $2"""
    values = (told.call_back_told_at, told.call_back_by_id, told.version)
    await write(sql, task.practice_id, task.id, *values)
    change.record(kind, told, before=task, by_clock=True)


IS_HERE = """EXISTS (SELECT 1 FROM access_key k
    WHERE k.practice_id = s.practice_id AND k.staff_id = s.id AND k.revoked_at IS NULL
      AND k.last_used_at > $2)"""
"""SQL that is true of a member of staff `s` who has used a key or a session since the moment in the
second parameter which was not revoked."""


class _Here(NamedTuple):
    is_here: bool


async def _is_away(change: Change, staff_id: int) -> bool:
    sql = f"SELECT {IS_HERE} FROM staff s WHERE s.practice_id = $1 AND s.id = $3"
    since = change.now - AWAY_AFTER
    (found,) = await fetch(_Here, sql, change.practice_id, since, staff_id)
    return not found.is_here
