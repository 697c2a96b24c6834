"""Contact status: whether a patient may be called. Once not, all open tasks close and no new ones
are made, in all queues: it is about the person.

Locks: the patient, then the patient's open tasks by id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from gql_app.work.changes import Change
from gql_app.work.locking import lock_open_tasks, lock_patient
from gql_app.work.patients import touch_tasks
from gql_app.work.reads.patients import patient_now, standing_of
from gql_app.work.reads.queues import day_bounds
from gql_app.work.results import missing
from gql_app.work.transitions import close
from models.audit import AuditAction
from models.contact_status import ContactStatus, Standing, check_until
from models.database import Id, fetch, for_update, write
from models.follow_up import local_date
from models.lifecycle import CloseCause, Happening
from models.people import MAX_STATUS_REASON, PatientRow
from models.refusals import Refusal, RefusalCode
from models.task import TASK_COLUMNS, TaskRow
from models.text import trimmed

MOST_SHOWN = 100
"""How many tasks an answer shows."""

_LIFT = Refusal(
    RefusalCode.LIFT_NOT_ALLOWED,
    "The patient has a stricter status, or one that ends later. A supervisor can change it.",
    "status",
)


class NewStatus(NamedTuple):
    """What is said of a patient. `until` is the last day on which it holds, at the practice."""

    status: ContactStatus
    reason: str | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class StatusResult:
    """The patient as they are now, and the refusals. `closed` are the tasks that were closed by
    this, `offered` those that the lifted status had closed: each in the queues of the key."""

    patient: PatientRow | None = None
    closed: tuple[TaskRow, ...] = ()
    offered: tuple[TaskRow, ...] = ()
    refusals: tuple[Refusal, ...] = ()


async def set_contact_status(change: Change, patient_id: int, new: NewStatus) -> StatusResult:
    """Say whether a patient may be called. Refusals change nothing. Raises `Forbidden`."""
    viewer = change.viewer
    if new.status is ContactStatus.OK:
        viewer.require(viewer.may_lift_contact_status, "say that patients may be called again")
    else:
        viewer.require(viewer.may_set_contact_status, "say that patients are not to be called")
    new = new._replace(reason=trimmed(new.reason or "") or None)
    locked = await lock_patient(viewer, patient_id)
    patient = None if locked is None else await patient_now(change.practice_id, locked)
    if patient is None:
        return StatusResult(refusals=(missing("patient", "patientId"),))
    if refusals := _check(change, new):
        return StatusResult(patient, refusals=refusals)
    before, standing = patient.standing.at(change.now), _standing(change, new)
    if not viewer.may_lift_contact_status and standing.is_milder_than(before):
        return StatusResult(patient, refusals=(_LIFT,))
    closed, lifted = await put_standing(change, patient, standing)
    now = await patient_now(change.practice_id, patient.id)
    return StatusResult(now, _shown(change, closed), _shown(change, lifted))


class Put(NamedTuple):
    """What came of a status: the tasks that it closed, or had closed until now."""

    closed: Sequence[TaskRow] = ()
    lifted: Sequence[TaskRow] = ()


async def put_standing(change: Change, patient: PatientRow, standing: Standing) -> Put:
    """Give a locked patient a status. Open tasks are closed; those that a lifted status had closed
    get an event, by which dashboards learn of it."""
    before = patient.standing.at(change.now)
    if before.is_barred and standing.is_barred:
        standing = standing._replace(since=before.since)
    if (standing.status, standing.reason, standing.ends_at) == (
        before.status,
        before.reason,
        before.ends_at,
    ):
        return Put()
    await write_standing(change, patient.id, standing)
    change.note(AuditAction.CHANGE, f"contact status {standing.status}", patient_id=patient.id)
    if standing.is_barred:
        return Put(await close_all(change, patient.id))
    if not before.is_barred:
        return Put()
    lifted = await _closed_by(change, patient.id, before)
    return Put(lifted=await touch_tasks(change, lifted))


async def why_barred(change: Change, patient_id: int, what: str, field: str) -> Refusal | None:
    """Why no task of a locked patient may become open; None if the patient may be called. `what` is
    said of the task."""
    standing = (await standing_of(change.practice_id, patient_id)).at(change.now)
    if not standing.is_barred:
        return None
    message = f"{what}: the patient's contact status is “{standing.status.label}”."
    return Refusal(RefusalCode.DO_NOT_CONTACT, message, field)


async def write_standing(change: Change, patient_id: int, standing: Standing) -> None:
    """Write a locked patient's status, and no more."""
    sql = """UPDATE patient SET contact_status = $3, contact_status_reason = $4,
        contact_status_since = $5, contact_status_ends_at = $6, version = version + 1
    WHERE practice_id = $1 AND id = $2"""
    await write(sql, change.practice_id, patient_id, *standing)


