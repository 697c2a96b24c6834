"""Practices to make changes in: keys of every role, and tasks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from benchmarks.keys import create_key
from gql_app.access import authenticate
from gql_app.clock import machine_time
from gql_app.schema.ids import global_id
from gql_app.work.changes import Changes
from gql_app.work.intake import NewTask, create_task
from gql_app.work.patients import index_patients
from models.database import migrate, opened
from models.people import Patient
from models.practice import Practice, Queue
from models.roles import Role


class Sample(NamedTuple):
    """A practice: a key for each role, and its tasks' global ids."""

    keys: dict[Role, str]
    tasks: Sequence[str]


async def prepare(database_url: str, practices: int, tasks: int) -> list[Sample]:
    """Make so many practices, each with so many open tasks."""
    await migrate(database_url)
    async with opened(database_url):
        return [await _practice(f"practice-{n}", tasks) for n in range(1, practices + 1)]


async def _practice(slug: str, tasks: int) -> Sample:
    now = datetime.now(UTC)
    practice = await Practice.create(
        slug=slug, name=slug, time_zone="America/Chicago", created_at=now
    )
    queue = await Queue.create(practice_id=practice.id, name="Recall", position=0, created_at=now)
    patient = await Patient.create(
        practice_id=practice.id, name="Sage Nobodey", phone="(217) 555-0100", created_at=now
    )
    await index_patients(practice.id, [patient])
    keys = {role: await create_key(practice, role, role.lower()) for role in Role}
    viewer = await authenticate(keys[Role.SUPERVISOR])
    changes = Changes(lambda _practice, _seq: None, machine_time)
    ids = []
    for n in range(tasks):
        new = NewTask(queue.id, patient.id, f"Reason {n}")
        made = (await changes.make(viewer, create_task, new)).task
        assert made is not None
        ids.append(global_id("Task", made.id))
    return Sample(keys, ids)
