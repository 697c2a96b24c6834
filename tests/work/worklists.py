"""Tasks to be listed, and what a list shows of them."""

from datetime import timedelta

from gql_app.access import Viewer
from gql_app.work.reads.orders import TaskOrder
from gql_app.work.reads.queues import count_tasks, tasks_page
from gql_app.work.reads.task_filter import TaskQuery
from models.lifecycle import TaskStatus
from models.task import Task
from tests.office import Office

EVERY_STATUS = TaskQuery(status=tuple(TaskStatus))


async def make_tasks(office: Office) -> list[Task]:
    """Nine tasks in two queues for three patients: all statuses, many due on the same day."""
    tasks = [
        await office.make_task(
            (office.recall, office.missed)[n % 2],
            patient=office.patients[n % 3],
            follow_up=office.today + timedelta(days=(2, 0, 1)[n % 3]),
        )
        for n in range(9)
    ]
    for task in tasks[2:6]:
        await office.log(task, close=task in tasks[4:6])
    return await Task.all().order_by("id")


async def listed(viewer: Viewer, query: TaskQuery) -> set[int]:
    """What a list shows; its count must say the same."""
    page = await tasks_page(viewer, query, TaskOrder.DUE, 100, None)
    assert await count_tasks(viewer, query) == len(page.rows)
    return {row.id for row in page.rows}
