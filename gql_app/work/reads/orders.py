"""The orders of a list of tasks, each with the cursors that it goes on from."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import partial

from gql_app.access import Scope
from gql_app.work.reads.conditions import Conditions
from gql_app.work.reads.cursors import (
    Moment,
    Place,
    due_cursor,
    id_cursor,
    moment_cursor,
    place_cursor,
    read_due_cursor,
    read_id_cursor,
    read_moment_cursor,
    read_place_cursor,
)
from gql_app.work.reads.sections import CLOSED_ORDER, WORK_ORDER, place_of, types_of
from models.task import CONTACTED_KEY, EXPIRES_KEY, LONG_AGO, NEVER, TaskRow


class TaskOrder(StrEnum):
    WORK = "WORK"  # call-backs, then by priority due and new ones, then later: as claimNextTask
    DUE = "DUE"  # earliest follow-up first; a task nobody has called for is due since it was made
    EXPIRES = "EXPIRES"  # soonest first; tasks that never expire come last
    CREATED = "CREATED"  # latest made first
    CLOSED = "CLOSED"  # latest closed first; what is open comes last
    LAST_CONTACTED = "LAST_CONTACTED"  # longest ago first; tasks without a contact come before all


# No column in them is null, and each ends with the id: so a place in a list is a pair of values.
SORT = {
    TaskOrder.DUE: "t.due_on, t.id",
    TaskOrder.EXPIRES: f"{EXPIRES_KEY}, t.id",
    TaskOrder.CREATED: "t.id DESC",
    TaskOrder.LAST_CONTACTED: f"{CONTACTED_KEY}, t.id",
}

SECTIONS = {TaskOrder.WORK: WORK_ORDER, TaskOrder.CLOSED: CLOSED_ORDER}
"""The orders that are made of sections, each sorted by keys of its own."""

_KINDS = {TaskOrder.WORK: "w", TaskOrder.CLOSED: "c"}


def begin_of(order: TaskOrder, scope: Scope, after: str | None, today: date) -> Place:
    """Where a page begins in a list with sections. A list is read to its end as it was divided when
    it was begun: at midnight no task moves from a page to come to one that has been read. Raises
    `BadInput`."""
    if after is None:
        return Place(today)
    types = types_of(SECTIONS[order])
    return read_place_cursor(_KINDS[order], scope.practice_id, after, types)


def cursor_of(
    order: TaskOrder, contacted: Mapping[int, datetime | None], day: date | None = None
) -> Callable[[TaskRow], str]:
    """What gives the cursor of a row in a list in `order`. `contacted` is when the patient was last
    called, by the task's id: for LAST_CONTACTED alone, whose rows do not show it. `day` is that on
    which a list with sections was divided."""
    if order in SECTIONS:
        assert day is not None
        return partial(_by_section, order, day)
    if order is TaskOrder.LAST_CONTACTED:
        return partial(_by_last_contact, contacted)
    return _CURSORS[order]


def by_due(row: TaskRow) -> str:
    return due_cursor(row.practice_id, row.due_on, row.id)


def _by_section(order: TaskOrder, day: date, row: TaskRow) -> str:
    place = place_of(SECTIONS[order], row, day)
    return place_cursor(_KINDS[order], row.practice_id, place)


def _by_id(row: TaskRow) -> str:
    return id_cursor(row.practice_id, row.id)


def _by_expiry(row: TaskRow) -> str:
    return moment_cursor(Moment.EXPIRY, row.practice_id, row.expires_at or NEVER, row.id)


def _by_last_contact(contacted: Mapping[int, datetime | None], row: TaskRow) -> str:
    at = contacted[row.id] or LONG_AGO
    return moment_cursor(Moment.LAST_CONTACT, row.practice_id, at, row.id)


_CURSORS = {
    TaskOrder.DUE: by_due,
    TaskOrder.EXPIRES: _by_expiry,
    TaskOrder.CREATED: _by_id,
}


def go_on_after(where: Conditions, scope: Scope, order: TaskOrder, after: str | None) -> None:
    """Narrow a list in `order` to what comes after the cursor `after`. Raises `BadInput`."""
    here = scope.practice_id
    if after is None:
        return
    if order is TaskOrder.CREATED:
        where.add(f"t.id < ${where.value(read_id_cursor(here, after))}")
    elif order is TaskOrder.DUE:
        _behind(where, order, *read_due_cursor(here, after))
    elif order is TaskOrder.EXPIRES:
        _behind(where, order, *read_moment_cursor(Moment.EXPIRY, here, after))
    else:
        _behind(where, order, *read_moment_cursor(Moment.LAST_CONTACT, here, after))


def _behind(where: Conditions, order: TaskOrder, key: object, row_id: int) -> None:
    begin = where.value(key)
    where.add(f"({SORT[order]}) > (${begin}, ${where.value(row_id)})")
    if order is not TaskOrder.DUE:  # SQLite looks up no pair that begins with an expression
        where.add(f"{SORT[order].removesuffix(', t.id')} >= ${begin}")
