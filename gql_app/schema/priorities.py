"""Priorities: `setTaskPriority`, for supervisors."""

import strawberry

from gql_app.schema.context import Info
from gql_app.schema.enums import TaskPriority
from gql_app.schema.filters import TaskFilter
from gql_app.schema.moves import ChangeTasksPayload, ChangeTasksRow, which_tasks
from gql_app.work.priorities import set_task_priority


@strawberry.input(description="Which tasks, by ids or by a filter, and how urgent they are.")
class SetTaskPriorityInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="1 to 10,000 tasks."
    )
    filter: TaskFilter | None = strawberry.field(
        default=None, description="In place of ids; it may match 10,000 tasks."
    )
    priority: TaskPriority
    dry_run: bool = strawberry.field(default=False, description="Only count.")


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=ChangeTasksPayload,
        description="Say how urgent tasks are. Closed tasks are skipped; what somebody has claimed"
        " is changed too. The tasks are changed a batch at a time, each by an event of its own:"
        " when the request fails half-way, what was changed stays so, and it may be sent again.",
    )
    async def set_task_priority(self, info: Info, input: SetTaskPriorityInput) -> ChangeTasksRow:
        moved = await set_task_priority(
            info.context.changes,
            info.context.viewer,
            which_tasks(input.ids, input.filter, info),
            input.priority,
            dry_run=input.dry_run,
        )
        info.context.note_result(moved)
        return ChangeTasksRow(moved)
