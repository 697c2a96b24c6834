"""What tests of claims share: a patient with two tasks, and what must change nothing."""

from collections.abc import Awaitable
from datetime import timedelta

from gql_app.access import Viewer, authenticate
from gql_app.work.results import ChangeResult
from models.event import TaskEventKind
from models.roles import Role
from models.task import Task
from tests.office import Office
from tests.support.access import create_key
from tests.work.records import everything

LEASE = timedelta(minutes=10)

CLAIMED = TaskEventKind.CLAIMED
RELEASED = TaskEventKind.RELEASED


def codes(outcome: ChangeResult) -> list[str]:
    return [refusal.code.value for refusal in outcome.refusals]


async def limited_to(office: Office, queue_id: int) -> Viewer:
    """Somebody whose key is for one queue only."""
    key = await create_key(office.practice, Role.STAFF, "Limited", queue_ids=[queue_id])
    return await authenticate(key)


async def patient_with_two_tasks(office: Office) -> tuple[Task, Task]:
    """Amber's tasks, one in each queue."""
    return await office.make_task(office.recall), await office.make_task(office.missed)


async def changes_nothing(office: Office, act: Awaitable[ChangeResult]) -> ChangeResult:
    """Carry out `act`, which must leave every row, and the bell, alone."""
    before, rung = await everything(), list(office.rings)
    outcome = await act
    assert await everything() == before
    assert office.rings == rung
    return outcome
