"""The workflow of a patient-contact task, as one table.

A task is OPEN until the patient is first contacted, then IN_PROGRESS while follow-ups are due, then
CLOSED for good. Staff move it by logging a contact: they choose one of four outcomes and press one
of two buttons, "Log Contact" (the task stays open) or "Log and Close Task". The button decides
where the task goes, the outcome decides what must be filled in. Automatic tasks also close when
they expire.

`WORKFLOW` holds every edge; `decide` and `expire` look edges up and nothing else in the project
asks what a status permits. A status without an edge refuses. Source: the help article "Task
outcomes and workflow" (docs/workflow.md says how its loose ends are settled).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

MAX_NOTES = 10_000
"""Longest notes of a contact, in characters."""

MAX_FOLLOW_UP_YEARS = 2
"""How far ahead of today a follow-up may be set."""

MAX_LADDER_DAYS = 730
"""How far ahead a step of a follow-up ladder may lie."""

MAX_LATE = timedelta(days=7)
"""How long after a call its contact may be logged."""


class TaskStatus(StrEnum):
    OPEN = "OPEN"  # the patient has not been contacted yet
    IN_PROGRESS = "IN_PROGRESS"  # contacted at least once; a follow-up date is set
    CLOSED = "CLOSED"  # nothing more is to be done

    @property
    def is_open(self) -> bool:
        """Whether the task is still on the work list."""
        return self is not TaskStatus.CLOSED

    @property
    def label(self) -> str:
        """The status in the article's words."""
        return _LABELS[self]


OPEN_STATUSES = tuple(status for status in TaskStatus if status.is_open)
"""The statuses of a task that is still on the work list."""

_LABELS = {
    TaskStatus.OPEN: "Open",
    TaskStatus.IN_PROGRESS: "Open + In Progress",
    TaskStatus.CLOSED: "Closed",
}


class ContactOutcome(StrEnum):
    NO_ANSWER = "NO_ANSWER"  # the patient did not answer, no voicemail was left
    LEFT_MESSAGE = "LEFT_MESSAGE"  # the patient did not answer, a voicemail was left
    DID_NOT_SCHEDULE = "DID_NOT_SCHEDULE"  # reached, but refused to schedule an appointment
    SCHEDULED = "SCHEDULED"  # agreed to schedule an appointment

    @property
    def label(self) -> str:
        """The outcome in the article's words."""
        return self.replace("_", " ").title()


class TaskOrigin(StrEnum):
    AUTOMATIC = "AUTOMATIC"  # made by the practice's software; may expire
    MANUAL = "MANUAL"  # made by a person; never expires


class CloseCause(StrEnum):
    CONTACT = "CONTACT"  # "Log and Close Task"
    EXPIRED = "EXPIRED"  # an automatic task ran out
    APPOINTMENT_BOOKED = "APPOINTMENT_BOOKED"  # the patient booked by another way
    WITHDRAWN = "WITHDRAWN"  # the source took the task back

    @property
    def label(self) -> str:
        """The cause as people read it."""
        return "By a contact" if self is CloseCause.CONTACT else self.replace("_", " ").capitalize()


class Button(Enum):
    """What the agent pressed, in the article's words."""

    LOG_CONTACT = "Log Contact"
    LOG_AND_CLOSE = "Log and Close Task"


class Happening(Enum):
    """What ends a task without a contact."""

    EXPIRY = "Expiry"
    APPOINTMENT = "Appointment booked"
    WITHDRAWAL = "Withdrawn"


