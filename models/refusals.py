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
    FOLLOW_UP_TIME_REQUIRED = "FOLLOW_UP_TIME_REQUIRED"  # who calls back, but not at what time
    FOLLOW_UP_TIME_SKIPPED = "FOLLOW_UP_TIME_SKIPPED"  # the clocks go forward over it on that day
    NOTES_REQUIRED = "NOTES_REQUIRED"  # why the patient did not schedule
    NOTES_TOO_LONG = "NOTES_TOO_LONG"  # over 10,000 characters
    TASK_CLOSED = "TASK_CLOSED"  # nothing can be logged on it
    TASK_OPEN = "TASK_OPEN"  # only a closed task is reopened
    NOT_IN_REVIEW = "NOT_IN_REVIEW"  # only what waits for a supervisor is let go on
    TASK_TWICE = "TASK_TWICE"  # a call logs one contact on each of its tasks
    OTHER_PATIENT = "OTHER_PATIENT"  # a call is to one household, the task is of another
    TOO_MANY_TASKS = "TOO_MANY_TASKS"  # more than one call can be about
    APPOINTMENT_NOT_ALLOWED = "APPOINTMENT_NOT_ALLOWED"  # one without Scheduled
    APPOINTMENT_ENDED = "APPOINTMENT_ENDED"  # it was cancelled, completed or missed before
    APPOINTMENT_OPEN = "APPOINTMENT_OPEN"  # it is scheduled already
    APPOINTMENT_IN_FUTURE = "APPOINTMENT_IN_FUTURE"  # nobody can have come, or missed it, yet
    APPOINTMENT_CHANGED = "APPOINTMENT_CHANGED"  # it was moved or ended since the contact
    HAS_APPOINTMENT = "HAS_APPOINTMENT"  # the patient has one, which makes the task needless
    KIND_INVALID = "KIND_INVALID"  # no kind of appointment, or too many of them
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
    ALREADY_UNDONE = "ALREADY_UNDONE"  # the merge or the contact does not stand any more
    UNDO_TOO_LATE = "UNDO_TOO_LATE"  # the author's minutes are over, or its past is not kept
    NOT_AUTHOR = "NOT_AUTHOR"  # another has logged it: a supervisor may undo it
    CONTACT_LATE = "CONTACT_LATE"  # it was logged on a closed task, and has moved nothing
    FOLLOWED = "FOLLOWED"  # something was done since that rests on the contact
    CHANGED_SINCE_MERGE = "CHANGED_SINCE_MERGE"  # an undo would divide what was done since
    REASON_REQUIRED = "REASON_REQUIRED"  # a task says why to call
    REASON_TOO_LONG = "REASON_TOO_LONG"  # over 500 characters
    EXPIRY_NOT_ALLOWED = "EXPIRY_NOT_ALLOWED"  # only automatic tasks expire
    EXPIRY_IN_PAST = "EXPIRY_IN_PAST"  # it would end at once
    EXTERNAL_ID_REQUIRED = "EXTERNAL_ID_REQUIRED"  # what comes in says which task it is
    EXTERNAL_ID_TWICE = "EXTERNAL_ID_TWICE"  # a row before it has the same one
    NAME_REQUIRED = "NAME_REQUIRED"  # what somebody or something is called
    PHONE_INVALID = "PHONE_INVALID"  # missing, or no number that can be called
    PHONE_TWICE = "PHONE_TWICE"  # the patient has this number already
    TOO_MANY_PHONES = "TOO_MANY_PHONES"  # a patient has at most nine others
    LANGUAGE_INVALID = "LANGUAGE_INVALID"  # no tag of BCP 47
    ORIGIN_INVALID = "ORIGIN_INVALID"  # neither AUTOMATIC nor MANUAL
    PRIORITY_INVALID = "PRIORITY_INVALID"  # none of the three
    DATE_INVALID = "DATE_INVALID"  # not as ISO 8601 writes it: others are not guessed
    TEXT_TOO_LONG = "TEXT_TOO_LONG"  # longer than is kept
    ROW_MALFORMED = "ROW_MALFORMED"  # a row of a file that cannot be told apart into cells
    CELL_TOO_LONG = "CELL_TOO_LONG"  # over 10,000 characters
    LINE_TOO_LONG = "LINE_TOO_LONG"  # over 4,000,000 characters
    COLUMN_MISSING = "COLUMN_MISSING"  # one that is needed is not matched, or is not there
    COLUMN_TWICE = "COLUMN_TWICE"  # two columns for a field, or two fields for a column
    IMPORT_STARTED = "IMPORT_STARTED"  # it has been started before
    IMPORT_NOT_STARTED = "IMPORT_NOT_STARTED"  # there is nothing to undo or to mend yet
    IMPORT_UNDONE = "IMPORT_UNDONE"  # it was undone before
    IMPORT_TOO_OLD = "IMPORT_TOO_OLD"  # it began more than a day ago
    TEXT_INVALID = "TEXT_INVALID"  # not UTF-8, or a character that cannot be kept or shown
    SLUG_INVALID = "SLUG_INVALID"  # no short name of a practice
    SLUG_TAKEN = "SLUG_TAKEN"  # another practice has this short name
    TIME_ZONE_INVALID = "TIME_ZONE_INVALID"  # none of this name
    REGION_INVALID = "REGION_INVALID"  # no code of ISO 3166
    CALLING_HOURS_INVALID = "CALLING_HOURS_INVALID"  # they end before they begin, or a day is twice
    HOLIDAYS_INVALID = "HOLIDAYS_INVALID"  # one twice, or too many
    NAME_TAKEN = "NAME_TAKEN"  # somebody or something else is called so
    LADDER_INVALID = "LADDER_INVALID"  # not a list of increasing numbers of days
    NUMBER_INVALID = "NUMBER_INVALID"  # smaller or larger than may be
    TOO_MANY_QUEUES = "TOO_MANY_QUEUES"  # a practice has at most 200
    LAST_QUEUE = "LAST_QUEUE"  # a practice keeps one: tasks need it
    QUEUE_HAS_CLAIMS = "QUEUE_HAS_CLAIMS"  # somebody is calling for one of its tasks
    QUEUE_ARCHIVED = "QUEUE_ARCHIVED"  # it takes no tasks until it is brought back
    LAST_ADMIN = "LAST_ADMIN"  # nobody would be left who sees to people and keys
    ROLE_NOT_ALLOWED = "ROLE_NOT_ALLOWED"  # PARTNER is for programs
    QUEUES_REQUIRED = "QUEUES_REQUIRED"  # limited to queues, but to none
    EMAIL_INVALID = "EMAIL_INVALID"  # no e-mail address
    EMAIL_TAKEN = "EMAIL_TAKEN"  # it is somebody else's
    STAFF_RETIRED = "STAFF_RETIRED"  # bring them back first
    STAFF_NOT_RETIRED = "STAFF_NOT_RETIRED"  # there is nobody to bring back
    ALREADY_IN_GROUP = "ALREADY_IN_GROUP"  # a practice is in one, or the person supervises it
    NOT_IN_GROUP = "NOT_IN_GROUP"  # the practice is not, or the person does not supervise it
    DO_NOT_CONTACT = "DO_NOT_CONTACT"  # the patient is not to be called: see the contact status
    LIFT_NOT_ALLOWED = "LIFT_NOT_ALLOWED"  # only supervisors make a contact status milder
    UNTIL_INVALID = "UNTIL_INVALID"  # no day on which a contact status could end
    GUARANTOR_CHAIN = "GUARANTOR_CHAIN"  # guarantors have no guarantor themselves
    GUARANTOR_CIRCLE = "GUARANTOR_CIRCLE"  # two patients cannot answer for each other
    HOUSEHOLD_FULL = "HOUSEHOLD_FULL"  # it has at most 20 members
    KEY_ENDED = "KEY_ENDED"  # it was revoked, or has expired


class Refusal(NamedTuple):
    """What is not allowed. `field` names the argument to correct, None if no argument is wrong;
    `under` is the path to where that argument stands."""

    code: RefusalCode
    message: str
    field: str | None = None
    under: tuple[str, ...] = ()


TASK_CLOSED = Refusal(RefusalCode.TASK_CLOSED, "The task is closed; a supervisor can reopen it.")

TASK_OPEN = Refusal(RefusalCode.TASK_OPEN, "The task is open already.", "taskId")
