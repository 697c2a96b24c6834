"""The load generator counts truly, and the data that it is put on adds up."""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from benchmarks.dataset import Office, fill
from benchmarks.requests import Order, carried_out, run
from gql_app.access import authenticate
from gql_app.clock import machine_time
from gql_app.work.changes import Changes
from gql_app.work.contacts import log_contact
from gql_app.work.reads.orders import TaskOrder
from gql_app.work.reads.queues import tasks_page
from gql_app.work.reads.task_filter import TaskQuery
from models.contact import Contact
from models.database import opened
from models.event import feed_bounds
from models.lifecycle import Attempt, ContactOutcome
from models.names import name_words
from models.phone import any_phone
from tests.conftest import with_database

GOOD = b'{"data":{"tasks":[]}}'
IN_ERROR = b'{"data":null,"errors":[{"message":"no"}]}'
REFUSED = b'{"data":{"logContact":{"errors":[{"code":"TASK_CLOSED"}]}}}'
ACCEPTED = b'{"data":{"logContact":{"errors":[]}}}'
GARBAGE = b'"errors" {'

TASKS = 800
"""In the large practice; the others have 48 each."""


@dataclass
class Puppet:
    """A server that answers by number: the first `(status, body)` to the first request, the last to
    all that come after. Status 0 closes the connection, with half an answer."""

    answers: list[tuple[int, bytes]]
    port: int = 0
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
                body = await reader.readexactly(int(fields["Content-Length"]))
                status, answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
                self.asked.append((fields.get("Authorization", ""), body))
                await self._answer(writer, status, answer)
                if not status:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
        head = f"HTTP/1.1 {status or 200} Whatever\r\n"
        if len(self.asked) % 2:  # in one piece
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        else:  # in chunks, and these in pieces
            chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
            whole = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk
            for begin in range(0, len(whole) if status else len(whole) // 2, 40):
                writer.write(whole[begin : begin + 40])
                await writer.drain()
                await asyncio.sleep(0)


@asynccontextmanager
async def answering(*answers: tuple[int, bytes]) -> AsyncIterator[Puppet]:
    puppet = Puppet(list(answers))
    server = await asyncio.start_server(puppet.serve, "127.0.0.1", 0)
    puppet.port = server.sockets[0].getsockname()[1]
    try:
        yield puppet
    finally:
        server.close()


def order(puppet: Puppet, clients: int = 1, **rest: Any) -> Order:
    each = [
        {"headers": {"Authorization": f"key {n}"}, "bodies": [{"n": n, "i": i} for i in range(3)]}
        for n in range(clients)
    ]
    return replace(Order(puppet.port, each), **rest)


@pytest.mark.parametrize(
    ("status", "body", "errors"),
    [
        (200, GOOD, 0),
        (200, ACCEPTED, 0),
        (500, GOOD, 1),
        (401, GOOD, 1),
        (200, IN_ERROR, 1),
        (200, REFUSED, 1),
        (200, GARBAGE, 1),
    ],
)
async def test_what_counts_as_an_error(status: int, body: bytes, errors: int) -> None:
    async with answering((200, GOOD), (status, body), (200, GOOD)) as puppet:
        taken = await run(order(puppet, requests=10))
    assert (taken.requests, taken.errors) == (10, errors)
    assert (taken.wrong is None) == (errors == 0)


async def test_as_a_process_it_counts_what_the_server_has_seen() -> None:
    planned = [(500, GOOD) if n % 10 == 3 else (200, GOOD) for n in range(100)]
    async with answering(*planned) as puppet:
        taken = await carried_out(order(puppet, clients=8, requests=100))
    assert taken.requests == len(puppet.asked) == 100
    assert taken.errors == 10
    assert puppet.connections == 8
    assert taken.first == json.loads(GOOD)
    assert 0 < taken.p50 <= taken.p99


async def test_a_process_that_cannot_connect_says_so() -> None:
    async with answering((200, GOOD)) as puppet:
        pass
    with pytest.raises(RuntimeError, match="refused"):
        await carried_out(order(puppet, requests=1))


async def test_a_connection_that_is_closed_is_an_error_and_the_client_goes_on() -> None:
    async with answering((200, GOOD), (0, GOOD), (200, GOOD)) as puppet:
        taken = await run(order(puppet, requests=6))
    assert (taken.requests, taken.errors, puppet.connections) == (6, 1, 2)


async def test_each_client_sends_its_own_bodies_in_turn() -> None:
    async with answering((200, GOOD)) as puppet:
        await run(order(puppet, clients=4, requests=40))
    for n in range(4):
        sent = [json.loads(body) for key, body in puppet.asked if key == f"key {n}"]
        assert sent == [{"n": n, "i": i % 3} for i in range(len(sent))]
        assert sent


async def test_rate_and_times_are_those_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes half a second with each look: at the begin, before and after each of the
    requests, and at the end."""
    ticks = itertools.count(0, 0.5)
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    async with answering((200, GOOD)) as puppet:
        taken = await run(order(puppet, requests=20))
    assert taken.per_second == pytest.approx(20 / (41 * 0.5))
    assert (taken.p50, taken.p99) == (500, 500)


async def test_it_stops_when_its_time_is_over_and_leaves_the_warm_up_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = itertools.count(0, 0.5)
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    async with answering((500, IN_ERROR), (200, GOOD)) as puppet:
        taken = await run(order(puppet, seconds=10, warm_up=4))
    assert (taken.requests, taken.errors) == (10, 0)
    assert len(puppet.asked) == 14


@pytest.fixture
async def filled(
    postgres_url: str, postgres_template: str
) -> AsyncIterator[tuple[asyncpg.Connection, list[Office]]]:
    """A filled database, open, with a connection to look into it, and its practices."""
    name = f"callboard_{uuid4().hex[:12]}"
    server = await asyncpg.connect(postgres_url)
    await server.execute(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    url = with_database(postgres_url, name)
    offices = await fill(url, TASKS)
    connection = await asyncpg.connect(url)
    async with opened(url):
        yield connection, offices
    await connection.close()
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


Filled = tuple[asyncpg.Connection, list[Office]]


async def test_the_practices_are_as_large_as_they_should_be(filled: Filled) -> None:
    connection, offices = filled
    assert [office.tasks for office in offices] == [TASKS] + [48] * 8
    for office in offices:
        rows = await connection.fetch(
            "SELECT status, count(*) AS n FROM task WHERE practice_id = $1 GROUP BY status",
            office.practice_id,
        )
        status = {row["status"]: row["n"] for row in rows}
        assert status["CLOSED"] == status["OPEN"] + status["IN_PROGRESS"] == office.tasks // 2
        contacts = await connection.fetchval(
            "SELECT count(*) FROM contact WHERE practice_id = $1", office.practice_id
        )
        assert contacts == office.tasks * 1.5


async def test_every_reference_leads_somewhere(filled: Filled) -> None:
    """They were not checked when the rows were written: PostgreSQL does it for a new constraint."""
    connection, _ = filled
    keys = await connection.fetch(
        "SELECT conrelid::regclass::text AS tab, pg_get_constraintdef(oid) AS reference"
        " FROM pg_constraint WHERE contype = 'f'"
    )
    assert len(keys) > 10
    for key in keys:
        await connection.execute(f"ALTER TABLE {key['tab']} ADD {key['reference']}")


async def test_a_task_stands_where_its_last_event_left_it(filled: Filled) -> None:
    connection, offices = filled
    different = await connection.fetchval("""
        SELECT count(*) FROM task t LEFT JOIN task_event e
            ON e.practice_id = t.practice_id AND e.task_id = t.id AND e.version = t.version
        WHERE (t.status, t.follow_up, t.due_on, t.contact_count, t.last_contact_id, t.queue_id,
               t.close_cause, t.closed_at)
            IS DISTINCT FROM
              (e.to_status, e.follow_up, e.due_on, e.contact_count, e.last_contact_id, e.queue_id,
               e.close_cause, CASE WHEN e.to_status = 'CLOSED' THEN e.at END)
    """)
    assert different == 0
    # Each event takes its task on from where the one before left it, one contact at a time.
    broken = await connection.fetchval("""
        SELECT count(*) FROM task_event e LEFT JOIN task_event b
            ON b.practice_id = e.practice_id AND b.task_id = e.task_id AND b.version = e.version - 1
        LEFT JOIN contact c ON c.practice_id = e.practice_id AND c.id = e.contact_id
        WHERE (e.version > 1) <> (b.id IS NOT NULL) OR b.seq > e.seq OR b.at > e.at
           OR (e.from_status, e.from_follow_up) IS DISTINCT FROM (b.to_status, b.follow_up)
           OR (e.kind = 'CONTACT_LOGGED') <> (c.id IS NOT NULL)
           OR e.contact_count <> COALESCE(b.contact_count, 0) + (c.id IS NOT NULL)::int
           OR c.id IS NOT NULL AND (c.task_id, c.logged_at, c.follow_up, c.closed_task)
              IS DISTINCT FROM (e.task_id, e.at, e.follow_up, e.to_status = 'CLOSED')
    """)
    assert broken == 0
    for office in offices:
        seqs = await connection.fetch(
            "SELECT seq FROM task_event WHERE practice_id = $1 ORDER BY at, seq", office.practice_id
        )
        last = await connection.fetchval(
            "SELECT seq FROM practice WHERE id = $1", office.practice_id
        )
        assert [row["seq"] for row in seqs] == list(range(1, last + 1))


async def test_a_task_repeats_what_its_last_contact_says(filled: Filled) -> None:
    connection, _ = filled
    different = await connection.fetchval("""
        SELECT count(*) FROM task t LEFT JOIN contact c
            ON c.practice_id = t.practice_id AND c.id = t.last_contact_id
        WHERE (t.last_contacted_at, t.last_outcome) IS DISTINCT FROM (c.logged_at, c.outcome)
    """)
    assert different == 0


async def test_patients_are_found_by_the_words_that_the_services_would_have_written(
    filled: Filled,
) -> None:
    connection, _ = filled
    patients = await connection.fetch("""
        SELECT p.name, p.phone, array_agg(w.word) AS words FROM patient p LEFT JOIN patient_word w
            ON w.practice_id = p.practice_id AND w.patient_id = p.id GROUP BY p.id, p.name, p.phone
    """)
    assert patients
    for patient in patients:
        number = any_phone(patient["phone"], "US")
        assert set(patient["words"]) == {*name_words(patient["name"]), *number.words}


async def test_follow_ups_are_dates_that_would_have_been_taken(filled: Filled) -> None:
    connection, _ = filled
    refused = await connection.fetchval("""
        SELECT count(*) FROM task_event e JOIN practice p ON p.id = e.practice_id
        JOIN task t ON t.practice_id = e.practice_id AND t.id = e.task_id
        WHERE (e.follow_up IS NULL) <> (e.to_status = 'CLOSED')
           OR e.follow_up < (e.at AT TIME ZONE p.time_zone)::date
           OR e.to_status <> 'CLOSED' AND t.status <> 'CLOSED'
              AND e.follow_up > (t.expires_at AT TIME ZONE p.time_zone)::date
    """)
    assert refused == 0


async def test_nothing_is_left_for_the_server_to_expire_or_to_prune(filled: Filled) -> None:
    connection, _ = filled
    overdue = await connection.fetchval(
        "SELECT count(*) FROM task WHERE status <> 'CLOSED' AND expires_at < now() + interval '1d'"
    )
    assert overdue == 0
    oldest, newest = await connection.fetchrow("SELECT min(at), max(at) FROM task_event")
    assert datetime.now(UTC) - timedelta(days=25) < oldest < newest < datetime.now(UTC)


async def test_a_page_shows_tasks_with_and_without_a_contact(filled: Filled) -> None:
    _, offices = filled
    viewer = await authenticate(offices[0].key)
    page = await tasks_page(viewer, TaskQuery(), TaskOrder.DUE, 50, None)
    assert viewer.practice_id == offices[0].practice_id
    assert len(page.rows) == 50
    assert page.has_next
    kinds = Counter((row.status, row.last_contact_id is not None) for row in page.rows)
    assert set(kinds) == {("OPEN", False), ("IN_PROGRESS", True)}
    assert min(kinds.values()) >= 5


async def test_what_is_called_workable_takes_a_contact(filled: Filled) -> None:
    _, offices = filled
    office = offices[-1]
    viewer = await authenticate(office.key)
    attempt = Attempt(
        ContactOutcome.NO_ANSWER, datetime.now(UTC).date() + timedelta(days=30), None, False
    )
    changes = Changes(lambda _practice, _seq: None, machine_time)
    before = (await feed_bounds(office.practice_id)).seq
    chosen = {office.workable(random.Random(seed)) for seed in range(200)}
    assert len(chosen) == office.tasks // 2
    for task in chosen:
        outcome = await changes.make(viewer, log_contact, task, attempt)
        assert outcome.contact is not None, outcome.refusals
        assert outcome.task is not None
        assert await Contact.filter(practice_id=office.practice_id, task_id=task).count() == (
            outcome.task.contact_count
        )
    assert (await feed_bounds(office.practice_id)).seq == before + len(chosen)
