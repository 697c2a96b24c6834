"""A sample practice: invented patients and a month of history, played through the real services.

Deterministic but for the date: everything is placed relative to today at the practice. Names are
plainly made up, and telephone numbers come from the block that is kept for fiction, 555-0100 to
555-0199.
"""

import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from gql_app.access import Viewer, authenticate
from gql_app.access.keys import create_key
from gql_app.access.signin import create_link
from gql_app.schema.ids import global_id
from gql_app.work.intake import NewTask
from gql_app.work.outcomes import ChangeResult
from gql_app.work.patients import index_patients
from gql_app.work.transitions import Transitions
from models.database import migrate, opened
from models.lifecycle import Attempt, ContactOutcome, TaskOrigin, TaskStatus
from models.people import Patient
from models.practice import Practice, Queue
from models.roles import Role
from models.task import Task

TIME_ZONE = "America/Chicago"
PATIENTS = 300
TASKS_A_QUEUE = 90

GIVEN = [
    "Amber",
    "Birch",
    "Clover",
    "Dahlia",
    "Elm",
    "Fern",
    "Ginger",
    "Hazel",
    "Iris",
    "Juniper",
    "Kale",
    "Lark",
    "Maple",
    "Nutmeg",
    "Olive",
    "Poppy",
    "Quince",
    "Rowan",
    "Sage",
    "Thistle",
]
FAMILY = [
    "Demoray",
    "Exampley",
    "Fakely",
    "Fictus",
    "Inventa",
    "Makebelief",
    "Mockford",
    "Nobodey",
    "Notreal",
    "Phantome",
    "Pretendre",
    "Samplesmith",
    "Specimen",
    "Testwell",
    "Wasntborn",
]

QUEUES: dict[str, tuple[TaskOrigin, tuple[str, ...]]] = {
    "Overdue recall": (
        TaskOrigin.AUTOMATIC,
        ("Cleaning overdue by 6 months", "Check-up overdue by a year", "Periodontal recall due"),
    ),
    "Unscheduled treatment": (
        TaskOrigin.AUTOMATIC,
        ("Crown planned, not scheduled", "Filling planned, not scheduled", "Root canal, part two"),
    ),
    "Missed appointments": (
        TaskOrigin.AUTOMATIC,
        ("Missed a cleaning", "Missed a consultation", "Cancelled on the day"),
    ),
    "Manual follow-ups": (
        TaskOrigin.MANUAL,
        ("Asked for a call about a bill", "Wants a later slot", "Ask how the extraction healed"),
    ),
}

NOTES: dict[ContactOutcome, tuple[str | None, ...]] = {
    ContactOutcome.NO_ANSWER: (None, "Rang out twice."),
    ContactOutcome.LEFT_MESSAGE: ("Left a voicemail with our number.", None),
    ContactOutcome.DID_NOT_SCHEDULE: ("Wants to check the insurance first.", "Has moved away."),
    ContactOutcome.SCHEDULED: ("Booked for next week.", None),
}

EXPIRING_IN_MINUTES = (2, 4, 7, 12, 20, 35, 60, 90)
"""The tasks that run out while somebody is looking."""

Action = tuple[datetime, Callable[[], Awaitable[object]]]


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
        links = {role: await create_link(keys[role]) for role in ("staff", "supervisor")}
    return Demo(
        keys=keys,
        links=links,
        open_task=global_id("Task", task.id if task else 1),
    )


def welcome(url: str, folder: Path, demo: Demo) -> str:
    """What the demo says when it starts: where it is, and three commands to paste."""
    follow_up = datetime.now(ZoneInfo(TIME_ZONE)).date() + timedelta(days=7)
    query = "{ queues { name counts { open dueToday overdue } } }"
    log = (
        f'mutation {{ logContact(taskId: "{demo.open_task}", outcome: LEFT_MESSAGE,'
        f' followUp: "{follow_up}") {{ task {{ statusLabel followUp }}'
        " errors { code message } } }"
    )
    return f"""
Callboard serves a sample practice at {url}/graphql; its keys are in {folder / "keys.json"}.
Open the dashboard in a browser as an agent (a link signs you in once, within an hour):
  {url}/#link={demo.links["staff"]}

And as a supervisor, in another browser or a private window:
  {url}/#link={demo.links["supervisor"]}

Or paste these into another terminal.

Watch the changes live:
  {sys.argv[0]} watch --url {url} --key {demo.keys["supervisor"]}

Log a contact; the watch shows it at once:
  {_post(url, demo.keys["staff"], log)}

Query the queues:
  {_post(url, demo.keys["partner"], query)}

Ctrl-C stops the demo.
"""


def _post(url: str, key: str, query: str) -> str:
    return (
        f"curl -s {url}/graphql -H 'Content-Type: application/json'"
        f" -H 'Authorization: Bearer {key}' -d '{json.dumps({'query': query})}'"
    )


