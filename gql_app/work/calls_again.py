"""Calls that are sent again under their idempotency key: logged once, and answered each time."""

from collections.abc import Iterator
from typing import Any

from gql_app.work.calls import Call
from gql_app.work.changes import Change
from gql_app.work.idempotency import KEY_REUSED, Request, earlier_use, keep_result
from gql_app.work.reads.queues import tasks_by_id
from gql_app.work.results import NOT_FOUND, ChangeResult
from models.appointment import APPOINTMENT_COLUMNS, IS_THERE, AppointmentRow
from models.contact import CONTACT_COLUMNS, ContactRow
from models.contact_status import ContactStatus
from models.database import among, fetch, fetch_first
from models.lifecycle import Attempt
from models.task import TaskRow
from models.text import trimmed


def request_of(change: Change, call: Call, key: str | None) -> Request | None:
    """What is asked for under a key. Of a call for one task it is what it was before there were
    others: keys that were used then go on to hold."""
    if key is None:
        return None
    what = _what(call.sent.attempt, call.sent.contacted_at)
    return Request(
        "logContact", key, (change.viewer.staff_id, call.task_id, *what, *_besides(call))
    )


def keep_call(change: Change, request: Request, result: ChangeResult) -> None:
    """Keep what came of a call that was logged, for when it comes again."""
    kept = _kept(result)
    if result.others:
        kept["others"] = [_kept(other) for other in result.others]
    if result.appointment is not None:
        kept["appointment"] = result.appointment.id
        kept["needless"] = [task.id for task in result.needless]
    keep_result(change, request, **kept)


async def earlier_call(
    change: Change, request: Request, task_id: int, task: TaskRow | None
) -> ChangeResult | None:
    """The answer to a log whose key has been used before, None if it has not. `task` is the task as
    it is now, None if the key does not allow it: it may have been moved meanwhile."""
    earlier = await earlier_use(change, request)
    if earlier is None:
        return None
    result = earlier.result
    reused = ChangeResult(task, refusals=(NOT_FOUND if task is None else KEY_REUSED,))
    if earlier.is_same is False or result["task"] != task_id:
        return reused
    logged = [result, *result.get("others", ())]
    contacts = await _contacts(change, [one["contact"] for one in logged])
    contact = contacts[result["contact"]]
    if earlier.is_same is None and _content_of(contact) != request.content:
        return reused
    answer = ChangeResult(task, contact, late=result["late"])
    if "others" not in result and "appointment" not in result:
        return answer
    return await _with_the_rest(change, answer, result, contacts)


async def _with_the_rest(
    change: Change, answer: ChangeResult, result: dict[str, Any], contacts: dict[int, ContactRow]
) -> ChangeResult:
    """The answer with the other tasks and the appointment, as they are now."""
    others, needless = result.get("others", []), result.get("needless", [])
    ids = [*(one["task"] for one in others), *needless]
    tasks = {row.id: row for row in await tasks_by_id(change.viewer, ids)} if ids else {}
    sql = f"""SELECT {APPOINTMENT_COLUMNS} FROM appointment a
    WHERE a.practice_id = $1 AND a.id = $2 AND {IS_THERE}"""
    booked = result.get("appointment")
    return ChangeResult(
        answer.task,
        answer.contact,
        late=answer.late,
        others=tuple(
            ChangeResult(tasks.get(one["task"]), contacts[one["contact"]], late=one["late"])
            for one in others
        ),
        appointment=booked and await fetch_first(AppointmentRow, sql, change.practice_id, booked),
        needless=tuple(tasks[task_id] for task_id in needless if task_id in tasks),
    )


async def _contacts(change: Change, ids: list[int]) -> dict[int, ContactRow]:
    sql = f"""SELECT {CONTACT_COLUMNS} FROM contact c
    WHERE c.practice_id = $1 AND {among("c.id", 2)}"""
    return {row.id: row for row in await fetch(ContactRow, sql, change.practice_id, ids)}


def _kept(result: ChangeResult) -> dict[str, object]:
    assert result.task is not None
    assert result.contact is not None
    return {"task": result.task.id, "contact": result.contact.id, "late": result.late}


def _what(attempt: Attempt, *more: object) -> tuple[object, ...]:
    return (attempt.outcome, attempt.follow_up, attempt.notes, attempt.close, *more)


def _besides(call: Call) -> Iterator[object]:
    """What a call asks for beside the contact on its own task, in plain values."""
    yield from call.sent.call_back.asked
    if call.sent.attempt.contact_status is not ContactStatus.OK:
        yield call.sent.attempt.contact_status
    if call.sent.is_incoming:
        yield "incoming"
    if call.others or call.booking:
        yield [[other.task_id, *_what(other.attempt)] for other in call.others]
    if call.booking:
        yield call.booking.at
        yield call.booking.external_id
        if call.booking.kind is not None:  # keys from before there were kinds go on to hold
            yield call.booking.kind


def _content_of(contact: ContactRow) -> tuple[object, ...]:
    """What was asked for by the request that has made a contact."""
    notes = contact.notes and trimmed(contact.notes)  # older versions kept them as they were sent
    what = (contact.outcome, contact.follow_up, notes, contact.closed_task, contact.contacted_at)
    return (contact.logged_by_id, contact.task_id, *what)
