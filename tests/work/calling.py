"""Calls that are about several tasks of a patient."""

from datetime import date, timedelta
from typing import Any

from gql_app.work.calls import OtherTask
from gql_app.work.results import ChangeResult
from models.lifecycle import Attempt, ContactOutcome
from models.task import Task
from tests.office import Office

NO_ANSWER = ContactOutcome.NO_ANSWER


def other(
    task: Task | int,
    outcome: ContactOutcome = NO_ANSWER,
    follow_up: date | None = None,
    *,
    close: bool = False,
    notes: str | None = None,
) -> OtherTask:
    """What is to be logged on another task."""
    task_id = task if isinstance(task, int) else task.id
    return OtherTask(task_id, Attempt(outcome, follow_up, notes, close))


def tomorrow(office: Office) -> date:
    return office.today + timedelta(days=1)


def codes(result: ChangeResult) -> list[str]:
    return [refusal.code.value for refusal in result.refusals]


def paths(result: ChangeResult) -> list[tuple[str | None, ...]]:
    return [(*refusal.under, refusal.field) for refusal in result.refusals]


async def call(office: Office, task: Task, *others: OtherTask, **how: Any) -> ChangeResult:
    """Log a call, on one task with a follow-up tomorrow unless it says something else."""
    return await office.log(task, others=others, **how)