class RefusalCode(StrEnum):
    """Why a request was refused; each value's meaning stands beside it."""

    MUST_CLOSE = "MUST_CLOSE"  # Scheduled ends the task
    FOLLOW_UP_REQUIRED = "FOLLOW_UP_REQUIRED"  # Log Contact without a follow-up date
    FOLLOW_UP_NOT_ALLOWED = "FOLLOW_UP_NOT_ALLOWED"  # a follow-up date on a task being closed
    FOLLOW_UP_IN_PAST = "FOLLOW_UP_IN_PAST"  # before today at the practice
    FOLLOW_UP_AFTER_EXPIRY = "FOLLOW_UP_AFTER_EXPIRY"  # the task would be gone by then
    FOLLOW_UP_TOO_FAR = "FOLLOW_UP_TOO_FAR"  # more than two years ahead
    NOTES_REQUIRED = "NOTES_REQUIRED"  # why the patient did not schedule
    NOTES_TOO_LONG = "NOTES_TOO_LONG"  # over 10,000 characters
    TASK_CLOSED = "TASK_CLOSED"  # closed is final
    CONTACTED_IN_FUTURE = "CONTACTED_IN_FUTURE"  # nobody can have called yet
    CONTACTED_TOO_LONG_AGO = "CONTACTED_TOO_LONG_AGO"  # more than seven days back
    VERSION_CONFLICT = "VERSION_CONFLICT"  # somebody changed the task meanwhile
    CLAIMED_BY_OTHER = "CLAIMED_BY_OTHER"  # somebody else is working on it
    CLAIM_LOST = "CLAIM_LOST"  # the claim that was to be renewed has ended
    NOT_FOUND = "NOT_FOUND"  # no such thing here, or not for this key
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"  # same key, another request
    EXTERNAL_ID_TAKEN = "EXTERNAL_ID_TAKEN"  # it is another patient's appointment
    REASON_REQUIRED = "REASON_REQUIRED"  # a task says why to call
    REASON_TOO_LONG = "REASON_TOO_LONG"  # over 500 characters
    EXPIRY_NOT_ALLOWED = "EXPIRY_NOT_ALLOWED"  # only automatic tasks expire
    EXPIRY_IN_PAST = "EXPIRY_IN_PAST"  # it would be closed at once
    EXTERNAL_ID_REQUIRED = "EXTERNAL_ID_REQUIRED"  # what comes in says which task it is
    EXTERNAL_ID_TWICE = "EXTERNAL_ID_TWICE"  # a row before it has the same one
    NAME_REQUIRED = "NAME_REQUIRED"  # whom to call
    PHONE_INVALID = "PHONE_INVALID"  # missing, or no number that can be called
    ORIGIN_INVALID = "ORIGIN_INVALID"  # neither AUTOMATIC nor MANUAL
    DATE_INVALID = "DATE_INVALID"  # not as ISO 8601 writes it: others are not guessed
    TEXT_TOO_LONG = "TEXT_TOO_LONG"  # longer than is kept
    TEXT_INVALID = "TEXT_INVALID"  # not UTF-8, or a character that cannot be kept


