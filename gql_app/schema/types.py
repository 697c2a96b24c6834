"""The object types. A source is a row of the read side; plain fields are its attributes."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import strawberry
from strawberry.relay import PageInfo
from strawberry.types.nodes import SelectedField

from gql_app.access import Viewer as ViewerRow
from gql_app.schema.context import Info
from gql_app.schema.ids import global_id
from gql_app.schema.loaders import PageKey
from gql_app.work import cursors, history, queues
from gql_app.work.reading import Page
from models import access, contact, event, lifecycle, task

Role = strawberry.enum(access.Role, description="What a key may do.")
TaskStatus = strawberry.enum(lifecycle.TaskStatus, description="Where a task stands.")
ContactOutcome = strawberry.enum(lifecycle.ContactOutcome, description="What came of a call.")
TaskOrigin = strawberry.enum(lifecycle.TaskOrigin, description="Who made a task.")
CloseCause = strawberry.enum(lifecycle.CloseCause, description="Why a task is closed.")
TaskEventKind = strawberry.enum(event.TaskEventKind, description="What happened to a task.")
TaskOrder = strawberry.enum(queues.TaskOrder, description="How a list of tasks is sorted.")
