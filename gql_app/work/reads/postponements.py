"""How often tasks were postponed, and why: as far as events tell."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from gql_app.access import Scope
from gql_app.work.reads.conditions import Conditions
from models.database import fetch, select_list
from models.event import TaskEventKind

MOST_SHOWN = 10


class PostponementRow(NamedTuple):
    """A task that was given another follow-up date without a contact. Its fields are columns of the
    event that tells it."""

    task_id: int
    at: datetime
    follow_up: date
    given_reason: str | None
    actor_id: int


class Postponements(NamedTuple):
    """Those of the task with this id, the latest first."""

    id: int
    rows: list[PostponementRow]


async def postponements_of_tasks(scope: Scope, ids: Sequence[int]) -> list[Postponements]:
    """The latest postponements of those among the tasks that the key allows and that have any."""
    where = Conditions.of(scope, "e", "t.queue_id")
    where.among("e.task_id", list(ids))
    sql = f"""
    SELECT {select_list("e", PostponementRow)} FROM (
        SELECT e.*, ROW_NUMBER() OVER (PARTITION BY e.task_id ORDER BY e.seq DESC) AS place
        FROM task_event e
        JOIN task t ON t.practice_id = e.practice_id AND t.id = e.task_id
        WHERE {where} AND e.kind = '{TaskEventKind.POSTPONED}'
    ) e WHERE e.place <= {MOST_SHOWN} ORDER BY e.seq DESC
    """
    found: dict[int, list[PostponementRow]] = {}
    for row in await fetch(PostponementRow, sql, *where.values):
        found.setdefault(row.task_id, []).append(row)
    return [Postponements(task_id, rows) for task_id, rows in found.items()]
