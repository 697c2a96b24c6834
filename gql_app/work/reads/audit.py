"""The read side of the audit: a page of it, newest first, and all of it for an export."""

from collections.abc import AsyncGenerator
from datetime import date
from typing import NamedTuple

from gql_app.access import Scope, Viewer
from gql_app.work.reads.conditions import BadInput, Conditions, Page, page_of, row_limit
from gql_app.work.reads.cursors import Moment, moment_cursor, read_moment_cursor
from gql_app.work.reads.queues import day_bounds
from models.audit import AUDIT_COLUMNS, AuditRow
from models.database import fetch, snapshot

EXPORTED_AT_ONCE = 1_000


class AuditQuery(NamedTuple):
    """Which rows: of a patient, of what one of the staff did, from one date at the practice through
    another."""

    patient_id: int | None = None
    staff_id: int | None = None
    first: date | None = None
    last: date | None = None


async def audit_page(
    viewer: Viewer, query: AuditQuery, first: int, after: str | None
) -> Page[AuditRow]:
    """A page of the audit after the cursor `after`, newest first. Raises `Forbidden` for those who
    are no admins, and `BadInput`."""
    viewer.require(viewer.may_read_audit, "read the audit")
    where = _conditions(viewer, query)
    if after is not None:
        place = read_moment_cursor(Moment.AUDIT, viewer.practice_id, after)
        at, seq = (where.value(value) for value in place)
        where.add(f"(a.at, a.seq) < (${at}, ${seq})")
    sql = f"""SELECT {AUDIT_COLUMNS} FROM audit a WHERE {where}
    ORDER BY a.at DESC, a.seq DESC LIMIT {row_limit(first)}"""
    async with snapshot(is_long=True):  # what one of the staff did may be few rows among many
        return page_of(await fetch(AuditRow, sql, *where.values), first, after)


def audit_cursor(row: AuditRow) -> str:
    return moment_cursor(Moment.AUDIT, row.practice_id, row.at, row.seq)


async def audit_rows(
    scope: Scope, query: AuditQuery, through: int
) -> AsyncGenerator[list[AuditRow], None]:
    """The rows up to number `through`, oldest first, a batch at a time."""
    last: AuditRow | None = None
    while True:
        where = _conditions(scope, query)
        where.add(f"a.seq <= ${where.value(through)}")
        if last is not None:
            at, seq = where.value(last.at), where.value(last.seq)
            where.add(f"(a.at, a.seq) > (${at}, ${seq})")
        sql = f"""SELECT {AUDIT_COLUMNS} FROM audit a WHERE {where}
        ORDER BY a.at, a.seq LIMIT {EXPORTED_AT_ONCE}"""
        async with snapshot(is_long=True):
            rows = await fetch(AuditRow, sql, *where.values)
        if not rows:
            return
        yield rows
        last = rows[-1]


def _conditions(scope: Scope, query: AuditQuery) -> Conditions:
    if query.first is not None and query.last is not None and query.last < query.first:
        raise BadInput("The last date is before the first.")
    where = Conditions.of(scope, "a")
    for column, value in (("patient_id", query.patient_id), ("staff_id", query.staff_id)):
        if value is not None:
            where.add(f"a.{column} = ${where.value(value)}")
    try:
        if query.first is not None:
            where.add(f"a.at >= ${where.value(day_bounds(query.first, scope.time_zone)[0])}")
        if query.last is not None:
            where.add(f"a.at < ${where.value(day_bounds(query.last, scope.time_zone)[1])}")
    except OverflowError:
        raise BadInput("The date lies at an end of the calendar.") from None
    return where
