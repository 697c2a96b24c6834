"""Patients who rest: they were called a short time ago, for whichever of their tasks.

Whether a patient rests is looked up when a claim would hand them out. Thousands of their tasks can
be due, and each claim would look all of them up again. So the first claim that meets one notes on
it when the call was (`rests_since`), and later claims read past it until the rest is over.
"""

from collections.abc import Sequence

from gql_app.work.changes import Change
from gql_app.work.reads.last_calls import LAST_CALL, last_call
from gql_app.work.reads.next_tasks import DUE_NOW, WINDOW, Candidate, Where
from models.database import among, for_update_if_free, write
from models.follow_up import local_date
from models.rest import Rest
from models.task import IS_OPEN

BATCH = 1_000
"""How many tasks are freed in one statement."""


async def rests(change: Change, rest: Rest, patient_id: int) -> bool:
    """Whether the patient, who is locked, was called too recently to be handed out."""
    if rest.is_off:
        return False
    called_at = await last_call(change.practice_id, patient_id)
    return called_at is not None and called_at > rest.since(change.now)


async def note_resting(change: Change, rest: Rest, candidates: Sequence[Candidate]) -> None:
    """Note on the due tasks of the first candidates' patients that they rest, where they do. Their
    locks are not waited for: others hold theirs in another order."""
    patients = list(dict.fromkeys(candidate.patient_id for candidate in candidates))[:WINDOW]
    today = local_date(change.now, rest.time_zone)
    call = LAST_CALL.format(patient="task.patient_id", practice="$1")
    sql = f"""UPDATE task SET rests_since = {call}
    WHERE practice_id = $1 AND id IN (
        SELECT t.id FROM task t
        WHERE t.practice_id = $1 AND {among("t.patient_id", 2)} AND {IS_OPEN} AND {DUE_NOW}
          AND {LAST_CALL.format(patient="t.patient_id", practice="$1")} > $4
        {for_update_if_free()})"""
    await write(sql, change.practice_id, patients, today, rest.since(change.now))


async def forget_rest(change: Change, patient_id: int) -> None:
    """Have the next claim look again whether the patient rests: a call was undone."""
    sql = """UPDATE task SET rests_since = NULL
    WHERE practice_id = $1 AND patient_id = $2 AND rests_since IS NOT NULL"""
    await write(sql, change.practice_id, patient_id)


async def wake(change: Change, where: Where) -> bool:
    """Let claims find the tasks again whose patients have rested. Whether there are any that no
    other change has locked."""
    sql = f"""UPDATE task SET rests_since = NULL
    WHERE practice_id = $1 AND id IN (
        SELECT t.id FROM task t
        WHERE t.practice_id = $1 AND {among("t.queue_id", 2)} AND {IS_OPEN} AND t.rests_since <= $3
        LIMIT {BATCH} {for_update_if_free()})
    RETURNING id"""
    since = where.rest.since(change.now)
    return bool(await write(sql, change.practice_id, where.queues, since))
