"""The orders that divide a list into sections: the order of work, and what was closed last.

Each section has an index in its own order.
"""

from datetime import date, datetime
from typing import NamedTuple

from gql_app.work.reads.cursors import Place
from models.lifecycle import OPEN_STATUSES, TaskStatus
from models.priority import TaskPriority
from models.task import EXPIRES_KEY, IS_OPEN, NEVER, TaskRow


class Section(NamedTuple):
    """A part of a list. `keys` are what its rows are sorted by, all of them descending if
    `descending`; `day` compares the first of them to the day on which the list is divided. `same`
    is a column with one value in all rows, where its index begins with it. Its rows have one of the
    `priorities`, if any are named; its index has those of each priority together, so each is read
    by itself."""

    name: str
    statuses: tuple[TaskStatus, ...]
    condition: str
    keys: tuple[str, ...]
    day: str = ""
    same: str = ""
    descending: bool = False
    priorities: tuple[TaskPriority, ...] = ()

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

LATER = DUE._replace(name="l", day=">", priorities=tuple(TaskPriority))
"""Not to be called before another day: by that day, whatever their priority."""

# Without the status: SQLite would look for it in an index that is sorted otherwise.
CLOSED = Section(
    "c", (TaskStatus.CLOSED,), "t.closed_at IS NOT NULL", ("t.closed_at", "t.id"), descending=True
)
"""Latest closed first."""

OPEN = Section("o", OPEN_STATUSES, IS_OPEN, ("t.id",), descending=True)
"""Latest made first."""


def of_each_priority(section: Section) -> tuple[Section, ...]:
    """The section divided by priority, the most urgent first."""
    return tuple(
        section._replace(
            name=f"{section.name}{priority:d}",
            condition=f"{section.condition} AND t.priority = {priority:d}",
            priorities=(priority,),
        )
        for priority in TaskPriority
    )


WORK_ORDER = (CALL_BACK, *of_each_priority(DUE), *of_each_priority(NEW), LATER, CLOSED)
"""The order in which `claimNextTask` hands out tasks: CALL_BACK, DUE, then NEW, in both the most
urgent first. What it does not hand out comes after them."""

# A task with a follow-up is due on its date, which is what the indexes know that are not a queue's.
_DUE_ANYWHERE = DUE._replace(
    condition=f"{_NO_CALL_BACK} AND t.follow_up IS NOT NULL", keys=("t.due_on", EXPIRES_KEY, "t.id")
)

WORK_ORDER_OF_MANY_QUEUES = (
    CALL_BACK,
    *of_each_priority(_DUE_ANYWHERE),
    *of_each_priority(NEW._replace(same="")),
    _DUE_ANYWHERE._replace(name="l", day=">", priorities=tuple(TaskPriority)),
    CLOSED,
)
"""The same order."""

_OF_PRIORITY = {
    (whole, part.priorities[0]): part for whole in (DUE, NEW) for part in of_each_priority(whole)
}

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
    if row.follow_up is not None and row.follow_up > day:
        return LATER
    return _OF_PRIORITY[NEW if row.follow_up is None else DUE, row.priority]


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
