"""claimNextTask hands out the most urgent free task, and costs the same however many there are."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from gql_app.access import authenticate
from gql_app.work import next_claims
from gql_app.work.changes import Changes
from gql_app.work.locking import lock_patient
from gql_app.work.reads import next_tasks
from gql_app.work.reads.next_tasks import FIRST_LOOK, WINDOW, Candidate
from models.database import fetch, transaction, write
from models.lifecycle import TaskOrigin, TaskStatus
from models.people import Patient
from models.practice import Queue
from models.priority import TaskPriority
from models.roles import Role
from models.task import Task
from tests.office import Office
from tests.serving import PATIENCE
from tests.support.access import create_key
from tests.support.claims import Claims
from tests.work.agents import assert_consistent, claims_of, make_agents, make_patients
from tests.work.records import everything

# What a task is called here, its follow-up in days from today, and in how many hours it expires;
# most urgent first.
BY_URGENCY: list[tuple[str, int | None, int | None]] = [
    ("overdue since three days", -3, None),
    ("overdue since yesterday", -1, 40),
    ("overdue since yesterday, made later", -1, 90),
    ("due today", 0, 41),
    ("due today, never expires", 0, None),
    ("never contacted, expires first", None, 1),
    ("never contacted, expires later", None, 60),
    ("never contacted, never expires", None, None),
    ("never contacted, never expires, made later", None, None),
]
NEVER: list[tuple[str, int | None, int | None]] = [
    ("due tomorrow", 1, None),
    ("due in a month", 30, 2000),
]
MADE_IN_THIS_ORDER = (7, 3, 5, 1, 10, 0, 2, 6, 4, 9, 8)


async def make(
    office: Office, name: str, days: int | None, hours: int | None, **given: Any
) -> Task:
    """A task as a row of the table says. An overdue one is made when it was not overdue yet."""
    if hours is not None:
        given["expires_at"] = office.clock() + timedelta(hours=hours)
    if days is None:
        return await office.make_task(reason=name, **given)
    follow_up = office.today + timedelta(days=days)
    now = office.clock.now
    office.clock.now += timedelta(days=min(days, 0))
    task = await office.make_task(reason=name, follow_up=follow_up, **given)
    office.clock.now = now
    return task


@asynccontextmanager
async def somebody_at(office: Office, patient: Patient) -> AsyncIterator[None]:
    """Another change, which has the patient locked for as long as the block lasts."""
    locked, go_on = asyncio.Event(), asyncio.Event()

    async def change() -> None:
        async with transaction():
            await lock_patient(office.staff, patient.id)
            locked.set()
            await go_on.wait()

    other = asyncio.create_task(change())  # in a task of its own, since tasks inherit transactions
    await asyncio.wait_for(locked.wait(), PATIENCE)
    try:
        yield
    finally:
        go_on.set()
        await other


async def handed_out(office: Office, *, queue_ids: list[int] | None = None) -> list[str]:
    """The reasons of all that somebody gets by asking until there is nothing more."""
    names: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while (outcome := await claims_of(office).claim_next(office.staff, queue_ids)).task:
            names.append(outcome.task.reason)
    assert outcome.refusals == ()
    return names


@pytest.mark.parametrize("queues", [1, 2])
async def test_of_those_that_are_due_and_of_those_that_are_new_the_most_urgent_come_first(
    office: Office, queues: int
) -> None:
    """Whatever their dates are: within a priority it is as without."""
    of_each = [
        [(f"{name}, {priority.name}", days, hours, priority) for name, days, hours in rows]
        for rows in (BY_URGENCY[:5], BY_URGENCY[5:])
        for priority in TaskPriority
    ]
    rows = [row for part in of_each for row in part]
    patients = await make_patients(office, len(rows) + len(NEVER))
    for place in sorted(range(len(rows)), key=lambda n: ("made later" in rows[n][0], -n)):
        name, days, hours, priority = rows[place]
        queue = (office.recall, office.missed)[place % queues]
        given = {"patient": patients[place], "queue": queue, "priority": priority}
        await make(office, name, days, hours, **given)
    for patient, (name, days, hours) in zip(patients[len(rows) :], NEVER, strict=True):
        await make(office, name, days, hours, patient=patient, priority=TaskPriority.HIGH)

    assert await handed_out(office) == [name for name, *_ in rows]


@pytest.mark.parametrize("contacted", [False, True])
@pytest.mark.parametrize("queues", [1, 2])
async def test_overdue_come_first_then_due_today_then_never_contacted_by_expiry(
    office: Office, contacted: bool, queues: int
) -> None:
    rows = BY_URGENCY + NEVER
    patients = await make_patients(office, len(rows))
    for place in MADE_IN_THIS_ORDER:
        queue = (office.recall, office.missed)[place % queues]
        await make(office, *rows[place], patient=patients[place], queue=queue)
    if contacted:  # a follow-up counts alike, whether a contact or the task's maker has set it
        await Task.exclude(follow_up=None).update(status=TaskStatus.IN_PROGRESS)

    assert await handed_out(office) == [name for name, *_ in BY_URGENCY]


async def test_what_is_claimed_closed_or_expired_is_not_handed_out(office: Office) -> None:
    patients = await make_patients(office, 4)
    claimed, closed, _, _ = [
        await make(office, name, days, hours, patient=patient)
        for patient, (name, days, hours) in zip(
            patients,
            [
                ("claimed", -1, None),
                ("closed", -1, None),
                ("expired", None, 1),
                ("overdue and expired", 0, 1),
            ],
            strict=True,
        )
    ]
    await office.log(closed, close=True)
    office.clock.advance(hours=1)  # to the very moment of expiry, which no sweeper has seen yet
    await claims_of(office).claim(office.supervisor, claimed.id)
    before, rung = await everything(), list(office.rings)

    assert await handed_out(office) == []
    assert (await everything(), office.rings) == (before, rung)


async def test_a_patient_is_handed_out_once_with_all_tasks(office: Office) -> None:
    await make(office, "first", None, None)
    await make(office, "second of the same patient", -1, None, queue=office.missed)
    await make(office, "of another patient", None, None, patient=office.patients[1])

    assert await handed_out(office) == ["second of the same patient", "of another patient"]
    assert await Task.filter(claimed_by_id=office.staff.staff_id).count() == 3
    await assert_consistent(office)


async def test_what_is_claimed_next_is_claimed_for_the_lease(office: Office) -> None:
    task = await office.make_task()

    outcome = await claims_of(office, minutes=3).claim_next(office.staff, None)

    assert outcome.task is not None
    assert (outcome.task.id, outcome.task.version) == (task.id, 2)
    assert outcome.task.claimed_by_id == office.staff.staff_id
    assert outcome.task.claimed_until == office.clock() + timedelta(minutes=3)
    assert office.rings[-1] == (office.practice.id, 2)


async def test_a_follow_up_is_due_when_its_day_begins_at_the_practice(office: Office) -> None:
    # In July Chicago is five hours behind UTC: there the 2nd begins at 05:00 UTC.
    office.clock.now = datetime(2026, 7, 2, 4, 59, 59, tzinfo=UTC)
    await make(office, "due on the 2nd", 1, None)

    assert await handed_out(office) == []
    office.clock.advance(seconds=1)
    assert await handed_out(office) == ["due on the 2nd"]


async def test_only_the_queues_that_are_asked_for_are_looked_at(office: Office) -> None:
    await make(office, "recall", None, None)
    await make(office, "missed", -1, None, queue=office.missed, patient=office.patients[1])

    assert await handed_out(office, queue_ids=[]) == []
    assert await handed_out(office, queue_ids=[999_999]) == []
    assert await handed_out(office, queue_ids=[office.recall.id] * 2) == ["recall"]
    assert await handed_out(office, queue_ids=[office.missed.id, 999_999]) == ["missed"]


async def test_a_key_for_some_queues_gets_no_task_of_the_others(office: Office) -> None:
    key = await create_key(office.practice, Role.STAFF, "L", queue_ids=[office.recall.id])
    viewer, claims = await authenticate(key), claims_of(office)
    hidden = await make(office, "hidden", -1, None, queue=office.missed)
    await make(office, "hidden too", -1, None, queue=office.missed, patient=office.patients[1])
    seen = await make(office, "seen", None, None)

    assert (await claims.claim_next(viewer, [office.missed.id])).task is None
    # To pass over the patient of a hidden task would tell whose it is.
    outcome = await claims.claim_next(viewer, None, skipped=[hidden.id])

    assert outcome.task is not None
    assert outcome.task.id == seen.id
    await hidden.refresh_from_db()
    assert hidden.claimed_by_id == viewer.staff_id
    assert (await claims.claim_next(viewer, None)).task is None
    await assert_consistent(office)


async def test_more_tasks_of_one_patient_than_are_looked_at_hide_nobody(office: Office) -> None:
    other = office.patients[1]
    await office.make_task(patient=other)
    await Task.bulk_create(
        Task(
            practice_id=office.practice.id,
            queue_id=office.recall.id,
            patient_id=office.patients[0].id,
            status=TaskStatus.OPEN,
            origin=TaskOrigin.MANUAL,
            reason="Cleaning overdue",
            follow_up=office.today,
            due_on=office.today,
            created_at=office.clock(),
        )
        for _ in range(WINDOW + 1)
    )
    claims = claims_of(office)

    async with asyncio.timeout(PATIENCE):
        outcomes = await asyncio.gather(
            *(claims.claim_next(agent, None) for agent in await make_agents(office, 3))
        )

    patients = [outcome.task.patient_id for outcome in outcomes if outcome.task]
    assert sorted(patients) == sorted([office.patients[0].id, other.id])


async def test_a_task_that_expires_while_somebody_waits_for_it_is_not_handed_out(
    office: Office,
) -> None:
    await make(office, "expires in an hour", None, 1)
    async with somebody_at(office, office.patients[0]):
        waiting = asyncio.create_task(claims_of(office).claim_next(office.staff, None))
        assert not (await asyncio.wait([waiting], timeout=0.2))[0]
        office.clock.advance(hours=1)
        await asyncio.wait([waiting], timeout=0.5)  # PostgreSQL need not wait for what has expired

    outcome = await asyncio.wait_for(waiting, PATIENCE)

    assert outcome.task is None


async def test_who_waited_while_others_took_the_first_gets_the_next_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = [await office.make_task(patient=one) for one in office.patients]
    look = next_tasks.most_urgent
    looks: list[list[int]] = []

    async def others_are_faster(*given: Any) -> list[Candidate]:
        found = await look(*given)
        looks.append([candidate.id for candidate in found])
        for task, other in zip((first, second), others, strict=True):
            await claims_of(office).claim(other, task.id)
        return found

    others = await make_agents(office, 2)
    monkeypatch.setattr(next_claims, "most_urgent", others_are_faster)

    outcome = await claims_of(office).claim_next(office.staff, None)

    assert outcome.task is not None
    assert outcome.task.id == third.id
    assert looks == [[first.id, second.id, third.id]]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_patient_with_many_tasks_who_is_being_claimed_holds_nobody_up(
    office: Office,
) -> None:
    for _ in range(FIRST_LOOK):
        await office.make_task()
    other = await office.make_task(patient=office.patients[1])

    async with somebody_at(office, office.patients[0]), asyncio.timeout(PATIENCE):
        outcome = await claims_of(office).claim_next(office.staff, None)

    assert outcome.task is not None
    assert outcome.task.id == other.id


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_claim_lasts_from_when_it_is_made_not_from_when_it_was_asked_for(
    office: Office,
) -> None:
    for patient in office.patients:
        await office.make_task(patient=patient)
    begin = office.clock()

    def a_minute_later() -> datetime:
        office.clock.advance(minutes=1)
        return office.clock()

    claims = Claims(Changes(lambda _practice, _seq: None, a_minute_later))

    outcomes = await asyncio.gather(*(claims.claim_next(office.staff, None) for _ in range(3)))

    # All three have looked before the first is through; then SQLite takes one after the other.
    ends = [outcome.task and outcome.task.claimed_until for outcome in outcomes]
    assert ends == [begin + timedelta(minutes=10 + minutes) for minutes in (4, 5, 6)]


@pytest.mark.parametrize("hours_ahead", [-10, 10])
async def test_an_expiry_is_a_moment_in_whichever_offset_it_was_given(
    office: Office, hours_ahead: int
) -> None:
    offset = timezone(timedelta(hours=hours_ahead))
    expires_at = (office.clock() + timedelta(hours=5)).astimezone(offset)
    await office.make_task(reason="in another offset", expires_at=expires_at)
    office.clock.advance(hours=4)
    assert await handed_out(office) == ["in another offset"]
    office.clock.advance(hours=1)
    assert await handed_out(office) == []


async def test_a_practice_may_have_more_queues_than_one_statement_has_selects(
    office: Office,
) -> None:
    await make(office, "in the first queue", None, None)
    await Queue.bulk_create(
        Queue(
            practice_id=office.practice.id,
            name=f"Queue {place}",
            position=2 + place,
            created_at=office.clock(),
        )
        for place in range(200)
    )
    last = await Queue.all().order_by("-position").first()
    await make(office, "in the last queue", -1, None, queue=last, patient=office.patients[1])

    assert await handed_out(office) == ["in the last queue", "in the first queue"]


MANY = 20_000

PATIENTS = """
INSERT INTO patient (practice_id, name, phone, created_at)
SELECT $1, 'Patient ' || n, '555-0100', now() FROM generate_series(1, $2::int) n
"""

# A third each: never contacted, to be called again in the past or to come, and closed.
TASKS = """
INSERT INTO task (practice_id, queue_id, patient_id, status, origin, reason, follow_up, due_on,
                  expires_at, version, contact_count, created_at, closed_at, follow_up_at, priority)
