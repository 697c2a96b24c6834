"""The read side of the audit: a page of it, newest first, and all of it for an export."""

from collections.abc import AsyncGenerator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from gql_app.access import Scope, Viewer
from gql_app.work.reads.conditions import BadInput, Conditions, Page, page_of, row_limit
from gql_app.work.reads.cursors import read_audit_cursor
from gql_app.work.reads.queues import day_bounds
from models.audit import AUDIT_COLUMNS, AuditRow, audit_bounds
from models.database import Id, fetch, fetch_first, snapshot

EXPORTED_AT_ONCE = 1_000

LATEST = timedelta(hours=1)
"""Rows are numbered as they are written, which is seldom more than a second after what they tell
of, and never by that much."""


class AuditQuery(NamedTuple):
    """Which rows: of a patient, of what one of the staff did, from one date at the practice through
    another."""

    patient_id: int | None = None
    staff_id: int | None = None
    first: date | None = None
    last: date | None = None


class _At(NamedTuple):
    at: datetime


async def audit_page(
    viewer: Viewer, query: AuditQuery, first: int, after: str | None
) -> Page[AuditRow]:
    """A page of the audit after the cursor `after`, newest first. Raises `Forbidden` for those who
    are no admins, and `BadInput`."""
    viewer.require(viewer.may_read_audit, "read the audit")
    where = await _conditions(viewer, query)
    if after is not None:
        where.add(f"a.seq < ${where.value(read_audit_cursor(viewer.practice_id, after))}")
    sql = f"""SELECT {AUDIT_COLUMNS} FROM audit a WHERE {where}
    ORDER BY a.seq DESC LIMIT {row_limit(first)}"""
    async with snapshot(is_long=True):  # what one of the staff did may be few rows among many
        return page_of(await fetch(AuditRow, sql, *where.values), first, after)


async def audit_rows(
    scope: Scope, query: AuditQuery, through: int
) -> AsyncGenerator[list[AuditRow], None]:
    """The rows up to number `through`, oldest first, a batch at a time. Raises `BadInput`."""
    where = await _conditions(scope, query)
    where.add(f"a.seq <= ${where.value(through)}")
    after = where.value(0)
    sql = f"""SELECT {AUDIT_COLUMNS} FROM audit a WHERE {where} AND a.seq > ${after}
    ORDER BY a.seq LIMIT {EXPORTED_AT_ONCE}"""
    while True:
        async with snapshot(is_long=True):
            rows = await fetch(AuditRow, sql, *where.values)
        if not rows:
            return
        yield rows
        where.values[after - 1] = rows[-1].seq


async def _conditions(scope: Scope, query: AuditQuery) -> Conditions:
    where = Conditions.of(scope, "a")
    if query.patient_id is not None:
        where.among("a.patient_id", await _called_so(scope, query.patient_id))
    if query.staff_id is not None:
        where.add(f"a.staff_id = ${where.value(query.staff_id)}")
    first, last = query.first, query.last
    check_dates(first, last)
    if first is not None:
        begin = day_bounds(first, scope.time_zone)[0]
        seq = await _first_at(scope.practice_id, begin - LATEST)
        where.add(f"a.seq >= ${where.value(seq)} AND a.at >= ${where.value(begin)}")
    if last is not None:
        end = day_bounds(last, scope.time_zone)[1]
        seq = await _first_at(scope.practice_id, end + LATEST)
        where.add(f"a.seq < ${where.value(seq)} AND a.at < ${where.value(end)}")
    return where


async def _called_so(scope: Scope, patient_id: int) -> list[int]:
    """The ids of a person: the patient's, and those of patients who were merged into them."""
    sql = "SELECT p.id FROM patient p WHERE p.practice_id = $1 AND p.merged_into_id = $2"
    merged = await fetch(Id, sql, scope.practice_id, patient_id)
    return [patient_id, *(row.id for row in merged)]


def check_dates(first: date | None, last: date | None) -> None:
    """Raise `BadInput` for dates that have no moments, or are the wrong way round."""
    if any(day is not None and not 1900 <= day.year <= 2999 for day in (first, last)):
        raise BadInput("Dates lie between the years 1900 and 2999.")
    if first is not None and last is not None and last < first:
        raise BadInput("The last date is before the first.")


async def _first_at(practice_id: int, moment: datetime) -> int:
    """The number of the first row that was written at `moment` or after it, or of the one that is
    written next. There is no index by time: every write would have to keep it."""
    bounds = await audit_bounds(practice_id)
    low, high = bounds.pruned_through + 1, bounds.seq + 1
    while low < high:
        middle = (low + high) // 2
        sql = "SELECT a.at FROM audit a WHERE a.practice_id = $1 AND a.seq = $2"
        found = await fetch_first(_At, sql, practice_id, middle)
        if found is None or found.at < moment:  # it has just been removed, or is too old
            low = middle + 1
        else:
            high = middle
    return low
