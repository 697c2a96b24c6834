"""Whether a patient may be called: the statuses, which is stricter, and how long one holds."""

import json
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from models.refusals import Refusal, RefusalCode

MAX_UNTIL_YEARS = 10
"""How far ahead the last day of a status may be."""


class ContactStatus(StrEnum):
    OK = "OK"  # the patient may be called
    DO_NOT_CONTACT = "DO_NOT_CONTACT"  # the patient has asked not to be called
    INACTIVE = "INACTIVE"  # no patient of this practice any more
    DECEASED = "DECEASED"  # the patient has died

    @property
    def label(self) -> str:
        """The status as people read it."""
        return _LABELS[self]


_LABELS = {
    ContactStatus.OK: "May be called",
    ContactStatus.DO_NOT_CONTACT: "Asked not to be called",
    ContactStatus.INACTIVE: "No longer a patient",
    ContactStatus.DECEASED: "Deceased",
}

_BY_STRICTNESS = (
    ContactStatus.OK,
    ContactStatus.INACTIVE,
    ContactStatus.DO_NOT_CONTACT,
    ContactStatus.DECEASED,
)


class Standing(NamedTuple):
    """A patient's contact status as it stands: why, since when the patient has had it or another
    one but OK, and when it ends by itself. None where nobody has said, or it does not end."""

    status: ContactStatus = ContactStatus.OK
    reason: str | None = None
    since: datetime | None = None
    ends_at: datetime | None = None

    def at(self, now: datetime) -> "Standing":
        """As it is at this moment: the clock decides whether it has ended, not the sweeper."""
        return Standing() if self.ends_at is not None and self.ends_at <= now else self

    @property
    def is_barred(self) -> bool:
        """Whether the patient is not to be called."""
        return self.status is not ContactStatus.OK

    @property
    def strictness(self) -> int:
        return _BY_STRICTNESS.index(self.status)

    def is_milder_than(self, other: "Standing") -> bool:
        """Whether the patient could be called sooner by this one than by the other."""
        return self.strictness < other.strictness or (
            other.is_barred and _ends_before(self.ends_at, other.ends_at)
        )

    def joined(self, other: "Standing") -> "Standing":
        """What holds for one person with both: the stricter status, for as long as any of them."""
        if not (self.is_barred and other.is_barred):
            return other if other.is_barred else self
        strict, mild = (other, self) if other.strictness > self.strictness else (self, other)
        began = [since for since in (strict.since, mild.since) if since is not None]
        ends_at = mild.ends_at if _ends_before(strict.ends_at, mild.ends_at) else strict.ends_at
        return strict._replace(since=min(began, default=None), ends_at=ends_at)

    @property
    def text(self) -> str:
        """As a merge keeps it."""
        moments = [moment and moment.isoformat() for moment in (self.since, self.ends_at)]
        return json.dumps([self.status, self.reason, *moments])

    @classmethod
    def of(cls, text: str) -> "Standing":
        """What `text` has kept."""
        status, reason, *moments = json.loads(text)
        return cls(
            ContactStatus(status), reason, *(m and datetime.fromisoformat(m) for m in moments)
        )


def _ends_before(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one < other)


def check_until(status: ContactStatus, until: date | None, today: date) -> Refusal | None:
    """Return why `until` cannot be the last day of a status, None if it can."""
    if until is None:
        return None
    message = None
    if status in (ContactStatus.OK, ContactStatus.DECEASED):
        message = f"“{status.label}” does not end by itself: leave the date out."
    elif until < today:
        message = "The last day is before today at the practice."
    elif until.year > today.year + MAX_UNTIL_YEARS:
        message = f"The last day is more than {MAX_UNTIL_YEARS} years ahead: leave it out."
    return None if message is None else Refusal(RefusalCode.UNTIL_INVALID, message, "until")
