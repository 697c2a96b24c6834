"""The orders that divide a list into sections: the order of work, and what was closed last.

Each section has an index in its own order, and a page reads as many rows of each as it has itself.
So a page costs the same however many tasks there are, and wherever in the list it begins.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from gql_app.work.cursors import Place
from gql_app.work.finding import WORKABLE
from gql_app.work.reading import Conditions
from models.lifecycle import TaskStatus
from models.task import EXPIRES_KEY, NEVER, TaskRow


class Section(NamedTuple):
    """A part of a list. `keys` are what its rows are sorted by, all of them descending if
    `descending`; `same` is a column with one value in all rows, where its index has it first."""

    name: str
    statuses: tuple[TaskStatus, ...]
    keys: tuple[str, ...]
    condition: str = "1 = 1"
    same: str = ""
    descending: bool = False

    @property
    def sort(self) -> str:
        """What stands behind ORDER BY."""
        columns = (self.same, *self.keys) if self.same else self.keys
        return ", ".join(f"{key} DESC" if self.descending else key for key in columns)


DUE = Section("d", WORKABLE, ("t.follow_up", EXPIRES_KEY, "t.id"), "t.follow_up <= {today}")
"""Overdue, then due today; those of one day by expiry."""

NEW = Section("n", WORKABLE, (EXPIRES_KEY, "t.id"), "t.follow_up IS NULL", same="t.follow_up")
"""Nobody has called yet: by expiry."""

_OF_ALL = ("t.due_on", EXPIRES_KEY, "t.id")

LATER = DUE._replace(name="l", condition="t.follow_up > {today}")
"""Not to be called before another day."""

CLOSED = Section("c", (TaskStatus.CLOSED,), ("t.closed_at", "t.id"), descending=True)
"""Latest closed first."""

OPEN = Section("o", WORKABLE, ("t.id",), descending=True)
"""Latest made first."""

WORK_ORDER = (DUE, NEW, LATER, CLOSED)
"""The order in which `claimNextTask` hands out tasks: DUE, then NEW. What it does not hand out
comes after them."""

WORK_ORDER_OF_MANY_QUEUES = (
    DUE._replace(keys=_OF_ALL, condition="t.follow_up IS NOT NULL AND t.due_on <= {today}"),
    NEW._replace(same=""),
    LATER._replace(keys=_OF_ALL, condition="t.follow_up IS NOT NULL AND t.due_on > {today}"),
    CLOSED,
)
"""The same, as it stands in the indexes that are not a queue's. A task with a follow-up is due on
its date."""

CLOSED_ORDER = (CLOSED, OPEN)

_TYPES = {
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
    if row.follow_up is None:
        return NEW
    return DUE if row.follow_up <= day else LATER


def place_of(sections: tuple[Section, ...], row: TaskRow, day: date) -> Place:
    """Where a task stands in a list that is divided on `day`."""
    section = section_of(sections, row, day)
    values = {
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
    and `place` that they are sorted by. `statuses` are those that may be among them."""
    selects: list[str] = []
    for section, condition in _parts(where, statuses, sections, place):
        # The planner takes a partial index only where it reads the index's own condition.
        listed = ", ".join(f"'{status}'" for status in section.statuses)
        selects.append(
            f"""SELECT {len(selects)} AS part, ROW_NUMBER() OVER (ORDER BY {section.sort}) AS place,
                t.* FROM (
                SELECT * FROM task t WHERE {where} AND t.status IN ({listed}) AND {condition}
                ORDER BY {section.sort} LIMIT {limit}) t"""
        )
    if not selects:
        return f"SELECT 0 AS part, 0 AS place, t.* FROM task t WHERE {where} AND 1 = 0"
    return f"{' UNION ALL '.join(selects)} ORDER BY part, place LIMIT {limit}"


def _parts(
    where: Conditions,
    statuses: tuple[TaskStatus, ...],
    sections: tuple[Section, ...],
    place: Place,
) -> Iterator[tuple[Section, str]]:
    """What is left of the section that `place` is in, then the sections after it, each with what
    holds for its rows. What is left is one stretch of the index for each key, which both databases
    find: the last key is greater; or the one before it is, whatever the last one; and so on."""
    names = [section.name for section in sections]
    reached = names.index(place.section) if place.section else -1
    for at, section in enumerate(sections):
        if at < reached or not set(section.statuses) & set(statuses):
            continue
        # Bound for each section of its own, so that no parameter stands nowhere.
        condition = section.condition
        if "{today}" in condition:
            condition = condition.format(today=f"${where.value(place.day)}")
        if at > reached:
            yield section, condition
            continue
        bound = [f"${where.value(value)}" for value in place.values]
        greater = "<" if section.descending else ">"
        for last in reversed(range(len(bound))):
            pairs = zip(section.keys[:last], bound[:last], strict=True)
            equal = [f"{key} = {value}" for key, value in pairs]
            rest = f"{section.keys[last]} {greater} {bound[last]}"
            yield section, " AND ".join([condition, *equal, rest])
