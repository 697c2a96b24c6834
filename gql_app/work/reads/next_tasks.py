"""Which tasks an agent is to take next: the first free ones, most urgent first."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.reads.conditions import Conditions
from gql_app.work.reads.queues import MAX_SELECTS
from gql_app.work.reads.sections import DUE, NEW, of_each_priority
from models.call_back import GRACE
from models.calling_hours import CallingHours
from models.database import Id, Row, among, among_found, fetch, has_row_locks
from models.follow_up import local_date
from models.hours_text import read_hours
from models.household import households_of
from models.priority import TaskPriority
from models.rest import Rest
from models.task import EXPIRES_KEY, IS_OPEN, NEVER, TASK_COLUMNS, TaskRow

WINDOW = 60
"""How many of a queue's most urgent tasks are looked at: as many agents may ask at once."""

FIRST_LOOK = 8
"""How many at first, which is enough for nearly every claim: to read sixty of each queue and kind
takes longer than all else that a claim does."""

QUEUES_AT_ONCE = MAX_SELECTS // 9
"""In one statement, with at most nine selects each."""

DUE_NOW = "(t.follow_up IS NULL OR t.follow_up <= $3)"
"""SQL that is true of open tasks that may be handed out on the day in the third parameter."""

FOR_VIEWER = "(t.assignee_id IS NULL OR t.assignee_id = $4)"
"""SQL that is true of tasks that are not the work of others than the fourth parameter."""

NOT_PROMISED = "t.follow_up_at IS NULL AND t.review_since IS NULL"
"""SQL that is true of tasks that are due on a day, and wait for no supervisor: the index from which
claims read has no others. What is promised for a moment goes before a rest, and before the work of
others."""


class Where(NamedTuple):
    """Where a claim looks: in which queues, how long the practice's patients rest, which patients
    are passed over, and when patients may be called."""

    queues: list[int]
    rest: Rest
    skipped: list[int]
    hours: CallingHours


class _Queue(NamedTuple):
    id: int
    rest_hours: int | None
    calling_hours: str | None
    holidays: str | None


async def where_to_look(
    viewer: Viewer, queue_ids: Sequence[int] | None, skipped: Sequence[int]
) -> Where:
    """Those of the queues (None: of all) that the key allows, without the patients of the `skipped`
    tasks in any queue that it allows, nor their households."""
    where = Conditions.of(viewer, "q", "q.id")
    where.add("q.archived_at IS NULL")
    if queue_ids is not None:
        where.among("q.id", list(queue_ids))
    sql = f"""SELECT q.id, p.rest_hours, p.calling_hours, p.holidays
    FROM queue q JOIN practice p ON p.id = q.practice_id
    WHERE {where} ORDER BY q.position, q.id"""
    queues = await fetch(_Queue, sql, *where.values)
    first = queues[0] if queues else _Queue(0, None, None, None)
    rest = Rest(first.rest_hours, viewer.time_zone)
    hours = read_hours(viewer.time_zone, first.calling_hours, first.holidays)
    patients = await _patients_of(viewer, skipped) if skipped else []
    return Where([queue.id for queue in queues], rest, patients, hours)


async def _patients_of(viewer: Viewer, task_ids: Sequence[int]) -> list[int]:
    where = Conditions.of(viewer, "t", "t.queue_id")
    where.among("t.id", list(task_ids))
    theirs = among_found("h.id", f"SELECT t.patient_id FROM task t WHERE {where}")
    found = await fetch(Id, households_of(theirs), *where.values)
    return sorted({row.id for row in found})


class Candidate(NamedTuple):
    """A task that may be claimed next, as it was before its lock. `follow_up` is the practice's
    date, `expires_at` is aware. One with `rests_since` was passed over for long enough, and is to
    be found again. `follow_up_at` and `call_back_by_id` are those of a call-back that is due."""

    id: int
    patient_id: int
    follow_up: date | None
    expires_at: datetime | None
    queue_id: int
    assignee_id: int | None
    follow_up_at: datetime | None
    call_back_by_id: int | None
    rests_since: datetime | None
    priority: TaskPriority

    @property
    def is_promised(self) -> bool:
        return self.follow_up_at is not None


_COLUMNS = ", ".join(f"t.{column}" for column in Candidate._fields)

# A rest that was noted before the promise is over with it.
_OF_CALL_BACK = _COLUMNS.replace("t.rests_since", "CAST(NULL AS TIMESTAMPTZ) AS rests_since")


