"""The page of tasks by Strawberry and Tortoise as their documentation shows them: types that are
made from the ORM's objects, relations by `prefetch_related`, Strawberry's own ASGI application.

`uvicorn benchmarks.peers.stock_pages:app`, over the database that CALLBOARD_DATABASE_URL names.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import strawberry
from starlette.applications import Starlette
from strawberry import relay
from strawberry.asgi import GraphQL

from models import contact, people, task
from models.database import opened
from models.lifecycle import ContactOutcome, TaskStatus

strawberry.enum(TaskStatus)
strawberry.enum(ContactOutcome)


@strawberry.type
class Patient(relay.Node):
    id: relay.NodeID[int]
    name: str
    phone: str

    @classmethod
    def of(cls, row: people.Patient) -> "Patient":
        return cls(id=row.id, name=row.name, phone=row.phone)


@strawberry.type
class Contact(relay.Node):
    id: relay.NodeID[int]
    outcome: ContactOutcome
    notes: str | None
    logged_at: datetime

    @classmethod
    def of(cls, row: contact.Contact) -> "Contact":
        return cls(id=row.id, outcome=row.outcome, notes=row.notes, logged_at=row.logged_at)


@strawberry.type
class Task(relay.Node):
    id: relay.NodeID[int]
    status: TaskStatus
    reason: str
    follow_up: date | None
    version: int
    contact_count: int
    patient: Patient
    last_contact: Contact | None

    @classmethod
    def of(cls, row: Any) -> "Task":
        """`row` is a `models.task.Task` with its patient and contacts."""
        contacts = list(row.contacts)
        return cls(
            id=row.id,
            status=row.status,
            reason=row.reason,
            follow_up=row.follow_up,
            version=row.version,
            contact_count=row.contact_count,
            patient=Patient.of(row.patient),
            last_contact=Contact.of(max(contacts, key=lambda c: c.id)) if contacts else None,
        )


@strawberry.type
class Query:
    @strawberry.field
    async def tasks(self, practice_id: int, first: int = 50) -> relay.ListConnection[Task]:
        workable = [TaskStatus.OPEN, TaskStatus.IN_PROGRESS]
        rows = (
            await task.Task.filter(practice_id=practice_id, status__in=workable)
            .order_by("due_on", "id")
            .limit(first + 1)
            .prefetch_related("patient", "contacts")
        )
        edges = [
            relay.Edge(cursor=relay.to_base64("task", f"{row.due_on}:{row.id}"), node=Task.of(row))
            for row in rows[:first]
        ]
        return relay.ListConnection(
            edges=edges,
            page_info=relay.PageInfo(
                has_next_page=len(rows) > first,
                has_previous_page=False,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
        )


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async with opened(os.environ["CALLBOARD_DATABASE_URL"]):
        yield


app = Starlette(lifespan=lifespan)
app.mount("/graphql", GraphQL(strawberry.Schema(Query)))
