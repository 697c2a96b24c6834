"""Tasks of appointments that were missed, in the queues that are set for it."""

from zoneinfo import ZoneInfo

from gql_app.work.appointments import queues_that_mean
from gql_app.work.changes import Change
from gql_app.work.intake import NewTask, make_task, why_needless, with_default_life
from gql_app.work.locking import lock_open_tasks
from gql_app.work.reads.patients import standing_of
from gql_app.work.reads.targets import find_target
from models.appointment import AppointmentRow
from models.lifecycle import TaskOrigin
from models.task import TaskRow


async def make_missed_tasks(change: Change, missed: AppointmentRow) -> list[TaskRow]:
    """Make an automatic task in each queue that is set for missed appointments of this kind, and
    that the key allows. None is made for a patient who is not to be called, beside an open one in
    the same queue, or where another appointment would have closed it. The patient is locked."""
    if (await standing_of(change.practice_id, missed.patient_id)).at(change.now).is_barred:
        return []
    there = await lock_open_tasks(change.practice_id, missed.patient_id)
    taken = {task.queue_id for task in there if not task.has_expired(change.now)}
    queues = await queues_that_mean(change.viewer, missed.kind, "missed_appointments")
    made = [await _make(change, missed, i) for i in queues if i not in taken]
    return [task for task in made if task is not None]


async def _make(change: Change, missed: AppointmentRow, queue_id: int) -> TaskRow | None:
    queue = await find_target(change.viewer, queue_id)
    if queue is None:  # archived
        return None
    new = NewTask(queue_id, missed.patient_id, _reason(change, missed), TaskOrigin.AUTOMATIC)
    if await why_needless(change, new, queue):
        return None
    return await make_task(change, with_default_life(new, queue.automatic_life_days, change.now))


def _reason(change: Change, missed: AppointmentRow) -> str:
    at = missed.at.astimezone(ZoneInfo(change.viewer.time_zone))
    what = f" ({missed.kind})" if missed.kind else ""
    return f"Missed the appointment on {at:%Y-%m-%d} at {at:%H:%M}{what}"
