"""Logging a contact: the call that an agent has made, and what becomes of the task, or of several
tasks of the patient whom it was to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from gql_app.work.appointments import (
    NewAppointment,
    check_recorded,
    close_needless,
    find_recorded,
    put_in_a_call,
    tell_of_appointment,
)
from gql_app.work.calls import (
    MAX_OTHERS,
    TOO_MANY,
    Booking,
    Call,
    OtherTask,
    Weighed,
    weigh,
    weigh_others,
)
from gql_app.work.calls_again import earlier_call, keep_call, request_of
from gql_app.work.changes import Change
from gql_app.work.claims import end_claim
from gql_app.work.contact_status import note_on_the_phone
from gql_app.work.locking import lock_for
from gql_app.work.results import NOT_FOUND, ChangeResult
from gql_app.work.transitions import SentContact
from models.appointment import AppointmentRow
from models.call_back import NO_WISH, Wish
from models.contact_checks import check_contacted_at
from models.contact_status import ContactStatus
from models.lifecycle import Attempt, check_appointment
from models.refusals import Refusal
from models.task import TaskRow
from models.text import trimmed


class _Plan(NamedTuple):
    """An appointment that is to be recorded, and what was recorded of it before."""

    new: NewAppointment
    there: AppointmentRow | None


async def log_contact(
    change: Change,
    task_id: int,
    attempt: Attempt,
    *,
    expected_version: int | None = None,
    idempotency_key: str | None = None,
    contacted_at: datetime | None = None,
    others: Sequence[OtherTask] = (),
    booking: Booking | None = None,
    call_back: Wish = NO_WISH,
    is_incoming: bool = False,
) -> ChangeResult:
    """Log a contact on a task. Refusals change nothing and come back in the result.

    One that was made at `contacted_at`, before its automatic task expired or its patient was not to
    be called any more, is kept on the closed task and changes no status: the result is `late`.
    What the patient has said of being called (`attempt.contact_status`) holds from then on, and
    closes the patient's other tasks.

    The same call is logged on `others` of the patient, on all or on none. An appointment that was
    agreed on in it is recorded, and closes what it makes needless.

    In one that `is_incoming` the patient has called: it is logged whoever holds the patient, ends
    that claim, and is no attempt.

    With an `idempotency_key` the same request may be sent again: it is carried out once, and the
    answer is what it has made. Raises `Forbidden`.
    """
    change.viewer.require(change.viewer.may_log_contacts, "log contacts")
    sent = SentContact(_trimmed(attempt), contacted_at, call_back, is_incoming)
    if len(others) > MAX_OTHERS:
        _, task = await lock_for(change.viewer, task_id)
        return ChangeResult(task, refusals=(NOT_FOUND if task is None else TOO_MANY,))
    others = tuple(OtherTask(each.task_id, _trimmed(each.attempt)) for each in others)
    call = Call(task_id, sent, others, booking)
    tasks, task = await lock_for(change.viewer, task_id, [other.task_id for other in others])
    request = request_of(change, call, idempotency_key)
    if request is not None and (earlier := await earlier_call(change, request, task_id, task)):
        return earlier
    if task is None:
        return ChangeResult(None, refusals=(NOT_FOUND,))
    result = await _log(change, call, task, tasks, expected_version)
    if request is not None and result.contact is not None:
        keep_call(change, request, result)
    return result


async def _log(
    change: Change,
    call: Call,
    task: TaskRow,
    tasks: list[TaskRow],
    expected_version: int | None,
) -> ChangeResult:
    """Log a call on a locked task and the others that it names. `tasks` are those, and all of the
    patient that are open. Nothing is logged unless all is."""
    at = call.sent.contacted_at
    if at and (refusal := check_contacted_at(at, change.now)):
        return ChangeResult(task, refusals=(refusal,))
    main = await weigh(change, task, call.sent, expected_version)
    others = await weigh_others(change, call, tasks) if call.others else []
    refusals = [refusal for one in (main, *others) for refusal in one.refusals]
    plan = await _plan(change, call, task.patient_id) if call.booking else None
    if isinstance(plan, Refusal):
        refusals.append(plan)
    if refusals or isinstance(plan, Refusal):
        shown = tuple(ChangeResult(other.task) for other in others)
        return ChangeResult(main.task, refusals=tuple(refusals), others=shown)
    return await _carry_out(change, main, others, tasks, plan)


async def _plan(change: Change, call: Call, patient_id: int) -> _Plan | Refusal:
    """The appointment that a call has made, and as it was recorded before; or what is wrong."""
    assert call.booking is not None
    if refusal := check_appointment(call.sent.attempt.outcome):
        return refusal
    new = NewAppointment(patient_id, *call.booking)
    there = await find_recorded(change, new)
    if refusal := check_recorded(there, new):
        return refusal._replace(under=("appointment",))
    return _Plan(new, there)


async def _carry_out(
    change: Change,
    main: Weighed,
    others: Sequence[Weighed],
    tasks: Sequence[TaskRow],
    plan: _Plan | None,
) -> ChangeResult:
    """Log a call on all its tasks, none of which refuses it, and record its appointment."""
    weighed = [one.task for one in (main, *others) if one.task is not None]
    put = await put_in_a_call(change, *plan, {task.id for task in weighed}) if plan else None
    if put is not None:
        main = main._replace(sent=main.sent._replace(booked=put.before))
    result = await main.log(change)
    if others:
        result = replace(result, others=tuple([await other.log(change) for other in others]))
    worked_on = weighed
    if put is not None:
        closed = await close_needless(change, put.appointment, put.needless)
        worked_on = [*weighed, *closed]
        result = replace(result, appointment=put.appointment, needless=tuple(closed))
    status = main.sent.attempt.contact_status
    if main.task is not None and status is not ContactStatus.OK:
        # It closes what the patient has open still, which ends claims on that.
        await note_on_the_phone(change, main.task.patient_id, status)
        tasks = [task for task in tasks if task.patient_id != main.task.patient_id]
        put = None  # nobody looks at an open task of the patient any more
    if any(one.rule for one in (main, *others)):  # a late contact ends no claim
        ended = await end_claim(change, tasks, *worked_on, is_incoming=main.sent.is_incoming)
        worked_on = [*worked_on, *ended]
    if put is not None:
        await tell_of_appointment(change, put.appointment.patient_id, worked_on)
    return result


def _trimmed(attempt: Attempt) -> Attempt:
    return replace(attempt, notes=attempt.notes and trimmed(attempt.notes))
