"""Tasks that an appointment has closed, brought back when it is cancelled, or taken back with the
contact in which it was agreed on."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from gql_app.work.changes import Change
from gql_app.work.claims import under_claim
from gql_app.work.reads.appointments import appointments_ahead
from gql_app.work.reads.patients import standing_of
from gql_app.work.transitions import bring_back
from models.appointment import AppointmentRow, is_of_kind
from models.contact import TaskBefore
from models.database import (
    among,
    fetch,
    fetch_joined,
    for_update,
    has_row_locks,
    kept,
    select_list,
    write,
)
from models.lifecycle import CloseCause
from models.lifecycle import bring_back as way_back
from models.task import TASK_COLUMNS, TaskRow


class _Closing(NamedTuple):
    task_before: str


class _Closed(NamedTuple):
    """A task that an appointment has closed, and what it was before."""

    task: TaskRow
    before: TaskBefore


class _Queue(NamedTuple):
    id: int
    closes_on_appointment: bool
    appointment_kinds: str | None


async def bring_tasks_back(change: Change, appointment: AppointmentRow) -> list[TaskRow]:
    """Open the tasks again that an appointment has closed, which is off, in all queues: they are as
    they were, on the same rung of their ladder. Those stay closed whose time is up, whose queue is
    archived, whose patient is not to be called, or that another appointment makes needless, which
    has closed them from now on. The patient is locked."""
    closed = await _closed_by(change, appointment)
    others = await appointments_ahead(change.practice_id, [appointment.patient_id], change.now)
    queues = await _in_use(change, closed)
    back = []
    for task, before in closed:
        queue = queues.get(task.queue_id)
        if queue is None:
            continue
        if other := next((o for o in others if _makes_needless(o, queue)), None):
            await _hand_over(change, task, other)
        else:
            back.append(_Closed(task, _without_a_past_promise(before, change.now)))
    return await _open(change, back)


async def as_before_call(
    change: Change, appointment: AppointmentRow, task_ids: Collection[int]
) -> list[TaskRow]:
    """Open these tasks again, which an appointment has closed in a call that is undone, as far as
    nothing else keeps them closed."""
    closed = await _closed_by(change, appointment)
    closed = [one for one in closed if one.task.id in task_ids]
    queues = await _in_use(change, closed)
    return await _open(change, [one for one in closed if one.task.queue_id in queues])


async def _closed_by(change: Change, appointment: AppointmentRow) -> list[_Closed]:
    """The tasks that an appointment has closed, and nothing has opened since, locked; none if the
    patient is not to be called."""
    if (await standing_of(change.practice_id, appointment.patient_id)).at(change.now).is_barred:
        return []
    lock = f"{for_update()} OF t" if has_row_locks() else ""
    sql = f"""SELECT {TASK_COLUMNS}, {select_list("c", _Closing)} FROM task t
    JOIN appointment_closing c ON c.practice_id = t.practice_id AND c.task_id = t.id
    WHERE t.practice_id = $1 AND c.appointment_id = $2 AND t.patient_id = $3
      AND t.close_cause = $4
    ORDER BY t.id {lock}"""
    where = (change.practice_id, appointment.id, appointment.patient_id)
    tasks, closings = await fetch_joined(
        (TaskRow, _Closing), sql, *where, CloseCause.APPOINTMENT_BOOKED
    )
    return [
        _Closed(task, TaskBefore.of(closing.task_before))
        for task, closing in zip(tasks, closings, strict=True)
        if task.expires_at is None or task.expires_at > change.now
    ]


async def _in_use(change: Change, closed: list[_Closed]) -> dict[int, _Queue]:
    """The queues of these tasks, by their ids, but for archived ones. They are not archived before
    the transaction ends."""
    sql = f"""SELECT {select_list("q", _Queue)} FROM queue q
    WHERE q.practice_id = $1 AND {among("q.id", 2)} AND q.archived_at IS NULL {kept("q")}"""
    ids = sorted({task.queue_id for task, _ in closed})
    return {row.id: row for row in await fetch(_Queue, sql, change.practice_id, ids)}


def _makes_needless(appointment: AppointmentRow, queue: _Queue) -> bool:
    return queue.closes_on_appointment and is_of_kind(appointment.kind, queue.appointment_kinds)


async def _hand_over(change: Change, task: TaskRow, other: AppointmentRow) -> None:
    sql = """UPDATE appointment_closing SET appointment_id = $3
    WHERE practice_id = $1 AND task_id = $2"""
    await write(sql, change.practice_id, task.id, other.id)


def _without_a_past_promise(before: TaskBefore, now: datetime) -> TaskBefore:
    """The day stays, but nobody is promised to be called at a time that has passed."""
    if before.follow_up_at is None or before.follow_up_at > now:
        return before
    return before._replace(follow_up_at=None, call_back_by_id=None, call_back_told_at=None)


async def _open(change: Change, closed: list[_Closed]) -> list[TaskRow]:
    opened = []
    for task, before in closed:
        rule = way_back(task.status, before.status)
        assert rule is not None, "the workflow knows the way back of what an appointment closes"
        opened.append(await bring_back(change, await under_claim(change, task), rule, before))
    return opened
