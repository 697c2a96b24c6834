"""The supervisors' figures, against the same figures counted one by one in Python."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from random import Random
from runpy import run_path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gql_app.access import Forbidden
from gql_app.schema import activity as shown
from gql_app.work.reads import tally
from gql_app.work.reports import activity
from gql_app.work.reports.activity import Activity, Figures, read_activity
from gql_app.work.reports.buckets import BucketSize
from gql_app.work.upkeep.expiry import sweep
from models.contact import Contact
from models.database import fetch, write
from models.lifecycle import CloseCause, ContactOutcome
from models.task import Task
from tests.office import Office, make_office
from tests.work.agents import make_agents
from tests.work.pasts import invent, made_at, moments_about, recounted

HOUR = timedelta(hours=1)

RANGES = [
    ("America/New_York", date(2026, 3, 7), date(2026, 3, 9), BucketSize.HOUR),
    ("America/New_York", date(2026, 10, 31), date(2026, 11, 2), BucketSize.DAY),
    ("Asia/Kolkata", date(2026, 5, 12), date(2026, 5, 12), BucketSize.HOUR),
    ("America/New_York", date(2026, 12, 23), date(2027, 1, 9), BucketSize.WEEK),
]


def label(moment: datetime, size: BucketSize, zone: ZoneInfo) -> object:
    """What all moments of a bucket have in common."""
    day = moment.astimezone(zone).date()
    if size is BucketSize.WEEK:
        return day.isocalendar()[:2]
    if size is BucketSize.DAY:
        return day
    return day, (moment - datetime.combine(day, time.min, zone).astimezone(UTC)) // HOUR


def same(found: Figures, expected: Figures) -> bool:
    """The hours are rounded, and halfway cases by what the database makes of a fraction."""
    hours = expected.median_hours_to_scheduled
    close: Any = hours if hours is None else pytest.approx(hours, abs=0.006)
    return found == expected._replace(median_hours_to_scheduled=close)


@pytest.mark.parametrize(("time_zone", "first", "last", "size"), RANGES)
async def test_the_figures_are_those_of_a_recount(
    office: Office, time_zone: str, first: date, last: date, size: BucketSize
) -> None:
    chosen, zone = Random(f"{time_zone} {first}"), ZoneInfo(time_zone)
    moments = moments_about(first, last, zone, chosen)
    await invent(office, moments, chosen)
    await invent(await make_office("oak", time_zone), moments, chosen)
    tasks = await Task.filter(practice_id=office.practice.id)
    contacts = await Contact.filter(practice_id=office.practice.id)

    viewer = replace(office.supervisor, time_zone=time_zone)
    found = await read_activity(viewer, first, last, size, None)

    def in_range(moment: datetime, _: Task) -> bool:
        return first <= moment.astimezone(zone).date() <= last

    assert (found.first, found.last) == (first, last)
    assert same(found.total, recounted(tasks, contacts, in_range))
    assert min(found.total.contacts + found.total.tasks_closed) > 0
    assert min(found.total.expired_untouched, found.total.tasks_opened) > 0
    for bucket in found.buckets:
        assert bucket.begin.utcoffset() == bucket.begin.astimezone(zone).utcoffset()
        here = label(bucket.begin, size, zone)
        expected = recounted(
            tasks,
            contacts,
            lambda moment, task, here=here: (
                in_range(moment, task) and label(moment, size, zone) == here
            ),
        )
        assert same(bucket.figures, expected), bucket.begin
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    labels = {
        label(datetime.combine(day, time.min, zone).astimezone(UTC) + HOUR * n, size, zone)
        for day in days
        for n in range(22)
    }
    assert labels <= {label(bucket.begin, size, zone) for bucket in found.buckets}
    assert [row.queue.id for row in found.by_queue] == [office.recall.id, office.missed.id]
    for row in found.by_queue:
        expected = recounted(
            tasks,
            contacts,
            lambda moment, task, queue=row.queue.id: (
                in_range(moment, task) and task.queue_id == queue
            ),
        )
        assert same(row.figures, expected)
    assert_staff_add_up(found, [c for c in contacts if first <= day_of(c, zone) <= last])


def day_of(contact: Contact, zone: ZoneInfo) -> date:
    return made_at(contact).astimezone(zone).date()


def assert_staff_add_up(found: Activity, contacts: list[Contact]) -> None:
    assert [row.staff.name for row in found.by_staff] == ["Staff of maple", "Supervisor of maple"]
    for row in found.by_staff:
        own = [c.outcome for c in contacts if c.logged_by_id == row.staff.id]
        expected = {outcome.lower(): own.count(outcome) for outcome in ContactOutcome}
        assert row.contacts._asdict() == expected
    closed = [row.tasks_closed for row in found.by_staff]
    assert min(closed) > 0
    assert sum(closed) == found.total.tasks_closed.contact


async def this_week(office: Office, **changes: Any) -> Activity:
    """The figures by day from a week ago through today."""
    viewer = replace(office.supervisor, **changes)
    return await read_activity(
        viewer, office.today - timedelta(days=7), office.today, BucketSize.DAY, None
    )


@pytest.mark.parametrize("module", [activity, shown])
@pytest.mark.parametrize("counted", [ContactOutcome, CloseCause])
def test_a_value_that_is_not_counted_stops_the_program_at_its_start(
    module: ModuleType, counted: type[StrEnum], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strawberry.enum", lambda *_, **__: None)  # the enums are known already
    path = str(module.__file__)
    run_path(path)
    values = {str(value): str(value) for value in counted} | {"OTHER": "OTHER"}
    more = StrEnum(counted.__name__, values)  # type: ignore[misc]  # its name is no literal
    monkeypatch.setattr(f"models.lifecycle.{counted.__name__}", more)

    with pytest.raises(TypeError, match=r"Counts must be \w+, .*, other$"):
        run_path(path)


async def test_a_task_is_followed_from_its_opening_to_its_end(office: Office) -> None:
    task = await office.make_task()
    await office.make_task(office.missed, expires_at=office.clock() + HOUR)
    office.clock.advance(hours=30)
    (agent,) = await make_agents(office, 1)
    await office.log(task, viewer=agent)
    await office.log(task, ContactOutcome.SCHEDULED, close=True)
    await sweep(office.changes, office.clock())

    found = await this_week(office)

    recall, missed = (row.figures for row in found.by_queue)
    assert recall.contacts == (1, 0, 0, 1)
    assert (recall.tasks_opened, recall.tasks_closed) == (1, (1, 0, 0, 0, 0, 0))
    assert (recall.median_attempts_to_scheduled, recall.median_hours_to_scheduled) == (2, 30)
    assert (missed.tasks_opened, missed.tasks_closed) == (1, (0, 1, 0, 0, 0, 0))
    assert (missed.expired_untouched, missed.median_attempts_to_scheduled) == (1, None)
    assert [(row.staff.name, row.contacts.total, row.tasks_closed) for row in found.by_staff] == [
        ("Agent 0", 1, 0),
        ("Staff of maple", 1, 1),
    ]
    assert [bucket.figures.contacts.total for bucket in found.buckets][-1:] == [2]
    assert (found.total.contacts.total, found.total.tasks_closed.total) == (2, 2)


async def test_a_late_contact_counts_when_it_was_made(office: Office) -> None:
    office.clock.now = datetime(2026, 5, 12, 12, tzinfo=UTC)
    task = await office.make_task(expires_at=office.clock() + HOUR)
    office.clock.advance(days=2)
    await sweep(office.changes, office.clock())
    untouched = await this_week(office)
    await office.log(task, contacted_at=datetime(2026, 5, 12, 12, 30, tzinfo=UTC))

    found = await this_week(office)

    assert [bucket.figures.contacts.total for bucket in found.buckets[-3:]] == [1, 0, 0]
    assert (untouched.total.expired_untouched, found.total.expired_untouched) == (1, 0)
    assert untouched.total.tasks_closed == found.total.tasks_closed == (0, 1, 0, 0, 0, 0)


async def test_who_only_had_called_for_a_task_that_now_expired_is_not_listed(
    office: Office,
) -> None:
    task = await office.make_task(expires_at=office.clock() + timedelta(days=20))
    await office.log(task)
    office.clock.advance(days=20)
    await sweep(office.changes, office.clock())

    found = await this_week(office)

    assert (found.total.tasks_closed, found.total.expired_untouched) == ((0, 1, 0, 0, 0, 0), 0)
    assert found.by_staff == []


async def test_a_key_for_some_queues_is_told_of_these_alone(office: Office) -> None:
    for queue in (office.recall, office.missed, office.missed):
        await office.log(await office.make_task(queue), ContactOutcome.SCHEDULED, close=True)

    found = await this_week(office, queue_ids=frozenset({office.recall.id}))

    assert [row.queue.id for row in found.by_queue] == [office.recall.id]
    assert found.by_queue[0].figures == found.total == found.buckets[-1].figures
    assert found.total.contacts == (0, 0, 0, 1)
    assert found.total.tasks_opened == found.total.tasks_closed.contact == 1
    assert [(row.contacts.total, row.tasks_closed) for row in found.by_staff] == [(1, 1)]


async def test_queues_that_are_asked_for_narrow_what_the_key_allows(office: Office) -> None:
    oak = await make_office("oak")
    for queue in (office.recall, office.missed, office.missed):
        await office.make_task(queue)
    await oak.make_task()
    limited = replace(office.supervisor, queue_ids=frozenset({office.recall.id}))

    for viewer, asked, opened in (
        (office.supervisor, None, 3),
        (office.supervisor, [office.missed.id], 2),
        (office.supervisor, [office.missed.id, oak.recall.id], 2),
        (office.supervisor, [oak.recall.id], 0),
        (office.supervisor, [], 0),
        (limited, [office.missed.id, office.recall.id], 1),
    ):
        found = await read_activity(viewer, office.today, office.today, BucketSize.HOUR, asked)
        assert found.total.tasks_opened == opened
        assert sum(bucket.figures.tasks_opened for bucket in found.buckets) == opened


async def test_only_supervisors_are_told(office: Office) -> None:
    for viewer in (office.staff, office.partner):
        with pytest.raises(Forbidden, match="may not read activity reports"):
            await read_activity(viewer, office.today, office.today, BucketSize.DAY, None)


MANY = 8_000
LONG_PAST = """
INSERT INTO task (practice_id, queue_id, patient_id, status, origin, reason, due_on, version,
                  contact_count, created_at, closed_at, close_cause)
