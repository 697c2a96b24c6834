"""Tasks that wait for a supervisor: `resumeTask`."""

from datetime import date

import strawberry

from gql_app.schema.context import Info
from gql_app.schema.ids import read_id_of
from gql_app.schema.lazy import LazyTask
from gql_app.schema.payloads import Payload, UserError
from gql_app.work.reviewing import resume_task


@strawberry.type(description="What came of letting a task go on.")
class ResumeTaskPayload:
    task: LazyTask | None = strawberry.field(
        description="The task as it is now, after a refusal too; null if there is none."
    )
    errors: list[UserError] = strawberry.field(description="Why nothing was changed.")


@strawberry.type
class Mutations:
    @strawberry.mutation(
        graphql_type=ResumeTaskPayload,
        description="Let a task go on that waits for a supervisor, since its patient was called as"
        " often as its queue allows: for one more attempt, after which it waits again. It keeps its"
        " follow-up date unless another is given. For supervisors.",
    )
    async def resume_task(
        self,
        info: Info,
        task_id: strawberry.ID,
        follow_up: date | None = None,
        expected_version: int | None = None,
    ) -> Payload:
        result = await info.context.make(
            resume_task,
            read_id_of("Task", task_id),
            follow_up,
            expected_version=expected_version,
        )
        return Payload(result)
