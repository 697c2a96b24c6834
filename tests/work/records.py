"""What the database holds, for tests that compare before with after, and a wait with an end."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from typing import Any

import asyncpg
import pytest

from models.appointment import Appointment, AppointmentClosing
from models.contact import Contact, ContactUndo
from models.database import transaction
from models.event import TaskEvent
from models.idempotency import IdempotencyKey
from models.practice import Practice
from models.task import Task
from tests.office import Office
from tests.serving import PATIENCE


def unscoped(caplog: pytest.LogCaptureFixture, at_least: int) -> list[str]:
    """The statements with conditions, of at least so many, that name no practice."""
    statements = [r.getMessage() for r in caplog.records if " WHERE " in r.getMessage()]
    assert len(statements) >= at_least
    return [
        statement
        for statement in statements
        if "practice_id" not in statement.partition(" WHERE ")[2]
        and " practice WHERE id = " not in " ".join(statement.split())
        and not statement.startswith(("UPDATE practice ", "WITH updated AS (UPDATE practice "))
    ]


async def everything() -> list[list[dict[str, Any]]]:
    """Every row that a change of a task could touch. The audit is written on its own: it has who
    was refused, a moment later."""
    rows = [
        await model.all().order_by("id").values()
        for model in (
            *(Practice, Task, Contact, ContactUndo, TaskEvent, IdempotencyKey),
            *(Appointment, AppointmentClosing),
        )
    ]
    for practice in rows[0]:
        del practice["audit_seq"], practice["audit_digest"]
    return rows


async def events_of(office: Office) -> list[TaskEvent]:
    """The office's events in the order of their numbers."""
    return await TaskEvent.filter(practice_id=office.practice.id).order_by("seq")


def committed_seqs(database_url: str) -> list[int]:
    """The numbers of the events that another connection sees at this moment. Blocks the loop, so
    that nothing can be committed meanwhile."""
    sql = "SELECT seq FROM task_event ORDER BY seq"
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite://"))) as connection:
            return [seq for (seq,) in connection.execute(sql)]

    async def read() -> list[int]:
        connection = await asyncpg.connect(database_url)
        try:
            return [record["seq"] for record in await connection.fetch(sql)]
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, read()).result(PATIENCE)


@asynccontextmanager
async def events_cannot_be_written(office: Office) -> AsyncIterator[None]:
    """Makes every change fail at its last statement: the event table is away."""
    async with transaction() as connection:
        await connection.execute_query("ALTER TABLE task_event RENAME TO away")
    try:
        yield
    finally:
        async with transaction() as connection:
            await connection.execute_query("ALTER TABLE away RENAME TO task_event")


async def eventually(holds: Callable[[], Awaitable[bool]], patience: float = PATIENCE) -> None:
    """Wait until `holds`; an error if it does not within `patience` seconds."""
    async with asyncio.timeout(patience):
        while not await holds():
            await asyncio.sleep(0.01)
