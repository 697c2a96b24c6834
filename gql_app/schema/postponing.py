"""Postponing: `postponeTask`, and how often and why a task was postponed."""

from datetime import date, datetime
from typing import Any

import strawberry

from gql_app.execution.cost import BYTES, MOST_ROWS
from gql_app.schema.call_backs import FollowUpTime
from gql_app.schema.columns import reads
from gql_app.schema.context import Info, SharedInfo
from gql_app.schema.ids import read_id_of
from gql_app.schema.lazy import LazyTask
from gql_app.schema.links import linked
from gql_app.schema.payloads import Payload, UserError
from gql_app.schema.staff import Staff
from gql_app.work.postponing import postpone_task
from gql_app.work.reads.conditions import storable
from gql_app.work.reads.postponements import MOST_SHOWN, PostponementRow
from models.task import TaskRow


@strawberry.type(description="Another follow-up date that a task was given without a contact.")
class Postponement:
    at: datetime = strawberry.field(description="When it was postponed.")
    follow_up: date = strawberry.field(description="To which date.")

    @strawberry.field(
        description="Why. Null for a key that may not read notes.", metadata={BYTES: 200}
    )
    def given_reason(parent: strawberry.Parent[PostponementRow], info: SharedInfo) -> str | None:
        return parent.given_reason if info.context.scope.may_read_notes else None

    by = linked("staff", "actor_id", Staff, "Who postponed it.")


def postponements_of_task() -> Any:
    async def postponements(
        parent: strawberry.Parent[TaskRow], info: SharedInfo
    ) -> list[PostponementRow]:
        found = await info.context.loaders.postponements.load(parent.id)
        return [] if found is None else found.rows

    return strawberry.field(
        resolver=postponements,
        graphql_type=list[Postponement],
        description=f"When and why it was postponed, the latest first; at most {MOST_SHOWN}, and as"
        " long as their events are kept.",
        metadata=reads("id") | {MOST_ROWS: MOST_SHOWN},
    )


@strawberry.type
class PostponeTaskPayload:
    task: LazyTask | None = strawberry.field(
        description="The task as it is now, after a refusal too; null if there is none."
    )
    errors: list[UserError]


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=PostponeTaskPayload,
        description="Give an open task another follow-up date without a contact. Nothing counts as"
        " an attempt, the status stays, and the claim on the patient ends. A call-back"
        " that was promised is off, unless a time is given: then who was to call still is. The"
        " reason has at most 500 characters.",
    )
    async def postpone_task(
        self,
        info: Info,
        task_id: strawberry.ID,
        follow_up: date,
        reason: str,
        expected_version: int | None = None,
        follow_up_time: FollowUpTime = None,
    ) -> Payload:
        result = await info.context.make(
            postpone_task,
            read_id_of("Task", task_id),
            follow_up,
            storable(reason) or "",
            expected_version=expected_version,
            follow_up_time=follow_up_time,
        )
        return Payload(result)
