"""A practice's day: does it hold when everybody works at once?

`python -m benchmarks.day`: two server processes on PostgreSQL, one practice, 20,000 tasks that are
imported, a quarter of them while the day is under way; some patients are families. 40 agents claim,
call and log, and undo a slip now and then; 3 supervisors follow every queue; 2 partners' programs
make tasks, record appointments and cancel some; a supervisor moves tasks to another queue and
withdraws some. At the end no family may have been claimed or called by two agents at once, or
called twice on a day without having been promised that; who was promised a call must have got it
within five minutes; each acknowledged contact must be stored once, and each feed must equal a fresh
snapshot. Prints its figures; exits with 1 where any of that fails.
"""

import argparse
import asyncio
import csv
import json
import random
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.calls import called_twice, check_promises, household_of_tasks
from benchmarks.keys import create_key
from benchmarks.people import FIGURES, TIME_ZONE, Agent, Caller, Ledger, Partner, Supervisor
from benchmarks.stage import Server, postgres
from gql_app.schema.ids import global_id
from models.contact import Contact
from models.database import migrate, opened
from models.event import TaskEvent, TaskEventKind, feed_bounds
from models.idempotency import IdempotencyKey
from models.people import Patient
from models.practice import Practice, Queue
from models.roles import Role
from models.task import Task

AGENTS, SUPERVISORS, PARTNERS = 40, 3, 2
TASKS, PATIENTS = 20_000, 14_000
QUEUES = ("Overdue recall", "Missed appointment", "New referral")
PATIENCE = 30.0
MOVE = """mutation ($filter: TaskFilter!, $to: ID!) {
  reassignTasks(input: {filter: $filter, toQueueId: $to}) { changed errors { message } } }"""
WITHDRAW = """mutation ($ids: [ID!]!) {
  withdrawTasks(input: {ids: $ids, reason: "Moved to another practice"}) {
    changed errors { message } } }"""
SOME = """query ($queue: ID!) { tasks(filter: {queueIds: [$queue]}, orderBy: CREATED, first: 100) {
  nodes { id } } }"""
BOARD = f"query {{ queues {{ id counts {{ {FIGURES} }} }} }}"
STATE = "query ($id: ID!) { task(id: $id) { id status version } }"


async def prepare(database_url: str) -> tuple[int, list[str], dict[Role, list[str]]]:
    """The practice. Returns its number, its queues' ids, and the keys of those who work there."""
    await migrate(database_url)
    people = {Role.STAFF: AGENTS, Role.SUPERVISOR: SUPERVISORS, Role.PARTNER: PARTNERS}
    async with opened(database_url):
        here: dict[str, Any] = {"created_at": datetime.now(UTC)}
        practice = await Practice.create(slug="day", name="Day", time_zone=TIME_ZONE.key, **here)
        queues = [
            await Queue.create(
                practice_id=practice.id, name=name, position=n, closes_on_appointment=n < 2, **here
            )
            for n, name in enumerate(QUEUES)
        ]
        keys = {
            role: [
                await create_key(
                    practice, role, f"{role.lower()} {n}", may_create_tasks=role is Role.PARTNER
                )
                for n in range(count)
            ]
            for role, count in people.items()
        }
        return practice.id, [global_id("Queue", queue.id) for queue in queues], keys


def write_files(folder: Path) -> list[tuple[str, Path]]:
    """The lists to be imported, a quarter of each in the day: many a patient stands in two. Some
    are families, and one answers for all of them."""
    columns = (
        *("external_id", "patient_external_id", "name", "phone", "reason"),
        "guarantor_external_id",
    )
    files = []
    morning = TASKS * 3 // 4
    for begin, end in ((0, morning), (morning, TASKS)):
        for n, queue in enumerate(QUEUES):
            path = folder / f"list-{begin}-{n}.csv"
            with path.open("w", newline="") as text:
                rows = csv.writer(text)
                rows.writerow(columns)
                for number in range(begin + n, end, len(QUEUES)):
                    patient = number % PATIENTS
                    phone = f"+1 312 555 {patient % 10_000:04d}"
                    who = (f"t{number}", f"p{patient}", f"Sage Nobodey {patient}", phone)
                    rows.writerow((*who, "Recall", f"p{_guarantor(patient)}"))
            files.append((queue, path))
    return files


