"""Why a request is refused: the codes, and a refusal with the words that people read."""

from enum import StrEnum
from typing import NamedTuple


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
    EXTERNAL_ID_TAKEN = "EXTERNAL_ID_TAKEN"  # another patient has it, or another's appointment
    EXTERNAL_ID_SET = "EXTERNAL_ID_SET"  # the patient has one at another source
    SAME_PATIENT = "SAME_PATIENT"  # a patient is not merged with itself
    ALREADY_MERGED = "ALREADY_MERGED"  # the patient was merged into another one
    ALREADY_UNDONE = "ALREADY_UNDONE"  # the merge does not stand any more
    CHANGED_SINCE_MERGE = "CHANGED_SINCE_MERGE"  # an undo would divide what was done since
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
    """What is not allowed. `field` names the argument to correct, None if no argument is wrong."""

    code: RefusalCode
    message: str
    field: str | None = None


TASK_CLOSED = Refusal(RefusalCode.TASK_CLOSED, "The task is closed; closed is final.")