async def most_urgent(
    viewer: Viewer, where: Where, now: datetime, most: int = WINDOW
) -> list[Candidate]:
    """The first free tasks of each queue, most urgent first, at most so many of each kind, and of
    each queue one that has rested and one that waits no more, if there are any. Call-backs that are
    due come before all others.
    Each select reads the beginning of an index, so it costs the same however many tasks there are,
    but for those that are passed over as others' work."""
    values: list[object] = [
        viewer.practice_id,
        now,
        local_date(now, viewer.time_zone),
        viewer.staff_id,
        where.rest.since(now),
        now - GRACE,
    ]
    others = ""
    if where.skipped:
        values.append(where.skipped)
        others = f"AND NOT {among('t.patient_id', len(values))}"
    found = await first_of_queues(
        Candidate, where.queues, lambda q: _firsts(q, others, most), values
    )
    return sorted(found, key=_urgency)


async def first_of_queues(
    row: type[Row],
    queues: list[int],
    selects: Callable[[str], list[str]],
    values: Sequence[object],
) -> list[Row]:
    """What the selects, at most nine, find in each of the queues. They are made for a queue whose
    number they are given as SQL; their parameters are `values`."""
    found: list[Row] = []
    for begin in range(0, len(queues), QUEUES_AT_ONCE):
        some, place = queues[begin : begin + QUEUES_AT_ONCE], len(values) + 1
        if has_row_locks():
            # One select a kind, not a queue: to plan dozens takes ten times as long as to run them.
            of = f"unnest(${place}::bigint[]) AS q (id)"
            parts = [f"SELECT f.* FROM {of} CROSS JOIN LATERAL ({s}) AS f" for s in selects("q.id")]
            found += await fetch(row, " UNION ALL ".join(parts), *values, some)
        else:
            numbers = range(place, place + len(some))
            parts = [f"SELECT * FROM ({select})" for n in numbers for select in selects(f"${n}")]
            found += await fetch(row, " UNION ALL ".join(parts), *values, *some)
    return found


def _firsts(queue: str, others: str, most: int) -> list[str]:
    """The first free tasks of a queue: to be called back, and of each priority to be called again,
    and never called; and one each that has rested, and that waits no more for the calling hours.
    The parameters are the practice, now, today, who asks, since when patients rest, and until when
    a call-back was promised that waits for nobody any more; `others` are further conditions."""
    is_free = f"""{EXPIRES_KEY} > $2
          AND (t.claimed_until IS NULL OR t.claimed_until <= $2) {others}"""
    call_backs = f"""SELECT {_OF_CALL_BACK} FROM task t
        WHERE t.practice_id = $1 AND t.queue_id = {queue} AND t.follow_up_at <= $2
          AND {IS_OPEN} AND {is_free}
          AND (t.call_back_by_id IS NULL OR t.call_back_by_id = $4 OR t.follow_up_at <= $6)
        ORDER BY t.follow_up_at, t.id LIMIT {most}"""
    free = [
        f"""SELECT {_COLUMNS} FROM task t
        WHERE t.practice_id = $1 AND t.queue_id = {queue} AND t.rests_since IS NULL
          AND {section.holds("$3")} AND {NOT_PROMISED} AND {is_free} AND {FOR_VIEWER}
        ORDER BY t.rests_since, {section.sort} LIMIT {most}"""
        for section in (*of_each_priority(DUE), *of_each_priority(NEW))
    ]
    rested = f"""SELECT {_COLUMNS} FROM task t
        WHERE t.practice_id = $1 AND t.queue_id = {queue} AND {IS_OPEN} AND {NOT_PROMISED}
          AND t.rests_since <= $5
        ORDER BY t.rests_since LIMIT 1"""
    opened = f"""SELECT {_COLUMNS} FROM task t
        WHERE t.practice_id = $1 AND t.queue_id = {queue} AND {IS_OPEN} AND t.waits_until <= $2
        ORDER BY t.waits_until LIMIT 1"""
    return [call_backs, *free, rested, opened]


def _urgency(task: Candidate) -> tuple[object, ...]:
    """What puts candidates of several queues into the order of work."""
    if task.follow_up_at is not None:
        return (0, task.follow_up_at, task.id)
    is_new, day = task.follow_up is None, task.follow_up or date.max
    return (1, is_new, task.priority, day, task.expires_at or NEVER, task.id)


async def claimed_tasks(viewer: Viewer, now: datetime) -> list[TaskRow]:
    """The tasks that the viewer holds, those first whose claim ends first."""
    sql = f"""
    SELECT {TASK_COLUMNS} FROM task t
    WHERE t.practice_id = $1 AND t.claimed_by_id = $2 AND t.claimed_until > $3
    ORDER BY t.claimed_until, t.id
    """
    rows = await fetch(TaskRow, sql, viewer.practice_id, viewer.staff_id, now)
    return [row for row in rows if viewer.sees_queue(row.queue_id)]
