"""Which tasks: the conditions of a list."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gql_app.access import Forbidden, Scope
from gql_app.work.reads.conditions import BadInput, Conditions
from gql_app.work.reads.whose_patient import whose_patient
from models.lifecycle import OPEN_STATUSES, ContactOutcome, TaskOrigin, TaskStatus
from models.priority import TaskPriority
from models.task import CONTACTED_KEY, EXPIRES_KEY, LONG_AGO, NEVER, one_of


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which tasks: all that is given must hold.

    `queue_ids` narrows what the key allows, it never widens it. The first of two bounds is the
    least that there may be; `*_by` and `max_contacts` are the most, `*_before` must not be reached.
    """

    queue_ids: tuple[int, ...] | None = None
    status: tuple[TaskStatus, ...] = OPEN_STATUSES
    origin: TaskOrigin | None = None
    due_from: date | None = None
    due_by: date | None = None
    follow_up_before: date | None = None
    no_follow_up_before: date | None = None
    expires_from: datetime | None = None
    expires_before: datetime | None = None
    last_outcome: tuple[ContactOutcome, ...] | None = None
    last_contacted_before: datetime | None = None
    min_contacts: int | None = None
    max_contacts: int | None = None
    patient: str | None = None
    assignee_id: int | None = None
    needs_review: bool | None = None
    priority: tuple[TaskPriority, ...] | None = None


def conditions(scope: Scope, query: TaskQuery, *, status: bool = True) -> Conditions:
    """What holds for the tasks (called `t`) that are asked for, without the `status` if that is
    said elsewhere. Raises `BadInput`, and `Forbidden` for what would show who works."""
    _check(scope, query)
    where = Conditions.of(scope, "t", "t.queue_id")
    if query.queue_ids is not None:
        where.among("t.queue_id", list(query.queue_ids))
    # Written out, not bound: the planner must see that a partial index covers them.
    if status:
        where.add(one_of("t.status", query.status))
    _among_those_named(where, query)
    for condition, value in (
        ("t.origin =", None if query.origin is None else str(query.origin)),
        ("t.assignee_id =", query.assignee_id),
        ("t.due_on >=", query.due_from),
        ("t.due_on <=", query.due_by),
        # A task with a follow-up is due on its date, which is what the indexes know.
        ("t.follow_up IS NOT NULL AND t.due_on <", query.follow_up_before),
        ("t.contact_count >=", query.min_contacts),
        ("t.contact_count <=", query.max_contacts),
        (f"{EXPIRES_KEY} >=", query.expires_from),
        (f"{EXPIRES_KEY} <", query.expires_before),
        (f"{CONTACTED_KEY} <", query.last_contacted_before),
    ):
        if value is not None:
            where.add(f"{condition} ${where.value(value)}")
    if query.no_follow_up_before is not None:
        today = where.value(query.no_follow_up_before)
        where.add(f"(t.follow_up IS NULL OR t.due_on >= ${today})")
    _leave_out(where, query)
    if query.patient is not None:
        whose_patient(where, query.patient, scope.region)
    return where


def _leave_out(where: Conditions, query: TaskQuery) -> None:
    """Leave out tasks that have a place in an index, but not in the range that is asked for."""
    # What never expires, or was never called for, has a place in the indexes but is in no range.
    if query.expires_from or query.expires_before:
        where.add(f"{EXPIRES_KEY} < '{NEVER}'")
    if query.last_contacted_before or query.last_outcome or query.min_contacts:
        where.add(f"{CONTACTED_KEY} > '{LONG_AGO}'")
    if query.needs_review is not None:
        where.add(f"t.review_since IS {'NOT NULL' if query.needs_review else 'NULL'}")


def _among_those_named(where: Conditions, query: TaskQuery) -> None:
    if query.last_outcome is not None:
        where.add(one_of("t.last_outcome", query.last_outcome))
    if query.priority is not None:
        where.add(one_of("t.priority", query.priority))


def _check(scope: Scope, query: TaskQuery) -> None:
    if query.assignee_id is not None and not scope.may_see_who_works:
        raise Forbidden("This key may not look for the work of one person.")
    for name, number in (("minContacts", query.min_contacts), ("maxContacts", query.max_contacts)):
        if number is not None and number < 0:
            raise BadInput(f"{name} is a number of contacts, not {number}.")
    if _crossed(query.min_contacts, query.max_contacts):
        raise BadInput("minContacts is more than maxContacts: no task could be found.")
    if _crossed(query.due_from, query.due_by):
        raise BadInput("dueFrom is after dueBy: no task could be found.")
    if _crossed(query.expires_from, query.expires_before):
        raise BadInput("expiresFrom is after expiresBefore: no task could be found.")


def _crossed(first: Any, last: Any) -> bool:
    return first is not None and last is not None and first > last
