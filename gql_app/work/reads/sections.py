"""The orders that divide a list into sections: the order of work, and what was closed last.

Each section has an index in its own order, and a page reads as many rows of each as it has itself.
So a page costs the same however many tasks there are, and wherever in the list it begins.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from gql_app.work.reads.conditions import Conditions
from gql_app.work.reads.cursors import Place
from models.lifecycle import OPEN_STATUSES, TaskStatus
from models.task import EXPIRES_KEY, IS_OPEN, NEVER, TaskRow, one_of


class Section(NamedTuple):
    """A part of a list. `keys` are what its rows are sorted by, all of them descending if
    `descending`; `day` compares the first of them to the day on which the list is divided. `same`
    is a column with one value in all rows, where its index begins with it."""

    name: str
    statuses: tuple[TaskStatus, ...]
    condition: str
    keys: tuple[str, ...]
    day: str = ""
    same: str = ""
    descending: bool = False

    @property
    def sort(self) -> str:
        """What stands behind ORDER BY."""
        columns = (self.same, *self.keys) if self.same else self.keys
        return ", ".join(f"{key} DESC" if self.descending else key for key in columns)

    def holds(self, today: str) -> str:
        """SQL that is true of its rows; `today` is that for the day."""
        return (
            f"{self.condition} AND {self.keys[0]} {self.day} {today}"
            if self.day
            else self.condition
        )


CALL_BACK = Section(
    "p",
    OPEN_STATUSES,
    f"{IS_OPEN} AND t.call_back_told_at IS NOT NULL",
    ("t.follow_up_at", "t.id"),
)
"""It is time to call back, as was promised: the earliest promise first."""

# Of call-backs that are due there are so few that the others are read past them.
_NO_CALL_BACK = f"{IS_OPEN} AND t.call_back_told_at IS NULL"

DUE = Section("d", OPEN_STATUSES, _NO_CALL_BACK, ("t.follow_up", EXPIRES_KEY, "t.id"), day="<=")
"""Overdue, then due today; those of one day by expiry."""

NEW = Section(
    "n",
    OPEN_STATUSES,
    f"{IS_OPEN} AND t.follow_up IS NULL",
    (EXPIRES_KEY, "t.id"),
    same="t.follow_up",
)
"""Nobody has called yet: by expiry."""

LATER = DUE._replace(name="l", day=">")
"""Not to be called before another day."""

# Without the status: SQLite would look for it in an index that is sorted otherwise.
CLOSED = Section(
    "c", (TaskStatus.CLOSED,), "t.closed_at IS NOT NULL", ("t.closed_at", "t.id"), descending=True
)
"""Latest closed first."""

OPEN = Section("o", OPEN_STATUSES, IS_OPEN, ("t.id",), descending=True)
"""Latest made first."""

WORK_ORDER = (CALL_BACK, DUE, NEW, LATER, CLOSED)
"""The order in which `claimNextTask` hands out tasks: CALL_BACK, DUE, then NEW. What it does not
hand out comes after them."""

# A task with a follow-up is due on its date, which is what the indexes know that are not a queue's.
_DUE_ANYWHERE = DUE._replace(
    condition=f"{_NO_CALL_BACK} AND t.follow_up IS NOT NULL", keys=("t.due_on", EXPIRES_KEY, "t.id")
)

WORK_ORDER_OF_MANY_QUEUES = (
    CALL_BACK,
    _DUE_ANYWHERE,
    NEW._replace(same=""),
    _DUE_ANYWHERE._replace(name="l", day=">"),
    CLOSED,
)
"""The same order."""

CLOSED_ORDER = (CLOSED, OPEN)

_TYPES = {
    "t.follow_up_at": datetime,
    "t.follow_up": date,
    "t.due_on": date,
    EXPIRES_KEY: datetime,
    "t.closed_at": datetime,
    "t.id": int,
}


def types_of(sections: tuple[Section, ...]) -> dict[str, tuple[type, ...]]:
    """Of what type the keys of each section are, by its name."""
    return {section.name: tuple(_TYPES[key] for key in section.keys) for section in sections}


def section_of(sections: tuple[Section, ...], row: TaskRow, day: date) -> Section:
    """The section that a task is in on a day."""
    if not row.is_open:
        return CLOSED
    if OPEN in sections:
        return OPEN
    if row.call_back_told_at is not None:
        return CALL_BACK
    if row.follow_up is None:
        return NEW
    return DUE if row.follow_up <= day else LATER


def place_of(sections: tuple[Section, ...], row: TaskRow, day: date) -> Place:
    """Where a task stands in a list that is divided on `day`."""
    section = section_of(sections, row, day)
    values = {
        "t.follow_up_at": row.follow_up_at,
        "t.follow_up": row.follow_up,
        EXPIRES_KEY: row.expires_at or NEVER,
        "t.closed_at": row.closed_at,
        "t.id": row.id,
    }
    return Place(day, section.name, tuple(values[key] for key in section.keys))


def rows_in_sections(
    where: Conditions,
    statuses: tuple[TaskStatus, ...],
    sections: tuple[Section, ...],
    place: Place,
    limit: int,
) -> str:
    """SQL for the first `limit` tasks after `place` that `where` holds for, with the columns `part`
    and `place` that they are sorted by. `where` says nothing of the `statuses` that they have.

    A part is read only where those before it do not fill the page.
    """
    parts: list[str] = []
    for section, condition in _parts(where, statuses, sections, place):
        narrower = "1 = 1"
        if not set(section.statuses) <= set(statuses):
            narrower = one_of("t.status", [s for s in section.statuses if s in statuses])
        found = " + ".join(f"(SELECT COUNT(*) FROM part_{n})" for n in range(len(parts)))
        still = f" AND {found} < {limit}" if parts else ""
        parts.append(
            f"""part_{len(parts)} AS (
            SELECT {len(parts)} AS part, ROW_NUMBER() OVER (ORDER BY {section.sort}) AS place, t.*
            FROM (SELECT * FROM task t WHERE {where} AND {condition} AND {narrower}{still}
                  ORDER BY {section.sort} LIMIT {limit}) t)"""
        )
    if not parts:
        return f"SELECT 0 AS part, 0 AS place, t.* FROM task t WHERE {where} AND 1 = 0"
    rows = " UNION ALL ".join(f"SELECT * FROM part_{n}" for n in range(len(parts)))
    return f"WITH {', '.join(parts)} {rows} ORDER BY part, place LIMIT {limit}"


def _parts(
    where: Conditions,
    statuses: tuple[TaskStatus, ...],
    sections: tuple[Section, ...],
    place: Place,
) -> Iterator[tuple[Section, str]]:
    """What is left of the section that `place` is in, then the sections after it, each with what
    holds for its rows. Parameters are bound where they are used, so that none stands nowhere."""
    names = [section.name for section in sections]
    reached = names.index(place.section) if place.section else -1
    for at, section in enumerate(sections):
        if at < reached or not set(section.statuses) & set(statuses):
            continue
        if at > reached:
            today = f"${where.value(place.day)}" if section.day else ""
            yield section, section.holds(today)
        else:
            for rest in _rest(where, section, place):
                yield section, rest


def _rest(where: Conditions, section: Section, place: Place) -> Iterator[str]:
    """What is left of a section after `place`, in order: one stretch of the index for each key, so
    that both databases find where it begins. First the last key is greater and all others are
    equal, then the one before it is greater, and so on."""
    greater = "<" if section.descending else ">"
    bound = [f"${where.value(value)}" for value in place.values]
    for last in reversed(range(len(bound))):
        pairs = zip(section.keys[:last], bound[:last], strict=True)
        equal = [f"{key} = {value}" for key, value in pairs]
        # What is equal to the place, or after it in the last section of days, needs no other bound:
        # with two of them SQLite may take the wrong one.
        ends = last == 0 and section.day == "<="
        condition = section.holds(f"${where.value(place.day)}") if ends else section.condition
        yield " AND ".join([condition, *equal, f"{section.keys[last]} {greater} {bound[last]}"])
