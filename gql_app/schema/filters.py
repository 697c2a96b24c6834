"""The filter of a list of tasks."""

from datetime import date, datetime
from typing import TypeVar

import strawberry

from gql_app.schema.context import SharedContext
from gql_app.schema.enums import ContactOutcome, TaskOrigin, TaskPriority, TaskStatus
from gql_app.schema.ids import read_id_of, read_ids_of
from gql_app.schema.moments import checked_moment
from gql_app.work.reads.task_filter import TaskQuery
from models.follow_up import local_date
from models.lifecycle import OPEN_STATUSES
from models.text import trimmed

T = TypeVar("T")


@strawberry.input(description="Which tasks. All that is given must hold.")
class TaskFilter:
    queue_ids: list[strawberry.ID] | None = None
    status: list[TaskStatus] | None = strawberry.field(
        default=None, description="Without it: open tasks, which are OPEN or IN_PROGRESS."
    )
    origin: TaskOrigin | None = None
    due_from: date | None = strawberry.field(
        default=None, description="Due on this date at the practice or after it."
    )
    due_by: date | None = strawberry.field(
        default=None,
        description="Due on this date at the practice or before it; a task without a contact"
        " is due on the day it was made.",
    )
    overdue: bool | None = strawberry.field(
        default=None,
        description="Whether the follow-up date is before today at the practice. A task without"
        " one is not overdue.",
    )
    expires_from: datetime | None = strawberry.field(
        default=None, description="Expires at this moment or after it; not if it never expires."
    )
    expires_before: datetime | None = strawberry.field(
        default=None, description="Expires before this moment."
    )
    last_outcome: list[ContactOutcome] | None = strawberry.field(
        default=None, description="What came of the last call is one of these."
    )
    last_contacted_before: datetime | None = strawberry.field(
        default=None,
        description="Last called before this moment. A task without a contact is not among these:"
        " find it with maxContacts: 0.",
    )
    min_contacts: int | None = strawberry.field(
        default=None, description="At least this many contacts."
    )
    max_contacts: int | None = strawberry.field(
        default=None, description="At most this many contacts."
    )
    patient: str | None = strawberry.field(
        default=None,
        description="Beginnings of words of the patient's name, in any order, accents and capitals"
        ' aside, and the first or last digits of the telephone number: "obri zoe 0100". The number'
        " may be typed in any form in which it could be entered. At most 100 characters, at least 2"
        " letters or digits, or 1 that is a word by itself, as in Chinese. Blank is as if it were"
        " not given.",
    )
    assignee_id: strawberry.ID | None = strawberry.field(
        default=None, description="Given to this member of staff. Not for a partner's key."
    )
    needs_review: bool | None = strawberry.field(
        default=None,
        description="Whether it waits for a supervisor, since its patient was called as often as"
        " its queue allows.",
    )
    priority: list[TaskPriority] | None = strawberry.field(
        default=None, description="The priority is one of these."
    )


def task_query(filter: TaskFilter | None, context: SharedContext) -> TaskQuery:
    """Make the query for the read side from a filter. Raises `BadInput`."""
    if filter is None:
        return TaskQuery()
    today = None
    if filter.overdue is not None:
        today = local_date(context.services.clock(), context.scope.time_zone)
    queue_ids = read_ids_of("Queue", filter.queue_ids)
    return TaskQuery(
        queue_ids=None if queue_ids is None else tuple(queue_ids),
        status=OPEN_STATUSES if filter.status is None else _each_once(filter.status),
        origin=filter.origin,
        due_from=filter.due_from,
        due_by=filter.due_by,
        follow_up_before=today if filter.overdue else None,
        no_follow_up_before=None if filter.overdue else today,
        expires_from=checked_moment(filter.expires_from, "expiresFrom"),
        expires_before=checked_moment(filter.expires_before, "expiresBefore"),
        last_outcome=None if filter.last_outcome is None else _each_once(filter.last_outcome),
        last_contacted_before=checked_moment(filter.last_contacted_before, "lastContactedBefore"),
        min_contacts=filter.min_contacts,
        max_contacts=filter.max_contacts,
        patient=trimmed(filter.patient or "") or None,
        assignee_id=(
            None if filter.assignee_id is None else read_id_of("Staff", filter.assignee_id)
        ),
        needs_review=filter.needs_review,
        priority=None if filter.priority is None else _each_once(filter.priority),
    )


def _each_once(values: list[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))
