"""What comes back from a change: the task as it is now, and the refusals."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from gql_app.work.reads.nothing_next import Nothing
from models.appointment import AppointmentRow
from models.contact import ContactRow
from models.refusals import Refusal, RefusalCode
from models.task import TaskRow

NOT_FOUND = Refusal(RefusalCode.NOT_FOUND, "There is no such task here.", "taskId")

QUEUE_ARCHIVED = Refusal(
    RefusalCode.QUEUE_ARCHIVED, "The queue of this task is archived: bring it back first."
)


class ClaimWarning(StrEnum):
    OUTSIDE_CALLING_HOURS = "OUTSIDE_CALLING_HOURS"  # at the practice, or where the patient lives


class Warned(NamedTuple):
    """What somebody should know about what they have done all the same."""

    code: ClaimWarning
    message: str


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """What came of a request: the task as it is now, and the contact or the refusals. A `late`
    contact was kept on a task that had closed meanwhile. `nothing` is for who asked for the next
    task and got none. `others` has the same for each other task of a call, but for refusals, which
    stand here; `appointment` came in with it, and has closed `needless` tasks.
    `warnings` are for who claims by hand."""

    task: TaskRow | None
    contact: ContactRow | None = None
    late: bool = False
    refusals: tuple[Refusal, ...] = ()
    nothing: Nothing | None = None
    others: tuple["ChangeResult", ...] = ()
    appointment: AppointmentRow | None = None
    needless: tuple[TaskRow, ...] = ()
    warnings: tuple[Warned, ...] = ()


def missing(what: str, field: str) -> Refusal:
    """The refusal if something is not there, or not for this key: the same for both."""
    return Refusal(RefusalCode.NOT_FOUND, f"There is no such {what} here.", field)
