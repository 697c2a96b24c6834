"""A month of history for the sample practice, played through the real services.

It is the same each time but for the date: everything is placed relative to today at the practice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from gql_app.access import Viewer
from gql_app.commands.demo.sample import (
    PRIORITIES,
    QUEUES,
    TASKS_A_QUEUE,
    TIME_ZONE,
    notes_on,
    outcomes,
)
from gql_app.work.changes import Changes
from gql_app.work.contacts import log_contact
from gql_app.work.intake import NewTask, create_task
from gql_app.work.results import ChangeResult
from gql_app.work.ringing import ring_nobody
from gql_app.work.transitions import expire_task
from models.lifecycle import Attempt, TaskOrigin
from models.practice import Queue
from models.priority import TaskPriority

EXPIRING_IN_MINUTES = (2, 4, 7, 12, 20, 35, 60, 90)
"""When the tasks expire that somebody may watch expiring."""

Action = tuple[datetime, Callable[[], Awaitable[object]]]


@dataclass
class History:
    """The month before today, as a list of moments that is played in order."""

    agent: Viewer
    supervisor: Viewer
    now: datetime
    patients: list[int]

    def __post_init__(self) -> None:
        self._random = Random(2023)  # noqa: S311 - sample data wants the same dice each time
        self._moment = self.now
        self._changes = Changes(ring_nobody, clock=lambda: self._moment)
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
            priority=PRIORITIES.get(place % 15, TaskPriority.NORMAL),
        )
        task_id: list[int] = []

        async def create() -> None:
            created = await self._changes.make(self.supervisor, create_task, new)
            task_id.append(_task_id(created))

        self._actions.append((made, create))
        if new.expires_at is not None and new.expires_at < self.now:

            async def expire() -> None:
                await self._changes.make_for(self.agent.practice_id, expire_task, task_id[0])

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
            outcome = dice.choice(outcomes(close=closes and last))
            notes = dice.choice(notes_on(outcome))
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
            result = await self._changes.make(self.agent, log_contact, task_id[0], attempt)
            assert not result.refusals, result.refusals

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


def _task_id(result: ChangeResult) -> int:
    assert result.task is not None, result.refusals
    return result.task.id
