"""How PostgreSQL reads lists of tasks when there are a million of them: never the whole table."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest

import gql_app.work.reads.history as history_module
import gql_app.work.reads.queues as queues_module
from benchmarks.dataset import QUEUES, fill
from gql_app.access import Viewer, authenticate
from gql_app.work.reads.history import Closing, closers_of, contacts_of_patients
from gql_app.work.reads.orders import TaskOrder, cursor_of
from gql_app.work.reads.queues import tasks_of_patients, tasks_page_in_full
from gql_app.work.reads.task_filter import TaskQuery
from models.database import fetch, fetch_joined, opened, write
from models.follow_up import local_date
from models.lifecycle import ContactOutcome, TaskOrigin, TaskStatus
from models.practice import Queue
from models.priority import TaskPriority
from tests.office import Clock

MADE, THOUGHT = 24_000, 1_000_000
"""How many tasks there are, and how many the planner is told that there are. In as few pages as
these it finds a scan of the table cheaper than it would be."""

# The tables as they are found with so many rows: a table's is its rows a page.
TOLD = """
UPDATE pg_class SET reltuples = reltuples * $1
WHERE relnamespace = 'public'::regnamespace AND reltuples > 0
"""

CLOSED = (TaskStatus.CLOSED,)

# One in two is closed and one in eight in a queue; a patient has four words. The rest is shown.
MOST = {
    "all": 51 * 4,
    "of a queue": 51 * 4 * QUEUES,
    "called long before": 0,
    "of many patients": 51 * 4 * 4,
    "of one patient": 51 * 4,
    "of nobody": 0,
    "closed": 51,
    "closed of a queue": 51,
}
"""How many rows each of a list's scans may look at for a page of 50, by the list's name below."""

Node = dict[str, Any]


class Asked(NamedTuple):
    sql: str
    values: tuple[object, ...]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_no_list_of_tasks_is_read_by_a_scan_of_a_table(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offices = await fill(database_url, MADE)
    asked: list[Asked] = []

    async def noting(rows: Any, sql: str, *values: object) -> Any:
        asked.append(Asked(sql, values))
        return await (fetch_joined if isinstance(rows, tuple) else fetch)(rows, sql, *values)

    for module in (history_module, queues_module):
        monkeypatch.setattr(module, "fetch_joined", noting)
        monkeypatch.setattr(module, "fetch", noting)
    async with opened(database_url):
        for table in ("task", "patient", "patient_word", "contact"):
            await write(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        await write(TOLD, THOUGHT / sum(office.tasks for office in offices))
        (word,) = await write(
            "SELECT collation_name FROM information_schema.columns"
            " WHERE table_name = 'patient_word' AND column_name = 'word'"
        )
        assert word == {"collation_name": "C"}  # in another a range is not what begins alike
        viewer = await authenticate(offices[0].key)
        queue = await Queue.filter(practice_id=viewer.practice_id).order_by("id").first()
        assert queue is not None
        for name, query in _questions(viewer, queue.id).items():
            for order in TaskOrder:
                if (order is TaskOrder.CLOSED) != (query.status == CLOSED):
                    continue
                after = await _place(viewer, query, order)
                asked.clear()
                for place in (None, after):
                    await tasks_page_in_full(viewer, query, order, 50, place, today=_today(viewer))
                scans = [scan for question in asked for scan in await _scans(question)]
                assert {scan["Relation Name"] for scan in scans} >= {"task"}
                assert [s for s in scans if s["Node Type"] == "Seq Scan"] == [], (name, order)
                read = max(_read(scan) for scan in scans)
                assert read <= MOST.get(name, read), (name, order)
        page = await tasks_page_in_full(viewer, TaskQuery(), TaskOrder.CREATED, 50, None)
        patients = [task.patient_id for task in page.tasks.rows]
        asked.clear()
        await contacts_of_patients(viewer, patients, 20, None)
        await tasks_of_patients(viewer, patients, TaskQuery(), 20, None)
        rows: list[Any] = page.tasks.rows
        await closers_of(viewer, [Closing(task.closed_at, task.id) for task in rows])
        scans = [scan for question in asked for scan in await _scans(question)]
        assert {"task", "contact"} <= {scan["Relation Name"] for scan in scans}
        assert [s for s in scans if s["Node Type"] == "Seq Scan"] == []
        assert max(_read(scan) for scan in scans) <= 50 * 20


async def _place(viewer: Viewer, query: TaskQuery, order: TaskOrder) -> str | None:
    """The cursor of the 500th task, or of the last."""
    today = _today(viewer)
    page = await tasks_page_in_full(viewer, query, order, 500, None, today=today)
    contacted = {task.id: last and last.made_at for task, last in page.pairs()}
    rows = page.tasks.rows
    return cursor_of(order, contacted, today)(rows[-1]) if rows else None


def _today(viewer: Viewer) -> date:
    return local_date(Clock()(), viewer.time_zone)


def _questions(viewer: Viewer, queue_id: int) -> dict[str, TaskQuery]:
    now, today = Clock()(), _today(viewer)
    day = timedelta(days=1)
    return {
        "all": TaskQuery(),
        "of a queue": TaskQuery(queue_ids=(queue_id,)),
        "of two queues": TaskQuery(queue_ids=(queue_id, queue_id + 1)),
        "of a status": TaskQuery(status=(TaskStatus.OPEN,)),
        "of an origin": TaskQuery(origin=TaskOrigin.AUTOMATIC),
        "due": TaskQuery(due_from=today + day, due_by=today + 2 * day),
        "due on no day": TaskQuery(due_from=today + 900 * day),
        "overdue": TaskQuery(follow_up_before=today),
        "not overdue": TaskQuery(no_follow_up_before=today),
        "expiring": TaskQuery(expires_from=now, expires_before=now + 9 * day),
        "expiring later": TaskQuery(expires_from=now),
        "expiring soon": TaskQuery(expires_before=now + day),
        "of an outcome": TaskQuery(last_outcome=(ContactOutcome.LEFT_MESSAGE,)),
        "called before": TaskQuery(last_contacted_before=now - 5 * day),
        "called long before": TaskQuery(last_contacted_before=now - 900 * day),
        "called often": TaskQuery(min_contacts=2, max_contacts=3),
        "never called": TaskQuery(max_contacts=0),
        "urgent": TaskQuery(priority=(TaskPriority.HIGH,)),
        "urgent of a queue": TaskQuery((queue_id,), priority=(TaskPriority.HIGH, TaskPriority.LOW)),
        "of many patients": TaskQuery(patient="nobodey"),
        "of one patient": TaskQuery(patient="sag 1234"),
        "of a number": TaskQuery(patient="(555) 123"),
        "of the end of a number": TaskQuery(patient="nob 1234"),
        "of nobody": TaskQuery(patient="somebody"),
        "closed": TaskQuery(status=CLOSED),
        "closed of a queue": TaskQuery((queue_id,), CLOSED),
    }


async def _scans(question: Asked) -> list[Node]:
    explained = await write(f"EXPLAIN (ANALYZE, FORMAT JSON) {question.sql}", *question.values)
    plan = explained[0]["QUERY PLAN"]
    top = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return [node for node in _nodes(top) if "Relation Name" in node]


def _nodes(plan: Node) -> Iterator[Node]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _read(scan: Node) -> int:
    """How many rows a scan has looked at to give what it gives."""
    return int(scan["Actual Loops"] * (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)))
