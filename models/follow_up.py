"""When to call a patient again: which dates are allowed, and the ladders that suggest one.

A follow-up date is a date at the practice, in its own time zone.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from models.refusals import Refusal, RefusalCode

MAX_FOLLOW_UP_YEARS = 2
"""How far ahead of today a follow-up may be set."""

MAX_LADDER_DAYS = 730
"""The largest number of days in a follow-up ladder."""


def local_date(moment: datetime, time_zone: str) -> date:
    """Return the date in `time_zone` at `moment` (an aware datetime)."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def last_day(expires_at: datetime | None, time_zone: str) -> date | None:
    """Return the last date on which a task that expires at `expires_at` is still open, None if it
    never expires. If it expires at midnight, that is the day before."""
    if expires_at is None:
        return None
    return local_date(expires_at - timedelta(microseconds=1), time_zone)


def last_follow_up(today: date) -> date:
    """Return the latest date that a follow-up may be set to."""
    try:
        return today.replace(year=today.year + MAX_FOLLOW_UP_YEARS)
    except ValueError:  # 29 February
        return today.replace(year=today.year + MAX_FOLLOW_UP_YEARS, day=28)


def check_follow_up_date(follow_up: date, today: date, last_day: date | None) -> Refusal | None:
    """Return why `follow_up` cannot be a follow-up date, None if it can. `last_day` is the last
    date on which the task is still open, None if it never expires."""
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


def read_ladder(text: str) -> tuple[int, ...]:
    """Read a follow-up ladder such as "1,7,21,60": numbers of days, each larger than the one
    before. Raises `ValueError`."""
    parts = [part.strip() for part in text.split(",")]
    steps = tuple(int(part) for part in parts if part.isascii() and part.isdigit())
    increases = all(step < later for step, later in pairwise((0, *steps, MAX_LADDER_DAYS + 1)))
    if len(steps) < len(parts) or not increases:
        raise ValueError(
            "A ladder is a list of increasing numbers of days, such as 1,7,21,60, up to"
            f" {MAX_LADDER_DAYS}."
        )
    return steps


def suggest_follow_up(
    contact_count: int, ladder: Sequence[int], *, today: date, last_day: date | None
) -> date | None:
    """Return when to call again if an open task's next contact, after `contact_count` others, is
    logged today. None if the ladder has no more steps, or the task expires before that date."""
    if contact_count >= len(ladder):
        return None
    follow_up = today + timedelta(days=ladder[contact_count])
    return None if check_follow_up_date(follow_up, today, last_day) else follow_up
