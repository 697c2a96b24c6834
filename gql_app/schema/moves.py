"""Moves: `reassignTasks` and `withdrawTasks`, for supervisors."""

from typing import NamedTuple

import strawberry

from gql_app.schema.context import Info
from gql_app.schema.enums import RefusalCode
from gql_app.schema.filters import TaskFilter, task_query
from gql_app.schema.ids import global_id, read_id_of
from gql_app.schema.payloads import UserError, error_row
from gql_app.work import moves
from gql_app.work.batches import Moved
from gql_app.work.reads.conditions import BadInput, storable
from gql_app.work.reads.task_filter import TaskQuery

_WHICH = (
    " Closed tasks and those that another has claimed are skipped. The tasks are changed a batch at"
    " a time, each by an event of its own: when the request fails half-way, what was changed stays"
    " so, and it may be sent again."
)


@strawberry.type(description="A task that was left as it is, and why.")
class SkippedTask:
    id: strawberry.ID
    code: RefusalCode
    message: str


@strawberry.type
class ChangeTasksPayload:
    matched: int = strawberry.field(
        description="How many tasks the request was for. Those neither changed nor skipped needed"
        " no change."
    )
    changed: int = strawberry.field(description="With dryRun, those that would be changed.")
    skipped: list[SkippedTask] = strawberry.field(description="The first 100 of the skipped.")
    skipped_count: int
    errors: list[UserError]


@strawberry.input(description="Which tasks, by ids or by a filter, and whose work they become.")
class ReassignTasksInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="1 to 10,000 tasks."
    )
    filter: TaskFilter | None = strawberry.field(
        default=None, description="In place of ids; it may match 10,000 tasks."
    )
    to_queue_id: strawberry.ID | None = strawberry.field(
        default=None, description="They become the work of all in this queue."
    )
    to_staff_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="In place of toQueueId: they stay in their queues, for one person.",
    )
    dry_run: bool = strawberry.field(default=False, description="Only count.")


@strawberry.input(description="Which tasks, by ids or by a filter, and why they are withdrawn.")
class WithdrawTasksInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="1 to 10,000 tasks."
    )
    filter: TaskFilter | None = strawberry.field(
        default=None, description="In place of ids; it may match 10,000 tasks."
    )
    reason: str = strawberry.field(description="For staff to read, at most 500 characters.")
    dry_run: bool = strawberry.field(default=False, description="Only count.")


class _SkippedRow(NamedTuple):
    id: strawberry.ID
    code: RefusalCode
    message: str


class ChangeTasksRow:
    """The source of a `ChangeTasksPayload`."""

    def __init__(self, moved: Moved) -> None:
        self.matched = moved.matched
        self.changed = moved.changed
        self.skipped = [
            _SkippedRow(global_id("Task", task_id), refusal.code, refusal.message)
            for task_id, refusal, _ in moved.skipped
        ]
        self.skipped_count = moved.skipped_count
        self.errors = [error_row(refusal, "input") for refusal in moved.refusals]


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=ChangeTasksPayload,
        description="Move tasks to a queue, or give them to a member of staff." + _WHICH,
    )
    async def reassign_tasks(self, info: Info, input: ReassignTasksInput) -> ChangeTasksRow:
        if (input.to_queue_id is None) == (input.to_staff_id is None):
            raise BadInput("Give toQueueId or toStaffId, one of them.")
        moved = await moves.reassign_tasks(
            info.context.changes,
            info.context.viewer,
            which_tasks(input.ids, input.filter, info),
            to_queue_id=_number("Queue", input.to_queue_id),
            to_staff_id=_number("Staff", input.to_staff_id),
            dry_run=input.dry_run,
        )
        info.context.note_result(moved)
        return ChangeTasksRow(moved)

    @strawberry.mutation(
        graphql_type=ChangeTasksPayload, description="Take tasks back: they close." + _WHICH
    )
    async def withdraw_tasks(self, info: Info, input: WithdrawTasksInput) -> ChangeTasksRow:
        moved = await moves.withdraw_tasks(
            info.context.changes,
            info.context.viewer,
            which_tasks(input.ids, input.filter, info),
            reason=storable(input.reason) or "",
            dry_run=input.dry_run,
        )
        info.context.note_result(moved)
        return ChangeTasksRow(moved)


def which_tasks(
    ids: list[strawberry.ID] | None, filter: TaskFilter | None, info: Info
) -> list[int] | TaskQuery:
    """The tasks that a request names, or the query for them. Raises `BadInput`."""
    if (ids is None) == (filter is None):
        raise BadInput("Give ids or filter, one of them.")
    if ids is None:
        return task_query(filter, info.context)
    return [read_id_of("Task", value) for value in ids]


def _number(type_name: str, value: strawberry.ID | None) -> int | None:
    return None if value is None else read_id_of(type_name, value)
