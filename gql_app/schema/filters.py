"""What a list of tasks can be narrowed by."""

from datetime import date

import strawberry

from gql_app.schema.enums import TaskOrigin, TaskStatus
from gql_app.schema.ids import read_id_of, read_ids_of
from gql_app.work.queues import WORKABLE, TaskQuery


@strawberry.input(description="Which tasks. All that is given must hold.")
class TaskFilter:
    queue_ids: list[strawberry.ID] | None = None
    status: list[TaskStatus] | None = strawberry.field(
        default=None, description="Without it: what is still to be worked, OPEN and IN_PROGRESS."
    )
    origin: TaskOrigin | None = None
    due_by: date | None = strawberry.field(
        default=None,
        description="Due on this date at the practice or before it; a task that nobody has called"
        " for is due on the day it was made.",
    )
    assignee_id: strawberry.ID | None = strawberry.field(
        default=None, description="Given to this member of staff."
    )


def task_query(filter: TaskFilter | None) -> TaskQuery:
    """What the read side is asked for. Raises `BadInput`."""
    if filter is None:
        return TaskQuery()
    return TaskQuery(
        queue_ids=read_ids_of("Queue", filter.queue_ids),
        status=WORKABLE if filter.status is None else tuple(dict.fromkeys(filter.status)),
        origin=filter.origin,
        due_by=filter.due_by,
        # A number that no row has is nobody's.
        assignee_id=(
            None if filter.assignee_id is None else read_id_of("Staff", filter.assignee_id) or 0
        ),
    )
