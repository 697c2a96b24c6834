"""An event keeps what its task looks like, and shows the task so."""

from datetime import UTC, date, datetime
from typing import Any

from models.event import EventRow, TaskEventKind, columns_of_event
from models.lifecycle import CloseCause, TaskOrigin, TaskStatus
from models.priority import TaskPriority
from models.task import TaskRow

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)

TASK = TaskRow(
    id=11,
    practice_id=2,
    queue_id=13,
    patient_id=4,
    status=TaskStatus.CLOSED,
    origin=TaskOrigin.MANUAL,
    reason="Overdue recall",
    follow_up=date(2026, 12, 1),
    due_on=date(2026, 12, 2),
    expires_at=AT.replace(day=28),
    version=5,
    contact_count=6,
    last_contact_id=7,
    created_at=AT.replace(hour=1),
    closed_at=AT,
    close_cause=CloseCause.WITHDRAWN,
    claimed_by_id=8,
    claimed_until=AT.replace(hour=10),
    assignee_id=9,
    withdrawn_reason="Moved away",
    claim_id="a claim",
    follow_up_at=AT.replace(hour=11),
    call_back_by_id=10,
    call_back_told_at=AT.replace(hour=12),
    review_since=AT.replace(hour=13),
    priority=TaskPriority.LOW,
)
"""No two columns have the same value: one that is taken for another shows."""


def event_of(task: TaskRow, **others: Any) -> EventRow:
    """The event as it is read: what it keeps, and what is read from the task."""
    columns: dict[str, Any] = dict.fromkeys(EventRow._fields) | task._asdict()
    columns |= columns_of_event(task) | {"kind": TaskEventKind.WITHDRAWN} | others
    return EventRow._make(columns[field] for field in EventRow._fields)


def test_an_event_shows_the_task_that_it_was_made_from() -> None:
    assert len({str(value) for value in TASK}) == len(TASK)
    assert event_of(TASK).task == TASK


def test_a_reason_of_withdrawal_and_an_expiry_are_shown_as_they_were() -> None:
    before = TASK._replace(
        status=TaskStatus.OPEN, close_cause=None, closed_at=None, withdrawn_reason=None
    )
    assert event_of(before, withdrawn_reason="Moved away").task.withdrawn_reason is None
    later: dict[str, Any] = {"withdrawn_reason": None, "expires_at": AT.replace(year=2027)}
    assert event_of(TASK, **later).task == TASK


def test_an_event_that_does_not_keep_them_shows_them_as_they_are_now() -> None:
    old: dict[str, Any] = {"withdrawn_then": None, "expires_then": None}
    assert event_of(TASK, **old).task == TASK


def test_a_task_was_as_urgent_as_others_before_there_were_priorities() -> None:
    assert event_of(TASK, priority=None).task == TASK._replace(priority=TaskPriority.NORMAL)


def test_an_event_keeps_what_changes_of_a_task() -> None:
    never_change = {"patient_id", "origin", "reason", "created_at"}
    kept = columns_of_event(TASK)
    renamed = {
        "id": "task_id",
        "status": "to_status",
        "expires_at": "expires_then",
        "withdrawn_reason": "withdrawn_then",
    }
    expected = {renamed.get(field, field) for field in TaskRow._fields}
    assert kept.keys() == expected - never_change
