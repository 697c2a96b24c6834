"""Calling hours: whom it is too early or too late to call, and what notes that.

It is looked up when a claim would hand a patient out. Thousands of due tasks can be of patients
where the hours have not begun, so the claim that meets the first of them notes on the next tasks of
the queue until when they wait (`waits_until`), and later claims read past those, as past those
that rest (work/resting.py).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gql_app.work.changes import Change
from gql_app.work.reads.next_tasks import NOT_PROMISED, Candidate, Where
from gql_app.work.reads.sections import DUE, NEW
from gql_app.work.results import ClaimWarning, Warned
from models.calling_hours import CallingHours
from models.database import Id, among, fetch, fetch_first, for_update, for_update_if_free, write
from models.follow_up import local_date
from models.hours_text import read_hours
from models.task import FOUND_AGAIN, WAITS, TaskRow

AT_ONCE = 1_000
"""How many of a queue's tasks a claim looks at that has met one which has to wait."""

LOOK_AGAIN = timedelta(hours=1)
"""How long a task waits at most until it is looked at again: other hours are set, and numbers
change, while a claim writes."""


class _Zone(NamedTuple):
    time_zone: str | None


class _Located(NamedTuple):
    """A task, and the zone that its patient's number tells."""

    id: int
    time_zone: str | None


class _Settings(NamedTuple):
    calling_hours: str | None
    holidays: str | None
    time_zone: str | None


async def waits(change: Change, hours: CallingHours, patient_id: int) -> bool:
    """Whether the patient, who is locked, may not be called now. The practice is open."""
    if hours.is_off:
        return False
    sql = "SELECT p.time_zone FROM patient p WHERE p.practice_id = $1 AND p.id = $2"
    found = await fetch_first(_Zone, sql, change.practice_id, patient_id)
    return found is not None and not hours.may_call(change.now, found.time_zone)


async def note_waiting(change: Change, where: Where, candidate: Candidate) -> None:
    """Note on the candidate, and on the first tasks of its queue, until when they wait."""
    found = await _first_of_queue(change, where.rest.time_zone, candidate)
    zones = {task.time_zone for task in found}
    ends = {zone: _end(where.hours, zone, change.now) for zone in zones}
    waiting = {task.id: end for task in found if (end := ends[task.time_zone]) is not None}
    sql = f"""SELECT t.id FROM task t WHERE t.practice_id = $1 AND {among("t.id", 2)}
    ORDER BY t.id {for_update_if_free()}"""
    free = [row.id for row in await fetch(Id, sql, change.practice_id, [*waiting])]
    for end in sorted({waiting[task_id] for task_id in free}):
        sql = f"""UPDATE task SET rests_since = $3, waits_until = $4
        WHERE practice_id = $1 AND {among("id", 2)}"""
        ids = [task_id for task_id in free if waiting[task_id] == end]
        await write(sql, change.practice_id, ids, WAITS, end)


def _end(hours: CallingHours, zone: str | None, now: datetime) -> datetime | None:
    """Until when somebody waits, None if not at all."""
    if hours.may_call(now, zone):
        return None
    return min(hours.next_at(now, zone) or WAITS, now + LOOK_AGAIN)


async def _first_of_queue(
    change: Change, time_zone: str, candidate: Candidate
) -> Iterable[_Located]:
    """The candidate, and the first due tasks of its queue that are not passed over yet."""
    of_patient = "p.practice_id = $1 AND p.id = f.patient_id"
    parts = [
        f"""SELECT f.id, p.time_zone FROM (
            SELECT t.id, t.patient_id FROM task t
            WHERE t.practice_id = $1 AND t.queue_id = $2 AND t.rests_since IS NULL
              AND {section.holds("$3")} AND {NOT_PROMISED}
            ORDER BY t.rests_since, {section.sort} LIMIT {AT_ONCE}) f
        JOIN patient p ON {of_patient}"""
        for section in (DUE, NEW)
    ]
    own = f"SELECT f.id, p.time_zone FROM task f JOIN patient p ON {of_patient}"
    sql = " UNION ALL ".join(
        [*parts, f"{own} WHERE f.practice_id = $1 AND f.id = $4"],
    )
    today = local_date(change.now, time_zone)
    values = (change.practice_id, candidate.queue_id, today, candidate.id)
    return await fetch(_Located, sql, *values)


async def forget_hours(change: Change) -> None:
    """Have the next claims look again who has to wait: other hours are being set."""
    sql = f"""SELECT t.id FROM task t WHERE t.practice_id = $1 AND t.waits_until IS NOT NULL
    ORDER BY t.id {for_update()}"""
    waiting = [row.id for row in await fetch(Id, sql, change.practice_id)]
    sql = f"""UPDATE task SET {FOUND_AGAIN}
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, change.practice_id, waiting)


async def outside_hours(change: Change, task: TaskRow) -> tuple[Warned, ...]:
    """What to warn of who claims a task by hand: that it is too early or too late to call. A
    call-back that was promised for an earlier moment goes before the hours."""
    if task.follow_up_at is not None and task.follow_up_at <= change.now:
        return ()
    sql = """SELECT o.calling_hours, o.holidays, p.time_zone
    FROM patient p JOIN practice o ON o.id = p.practice_id
    WHERE p.practice_id = $1 AND p.id = $2"""
    found = await fetch_first(_Settings, sql, change.practice_id, task.patient_id)
    assert found is not None
    hours = read_hours(change.viewer.time_zone, found.calling_hours, found.holidays)
    if hours.may_call(change.now, found.time_zone):
        return ()
    return (_warning(hours, found.time_zone, change.now),)


def _warning(hours: CallingHours, zone: str | None, now: datetime) -> Warned:
    is_practice = zone is None or not hours.may_call(now)
    clock = f"{now.astimezone(ZoneInfo(hours.time_zone if is_practice else zone or '')):%H:%M}"
    where = "at the practice" if is_practice else f"in {zone}, where the number is from"
    message = f"It is {clock} {where}: outside the calling hours."
    return Warned(ClaimWarning.OUTSIDE_CALLING_HOURS, message)
