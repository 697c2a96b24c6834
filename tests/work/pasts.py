"""Invented pasts of an office, and the supervisors' figures of them counted one by one."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from gql_app.work.reports.activity import ClosedCounts, ContactCounts, Figures
from models.contact import Contact
from models.database import write
from models.lifecycle import CloseCause, ContactOutcome, TaskOrigin, TaskStatus
from models.task import Task
from tests.office import Office

TICK = timedelta(microseconds=1)


def moments_about(first: date, last: date, zone: ZoneInfo, chosen: Random) -> list[datetime]:
    """Moments from a day before the dates until a day behind them, many of them on
    either side of a midnight."""
    begin, end = (
        datetime.combine(day, time.min, zone).astimezone(UTC)
        for day in (first - timedelta(days=1), last + timedelta(days=2))
    )
    anywhere = [begin + chosen.random() * (end - begin) for _ in range(300)]
    midnights = [
        datetime.combine(first + timedelta(days=n), time.min, zone).astimezone(UTC)
        for n in range((last - first).days + 2)
    ]
    return [*anywhere, *midnights * 8, *[midnight - TICK for midnight in midnights] * 8]


async def invent(office: Office, moments: list[datetime], chosen: Random) -> None:
    """Eighty tasks, open and closed for all causes, some expired untouched, with their contacts,
    of which a third were logged late."""
    staff = (office.staff.staff_id, office.supervisor.staff_id)
    causes = (None, *CloseCause)
    for number in range(80):
        cause = causes[number % len(causes)]
        created, *made, closed = sorted(chosen.sample(moments, chosen.randint(3, 6)))
        if cause is CloseCause.EXPIRED and number % 10 < 8:
            made = []
        task = await Task.create(
            practice_id=office.practice.id,
            queue_id=chosen.choice([office.recall.id, office.missed.id]),
            patient_id=office.patients[number % 3].id,
            origin=TaskOrigin.AUTOMATIC,
            status=TaskStatus.IN_PROGRESS if cause is None else TaskStatus.CLOSED,
            reason="Cleaning overdue",
            due_on=created.date(),
            created_at=created,
            closed_at=cause and closed,
            close_cause=cause,
            contact_count=len(made),
        )
        await Contact.bulk_create(
            _contact(task, moment, chosen.choice(staff), chosen) for moment in made
        )
    await write(
        "UPDATE task SET last_contact_id = (SELECT MAX(c.id) FROM contact c"
        " WHERE c.practice_id = $1 AND c.task_id = task.id) WHERE practice_id = $1",
        office.practice.id,
    )


def _contact(task: Task, moment: datetime, staff_id: int, chosen: Random) -> Contact:
    late = timedelta(days=chosen.choice([0, 0, 0, 0.1, 1, 7]))
    return Contact(
        practice_id=task.practice_id,
        task_id=task.id,
        outcome=chosen.choice([*ContactOutcome]),
        closed_task=False,
        contacted_at=moment if late else None,
        logged_at=moment + late,
        logged_by_id=staff_id,
    )


def made_at(contact: Contact) -> datetime:
    return contact.contacted_at or contact.logged_at


def recounted(tasks: list[Task], contacts: list[Contact], inside: Any) -> Figures:
    """The figures of what `inside` says is to be counted, a moment and the task that it is of."""
    outcomes: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    opened = untouched = 0
    attempts, hours = [], []
    for task in tasks:
        own = [contact for contact in contacts if contact.task_id == task.id]
        opened += inside(task.created_at, task)
        if task.closed_at is not None and inside(task.closed_at, task):
            assert task.close_cause is not None
            causes[task.close_cause.lower()] += 1
            untouched += task.close_cause is CloseCause.EXPIRED and not own
        for contact in own:
            made = made_at(contact)
            if inside(made, task):
                outcomes[contact.outcome.lower()] += 1
                if contact.outcome is ContactOutcome.SCHEDULED:
                    attempts.append(sum(made_at(other) <= made for other in own))
                    hours.append((made - task.created_at) / timedelta(hours=1))
    return Figures(
        ContactCounts(*(outcomes[name] for name in ContactCounts._fields)),
        opened,
        ClosedCounts(*(causes[name] for name in ClosedCounts._fields)),
        untouched,
        median(attempts) if attempts else None,
        median(hours) if hours else None,
    )
