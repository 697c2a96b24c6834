"""The practice as the read side hands it out, and how often its settings were changed."""

from datetime import datetime
from typing import NamedTuple

from models.database import fetch, select_list


class PracticeRow(NamedTuple):
    """A practice. `settings` is how often it or its queues were changed."""

    id: int
    slug: str
    name: str
    time_zone: str
    region: str
    rest_hours: int | None
    undo_minutes: int
    calling_hours: str | None
    holidays: str | None
    archived_at: datetime | None
    settings: int

    @property
    def practice_id(self) -> int:
        return self.id


async def find_practice(practice_id: int) -> PracticeRow:
    """The practice with this id, which there is."""
    sql = f"SELECT {select_list('p', PracticeRow)} FROM practice p WHERE p.id = $1"
    return (await fetch(PracticeRow, sql, practice_id))[0]