SELECT $1, $2, p.id, CASE n % 3 WHEN 0 THEN 'OPEN' WHEN 1 THEN 'IN_PROGRESS' ELSE 'CLOSED' END,
       'AUTOMATIC', 'Cleaning overdue',
       CASE WHEN n % 3 = 1 THEN $4::date + (n % 61)::int - 30 END, $4::date,
       CASE WHEN n % 2 = 0 THEN now() + n * interval '1 minute' END, 1, 0, now(),
       CASE WHEN n % 3 = 2 THEN now() END,
       CASE WHEN n % 6 = 1 AND n % 61 >= 30 THEN now() + n * interval '1 minute' END,
       CASE WHEN n % 7 = 0 THEN 1 WHEN n % 11 = 0 THEN 3 ELSE 2 END
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM patient WHERE practice_id = $1) p
WHERE n <= $3
"""


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_the_most_urgent_are_read_from_the_beginning_of_an_index(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = office.practice.id
    await write(PATIENTS, here, MANY)
    await write(TASKS, here, office.recall.id, MANY, office.today)
    await write("ANALYZE")
    asked: list[tuple[str, tuple[object, ...]]] = []

    async def noting(row: Any, sql: str, *values: object) -> Any:
        asked.append((sql, values))
        return await fetch(row, sql, *values)

    monkeypatch.setattr(next_tasks, "fetch", noting)
    assert (await claims_of(office).claim_next(office.staff, None)).task is not None
    sql, values = next((sql, values) for sql, values in asked if "UNION ALL" in sql)

    explained = await write(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *values)

    plan = explained[0]["QUERY PLAN"]
    nodes = list(_nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))
    scans = [
        node
        for node in nodes
        if "Scan" in node["Node Type"]
        and node["Node Type"] not in ("Subquery Scan", "Function Scan")  # the queues' numbers
    ]
    assert {node["Relation Name"] for node in scans} == {"task"}
    assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}
    # To be called back; to be called again and never called, of each priority; what has rested, and
    # what waits no more.
    assert [node["Index Name"] for node in scans] == [
        "task_promised",
        *["task_next"] * 7,
        "task_waiting",
    ]
    # Nothing is read that is not handed out, but for the few rows that are claimed or expired.
    assert max(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in scans) < 200


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
