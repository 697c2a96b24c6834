"""What a practice's day must show of its calls: nobody is called twice, and promises are kept."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from benchmarks.people import TIME_ZONE, Ledger
from models.contact import Contact, ContactUndo
from models.follow_up import local_date
from models.people import Patient
from models.task import Task

PROMISE = timedelta(minutes=5)
"""Within which a patient is called back."""
LAST_CALLS = timedelta(seconds=10)
"""Before the end: what is due later may be left over when the agents go home."""


async def household_of_tasks(practice_id: int) -> dict[int, int]:
    """Who answers for the patient of each task, the patient if nobody else does."""
    here = Patient.filter(practice_id=practice_id)
    answers: dict[Any, Any] = dict(await here.values_list("id", "guarantor_id"))
    patients: list[Any] = await Task.filter(practice_id=practice_id).values_list("id", "patient_id")
    return {task: answers[patient] or patient for task, patient in patients}


async def called_twice(practice_id: int) -> int:
    """How many families were called again on the day on which one of them was called, and were not
    promised that: nobody here claims a task by hand. Calls that were undone are none."""
    households = await household_of_tasks(practice_id)
    undone = set(await ContactUndo.all().values_list("contact_id", flat=True))
    calls: list[Any] = (
        await Contact.all().order_by("id").values_list("id", "task_id", "logged_at", "follow_up_at")
    )
    days: Counter[tuple[int, date]] = Counter()
    promised: set[int] = set()
    for contact, task, at, again_at in calls:
        if contact in undone:
            continue
        days[households[task], local_date(at, TIME_ZONE.key)] += task not in promised
        promised.discard(task)
        if again_at is not None:
            promised.add(task)
    return sum(number > 1 for number in days.values())


async def check_promises(practice_id: int, ends_at: datetime, ledger: Ledger) -> None:
    """Each patient who was promised a call got it within five minutes, and nobody is left who was
    to be called before the agents went home, at `ends_at`."""
    for late in ledger.call_back_seconds:
        if late > PROMISE.total_seconds():
            ledger.wrong.append(f"a patient was called back {late:.0f} s after the time")
    due = Task.filter(practice_id=practice_id, follow_up_at__lt=ends_at - LAST_CALLS)
    for task in await due.filter(claimed_until__isnull=True):
        assert task.follow_up_at is not None
        whose = f"by {task.call_back_by_id}" if task.call_back_by_id else "by anyone"
        late = (ends_at - task.follow_up_at).total_seconds()
        told = f"{whose}, {late:.0f} s before the end"
        ledger.wrong.append(f"task {task.id} was to be called back {told}")
