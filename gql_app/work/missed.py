"""Tasks of appointments that were missed, in the queues that are set for it."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from gql_app.work.changes import Change
from gql_app.work.claims import live_claim
from gql_app.work.intake import NewTask, new_task, why_needless, with_default_life
from gql_app.work.locking import lock_open_tasks
from gql_app.work.reads.conditions import Conditions
from gql_app.work.reads.patients import standing_of
from gql_app.work.reads.targets import find_target
from models.appointment import AppointmentRow, is_of_kind
from models.database import columns_of_new, fetch, insert
from models.event import TaskEventKind
from models.lifecycle import TaskOrigin
from models.task import TaskRow


class _Queue(NamedTuple):
    id: int
    appointment_kinds: str | None


async def make_missed_tasks(change: Change, missed: AppointmentRow) -> list[TaskRow]:
    """Make an automatic task in each queue that is set for missed appointments of this kind, and
    that the key allows. None is made for a patient who is not to be called, beside an open one in
    the same queue, or where another appointment would have closed it. The patient is locked."""
    if (await standing_of(change.practice_id, missed.patient_id)).at(change.now).is_barred:
        return []
    there = await lock_open_tasks(change.practice_id, missed.patient_id)
    taken = {task.queue_id for task in there if not task.has_expired(change.now)}
    queues = [queue for queue in await _queues_for(change, missed) if queue.id not in taken]
    made = [await _make(change, missed, queue.id) for queue in queues]
    return [task for task in made if task is not None]


async def _queues_for(change: Change, missed: AppointmentRow) -> list[_Queue]:
    where = Conditions.of(change.viewer, "q", "q.id")
    sql = f"""SELECT q.id, q.appointment_kinds FROM queue q
    WHERE {where} AND q.missed_appointments ORDER BY q.position, q.id"""
    return [
        queue
        for queue in await fetch(_Queue, sql, *where.values)
        if is_of_kind(missed.kind, queue.appointment_kinds)
    ]


async def _make(change: Change, missed: AppointmentRow, queue_id: int) -> TaskRow | None:
    queue = await find_target(change.viewer, queue_id)
    if queue is None:  # archived
        return None
    new = NewTask(queue_id, missed.patient_id, _reason(change, missed), TaskOrigin.AUTOMATIC)
    if await why_needless(change, new, queue):
        return None
    new = with_default_life(new, queue.automatic_life_days, change.now)
    claim = await live_claim(change.practice_id, missed.patient_id, change.now)
    task = new_task(change.viewer, new, claim, change.now)
    task = task._replace(id=await insert("task", **columns_of_new(task)))
    change.record(TaskEventKind.CREATED, task, before=None)
    return task


def _reason(change: Change, missed: AppointmentRow) -> str:
    at = missed.at.astimezone(ZoneInfo(change.viewer.time_zone))
    what = f" ({missed.kind})" if missed.kind else ""
    return f"Missed the appointment on {at:%Y-%m-%d} at {at:%H:%M}{what}"
