"""Which tasks an agent is to take next: the first free ones, most urgent first."""

from datetime import date, datetime
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.reads.queues import MAX_SELECTS
from gql_app.work.reads.sections import DUE, NEW
from models.database import fetch, has_row_locks
from models.follow_up import local_date
from models.task import EXPIRES_KEY, NEVER, TASK_COLUMNS, TaskRow

WINDOW = 60
"""How many of a queue's most urgent tasks are looked at: as many agents may ask at once."""

QUEUES_AT_ONCE = MAX_SELECTS // 2
"""In one statement, with two selects each."""


class Candidate(NamedTuple):
    """A task that may be claimed next, as it was before its lock. `follow_up` is the practice's
    date, `expires_at` is aware."""

    id: int
    patient_id: int
    follow_up: date | None
    expires_at: datetime | None
    queue_id: int
    assignee_id: int | None


async def most_urgent(viewer: Viewer, queues: list[int], now: datetime) -> list[Candidate]:
    """The first free tasks of each queue, most urgent first. Each select reads the beginning of an
    index, so it costs the same however many tasks there are, but for those that are passed over as
    others' work."""
    found: list[Candidate] = []
    for begin in range(0, len(queues), QUEUES_AT_ONCE):
        found += await _first_of(viewer, queues[begin : begin + QUEUES_AT_ONCE], now)
    return sorted(found, key=_urgency)


async def _first_of(viewer: Viewer, queues: list[int], now: datetime) -> list[Candidate]:
    today = local_date(now, viewer.time_zone)
    values: list[object] = [viewer.practice_id, now, today, viewer.staff_id]
    if has_row_locks():
        # One select a kind, not a queue: to plan dozens takes ten times as long as to run them.
        values.append(queues)
        queue = "unnest($5::bigint[]) AS q (id)"
        selects = [
            f"SELECT f.* FROM {queue} CROSS JOIN LATERAL ({first}) AS f"
            for first in _firsts("q.id")
        ]
    else:
        values += queues
        numbers = range(5, 5 + len(queues))
        selects = [f"SELECT * FROM ({first})" for n in numbers for first in _firsts(f"${n}")]
    return await fetch(Candidate, " UNION ALL ".join(selects), *values)


def _firsts(queue: str) -> list[str]:
    """The first free tasks of a queue: to be called again, and never called. The parameters are the
    practice, now, today, and who asks."""
    return [
        f"""SELECT t.id, t.patient_id, t.follow_up, t.expires_at, t.queue_id, t.assignee_id
        FROM task t
        WHERE t.practice_id = $1 AND t.queue_id = {queue}
          AND {section.holds("$3")}
          AND {EXPIRES_KEY} > $2
          AND (t.claimed_until IS NULL OR t.claimed_until <= $2)
          AND (t.assignee_id IS NULL OR t.assignee_id = $4)
        ORDER BY {section.sort} LIMIT {WINDOW}"""
        for section in (DUE, NEW)
    ]


def _urgency(task: Candidate) -> tuple[object, ...]:
    """What puts candidates of several queues into the order of work."""
    return (task.follow_up or date.max, task.expires_at or NEVER, task.id)


async def claimed_tasks(viewer: Viewer, now: datetime) -> list[TaskRow]:
    """The tasks that the viewer holds, those first whose claim ends first."""
    sql = f"""
    SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND t.claimed_by_id = $2 AND t.claimed_until > $3
    ORDER BY t.claimed_until, t.id
    """
    rows = await fetch(TaskRow, sql, viewer.practice_id, viewer.staff_id, now)
    return [row for row in rows if viewer.sees_queue(row.queue_id)]
