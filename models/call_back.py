"""Promised call-backs: at which moment, by whom, and what is wrong with one that was typed.

A time is one of the practice's clocks. Where they go forward some times are never shown; where they
go back some are shown twice, and the first of the two is meant, unless it has passed. So it is
settled when the promise is made which moment it is, and later changes of the zone move nothing.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from models.refusals import Refusal, RefusalCode

GRACE = timedelta(minutes=3)
"""For how long a due call-back waits for who promised it. Patients are to be called within five
minutes: two are left for whoever takes it over and has to end another call first."""

AWAY_AFTER = timedelta(minutes=10)
"""Who has asked the server for nothing for so long is away. Pages ask at least once in half a
claim's time while somebody is on the phone; uses of a key are written down once a minute."""


class CallBackBy(StrEnum):
    ME = "ME"  # who logs the contact
    ANYONE = "ANYONE"  # whoever is free


class Wish(NamedTuple):
    """What was asked for: at what time on the day of the follow-up, and by whom."""

    at: time | None = None
    by: CallBackBy | None = None

    @property
    def asked(self) -> tuple[object, ...]:
        """What of it a request is compared by; nothing where no call-back was asked for, so that it
        compares as it did before there were any."""
        return () if self == NO_WISH else (self.at, self.by)


NO_WISH = Wish()


class Promise(NamedTuple):
    """A call-back at a moment, by one member of staff or, with None, by anybody."""

    at: datetime
    by_id: int | None = None


def check_wish(wish: Wish, follow_up: date | None, *, close: bool) -> list[Refusal]:
    """What is wrong with a call-back, apart from the moment."""
    refusals = []
    asked = (("followUpTime", wish.at), ("callBackBy", wish.by))
    if close:
        message = "Nobody is called back for a task that is being closed."
        code = RefusalCode.FOLLOW_UP_NOT_ALLOWED
        return [Refusal(code, message, name) for name, value in asked if value is not None]
    if wish.by is not None and wish.at is None:
        message = "Say at what time the patient is called back."
        code = RefusalCode.FOLLOW_UP_TIME_REQUIRED
        refusals.append(Refusal(code, message, "followUpTime"))
    if wish.at is not None and follow_up is None:
        message = "Say on which day the patient is called back at that time."
        refusals.append(Refusal(RefusalCode.FOLLOW_UP_REQUIRED, message, "followUp"))
    return refusals


def moment_of(
    day: date, at: time, time_zone: str, *, now: datetime, expires_at: datetime | None
) -> datetime | Refusal:
    """The moment of a call-back on a day that may be a follow-up date, or why there is none."""
    shown = f"{at:%H:%M}"
    moments = _moments(day, at, time_zone)
    if not moments:
        message = f"The clocks go forward on {day.isoformat()} and skip {shown}: choose another."
        return Refusal(RefusalCode.FOLLOW_UP_TIME_SKIPPED, message, "followUpTime")
    to_come = [moment for moment in moments if moment > now]
    if not to_come:
        clock = f"{now.astimezone(ZoneInfo(time_zone)):%H:%M}"
        message = f"{shown} has passed: it is {clock} at the practice."
        return Refusal(RefusalCode.FOLLOW_UP_IN_PAST, message, "followUpTime")
    if expires_at is not None and to_come[0] >= expires_at:
        end = f"{expires_at.astimezone(ZoneInfo(time_zone)):%H:%M}"
        message = f"The task expires at {end} on that day; a later call-back would be lost."
        return Refusal(RefusalCode.FOLLOW_UP_AFTER_EXPIRY, message, "followUpTime")
    return to_come[0]


def _moments(day: date, at: time, time_zone: str) -> list[datetime]:
    """The moments at which the practice's clocks show this time on this day, in order."""
    zone = ZoneInfo(time_zone)
    shown = datetime.combine(day, at)
    found = {shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(m for m in found if m.astimezone(zone).replace(tzinfo=None) == shown)
