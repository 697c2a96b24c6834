"""What happened how often, and how long it took: counted in the database, so that the answer is
small however much there was.

In each statement the parameters are the practice, its queues, and the bounds of the buckets, the
end of the last one included. Each bucket reads its own stretch of an index. PostgreSQL joins in the
order that costs least; SQLite takes CROSS JOIN for the order in which to join.
"""

from datetime import datetime
from typing import NamedTuple

from models.database import among, fetch, hours_between, moments


class Count(NamedTuple):
    """How often `what` happened: an outcome, a cause, OPENED, or UNTOUCHED for an expiry without a
    contact. `which` is the number of a bucket (from 1), a queue or one of the staff, as `kind`
    says."""

    kind: str
    which: int
    what: str
    number: int


class Median(NamedTuple):
    """What it took to schedule, in a bucket, in a queue, or in total."""

    kind: str
    which: int
    attempts: float
    hours: float


_MADE = "COALESCE(c.contacted_at, c.logged_at)"
"""When a contact was made, as the index has it."""


def _bounds() -> str:
    return f"""bounds AS (
        SELECT m.place, m.moment AS begins, LEAD(m.moment) OVER (ORDER BY m.place) AS ends
        FROM {moments(3)}
    )"""


def _contacts_made() -> str:
    return f"""bounds b CROSS JOIN contact c CROSS JOIN task t
        WHERE c.practice_id = $1 AND {_MADE} >= b.begins AND {_MADE} < b.ends
          AND t.practice_id = $1 AND t.id = c.task_id AND {among("t.queue_id", 2)}"""


async def count_all(practice_id: int, queue_ids: list[int], bounds: list[datetime]) -> list[Count]:
    """All that happened between the bounds, each kind of it counted by bucket, by queue and, where
    somebody did it, by staff."""
    sql = f"""
    WITH {_bounds()}, counted AS (
        SELECT b.place, t.queue_id, c.logged_by_id AS staff_id, c.outcome AS what,
               COUNT(*) AS number
        FROM {_contacts_made()}
        GROUP BY b.place, t.queue_id, c.logged_by_id, c.outcome
        UNION ALL
        SELECT b.place, t.queue_id, NULL, 'OPENED', COUNT(*)
        FROM bounds b CROSS JOIN task t
        WHERE t.practice_id = $1 AND t.created_at >= b.begins AND t.created_at < b.ends
          AND {among("t.queue_id", 2)}
        GROUP BY b.place, t.queue_id
        UNION ALL
        SELECT b.place, t.queue_id, c.logged_by_id,
               CASE WHEN t.close_cause = 'EXPIRED' AND t.contact_count = 0 THEN 'UNTOUCHED'
                    ELSE t.close_cause END, COUNT(*)
        FROM bounds b CROSS JOIN task t
        LEFT JOIN contact c ON c.practice_id = $1 AND c.id = t.last_contact_id
                           AND t.close_cause = 'CONTACT'
        WHERE t.practice_id = $1 AND {among("t.queue_id", 2)} AND t.status = 'CLOSED'
          AND t.closed_at >= b.begins AND t.closed_at < b.ends
        GROUP BY 1, 2, 3, 4
    )
    SELECT 'bucket', place, what, CAST(SUM(number) AS BIGINT) FROM counted GROUP BY place, what
    UNION ALL
    SELECT 'queue', queue_id, what, CAST(SUM(number) AS BIGINT) FROM counted
    GROUP BY queue_id, what
    UNION ALL
    SELECT 'staff', staff_id, what, CAST(SUM(number) AS BIGINT) FROM counted
    WHERE staff_id IS NOT NULL GROUP BY staff_id, what
    """
    return await fetch(Count, sql, practice_id, queue_ids, bounds)


async def find_medians(
    practice_id: int, queue_ids: list[int], bounds: list[datetime]
) -> list[Median]:
    """The medians over the contacts with the outcome Scheduled that were made between the bounds:
    how many contacts it took, and how many hours after its task was made it came."""
    middle = "IN ((size + 1) / 2, (size + 2) / 2)"
    made_by_then = f"COALESCE(o.contacted_at, o.logged_at) <= {_MADE}"
    sql = f"""
    WITH {_bounds()}, scheduled AS (
        SELECT b.place, t.queue_id, {hours_between("t.created_at", _MADE)} AS hours,
               (SELECT COUNT(*) FROM contact o WHERE o.practice_id = $1 AND o.task_id = t.id
                AND {made_by_then}) AS attempts
        FROM {_contacts_made()} AND c.outcome = 'SCHEDULED'
    ), grouped AS (
        SELECT 'bucket' AS kind, place AS which, attempts, hours FROM scheduled
        UNION ALL SELECT 'queue', queue_id, attempts, hours FROM scheduled
        UNION ALL SELECT 'total', 0, attempts, hours FROM scheduled
    ), ranked AS (
        SELECT kind, which, attempts, hours, COUNT(*) OVER (PARTITION BY kind, which) AS size,
               ROW_NUMBER() OVER (PARTITION BY kind, which ORDER BY attempts) AS by_attempts,
               ROW_NUMBER() OVER (PARTITION BY kind, which ORDER BY hours) AS by_hours
        FROM grouped
    )
    SELECT kind, which,
           CAST(AVG(attempts) FILTER (WHERE by_attempts {middle}) AS DOUBLE PRECISION),
           AVG(hours) FILTER (WHERE by_hours {middle})
    FROM ranked GROUP BY kind, which
    """
    return await fetch(Median, sql, practice_id, queue_ids, bounds)
