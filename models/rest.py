"""How long a patient who was called is left alone, for whichever of their tasks."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from models.follow_up import local_date

LONGEST_REST = 720
"""Hours: 30 days."""

SAME_DAY = "same-day"
"""What people write for the rest of the day."""


class Rest(NamedTuple):
    """A practice's rest: so many hours, 0 for none, None for the rest of the day on which the
    patient was called, in the practice's time zone.

    A follow-up date that was set for today does not end it: only a call-back that was promised goes
    before it.
    """

    hours: int | None
    time_zone: str

    @property
    def is_off(self) -> bool:
        return self.hours == 0

    def since(self, now: datetime) -> datetime:
        """The moment after which a patient's last call must have been for them to rest `now`."""
        if self.hours is not None:
            return now - timedelta(hours=self.hours)
        today = local_date(now, self.time_zone)
        return midnight(today, self.time_zone) - timedelta(microseconds=1)

    def end(self, called_at: datetime) -> datetime:
        """When a patient who was called at `called_at` may be called again."""
        if self.hours is not None:
            return called_at + timedelta(hours=self.hours)
        return midnight(local_date(called_at, self.time_zone) + timedelta(days=1), self.time_zone)


def midnight(day: date, time_zone: str) -> datetime:
    """When the day begins in the time zone. Where its clocks leave midnight out, that is the first
    moment after the gap."""
    return datetime.combine(day, time.min, ZoneInfo(time_zone)).astimezone(UTC)
