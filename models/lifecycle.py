"""The workflow of a patient-contact task, as one table.

A task is OPEN until the patient is first contacted, then IN_PROGRESS while follow-ups are due, then
CLOSED. Staff move it by logging a contact: they choose one of four outcomes and press one of two
buttons, "Log Contact" (the task stays open) or "Log and Close Task". The button decides where the
task goes, the outcome decides what must be filled in. Automatic tasks also close when they expire.
What was done by mistake is taken back: a contact is undone, or a closed task is reopened. What an
appointment has closed comes back if it is cancelled.

"Postpone" gives a task another date without a contact: its status stays as it is.

`WORKFLOW` holds every edge. `decide`, `postpone`, `resume`, `ends`, `undo`, `reopen` and
`bring_back` look edges up, and nothing else in the project asks what a status permits. A status
without an edge refuses. Source: the help article "Task outcomes and workflow" (docs/workflow.md
says how we settled what it leaves open).
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum

from models.contact_checks import check_notes
from models.contact_status import ContactStatus
from models.follow_up import check_follow_up_date
from models.refusals import TASK_CLOSED, TASK_OPEN, Refusal, RefusalCode


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
    DO_NOT_CONTACT = "DO_NOT_CONTACT"  # the patient is not to be called
    MAX_ATTEMPTS = "MAX_ATTEMPTS"  # the patient was called as often as the queue allows

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
    DO_NOT_CONTACT = "Do not contact"
    MAX_ATTEMPTS = "Maximum of attempts"


class Delay(Enum):
    """What gives a task another date without a contact, and leaves its status as it is."""

    POSTPONE = "Postpone"
    RESUME = "Resumed after review"


class Correction(Enum):
    """What takes back what was done before."""

    UNDO = "Contact undone"
    REOPENING = "Reopened"
    CANCELLATION = "Appointment cancelled"


@dataclass(frozen=True, slots=True)
class Back:
    """A correction that leads back to a status: to which one hangs on the task's past."""

    by: Correction
    to: TaskStatus

    @property
    def value(self) -> str:
        """What it is called in the diagram."""
        return self.by.value


@dataclass(frozen=True, slots=True)
class Rule:
    """One edge: where the task goes, and what must be given with it."""

    to: TaskStatus
    follow_up: bool | None  # required if True, refused if False, optional if None
    notes: bool = False  # required if True, optional if False
    appointment: bool = False  # one may come in with it
    cause: CloseCause | None = None


_AGAIN = Rule(TaskStatus.IN_PROGRESS, follow_up=True)
_AGAIN_WITH_REASON = Rule(TaskStatus.IN_PROGRESS, follow_up=True, notes=True)
_DONE = Rule(TaskStatus.CLOSED, follow_up=False, cause=CloseCause.CONTACT)
_AGREED = Rule(TaskStatus.CLOSED, follow_up=False, appointment=True, cause=CloseCause.CONTACT)
_EXPIRED = Rule(TaskStatus.CLOSED, follow_up=False, cause=CloseCause.EXPIRED)
_BOOKED = Rule(TaskStatus.CLOSED, follow_up=False, cause=CloseCause.APPOINTMENT_BOOKED)
_WITHDRAWN = Rule(TaskStatus.CLOSED, follow_up=False, cause=CloseCause.WITHDRAWN)
_BARRED = Rule(TaskStatus.CLOSED, follow_up=False, cause=CloseCause.DO_NOT_CONTACT)
_USED_UP = Rule(TaskStatus.CLOSED, follow_up=False, cause=CloseCause.MAX_ATTEMPTS)


def _must_close(what: str) -> Refusal:
    message = f"{what} ends the task: use {Button.LOG_AND_CLOSE.value}."
    return Refusal(RefusalCode.MUST_CLOSE, message, "close")


_MUST_CLOSE = _must_close(ContactOutcome.SCHEDULED.label)

_NO_APPOINTMENT = Refusal(
    RefusalCode.APPOINTMENT_NOT_ALLOWED,
    f"Only {ContactOutcome.SCHEDULED.label} comes with an appointment.",
    "appointment",
)

