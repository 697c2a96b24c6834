"""What happened how often, and how long it took: counted in the database, so that the answer is
small however much there was.

In each statement the parameters are the practice, its queues, the moments at which the buckets
begin, and the beginning and end of all. Each moment is sorted among the starts of the buckets; the
number of starts up to it is its bucket. So neither database needs time zones.
"""

from datetime import datetime
from typing import NamedTuple

from models.contact import stands
from models.database import among, fetch, hours_between, moments
from models.lifecycle import CloseCause, ContactOutcome
from models.task import IS_CLOSED


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


def _contacts_made() -> str:
    # SQLite takes CROSS JOIN for the order in which to join; to PostgreSQL it is any join.
    return f"""contact c CROSS JOIN task t
        WHERE c.practice_id = $1 AND {_MADE} >= $4 AND {_MADE} < $5
          AND t.practice_id = $1 AND t.id = c.task_id AND {among("t.queue_id", 2)}
          AND {stands("c")}"""


async def count_all(practice_id: int, queue_ids: list[int], bounds: list[datetime]) -> list[Count]:
    """All that happened between the bounds of buckets, the end of the last one included: each kind
    of it by bucket, by queue and, where somebody did it, by staff."""
    sql = f"""
    WITH happened AS (
        SELECT {_MADE} AS moment, t.queue_id, c.logged_by_id AS staff_id, c.outcome AS what,
               0 AS begun
        FROM {_contacts_made()}
        UNION ALL
        SELECT t.created_at, t.queue_id, NULL, 'OPENED', 0 FROM task t
        WHERE t.practice_id = $1 AND t.created_at >= $4 AND t.created_at < $5
          AND {among("t.queue_id", 2)}
        UNION ALL
        SELECT t.closed_at, t.queue_id, c.logged_by_id,
               CASE WHEN t.close_cause = '{CloseCause.EXPIRED}' AND t.contact_count = 0
                    THEN 'UNTOUCHED' ELSE t.close_cause END, 0
        FROM task t
        LEFT JOIN contact c ON c.practice_id = $1 AND c.id = t.last_contact_id
                           AND t.close_cause = '{CloseCause.CONTACT}'
        WHERE t.practice_id = $1 AND {among("t.queue_id", 2)} AND {IS_CLOSED}
          AND t.closed_at >= $4 AND t.closed_at < $5
        UNION ALL
        SELECT m.moment, NULL, NULL, NULL, 1 FROM {moments(3)}
    ), placed AS (
        SELECT SUM(begun) OVER (ORDER BY moment) AS place, queue_id, staff_id, what FROM happened
    ), counted AS (
        SELECT place, queue_id, staff_id, what, COUNT(*) AS number
        FROM placed WHERE what IS NOT NULL GROUP BY place, queue_id, staff_id, what
    )
    SELECT 'bucket', place, what, CAST(SUM(number) AS BIGINT) FROM counted GROUP BY place, what
    UNION ALL
    SELECT 'queue', queue_id, what, CAST(SUM(number) AS BIGINT) FROM counted
    GROUP BY queue_id, what
    UNION ALL
    SELECT 'staff', staff_id, what, CAST(SUM(number) AS BIGINT) FROM counted
    WHERE staff_id IS NOT NULL GROUP BY staff_id, what
    """
    *begins, end = bounds
    return await fetch(Count, sql, practice_id, queue_ids, begins, begins[0], end)


async def find_medians(
    practice_id: int, queue_ids: list[int], bounds: list[datetime]
) -> list[Median]:
    """The medians over the contacts with the outcome Scheduled that were made between the bounds:
    how many contacts it took, and how many hours after its task was made it came."""
    middle = "IN ((size + 1) / 2, (size + 2) / 2)"
    # A filter, not a condition: SQLite would look for the moment in place of the task.
    by_then = f"COUNT(*) FILTER (WHERE COALESCE(o.contacted_at, o.logged_at) <= {_MADE})"
    sql = f"""
    WITH happened AS (
        SELECT {_MADE} AS moment, t.queue_id, {hours_between("t.created_at", _MADE)} AS hours,
               (SELECT {by_then} FROM contact o
                WHERE o.practice_id = $1 AND o.task_id = t.id AND {stands("o")}
               ) AS attempts, 0 AS begun
        FROM {_contacts_made()} AND c.outcome = '{ContactOutcome.SCHEDULED}'
        UNION ALL
        SELECT m.moment, NULL, NULL, NULL, 1 FROM {moments(3)}
    ), placed AS (
        SELECT SUM(begun) OVER (ORDER BY moment) AS place, queue_id, attempts, hours FROM happened
    ), grouped AS (
        SELECT 'bucket' AS kind, place AS which, attempts, hours FROM placed
        UNION ALL SELECT 'queue', queue_id, attempts, hours FROM placed
        UNION ALL SELECT 'total', 0, attempts, hours FROM placed
    ), ranked AS (
        SELECT kind, which, attempts, hours, COUNT(*) OVER (PARTITION BY kind, which) AS size,
               ROW_NUMBER() OVER (PARTITION BY kind, which ORDER BY attempts) AS by_attempts,
               ROW_NUMBER() OVER (PARTITION BY kind, which ORDER BY hours) AS by_hours
        FROM grouped WHERE attempts IS NOT NULL
    )
    SELECT kind, which,
           CAST(AVG(attempts) FILTER (WHERE by_attempts {middle}) AS DOUBLE PRECISION),
           AVG(hours) FILTER (WHERE by_hours {middle})
    FROM ranked GROUP BY kind, which
    """
    *begins, end = bounds
    return await fetch(Median, sql, practice_id, queue_ids, begins, begins[0], end)