def _guarantor(patient: int) -> int:
    """Who answers for a patient: of each thirty, the first three are a family."""
    return patient - patient % 30 if patient % 30 < 3 else patient


async def load(files: list[tuple[str, Path]], database_url: str, pause: float = 0) -> None:
    """Import the files with the command, one after the other, after a pause of so many seconds
    each. Raises `RuntimeError`."""
    callboard = str(Path(sys.executable).with_name("callboard"))
    for queue, path in files:
        await asyncio.sleep(pause)
        process = await asyncio.create_subprocess_exec(
            *(callboard, "import", str(path), "--practice", "day", "--queue", queue),
            env={"CALLBOARD_DATABASE_URL": database_url, "CALLBOARD_BUS_URL": database_url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"{path.name} was not imported: {told.decode()[-500:]}")


async def supervise(caller: Caller, queues: list[str], seconds: float) -> int:
    """Move and withdraw while others work. Returns how many tasks that changed."""
    changed = 0
    for _ in range(4):
        await asyncio.sleep(seconds / 5)
        some = [t["id"] for t in (await caller.ask(SOME, queue=queues[0]))["nodes"]]
        gone = await caller.ask(WITHDRAW, ids=some[:20])
        never_called = {"queueIds": queues[2:], "maxContacts": 0}
        moved = await caller.ask(MOVE, filter=never_called, to=queues[1])
        changed += gone["changed"] + moved["changed"]
    return changed


async def day(options: argparse.Namespace, folder: Path, parts: ExitStack) -> dict[str, Any]:
    """One day. Returns its figures, and what went wrong under `wrong`."""
    database_url = parts.enter_context(postgres(folder / "postgres")).url
    practice_id, queues, keys = await prepare(database_url)
    files = write_files(folder)
    begun = time.monotonic()
    await load(files[: len(QUEUES)], database_url)
    imported_in = time.monotonic() - begun
    servers = [
        Server(folder, name, database_url, database_url) for name in ("server-a", "server-b")
    ]
    for server in servers:
        parts.callback(server.end)
        await server.ready()
    ledger = Ledger()
    async with opened(database_url):
        numbers = (
            await Patient.filter(practice_id=practice_id).limit(2_000).values_list("id", flat=True)
        )
        ledger.patients = [global_id("Patient", int(str(number))) for number in numbers]
    urls = [server.url for server in servers]
    supervisors = [
        Supervisor(urls[n % 2], key, ledger) for n, key in enumerate(keys[Role.SUPERVISOR])
    ]
    following = [asyncio.create_task(supervisor.follow()) for supervisor in supervisors]
    for supervisor in supervisors:
        await supervisor.reach(1, PATIENCE)
    until = time.monotonic() + options.seconds
    ends_at = datetime.now(UTC) + timedelta(seconds=options.seconds)
    agents = [
        Agent(f"agent {n}", urls[n % 2], key, ledger) for n, key in enumerate(keys[Role.STAFF])
    ]
    partners = [Partner(urls[n % 2], key, ledger) for n, key in enumerate(keys[Role.PARTNER])]
    boss = Caller(urls[0], keys[Role.SUPERVISOR][0], ledger)
    async with asyncio.TaskGroup() as at_work:
        at_work.create_task(load(files[len(QUEUES) :], database_url, options.seconds / 6))
        supervising = at_work.create_task(supervise(boss, queues, options.seconds))
        for agent in agents:
            at_work.create_task(agent.work(until))
        for partner in partners:
            at_work.create_task(partner.work(until, queues[0]))
    changed = supervising.result()
    async with opened(database_url):
        last = (await feed_bounds(practice_id)).seq
        tasks = await Task.filter(practice_id=practice_id).count()
        await _check_contacts(ledger)
        overlaps = await _overlaps(practice_id)
        twice = await called_twice(practice_id)
        await check_promises(practice_id, ends_at, ledger)
    for supervisor in supervisors:
        await supervisor.reach(last, PATIENCE)
        await _compare(boss, supervisor)
    for task in following:
        task.cancel()
    return {
        "tasks": tasks,
        "rows imported a second, before the day": round(TASKS * 3 / 4 / imported_in),
        "contacts logged": len(ledger.acknowledged),
        "logs a second": round(len(ledger.acknowledged) / options.seconds, 1),
        "claim p99, ms": _p99(ledger.claim_seconds),
        "feed lag median, ms": round(statistics.median(ledger.lag_seconds) * 1_000, 1),
        "feed lag p99, ms": _p99(ledger.lag_seconds),
        "tasks made by partners": ledger.created,
        "appointments recorded": ledger.booked,
        "appointments cancelled": ledger.cancelled,
        "contacts undone": ledger.undone,
        "tasks moved or withdrawn": changed,
        "events, to each of the supervisors": last,
        "tasks skipped": ledger.skipped,
        "tasks postponed": ledger.postponed,
        "call-backs promised": ledger.promised,
        "call-backs made": len(ledger.call_back_seconds),
        "most seconds after its time": round(max(ledger.call_back_seconds, default=0), 1),
        "claims that were told why there is nothing": ledger.nothing_next,
        "patients held by two agents at once": overlaps,
        "patients called twice within the rest": twice,
        "wrong": ledger.wrong,
    }


def _p99(seconds: list[float]) -> float:
    return round(statistics.quantiles(seconds, n=100)[98] * 1_000, 1)


async def _check_contacts(ledger: Ledger) -> None:
    """Each acknowledged contact is there once, under the number that was given for it."""
    uses = await IdempotencyKey.filter(operation="logContact")
    made = {use.key: json.loads(use.result)["contact"] for use in uses}
    ledger.wrong += [
        f"contact {contact} is not the one that its key has made"
        for key, contact in ledger.acknowledged.items()
        if global_id("Contact", made.get(key, 0)) != contact
    ]
    kept: list[Any] = await Contact.all().values_list("id", flat=True)
    doubled = set(kept) - set(made.values())
    ledger.wrong += [f"contact {number} is under no key" for number in doubled]


async def _overlaps(practice_id: int) -> int:
    """How often a family was claimed while another agent's claim lasted, as the events tell."""
    kinds = [TaskEventKind.CLAIMED, TaskEventKind.RELEASED, TaskEventKind.CONTACT_LOGGED]
    households = await household_of_tasks(practice_id)
    rows = (
        await TaskEvent.filter(practice_id=practice_id, kind__in=kinds)
        .order_by("seq")
        .values_list("task_id", "kind", "actor_id", "claimed_until", "at")
    )
    held: dict[int, tuple[int, datetime]] = {}
    overlaps = 0
    for task_id, kind, actor_id, until, at in rows:
        patient = households[task_id]
        if kind == TaskEventKind.CLAIMED:
            holder = held.get(patient)
            overlaps += holder is not None and holder[0] != actor_id and holder[1] > at
            held[patient] = (actor_id, until)
        else:
            held.pop(patient, None)
    return overlaps


async def _compare(caller: Caller, supervisor: Supervisor) -> None:
    """What was put together from the feed must be what a fresh look shows."""
    counts = {queue["id"]: queue["counts"] for queue in await caller.ask(BOARD)}
    if counts != supervisor.counts:
        caller.ledger.wrong.append(f"a feed's counts are {supervisor.counts}, not {counts}")
    for told in random.sample(list(supervisor.tasks.values()), min(500, len(supervisor.tasks))):
        if await caller.ask(STATE, id=told["id"]) != told:
            caller.ledger.wrong.append(f"a feed told {told}, which is not so")


def main() -> int:
    parser = argparse.ArgumentParser(description="A practice's day, with everybody at work.")
    parser.add_argument("--seconds", type=float, default=60, help="how long the agents work")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="callboard-day-") as name, ExitStack() as parts:
        figures = asyncio.run(day(options, Path(name), parts))
    wrong = figures.pop("wrong")
    for what, figure in figures.items():
        print(f"{what:>42}: {figure:,}")
    for what in wrong[:20]:
        print(f"WRONG: {what}")
    never = ("patients held by two agents at once", "patients called twice within the rest")
    return int(bool(wrong or any(figures[what] for what in never)))


if __name__ == "__main__":
    sys.exit(main())
