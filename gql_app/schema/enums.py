"""The enums of the schema: those of the workflow, under GraphQL's eyes."""

import strawberry

from gql_app.work import queues
from models import access, event, lifecycle

Role = strawberry.enum(access.Role, description="What a key may do.")
TaskStatus = strawberry.enum(lifecycle.TaskStatus, description="Where a task stands.")
ContactOutcome = strawberry.enum(lifecycle.ContactOutcome, description="What came of a call.")
TaskOrigin = strawberry.enum(lifecycle.TaskOrigin, description="Who made a task.")
CloseCause = strawberry.enum(lifecycle.CloseCause, description="Why a task is closed.")
TaskEventKind = strawberry.enum(event.TaskEventKind, description="What happened to a task.")
TaskOrder = strawberry.enum(queues.TaskOrder, description="How a list of tasks is sorted.")
UserErrorCode = strawberry.enum(
    lifecycle.RefusalCode, name="UserErrorCode", description="Why a request was refused."
)