async def close_all(change: Change, patient_id: int) -> list[TaskRow]:
    """Close the open tasks of a locked patient who is not to be called, in all queues."""
    return [
        await close_barred(change, task)
        for task in await lock_open_tasks(change.practice_id, patient_id)
    ]


async def note_on_the_phone(change: Change, patient_id: int, status: ContactStatus) -> None:
    """Set what a patient has said on the phone, if it is not milder than what is known already. The
    patient and the open tasks are locked; those left are closed."""
    patient = await patient_now(change.practice_id, patient_id)
    assert patient is not None
    standing = Standing(status, since=change.now)
    if not standing.is_milder_than(patient.standing.at(change.now)):
        await put_standing(change, patient, standing)


async def end_status(change: Change, patient_id: int) -> bool:
    """End a patient's status whose last day is over. False if there was nothing to end."""
    sql = f"SELECT p.id FROM patient p WHERE p.practice_id = $1 AND p.id = $2 {for_update()}"
    await fetch(Id, sql, change.practice_id, patient_id)
    patient = await patient_now(change.practice_id, patient_id)
    if patient is None or patient.standing.at(change.now) == patient.standing:
        return False
    await write_standing(change, patient_id, Standing(since=change.now))
    change.note(AuditAction.CHANGE, f"contact status {ContactStatus.OK}", patient_id=patient_id)
    await touch_tasks(change, await _closed_by(change, patient_id, patient.standing))
    return True


def _check(change: Change, new: NewStatus) -> tuple[Refusal, ...]:
    found = []
    if new.reason is not None and len(new.reason) > MAX_STATUS_REASON:
        message = (
            f"The reason has {len(new.reason):,} characters; at most {MAX_STATUS_REASON} are kept."
        )
        found.append(Refusal(RefusalCode.REASON_TOO_LONG, message, "reason"))
    today = local_date(change.now, change.viewer.time_zone)
    if (refusal := check_until(new.status, new.until, today)) is not None:
        found.append(refusal)
    return tuple(found)


def _standing(change: Change, new: NewStatus) -> Standing:
    ends_at = None
    if new.until is not None:
        ends_at = day_bounds(new.until, change.viewer.time_zone)[1]
    return Standing(new.status, new.reason, change.now, ends_at)


async def close_barred(change: Change, task: TaskRow) -> TaskRow:
    """Close a locked open task of a patient who is not to be called."""
    # The clock, not the sweeper, decides whether its time was up before.
    happening = Happening.EXPIRY if task.has_expired(change.now) else Happening.DO_NOT_CONTACT
    return await close(change, task, happening)


async def _closed_by(change: Change, patient_id: int, standing: Standing) -> list[TaskRow]:
    """The tasks of a patient that were closed because of a status, locked, by id."""
    sql = f"""SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND t.patient_id = $2 AND t.close_cause = $3 AND t.closed_at >= $4
    ORDER BY t.id {for_update()}"""
    since = standing.since or change.now
    return await fetch(
        TaskRow, sql, change.practice_id, patient_id, CloseCause.DO_NOT_CONTACT, since
    )


def _shown(change: Change, tasks: Sequence[TaskRow]) -> tuple[TaskRow, ...]:
    """Those that the key sees: a status is about all queues, its answer about those of the key."""
    seen = [task for task in tasks if change.viewer.sees_queue(task.queue_id)]
    return tuple(seen[:MOST_SHOWN])