class Refusal(NamedTuple):
    """What the workflow does not allow. `field` names the argument to mend, if it is one."""

    code: RefusalCode
    message: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One edge: where the task goes and what the contact must bring."""

    to: TaskStatus
    follow_up: bool  # required if True, refused if False: nothing in between
    notes: bool = False  # required if True, optional if False
    cause: CloseCause | None = None


_AGAIN = Rule(TaskStatus.IN_PROGRESS, follow_up=True)
_AGAIN_WITH_REASON = Rule(TaskStatus.IN_PROGRESS, follow_up=True, notes=True)
_DONE = Rule(TaskStatus.CLOSED, follow_up=False, cause=CloseCause.CONTACT)
_EXPIRED = Rule(TaskStatus.CLOSED, follow_up=False, cause=CloseCause.EXPIRED)
_BOOKED = Rule(TaskStatus.CLOSED, follow_up=False, cause=CloseCause.APPOINTMENT_BOOKED)
_WITHDRAWN = Rule(TaskStatus.CLOSED, follow_up=False, cause=CloseCause.WITHDRAWN)

_MUST_CLOSE = Refusal(
    RefusalCode.MUST_CLOSE,
    f"{ContactOutcome.SCHEDULED.label} ends the task: use {Button.LOG_AND_CLOSE.value}.",
    "close",
)

Trigger = tuple[ContactOutcome, Button] | Happening

_WORKABLE: dict[Trigger, Rule | Refusal] = {
    (ContactOutcome.NO_ANSWER, Button.LOG_CONTACT): _AGAIN,
    (ContactOutcome.NO_ANSWER, Button.LOG_AND_CLOSE): _DONE,
    (ContactOutcome.LEFT_MESSAGE, Button.LOG_CONTACT): _AGAIN,
    (ContactOutcome.LEFT_MESSAGE, Button.LOG_AND_CLOSE): _DONE,
    (ContactOutcome.DID_NOT_SCHEDULE, Button.LOG_CONTACT): _AGAIN_WITH_REASON,
    (ContactOutcome.DID_NOT_SCHEDULE, Button.LOG_AND_CLOSE): _DONE,
    (ContactOutcome.SCHEDULED, Button.LOG_CONTACT): _MUST_CLOSE,
    (ContactOutcome.SCHEDULED, Button.LOG_AND_CLOSE): _DONE,
    Happening.EXPIRY: _EXPIRED,
    Happening.APPOINTMENT: _BOOKED,
    Happening.WITHDRAWAL: _WITHDRAWN,
}

WORKFLOW: dict[TaskStatus, dict[Trigger, Rule | Refusal]] = {
    TaskStatus.OPEN: _WORKABLE,
    TaskStatus.IN_PROGRESS: _WORKABLE,
    TaskStatus.CLOSED: {},
}

TASK_CLOSED = Refusal(RefusalCode.TASK_CLOSED, "The task is closed; closed is final.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an agent typed into the form and which button was pressed."""

    outcome: ContactOutcome
    follow_up: date | None
    notes: str | None
    close: bool

    @property
    def trigger(self) -> Trigger:
        return self.outcome, Button.LOG_AND_CLOSE if self.close else Button.LOG_CONTACT


def decide(
    status: TaskStatus, attempt: Attempt, *, today: date, last_day: date | None
) -> Rule | list[Refusal]:
    """What logging `attempt` does to a task in `status`.

    `today` is the practice's own date; `last_day` the last date on which the task is still there
    (its expiry in the practice's time zone), None if it never expires. Returns the rule to carry
    out, or every refusal that applies, so that a form can show them all at once.
    """
    rule = WORKFLOW[status].get(attempt.trigger, TASK_CLOSED)
    if isinstance(rule, Refusal):
        return [rule]
    refusals = [
        refusal
        for refusal in (
            _check_follow_up(rule, attempt.follow_up, today, last_day),
            _check_notes(rule, attempt.notes),
        )
        if refusal is not None
    ]
    return refusals or rule


def expire(status: TaskStatus) -> Rule | None:
    """The edge that an expired task takes, None if it is closed already."""
    return _edge(status, Happening.EXPIRY)


def book(status: TaskStatus) -> Rule | None:
    """The edge that a task takes whose patient has an appointment, None if it is closed already."""
    return _edge(status, Happening.APPOINTMENT)


def withdraw(status: TaskStatus) -> Rule | None:
    """The edge that a task takes which is taken back, None if it is closed already."""
    return _edge(status, Happening.WITHDRAWAL)


def _edge(status: TaskStatus, trigger: Trigger) -> Rule | None:
    rule = WORKFLOW[status].get(trigger)
    return rule if isinstance(rule, Rule) else None


def check_contacted_at(contacted_at: datetime, now: datetime) -> Refusal | None:
    """Whether a contact can have been made at `contacted_at` at all."""
    if contacted_at > now:
        code = RefusalCode.CONTACTED_IN_FUTURE
        return Refusal(code, "The contact cannot have been made later than now.", "contactedAt")
    if now - contacted_at > MAX_LATE:
        code = RefusalCode.CONTACTED_TOO_LONG_AGO
        message = f"A contact can be logged for {MAX_LATE.days} days after it was made."
        return Refusal(code, message, "contactedAt")
    return None


