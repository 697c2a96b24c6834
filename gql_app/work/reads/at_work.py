"""Who is at work in a queue: those who hold claims there."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from gql_app.access import Scope
from models.database import among, fetch


class AtWork(NamedTuple):
    """Someone who holds claims on `tasks` tasks of a queue, the last of them `until` then."""

    queue_id: int
    staff_id: int
    tasks: int
    until: datetime


class QueueAtWork(NamedTuple):
    """Those of the staff who hold claims in a queue, by name."""

    queue_id: int
    staff: list[AtWork]


async def staff_at_work(scope: Scope, queue_ids: Sequence[int], now: datetime) -> list[QueueAtWork]:
    """Who holds claims in each of `queue_ids` at `now`, by name. Nobody in a queue that
    the key does not allow, and nobody for partners, who may not see who is working."""
    visible = [i for i in queue_ids if scope.may_see_who_works and scope.sees_queue(i)]
    sql = f"""
    SELECT t.queue_id, t.claimed_by_id, COUNT(*), MAX(t.claimed_until)
    FROM task t
    JOIN staff s ON s.practice_id = t.practice_id AND s.id = t.claimed_by_id
    WHERE t.practice_id = $1 AND {among("t.queue_id", 2)} AND t.claimed_until > $3
    GROUP BY t.queue_id, t.claimed_by_id, s.name ORDER BY s.name
    """
    rows = await fetch(AtWork, sql, scope.practice_id, visible, now) if visible else []
    return [QueueAtWork(i, [row for row in rows if row.queue_id == i]) for i in queue_ids]
