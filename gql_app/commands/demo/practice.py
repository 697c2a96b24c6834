"""The sample practice: made once in a folder, with its keys beside the database.

Telephone numbers come from the block that is kept for fiction, 555-0100 to 555-0199.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gql_app.access import authenticate
from gql_app.access.keys import create_key
from gql_app.access.signin import create_link
from gql_app.clock import machine_time
from gql_app.commands.demo.history import History
from gql_app.commands.demo.sample import FAMILY, GIVEN, PATIENTS, QUEUES, TIME_ZONE
from gql_app.schema.ids import global_id
from gql_app.work.changes import Change, Changes
from gql_app.work.patients import index_patients
from gql_app.work.practices import NO_PRACTICE
from gql_app.work.ringing import ring_nobody
from models.database import migrate, opened
from models.lifecycle import TaskStatus
from models.people import Patient
from models.practice import Practice, Queue
from models.roles import Role
from models.task import Task

SLUG = "demo"
STAFF = {
    Role.STAFF: "Robin Callwell",
    Role.SUPERVISOR: "Sam Overlook",
    Role.ADMIN: "Ada Keystone",
    Role.PARTNER: "RecallRobot (sample partner)",
}
COLLEAGUES = ("Casey Ringwood", "Jordan Dialey")
COLLEAGUES_STAY = timedelta(days=30)
"""How long their keys are valid. Each start makes new ones."""


def database_url(folder: Path) -> str:
    """Where the sample practice of `folder` is kept."""
    return f"sqlite://{_database(folder).resolve()}"


def _database(folder: Path) -> Path:
    return folder / "callboard.sqlite3"


@dataclass(frozen=True)
class Demo:
    """The sample practice's keys and sign-in links, both by role, and the id of a task that nobody
    has called for yet."""

    keys: dict[str, str]
    links: dict[str, str]
    open_task: str


async def prepare(folder: Path) -> Demo:
    """Make the sample practice in `folder`, unless it is there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database, keys_file = _database(folder), folder / "keys.json"
    if not database.exists():
        # Made under another name, so that a half-made practice is never taken for a whole one.
        unfinished = folder / "unfinished.sqlite3"
        unfinished.unlink(missing_ok=True)
        await migrate(f"sqlite://{unfinished.resolve()}")
        async with opened(f"sqlite://{unfinished.resolve()}"):
            keys = await _make_practice(datetime.now(UTC))
        keys_file.unlink(missing_ok=True)
        keys_file.touch(mode=0o600)
        keys_file.write_text(json.dumps(keys, indent=2) + "\n")
        unfinished.rename(database)
    await migrate(database_url(folder))
    async with opened(database_url(folder)):
        task = await Task.filter(status=TaskStatus.OPEN, expires_at=None).order_by("id").first()
        keys = json.loads(keys_file.read_text())
        links = {role: await _link(keys[role]) for role in ("staff", "supervisor")}
        return Demo(keys, links, open_task=global_id("Task", task.id if task else 1))


async def create_colleagues_keys(folder: Path) -> list[str]:
    """Keys for two more members of staff, for as long as a demo may run."""
    async with opened(database_url(folder)):
        practice = await Practice.get(slug=SLUG)
        return await _changes().make_for(practice.id, _colleagues)


async def _colleagues(change: Change) -> list[str]:
    expires_at = change.now + COLLEAGUES_STAY
    return [
        (await create_key(change, Role.STAFF, name, expires_at=expires_at)).key
        for name in COLLEAGUES
    ]


def _changes() -> Changes:
    """Nobody watches yet: the server is started after this."""
    return Changes(ring_nobody, machine_time)


async def _link(key: str) -> str:
    viewer = await authenticate(key)
    return await _changes().make(viewer, create_link, viewer.key_id)


async def _make_practice(now: datetime) -> dict[str, str]:
    keys = await _changes().make_for(NO_PRACTICE, _create_practice)
    agent, supervisor = [await authenticate(keys[role]) for role in ("staff", "supervisor")]
    here = {"practice_id": agent.practice_id}
    history = History(
        agent=agent,
        supervisor=supervisor,
        now=now,
        patients=[patient.id for patient in await Patient.filter(**here).order_by("id")],
    )
    await history.play(await Queue.filter(**here).order_by("position"))
    return keys


async def _create_practice(change: Change) -> dict[str, str]:
    practice = await Practice.create(
        slug=SLUG, name="Maple Street Dental (sample)", time_zone=TIME_ZONE, created_at=change.now
    )
    change.practice_id = practice.id
    for position, name in enumerate(QUEUES):
        await Queue.create(
            practice_id=practice.id,
            name=name,
            position=position,
            closes_on_appointment=True,
            missed_appointments=name == "Missed appointments",
            follow_up_ladder="1,7,21,60",
            created_at=change.now,
        )
    await _create_patients(change)
    return {
        role.value.lower(): (
            await create_key(change, role, name, may_create_tasks=role is Role.PARTNER)
        ).key
        for role, name in STAFF.items()
    }


async def _create_patients(change: Change) -> None:
    await Patient.bulk_create(
        Patient(
            practice_id=change.practice_id,
            name=f"{GIVEN[i % len(GIVEN)]} {FAMILY[i // len(GIVEN)]}",
            phone=f"({217 + i // 100}) 555-{100 + i % 100:04}",
            created_at=change.now,
        )
        for i in range(PATIENTS)
    )
    patients = await Patient.filter(practice_id=change.practice_id).order_by("id")
    mother, *children = [patient.id for patient in patients[:3]]  # all of one name
    await Patient.filter(practice_id=change.practice_id, id__in=children).update(
        guarantor_id=mother
    )
    await index_patients(change.practice_id, patients)