async def _make_practice(now: datetime) -> dict[str, str]:
    practice = await Practice.create(
        slug="demo", name="Maple Street Dental (sample)", time_zone=TIME_ZONE, created_at=now
    )
    for position, name in enumerate(QUEUES):
        await Queue.create(
            practice_id=practice.id,
            name=name,
            position=position,
            closes_on_appointment=True,
            follow_up_ladder="1,7,21,60",
            created_at=now,
        )
    await Patient.bulk_create(
        Patient(
            practice_id=practice.id,
            name=f"{GIVEN[i % len(GIVEN)]} {FAMILY[i // len(GIVEN)]}",
            phone=f"({217 + i // 100}) 555-{100 + i % 100:04}",
            created_at=now,
        )
        for i in range(PATIENTS)
    )
    patients = await Patient.filter(practice_id=practice.id).order_by("id")
    await index_patients(practice.id, patients)
    keys = {
        "staff": await create_key(practice, Role.STAFF, "Robin Callwell"),
        "supervisor": await create_key(practice, Role.SUPERVISOR, "Sam Overlook"),
        "partner": await create_key(
            practice, Role.PARTNER, "RecallRobot (sample partner)", may_create_tasks=True
        ),
    }
    history = _History(
        agent=await authenticate(keys["staff"]),
        supervisor=await authenticate(keys["supervisor"]),
        now=now,
        patients=[patient.id for patient in patients],
    )
    await history.play(await Queue.filter(practice_id=practice.id).order_by("position"))
    return keys


@dataclass
class _History:
    """The month before today, as a list of moments that is played in order."""

    agent: Viewer
    supervisor: Viewer
    now: datetime
    patients: list[int]

    def __post_init__(self) -> None:
        self._random = Random(2023)  # noqa: S311 - sample data wants the same dice each time
        self._moment = self.now
        self._transitions = Transitions(ring=_nobody_listens, clock=lambda: self._moment)
        self._today = self.now.astimezone(ZoneInfo(TIME_ZONE)).date()
        self._actions: list[Action] = []

    async def play(self, queues: list[Queue]) -> None:
        for queue in queues:
            for place in range(TASKS_A_QUEUE):
                self._plan(queue, place)
        for moment, act in sorted(self._actions, key=lambda action: action[0]):
            self._moment = moment
            await act()

    def _plan(self, queue: Queue, place: int) -> None:
        """Decide one task's life: when it was made, who called when, and how it stands today."""
        dice = self._random
        origin, reasons = QUEUES[queue.name]
        made = self._at(-dice.randint(8, 30))
        new = NewTask(
            queue_id=queue.id,
            patient_id=dice.choice(self.patients),
            reason=dice.choice(reasons),
            origin=origin,
            expires_at=self._expiry(origin, place, made),
        )
        task_id: list[int] = []

        async def create() -> None:
            task_id.append(_task_id(await self._transitions.create_task(self.supervisor, new)))

        self._actions.append((made, create))
        if new.expires_at is not None and new.expires_at < self.now:

            async def expire() -> None:
                await self._transitions.expire(self.agent.practice_id, task_id[0])

            self._actions.append((new.expires_at, expire))
        elif place % 10 >= 4:
            self._plan_contacts(task_id, closes=place % 10 >= 7)

    def _plan_contacts(self, task_id: list[int], *, closes: bool) -> None:
        dice = self._random
        calls = dice.randint(1, 3)
        ago = sorted(dice.sample(range(1, 8), calls), reverse=True)
        if closes and dice.random() < 0.4:
            ago[-1] = 0
        for place, days in enumerate(ago):
            last = place == calls - 1
            outcome = dice.choice(list(ContactOutcome)[: 4 if closes and last else 3])
            notes = dice.choice(NOTES[outcome])
            follow_up = (
                self._today + timedelta(days=dice.choice((-days, -1, 0, 0, 1, 2, 3, 5, 9)))
                if last
                else (self._today - timedelta(days=ago[place + 1]))
            )
            attempt = Attempt(
                outcome, None if closes and last else follow_up, notes, closes and last
            )
            self._actions.append((self._at(-days), self._logging(task_id, attempt)))

    def _logging(self, task_id: list[int], attempt: Attempt) -> Callable[[], Awaitable[object]]:
        async def log() -> None:
            outcome = await self._transitions.log_contact(self.agent, task_id[0], attempt)
            assert not outcome.refusals, outcome.refusals

        return log

    def _expiry(self, origin: TaskOrigin, place: int, made: datetime) -> datetime | None:
        if origin is not TaskOrigin.AUTOMATIC:
            return None
        if place % 30 == 0:
            return made + timedelta(days=7)  # has run out meanwhile
        if place % 30 == 1:
            soon = EXPIRING_IN_MINUTES[self._random.randrange(len(EXPIRING_IN_MINUTES))]
            return self.now + timedelta(minutes=soon)
        return self._at(self._random.randint(20, 90))

    def _at(self, days: int) -> datetime:
        """A working hour of a day relative to today, never in the future of today."""
        hour = time(self._random.randint(9, 16), self._random.randint(0, 59))
        day: date = self._today + timedelta(days=days)
        moment = datetime.combine(day, hour, ZoneInfo(TIME_ZONE)).astimezone(UTC)
        return min(moment, self.now) if days <= 0 else moment


def _task_id(outcome: ChangeResult) -> int:
    assert outcome.task is not None, outcome.refusals
    return outcome.task.id


def _nobody_listens(_practice_id: int, _seq: int) -> None:
    """Nobody is connected while the history is being made."""
