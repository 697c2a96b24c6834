"""What stands in the way of a change: another's claim, or an earlier change of the task."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gql_app.access import Viewer
from gql_app.work.reads.history import staff_by_id
from models.database import Number, fetch
from models.event import TaskEventKind
from models.refusals import Refusal, RefusalCode
from models.task import TaskRow, one_of

_NO_NEWS = (
    TaskEventKind.PATIENT_CHANGED,
    TaskEventKind.CALL_BACK_DUE,
    TaskEventKind.CALL_BACK_PASSED_ON,
    TaskEventKind.PRIORITY_CHANGED,
)


class _LastEvent(NamedTuple):
    at: datetime
    by: str | None


async def in_the_way(
    viewer: Viewer,
    task: TaskRow,
    expected_version: int | None,
    now: datetime,
    *,
    is_incoming: bool = False,
) -> Refusal | None:
    """What keeps the viewer from working on an open task as it was seen; None if nothing does. A
    patient who calls is on the phone already, whoever was to call."""
    if not is_incoming and (refusal := await claimed_by_other(viewer, task, now)):
        return refusal
    if not await is_version(viewer, task, expected_version):
        return await version_conflict(viewer, task, now)
    return None


async def is_version(viewer: Viewer, task: TaskRow, expected: int | None) -> bool:
    """Whether the task is still at the version that the viewer expects, None for any. It is, for
    this, if all that has happened since then is that the patient has got another name or phone,
    that it is time to call back, that it is more urgent or less, or that the viewer has claimed or
    renewed: nothing of that would have to be looked at."""
    if expected is None or expected == task.version:
        return True
    sql = f"""
    SELECT COUNT(*) FROM task_event e
    WHERE e.practice_id = $1 AND e.task_id = $2 AND e.version > $3
      AND ({one_of("e.kind", _NO_NEWS)}
        OR (e.kind = '{TaskEventKind.CLAIMED}' AND e.actor_id = $4))
    """
    found = await fetch(Number, sql, viewer.practice_id, task.id, expected, viewer.staff_id)
    return found[0].number == task.version - expected


async def version_conflict(viewer: Viewer, task: TaskRow, now: datetime) -> Refusal:
    """Who has changed the task last, and when by the practice's clock; as far as it is still known:
    events are not kept for ever."""
    sql = """
    SELECT e.at, s.name FROM task_event e
    LEFT JOIN staff s ON s.practice_id = e.practice_id AND s.id = e.actor_id
    WHERE e.practice_id = $1 AND e.task_id = $2 AND e.version = $3
    """
    found = await fetch(_LastEvent, sql, viewer.practice_id, task.id, task.version)
    changed = "This task has changed meanwhile"
    if found:
        zone = ZoneInfo(viewer.time_zone)
        at, today = found[0].at.astimezone(zone), now.astimezone(zone).date()
        day = "" if at.date() == today else f"on {at.date().isoformat()} "
        who = found[0].by or "The clock"
        if not viewer.may_see_who_works:
            who = "Somebody"
        changed = f"{who} changed this task {day}at {at:%H:%M}"
    message = f"{changed}; it is at version {task.version} now."
    return Refusal(RefusalCode.VERSION_CONFLICT, message, "expectedVersion")


async def claimed_by_other(viewer: Viewer, task: TaskRow, now: datetime) -> Refusal | None:
    """Who else holds the task's patient, and until when; None if nobody else does."""
    if not task.is_claimed(now) or task.claimed_by_id == viewer.staff_id:
        return None
    assert task.claimed_until is not None
    holder = await staff_by_id(viewer, [task.claimed_by_id or 0])
    name = holder[0].name if holder and viewer.may_see_who_works else "Somebody else"
    until = task.claimed_until.astimezone(ZoneInfo(viewer.time_zone))
    message = f"{name} has claimed this patient until {until:%H:%M}."
    return Refusal(RefusalCode.CLAIMED_BY_OTHER, message, "taskId")
