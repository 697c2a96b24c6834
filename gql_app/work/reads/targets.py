"""Where new tasks go: a queue, and what it and its practice say of them."""

from typing import NamedTuple

from gql_app.access import Viewer
from gql_app.work.reads.conditions import Conditions
from models.database import fetch_first, kept


class Target(NamedTuple):
    """The queue that rows go into, and what it and its practice say of them."""

    queue_id: int
    region: str
    automatic_life_days: int | None
    closes_on_appointment: bool = False
    appointment_kinds: str | None = None


async def find_target(viewer: Viewer, queue_id: int) -> Target | None:
    """The queue, for new tasks; None if there is no such queue here, or not for this key, or it is
    archived. It is not archived either before the transaction ends."""
    where = Conditions.of(viewer, "q", "q.id")
    where.add(f"q.id = ${where.value(queue_id)}")
    where.add("q.archived_at IS NULL")
    sql = f"""SELECT q.id, p.region, q.automatic_life_days, q.closes_on_appointment,
        q.appointment_kinds FROM queue q
    JOIN practice p ON p.id = q.practice_id WHERE {where} {kept("q")}"""
    return await fetch_first(Target, sql, *where.values)