_EXPIRED_ALREADY = Refusal(
    RefusalCode.FOLLOW_UP_REQUIRED,
    "The task has expired. Say when to call: it lives as long again from that date on.",
    "followUp",
)

Trigger = tuple[ContactOutcome, Button] | Delay | Happening | Back

_WORKABLE: dict[Trigger, Rule | Refusal] = {
    (ContactOutcome.NO_ANSWER, Button.LOG_CONTACT): _AGAIN,
    (ContactOutcome.NO_ANSWER, Button.LOG_AND_CLOSE): _DONE,
    (ContactOutcome.LEFT_MESSAGE, Button.LOG_CONTACT): _AGAIN,
    (ContactOutcome.LEFT_MESSAGE, Button.LOG_AND_CLOSE): _DONE,
    (ContactOutcome.DID_NOT_SCHEDULE, Button.LOG_CONTACT): _AGAIN_WITH_REASON,
    (ContactOutcome.DID_NOT_SCHEDULE, Button.LOG_AND_CLOSE): _DONE,
    (ContactOutcome.SCHEDULED, Button.LOG_CONTACT): _MUST_CLOSE,
    (ContactOutcome.SCHEDULED, Button.LOG_AND_CLOSE): _AGREED,
    Happening.EXPIRY: _EXPIRED,
    Happening.APPOINTMENT: _BOOKED,
    Happening.WITHDRAWAL: _WITHDRAWN,
    Happening.DO_NOT_CONTACT: _BARRED,
}


def _workable(status: TaskStatus) -> dict[Trigger, Rule | Refusal]:
    return {**_WORKABLE, Delay.POSTPONE: Rule(status, follow_up=True)}


# The task gets back the follow-up date that it had: none can be given.
_UNDONE: dict[Trigger, Rule | Refusal] = {
    Back(Correction.UNDO, TaskStatus.OPEN): Rule(TaskStatus.OPEN, follow_up=False),
    Back(Correction.UNDO, TaskStatus.IN_PROGRESS): Rule(TaskStatus.IN_PROGRESS, follow_up=False),
}

# Only a task that was called for can have been called for often enough.
_CALLED_FOR: dict[Trigger, Rule | Refusal] = {
    Happening.MAX_ATTEMPTS: _USED_UP,
    Delay.RESUME: Rule(TaskStatus.IN_PROGRESS, follow_up=None),
}

_REOPENED: dict[Trigger, Rule | Refusal] = {
    Back(Correction.REOPENING, TaskStatus.OPEN): Rule(TaskStatus.OPEN, follow_up=None),
    Back(Correction.REOPENING, TaskStatus.IN_PROGRESS): _AGAIN,
}

# As it was before the appointment, with the follow-up date that it had.
_BACK: dict[Trigger, Rule | Refusal] = {
    Back(Correction.CANCELLATION, status): Rule(status, follow_up=False) for status in OPEN_STATUSES
}

