"""What a new task must bring before it may enter a queue."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from models.follow_up import check_follow_up_date, last_day, local_date
from models.lifecycle import TaskOrigin
from models.refusals import Refusal, RefusalCode
from models.text import trimmed

MAX_REASON = 500
"""Longest reason of a task, in characters."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """What a task is made from. `expires_at` is aware; only automatic tasks may have it."""

    queue_id: int | None
    patient_id: int | None
    reason: str
    origin: TaskOrigin = TaskOrigin.MANUAL
    follow_up: date | None = None
    expires_at: datetime | None = None
    idempotency_key: str | None = None


def with_default_life(new: NewTask, days: int | None, now: datetime) -> NewTask:
    """The task with its queue's default life, if it is automatic and has no expiry of its own."""
    if days is None or new.expires_at is not None or new.origin is not TaskOrigin.AUTOMATIC:
        return new
    return replace(new, expires_at=now + timedelta(days=days))


def check_new_task(new: NewTask, time_zone: str, now: datetime) -> tuple[Refusal, ...]:
    """Every refusal that applies to `new` at a practice in `time_zone`; none if it may be made."""
    follow_up = None
    if new.follow_up is not None:
        last = new.expires_at and last_day(new.expires_at, time_zone)
        follow_up = check_follow_up_date(new.follow_up, local_date(now, time_zone), last)
    found = (check_reason(new.reason), _check_expiry(new, now), follow_up)
    return tuple(refusal for refusal in found if refusal is not None)


def check_reason(reason: str) -> Refusal | None:
    """Whether a reason says why to call, and can be kept."""
    if not trimmed(reason):
        return Refusal(
            RefusalCode.REASON_REQUIRED, "Say why the patient is to be called.", "reason"
        )
    if len(reason) > MAX_REASON:
        message = f"The reason has {len(reason):,} characters; at most {MAX_REASON} are kept."
        return Refusal(RefusalCode.REASON_TOO_LONG, message, "reason")
    return None


def _check_expiry(new: NewTask, now: datetime) -> Refusal | None:
    if new.expires_at is None:
        return None
    if new.origin is not TaskOrigin.AUTOMATIC:
        message = "Only automatic tasks expire."
        return Refusal(RefusalCode.EXPIRY_NOT_ALLOWED, message, "expiresAt")
    if new.expires_at <= now:
        message = "The task would expire at once."
        return Refusal(RefusalCode.EXPIRY_IN_PAST, message, "expiresAt")
    return None
