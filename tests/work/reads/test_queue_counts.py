"""The counts of a queue, against the same counts made in Python."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gql_app.work.reads.queues import day_bounds, queue_counts
from models.lifecycle import CloseCause, TaskOrigin, TaskStatus
from models.task import Task
from tests.office import Office, make_office

# Each a place and its own time: ordinary, nights of a change of the clocks, and both sides of
# midnight. In Cairo the clocks go forward at midnight, so that there is no 00:00 on that day.
MOMENTS = [
    ("America/Chicago", "2026-05-12T12:00:00"),
    ("America/Chicago", "2026-05-12T00:00:00"),
    ("America/Chicago", "2026-05-12T23:59:59.999999"),
    ("America/Chicago", "2026-03-08T23:30:00"),
    ("America/Chicago", "2026-11-01T00:10:00"),
    ("Pacific/Kiritimati", "2026-05-12T00:00:01"),
    ("Pacific/Honolulu", "2026-05-12T23:59:00"),
    ("Asia/Kolkata", "2026-05-12T00:20:00"),
    ("Africa/Cairo", "2026-04-24T01:00:00"),
    ("America/Havana", "2026-11-01T00:30:00"),
]


async def fill(office: Office, now: datetime, zone: ZoneInfo) -> list[Task]:
    """Tasks of all statuses whose dates lie close around `now`, in both queues."""
    today = now.astimezone(zone).date()
    soon = [None, *(today + timedelta(days=days) for days in (-400, -1, 0, 1))]
    looks: list[dict[str, Any]] = [
        {"status": TaskStatus.OPEN, "follow_up": follow_up} for follow_up in soon
    ]
    looks += [{"status": TaskStatus.IN_PROGRESS, "follow_up": follow_up} for follow_up in soon[1:]]
    edges = [now, *(midnight(now, zone, days) for days in (0, 1))]
    looks += [
        {"status": TaskStatus.CLOSED, "close_cause": CloseCause.CONTACT, "closed_at": edge + by}
        for edge in edges
        for hours in (-25, -1, 0, 1, 25)
        for by in (timedelta(hours=hours), timedelta(hours=hours, microseconds=-1))
    ]
    tasks = [
        Task(
            practice_id=office.practice.id,
            queue_id=queue.id,
            patient_id=office.patients[0].id,
            origin=TaskOrigin.MANUAL,
            reason="Cleaning overdue",
            due_on=look.get("follow_up") or today,
            created_at=now,
            **look,
        )
        for queue, some in ((office.recall, looks), (office.missed, looks[::3]))
        for look in some
    ]
    await Task.bulk_create(tasks)
    return tasks


def midnight(now: datetime, zone: ZoneInfo, days: int) -> datetime:
    local = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return (local + timedelta(days=days)).astimezone(UTC)


def counted(tasks: list[Task], now: datetime, zone: ZoneInfo) -> dict[str, int]:
    today = now.astimezone(zone).date()
    workable = [task for task in tasks if task.status is not TaskStatus.CLOSED]
    follow_ups = [task.follow_up for task in workable if task.follow_up is not None]
    closed = [task.closed_at for task in tasks if task.closed_at is not None]
    return {
        "open": len(workable),
        "not_contacted": sum(task.status is TaskStatus.OPEN for task in workable),
        "in_progress": sum(task.status is TaskStatus.IN_PROGRESS for task in workable),
        "due_today": sum(day == today for day in follow_ups),
        "overdue": sum(day < today for day in follow_ups),
        "closed_today": sum(moment.astimezone(zone).date() == today for moment in closed),
    }


@pytest.mark.parametrize(("time_zone", "local"), MOMENTS)
async def test_a_queues_counts_are_those_of_the_practices_own_day(
    time_zone: str, local: str, office: Office
) -> None:
    zone = ZoneInfo(time_zone)
    now = datetime.fromisoformat(local).replace(tzinfo=zone)
    tasks = await fill(office, now, zone)
    viewer = replace(office.staff, time_zone=time_zone)
    both = [office.recall.id, office.missed.id]

    counts = {row.queue_id: row._asdict() for row in await queue_counts(viewer, both, now)}

    for queue_id in both:
        here = [task for task in tasks if task.queue_id == queue_id]
        expected = counted(here, now, zone)
        assert {name: counts[queue_id][name] for name in expected} == expected
        assert 0 < expected["closed_today"] < len(here)
        assert expected["overdue"] > 0
        assert expected["due_today"] > 0


@pytest.mark.parametrize(("time_zone", "local"), MOMENTS)
def test_a_day_holds_exactly_the_moments_that_have_its_date(time_zone: str, local: str) -> None:
    zone = ZoneInfo(time_zone)
    day = datetime.fromisoformat(local).date()

    begin, end = day_bounds(day, time_zone)

    tick = timedelta(microseconds=1)
    dates = [m.astimezone(zone).date() for m in (begin - tick, begin, end - tick, end)]
    assert dates == [day - timedelta(days=1), day, day, day + timedelta(days=1)]


async def test_an_empty_queue_counts_nothing(office: Office) -> None:
    [counts] = await queue_counts(office.staff, [office.recall.id], office.clock())

    assert counts == (office.recall.id, *[0] * 8)


async def test_counts_carry_the_number_of_the_event_that_led_to_them(office: Office) -> None:
    task = await office.make_task(office.recall)
    await office.log(task, follow_up=office.today)
    both = [office.recall.id, office.missed.id]

    counts = {row.queue_id: row for row in await queue_counts(office.staff, both, office.clock())}

    recall, missed = (counts[queue_id] for queue_id in both)
    assert (recall.seq, recall.due_today) == (2, 1)
    assert (missed.seq, missed.open) == (2, 0)


async def test_counts_of_queues_that_the_key_does_not_allow_are_not_given(office: Office) -> None:
    oak = await make_office("oak")
    await office.make_task()
    both = [office.recall.id, office.missed.id]
    limited = replace(office.staff, queue_ids=frozenset({office.missed.id}))

    [missed] = await queue_counts(limited, both, office.clock())
    assert (missed.queue_id, missed.open) == (office.missed.id, 0)
    assert await queue_counts(oak.staff, both, office.clock()) == []
    assert await queue_counts(office.staff, [], office.clock()) == []