SELECT $1, $2, $3, 'CLOSED', 'MANUAL', 'Cleaning overdue', $4::date, 2, 1,
       $4::date - n * interval '1 hour', $4::date - n * interval '1 hour', 'CONTACT'
FROM generate_series(1, $5::int) AS n
"""
ITS_CONTACTS = """
INSERT INTO contact (practice_id, task_id, outcome, closed_task, logged_at, logged_by_id)
SELECT practice_id, id, 'SCHEDULED', true, closed_at, $2 FROM task WHERE practice_id = $1
"""
UNDONE = """
INSERT INTO contact_undo (practice_id, contact_id, at, by_id)
SELECT practice_id, id, logged_at, $2 FROM contact WHERE practice_id = $1 AND logged_at < $3::date
"""
THEIR_ENDS = """
UPDATE task SET last_contact_id = c.id FROM contact c
WHERE c.practice_id = $1 AND task.practice_id = $1 AND c.task_id = task.id
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[object, ...]]]:
    """The statements that count, with their values."""
    seen: list[tuple[str, tuple[object, ...]]] = []

    async def noting(row: Any, sql: str, *values: object) -> Any:
        seen.append((sql, values))
        return await fetch(row, sql, *values)

    monkeypatch.setattr(tally, "fetch", noting)
    return seen


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("size", [BucketSize.HOUR, BucketSize.DAY])
async def test_a_day_out_of_a_long_past_is_read_from_indexes(
    office: Office, asked: list[tuple[str, tuple[object, ...]]], size: BucketSize
) -> None:
    here, queue, patient = office.practice.id, office.recall.id, office.patients[0].id
    await write(LONG_PAST, here, queue, patient, office.today, MANY)
    await write(ITS_CONTACTS, here, office.staff.staff_id)
    await write(THEIR_ENDS, here)
    day = office.today - timedelta(days=100)
    await write(UNDONE, here, office.staff.staff_id, day - timedelta(days=2))
    await write("ANALYZE")
    found = await read_activity(office.supervisor, day, day, size, None)
    assert found.total.contacts.scheduled == found.total.tasks_closed.contact == 24

    assert len(asked) == 2
    for sql, values in asked:
        explained = await write(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *values)
        plan = explained[0]["QUERY PLAN"]
        nodes = list(_nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))
        assert "Seq Scan" not in {node["Node Type"] for node in nodes}
        assert "contact_by_moment" in {node.get("Index Name") for node in nodes}
        assert max(_read(node) for node in nodes) < 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_reads_from_indexes_too(
    office: Office, asked: list[tuple[str, tuple[object, ...]]]
) -> None:
    await this_week(office)
    read = []
    for sql, values in asked:
        bound = [json.dumps(v, default=str) if isinstance(v, list) else v for v in values]
        steps = [row["detail"] for row in await write(f"EXPLAIN QUERY PLAN {sql}", *bound)]
        assert {"SCAN t", "SCAN c", "SCAN o"} & set(steps) == set()
        read.append({step for step in steps if "USING INDEX" in step})
    made = "SEARCH c USING INDEX contact_by_moment (practice_id=? AND <expr>>? AND <expr><?)"
    opened = (
        "SEARCH t USING INDEX task_by_creation (practice_id=? AND created_at>? AND created_at<?)"
    )
    closed = "task_closed (practice_id=? AND queue_id=? AND closed_at>? AND closed_at<?)"
    assert read == [
        {made, opened, f"SEARCH t USING INDEX {closed}"},
        {made, "SEARCH o USING INDEX contact_by_task (practice_id=? AND task_id=?)"},
    ]


def _read(node: dict[str, Any]) -> float:
    """How many rows a scan has looked at, all its rounds together."""
    rows: float = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    loops: float = node["Actual Loops"]
    return rows * loops


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