def last_follow_up(today: date) -> date:
    """The latest date that a follow-up may be set to."""
    try:
        return today.replace(year=today.year + MAX_FOLLOW_UP_YEARS)
    except ValueError:  # 29 February
        return today.replace(year=today.year + MAX_FOLLOW_UP_YEARS, day=28)


def last_day(expires_at: datetime, time_zone: str) -> date:
    """The last date on which a task that expires at `expires_at` is still there: at midnight it is
    the day before."""
    return local_date(expires_at - timedelta(microseconds=1), time_zone)


def local_date(moment: datetime, time_zone: str) -> date:
    """The practice's date at `moment` (an aware datetime)."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def read_ladder(text: str) -> tuple[int, ...]:
    """The steps of a follow-up ladder such as "1,7,21,60": days, each more than the one before.
    Raises `ValueError`."""
    parts = [part.strip() for part in text.split(",")]
    steps = tuple(int(part) for part in parts if part.isascii() and part.isdigit())
    grows = all(step < later for step, later in pairwise((0, *steps, MAX_LADDER_DAYS + 1)))
    if len(steps) < len(parts) or not grows:
        message = f"A ladder is of days that grow, such as 1,7,21,60, up to {MAX_LADDER_DAYS}."
        raise ValueError(message)
    return steps


def suggest_follow_up(
    status: TaskStatus,
    contact_count: int,
    ladder: Sequence[int],
    *,
    today: date,
    last_day: date | None,
) -> date | None:
    """When to call again if the contact after `contact_count` others is logged now. None on a
    closed task, beyond the ladder's end, and where the task will be gone by then."""
    if contact_count >= len(ladder) or not status.is_open:
        return None
    follow_up = today + timedelta(days=ladder[contact_count])
    return None if check_follow_up_date(follow_up, today, last_day) else follow_up


def check_follow_up_date(follow_up: date, today: date, last_day: date | None) -> Refusal | None:
    """Whether a date can be a follow-up date at all, whatever asks for it."""
    code: RefusalCode
    if follow_up < today:
        code = RefusalCode.FOLLOW_UP_IN_PAST
        message = f"The follow-up date is before today, {today.isoformat()} at the practice."
    elif last_day is not None and follow_up > last_day:
        code = RefusalCode.FOLLOW_UP_AFTER_EXPIRY
        message = f"The task expires on {last_day.isoformat()}; a later follow-up would be lost."
    elif follow_up > (latest := last_follow_up(today)):
        code = RefusalCode.FOLLOW_UP_TOO_FAR
        message = f"The follow-up date is more than two years ahead (latest: {latest.isoformat()})."
    else:
        return None
    return Refusal(code, message, "followUp")


def _check_follow_up(
    rule: Rule, follow_up: date | None, today: date, last_day: date | None
) -> Refusal | None:
    if follow_up is None:
        if not rule.follow_up:
            return None
        return Refusal(
            RefusalCode.FOLLOW_UP_REQUIRED,
            "Set a follow-up date to keep the task open.",
            "followUp",
        )
    if not rule.follow_up:
        return Refusal(
            RefusalCode.FOLLOW_UP_NOT_ALLOWED,
            "A task that is being closed has no follow-up date.",
            "followUp",
        )
    return check_follow_up_date(follow_up, today, last_day)


def _check_notes(rule: Rule, notes: str | None) -> Refusal | None:
    if notes is not None and len(notes) > MAX_NOTES:
        return Refusal(
            RefusalCode.NOTES_TOO_LONG,
            f"The notes have {len(notes):,} characters; at most {MAX_NOTES:,} are kept.",
            "notes",
        )
    if rule.notes and not (notes and notes.strip()):
        return Refusal(
            RefusalCode.NOTES_REQUIRED,
            "Say in the notes why the patient did not schedule.",
            "notes",
        )
    return None
