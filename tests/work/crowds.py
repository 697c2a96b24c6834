"""Thousands of tasks, made in a few statements."""

from models.database import insert_many, transaction
from models.lifecycle import TaskOrigin, TaskStatus
from models.task import Task
from tests.office import Office

AT_ONCE = 500


async def make_many_tasks(office: Office, number: int) -> list[int]:
    """So many tasks of the recall queue for the three patients, made without events. Their ids."""
    here = office.practice.id
    async with transaction():
        for begin in range(0, number, AT_ONCE):
            await insert_many(
                "task",
                [
                    {
                        "id": 10_000 + place,
                        "practice_id": here,
                        "queue_id": office.recall.id,
                        "patient_id": office.patients[place % 3].id,
                        "status": TaskStatus.OPEN,
                        "origin": TaskOrigin.MANUAL,
                        "reason": "Cleaning overdue",
                        "due_on": office.today,
                        "version": 1,
                        "contact_count": 0,
                        "created_at": office.clock(),
                    }
                    for place in range(begin, min(begin + AT_ONCE, number))
                ],
                "id",
            )
    made = await Task.filter(id__gte=10_000).order_by("id").values_list("id", flat=True)
    return [int(str(row_id)) for row_id in made]
