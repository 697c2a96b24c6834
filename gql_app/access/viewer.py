"""Who asks, from where, and what they may do."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from models.audit import AuditAction
from models.roles import Action, Role, may


class Unauthenticated(Exception):
    """The request carries no key that is valid now: none, unknown, expired or revoked. Clients are
    told no more than that; `reason`, and the numbers if they are known, are for the log."""

    def __init__(
        self,
        message: str,
        reason: str = "missing",
        practice_id: int | None = None,
        key_id: int | None = None,
    ) -> None:
        super().__init__(message)
        self.reason, self.practice_id, self.key_id = reason, practice_id, key_id


class OtherViewer(Exception):
    """The request was meant for another viewer than the one that its key stands for: somebody else
    has signed in, in the same browser, since the page was loaded."""


class Forbidden(Exception):
    """The key is valid but may not do this."""


class RateLimited(Exception):
    """The viewer asks for more at once than one may have. It may be asked again after so many
    `seconds`, which are told in whole ones."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        if seconds is not None:
            self.retry_after = math.ceil(seconds) or 1


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be read: of which practice, by which role, in which queues. Every read goes through
    one. Viewers with equal scopes read the same, so one execution may serve them all."""

    practice_id: int
    time_zone: str
    region: str
    role: Role
    queue_ids: frozenset[int] | None

    @property
    def may_read_notes(self) -> bool:
        return may(self.role, Action.READ_NOTES)

    @property
    def may_see_who_works(self) -> bool:
        return may(self.role, Action.SEE_WHO_WORKS)

    def sees_queue(self, queue_id: int) -> bool:
        return self.queue_ids is None or queue_id in self.queue_ids

    def allowed(self, queue_ids: Iterable[int] | None) -> frozenset[int] | None:
        """Those of `queue_ids` (None: of all queues) that the key allows; None if it is all."""
        if queue_ids is None:
            return self.queue_ids
        asked = frozenset(queue_ids)
        return asked if self.queue_ids is None else asked & self.queue_ids


class Home(NamedTuple):
    """Where a guest has signed in: their practice, and their session there."""

    practice_id: int
    key_id: int


@dataclass(frozen=True, slots=True)
class Viewer(Scope):
    """The holder of a key. Every write goes through one; reads take one for its scope. Who visits
    the practice has signed in at `home`."""

    key_id: int
    staff_id: int
    name: str
    may_create_tasks: bool
    expires_at: datetime | None
    home: Home | None = None

    @property
    def scope(self) -> Scope:
        """What others may have in common with this viewer, and nothing else of it."""
        return Scope(self.practice_id, self.time_zone, self.region, self.role, self.queue_ids)

    @property
    def may_log_contacts(self) -> bool:
        return may(self.role, Action.LOG_CONTACTS)

    @property
    def may_edit_patients(self) -> bool:
        return may(self.role, Action.EDIT_PATIENTS, key_says_so=self.may_create_tasks)

    @property
    def may_set_contact_status(self) -> bool:
        return may(self.role, Action.SET_CONTACT_STATUS, key_says_so=self.may_create_tasks)

    @property
    def may_lift_contact_status(self) -> bool:
        return may(self.role, Action.LIFT_CONTACT_STATUS)

    @property
    def may_mark_numbers(self) -> bool:
        """Who is told on the phone that a number is wrong, and who edits patients."""
        return self.may_log_contacts or self.may_edit_patients

    @property
    def may_merge_patients(self) -> bool:
        """Not by a key for some queues: a merge moves the tasks of all queues."""
        return may(self.role, Action.MERGE_PATIENTS) and self.queue_ids is None

    @property
    def may_import(self) -> bool:
        return may(self.role, Action.IMPORT_TASKS)

    @property
    def may_move_tasks(self) -> bool:
        return may(self.role, Action.MOVE_TASKS)

    @property
    def may_release_for_others(self) -> bool:
        return may(self.role, Action.RELEASE_FOR_OTHERS)

    @property
    def may_correct(self) -> bool:
        return may(self.role, Action.CORRECT)

    @property
    def may_read_activity(self) -> bool:
        return may(self.role, Action.READ_ACTIVITY)

    @property
    def may_export(self) -> bool:
        return may(self.role, Action.EXPORT)

    @property
    def may_read_audit(self) -> bool:
        """Not by a key for some queues: the audit tells of all patients."""
        return may(self.role, Action.READ_AUDIT) and self.queue_ids is None

    @property
    def may_manage_access(self) -> bool:
        """Not by a key for some queues: it could make one for all of them."""
        return may(self.role, Action.MANAGE_ACCESS) and self.queue_ids is None

    @property
    def may_set_up(self) -> bool:
        """Not by a key for some queues: what is set concerns them all."""
        return may(self.role, Action.SET_UP) and self.queue_ids is None

    def require(self, permitted: bool, what: str) -> None:
        """Raise `Forbidden` unless `permitted`; `what` completes "this key may not …"."""
        if not permitted:
            raise Forbidden(f"This key may not {what}.")


class Origin(NamedTuple):
    """By which operation something is asked for, such as logContact, and from which address; None
    if it did not come over a network."""

    operation: str
    address: str | None = None


BY_CLOCK = Origin("the clock")
"""The origin of what nobody asks for."""


class ChangeOfPractice(Protocol):
    """What is known here of a change whose transaction has begun (work/changes.py)."""

    practice_id: int

    @property
    def now(self) -> datetime: ...

    def note(
        self,
        action: AuditAction,
        detail: str | None = None,
        *,
        staff_id: int | None = None,
        key_id: int | None = None,
    ) -> None: ...