WORKFLOW: dict[TaskStatus, dict[Trigger, Rule | Refusal]] = {
    TaskStatus.OPEN: _workable(TaskStatus.OPEN),
    TaskStatus.IN_PROGRESS: _workable(TaskStatus.IN_PROGRESS) | _CALLED_FOR | _UNDONE,
    TaskStatus.CLOSED: _UNDONE | _REOPENED | _BACK,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an agent typed into the form and which button was pressed. `contact_status` is what the
    patient has said of being called; OK if nothing."""

    outcome: ContactOutcome
    follow_up: date | None
    notes: str | None
    close: bool
    contact_status: ContactStatus = ContactStatus.OK

    @property
    def trigger(self) -> Trigger:
        return self.outcome, Button.LOG_AND_CLOSE if self.close else Button.LOG_CONTACT


def decide(
    status: TaskStatus, attempt: Attempt, *, today: date, last_day: date | None
) -> Rule | list[Refusal]:
    """Decide what logging `attempt` does to a task in `status`.

    `today` is the practice's own date. `last_day` is the last date on which the task is still open
    (its expiry in the practice's time zone), None if it never expires. Returns the rule to follow,
    or every refusal that applies, so that a form can show them all at once.
    """
    rule = WORKFLOW[status].get(attempt.trigger, TASK_CLOSED)
    if isinstance(rule, Refusal):
        return [rule]
    if rule.to.is_open and attempt.contact_status is not ContactStatus.OK:
        return [_must_close(attempt.contact_status.label)]
    refusals = [
        refusal
        for refusal in (
            _check_follow_up(rule, attempt.follow_up, today, last_day),
            check_notes(attempt.notes, is_required=rule.notes),
        )
        if refusal is not None
    ]
    return refusals or rule


def check_appointment(outcome: ContactOutcome) -> Refusal | None:
    """Return why a contact with `outcome` cannot come with an appointment, None if it can."""
    rules = (_WORKABLE[outcome, button] for button in Button)
    if any(isinstance(rule, Rule) and rule.appointment for rule in rules):
        return None
    return _NO_APPOINTMENT


def postpone(
    status: TaskStatus, follow_up: date, *, today: date, last_day: date | None
) -> Rule | Refusal:
    """Decide what postponing a task in `status` to `follow_up` does to it, as `decide` does."""
    rule = WORKFLOW[status].get(Delay.POSTPONE, TASK_CLOSED)
    if isinstance(rule, Refusal):
        return rule
    return _check_follow_up(rule, follow_up, today, last_day) or rule


def resume(
    status: TaskStatus, follow_up: date | None, *, today: date, last_day: date | None
) -> Rule | Refusal:
    """Decide what letting a task in `status` go on does to it, whose patient was called often
    enough; at its date, or at `follow_up` if that is given. As `decide` does."""
    rule = WORKFLOW[status].get(Delay.RESUME, TASK_CLOSED)
    if isinstance(rule, Refusal):
        return rule
    return _check_follow_up(rule, follow_up, today, last_day) or rule


def ends(status: TaskStatus, happening: Happening) -> Rule | None:
    """Return the rule by which `happening` closes a task, None if it is closed already."""
    rule = WORKFLOW[status].get(happening)
    return rule if isinstance(rule, Rule) else None


def undo(status: TaskStatus, to: TaskStatus) -> Rule | None:
    """Return the rule by which a task goes back to the status `to` that it had before a contact,
    None if there is none: a late contact has moved no task."""
    rule = WORKFLOW[status].get(Back(Correction.UNDO, to))
    return rule if isinstance(rule, Rule) else None


def bring_back(status: TaskStatus, to: TaskStatus) -> Rule | None:
    """Return the rule by which a task that an appointment has closed goes back to the status `to`
    that it had before; None if it is open."""
    rule = WORKFLOW[status].get(Back(Correction.CANCELLATION, to))
    return rule if isinstance(rule, Rule) else None


def reopen(
    status: TaskStatus,
    follow_up: date | None,
    *,
    is_contacted: bool,
    is_expired: bool,
    today: date,
    last_day: date | None,
) -> Rule | Refusal:
    """Decide what reopening does to a task in `status`, of which `is_contacted` says whether a
    contact on it stands. One that `is_expired` gets a new expiry, for which it needs the follow-up
    date. `today` and `last_day` are as `decide` has them."""
    to = TaskStatus.IN_PROGRESS if is_contacted else TaskStatus.OPEN
    rule = WORKFLOW[status].get(Back(Correction.REOPENING, to), TASK_OPEN)
    if isinstance(rule, Refusal):
        return rule
    if is_expired and follow_up is None:
        return _EXPIRED_ALREADY
    last_day = None if is_expired else last_day
    return _check_follow_up(rule, follow_up, today, last_day) or rule


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
    if rule.follow_up is False:
        return Refusal(
            RefusalCode.FOLLOW_UP_NOT_ALLOWED,
            "A task that is being closed has no follow-up date.",
            "followUp",
        )
    return check_follow_up_date(follow_up, today, last_day)
