"""A small practice for tests: two queues, three patients, a viewer and a key of each role."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gql_app.access import Viewer, authenticate
from gql_app.clock import Clock as ServiceClock
from gql_app.schema.ids import global_id
from gql_app.work.changes import Changes
from gql_app.work.contacts import log_contact
from gql_app.work.intake import NewTask, create_task
from gql_app.work.patients import index_patients
from gql_app.work.results import ChangeResult
from models.follow_up import local_date
from models.lifecycle import Attempt, ContactOutcome, TaskOrigin
from models.people import Patient
from models.practice import Practice, Queue
from models.roles import Role
from models.task import Task
from tests.support.access import create_key


class Clock(ServiceClock):
    """The time that the services of an office go by; stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def check(self) -> None:
        """It never jumps: it goes where it is told to."""

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Office:
    practice: Practice
    recall: Queue
    missed: Queue
    patients: list[Patient]
    keys: dict[str, str]
    staff: Viewer
    supervisor: Viewer
    admin: Viewer
    partner: Viewer
    clock: Clock
    rings: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hear: Callable[[int, int], None] | None = None
        self.changes = Changes(self._ring, self.clock)

    def _ring(self, practice_id: int, seq: int) -> None:
        self.rings.append((practice_id, seq))
        if self.hear is not None:
            self.hear(practice_id, seq)

    @property
    def today(self) -> date:
        return local_date(self.clock(), self.practice.time_zone)

    async def make_task(self, queue: Queue | None = None, **given: Any) -> Task:
        """A task that nobody has called for yet."""
        new = NewTask(
            queue_id=(queue or self.recall).id,
            patient_id=given.pop("patient", self.patients[0]).id,
            reason=given.pop("reason", "Cleaning overdue"),
            origin=TaskOrigin.AUTOMATIC if "expires_at" in given else TaskOrigin.MANUAL,
            **given,
        )
        outcome = await self.create(self.supervisor, new)
        assert outcome.task is not None, outcome.refusals
        return await Task.get(id=outcome.task.id)

    async def create(self, viewer: Viewer, new: NewTask) -> ChangeResult:
        return await self.changes.make(viewer, create_task, new)

    async def log(
        self,
        task: Task,
        outcome: ContactOutcome = ContactOutcome.NO_ANSWER,
        *,
        close: bool = False,
        follow_up: date | None = None,
        notes: str | None = None,
        **how: Any,
    ) -> ChangeResult:
        """Log a contact; keeping the task open needs no more than that: it is due tomorrow."""
        if not close and follow_up is None:
            follow_up = self.today + timedelta(days=1)
        attempt = Attempt(outcome, follow_up, notes, close)
        viewer = how.pop("viewer", self.staff)
        return await self.changes.make(viewer, log_contact, task.id, attempt, **how)


async def first_task() -> Task:
    """The task that was made first."""
    task = await Task.all().order_by("id").first()
    assert task is not None
    return task


def task_id(task: Task) -> str:
    """The global id of a task."""
    return global_id("Task", task.id)


def older_id(type_name: str, number: int) -> str:
    """A global id of the form that clients could read. It may name a number of any size."""
    return b64encode(f"{type_name}:{number}".encode()).decode()


async def make_office(slug: str = "maple", time_zone: str = "America/Chicago") -> Office:
    """A practice of its own in the open database."""
    clock = Clock()
    now = clock()
    practice = await Practice.create(
        slug=slug, name=f"{slug.title()} Dental", time_zone=time_zone, created_at=now
    )
    queues = [
        await Queue.create(practice_id=practice.id, name=name, position=place, created_at=now)
        for place, name in enumerate(("Overdue recall", "Missed appointments"))
    ]
    patients = [
        await Patient.create(
            practice_id=practice.id, name=f"{name} Testwell", phone="555-0100", created_at=now
        )
        for name in ("Amber", "Birch", "Clover")
    ]
    await index_patients(practice.id, patients)
    keys = {
        role.value.lower(): await create_key(
            practice, role, f"{role.value.title()} of {slug}", may_create_tasks=True
        )
        for role in Role
    }
    return await _office(practice, queues, patients, keys, clock)


async def find_office(keys: dict[str, str]) -> Office:
    """The practice that the open database has, whose keys these are."""
    practice = await Practice.get()
    queues = await Queue.all().order_by("id")
    return await _office(practice, queues, await Patient.all().order_by("id"), keys, Clock())


async def _office(
    practice: Practice,
    queues: list[Queue],
    patients: list[Patient],
    keys: dict[str, str],
    clock: Clock,
) -> Office:
    staff, supervisor, admin, partner = [await authenticate(keys[role.lower()]) for role in Role]
    recall, missed = queues
    viewers = (staff, supervisor, admin, partner)
    return Office(practice, recall, missed, patients, {**keys}, *viewers, clock)
