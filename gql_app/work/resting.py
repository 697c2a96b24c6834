"""Patients who are passed over for a time. They rest: they or others of their household were called
a short time ago, for whichever of their tasks. Or it is too early or too late to call where they
live (work/hours.py).

Whether a patient rests is looked up when a claim would hand them out. Thousands of their tasks can
be due, and each claim would look all of them up again. So the first claim that meets one notes on
it when the call was (`rests_since`), and later claims read past it until the rest is over.

The rows are locked by a statement of their own, and no lock of another is waited for: others hold
theirs in another order. As a part of the UPDATE, PostgreSQL may run it once for each row.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from gql_app.work.changes import Change
from gql_app.work.reads.last_calls import call_of, last_call
from gql_app.work.reads.next_tasks import DUE_NOW, NOT_PROMISED, WINDOW, Candidate, Where
from models.database import Id, among, among_found, fetch, for_update_if_free, write
from models.follow_up import local_date
from models.household import household_of
from models.rest import Rest
from models.task import FOUND_AGAIN, IS_OPEN

BATCH = 1_000
"""How many tasks are freed in one statement."""


class _Called(NamedTuple):
    """A task, and when its patient was called last."""

    id: int
    called_at: datetime | None


async def rests(change: Change, rest: Rest, patient_id: int) -> bool:
    """Whether the patient, who is locked, was called too recently to be handed out."""
    if rest.is_off:
        return False
    called_at = await last_call(change.practice_id, patient_id)
    return called_at is not None and called_at > rest.since(change.now)


async def note_resting(change: Change, rest: Rest, candidates: Sequence[Candidate]) -> None:
    """Note on the due tasks of the first candidates' patients that they rest, where they do."""
    patients = list(dict.fromkeys(candidate.patient_id for candidate in candidates))[:WINDOW]
    sql = f"""SELECT t.id, {call_of("t.patient_id")} AS called_at
    FROM task t
    WHERE t.practice_id = $1 AND {among("t.patient_id", 2)} AND {IS_OPEN} AND {DUE_NOW}
      AND {NOT_PROMISED} {for_update_if_free()}"""
    today = local_date(change.now, rest.time_zone)
    found = await fetch(_Called, sql, change.practice_id, patients, today)
    since = rest.since(change.now)
    resting = [task.id for task in found if task.called_at is not None and task.called_at > since]
    sql = f"""UPDATE task SET rests_since = {call_of("task.patient_id")}
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, change.practice_id, resting)


async def forget_rest(change: Change, patient_id: int) -> None:
    """Have the next claim look again whether the patient's household rests: a call was undone, or
    it has other members."""
    sql = f"""UPDATE task SET {FOUND_AGAIN}
    WHERE practice_id = $1 AND {among_found("patient_id", household_of("$2"))}
      AND rests_since IS NOT NULL"""
    await write(sql, change.practice_id, patient_id)


async def wake(change: Change, where: Where) -> bool:
    """Let claims find the tasks again whose patients have rested, or have waited for the calling
    hours. Whether there are any that no other change has locked."""
    woken = []
    for is_over, since in (
        (f"{NOT_PROMISED} AND t.rests_since <= $3", where.rest.since(change.now)),
        ("t.waits_until <= $3", change.now),
    ):
        sql = f"""SELECT t.id FROM task t
        WHERE t.practice_id = $1 AND {among("t.queue_id", 2)} AND {IS_OPEN} AND {is_over}
        LIMIT {BATCH} {for_update_if_free()}"""
        found = await fetch(Id, sql, change.practice_id, where.queues, since)
        woken += [row.id for row in found]
    sql = f"""UPDATE task SET {FOUND_AGAIN}
    WHERE practice_id = $1 AND {among("id", 2)}"""
    await write(sql, change.practice_id, woken)
    return bool(woken)
