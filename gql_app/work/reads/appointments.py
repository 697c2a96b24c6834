"""Appointments as they are read: a patient's, those that are still to come, and one by itself."""

from collections.abc import Sequence
from datetime import datetime

from gql_app.access import Scope
from gql_app.work.reads.conditions import Conditions, Page, page_of, row_limit
from gql_app.work.reads.cursors import read_id_cursor
from gql_app.work.reads.patients import seen_patients
from models.appointment import APPOINTMENT_COLUMNS, IS_AHEAD, IS_THERE, AppointmentRow
from models.database import among, fetch


async def appointments_by_id(scope: Scope, ids: Sequence[int]) -> list[AppointmentRow]:
    """The appointments among `ids` of patients whom the key may see."""
    where = seen_patients(scope)
    where.add(IS_THERE)
    where.among("a.id", list(ids))
    sql = f"""SELECT {APPOINTMENT_COLUMNS} FROM appointment a
    JOIN patient p ON p.practice_id = a.practice_id AND p.id = a.patient_id WHERE {where}"""
    return await fetch(AppointmentRow, sql, *where.values)


async def appointments_of_patients(
    scope: Scope, patient_ids: Sequence[int], first: int, after: str | None
) -> dict[int, Page[AppointmentRow]]:
    """The appointments of each patient whom the key was shown, the last recorded first, in one
    statement. Raises `BadInput`."""
    where = Conditions.of(scope, "a")
    where.add(IS_THERE)
    where.among("a.patient_id", list(patient_ids))
    if after is not None:
        where.add(f"a.id < ${where.value(read_id_cursor(scope.practice_id, after))}")
    sql = f"""
    SELECT {APPOINTMENT_COLUMNS} FROM (
        SELECT a.*, ROW_NUMBER() OVER (PARTITION BY a.patient_id ORDER BY a.id DESC) AS place
        FROM appointment a WHERE {where}
    ) a WHERE a.place <= {row_limit(first)} ORDER BY a.id DESC
    """
    rows = await fetch(AppointmentRow, sql, *where.values)
    return {
        i: page_of([row for row in rows if row.patient_id == i], first, after) for i in patient_ids
    }


async def appointments_ahead(
    practice_id: int, patient_ids: Sequence[int], now: datetime
) -> list[AppointmentRow]:
    """The appointments to which these patients are expected after `now`, the earliest first."""
    sql = f"""SELECT {APPOINTMENT_COLUMNS} FROM appointment a
    WHERE a.practice_id = $1 AND {among("a.patient_id", 2)} AND {IS_AHEAD} $3
    ORDER BY a.at, a.id"""
    return await fetch(AppointmentRow, sql, practice_id, list(patient_ids), now)


async def next_appointments(
    scope: Scope, patient_ids: Sequence[int], now: datetime
) -> list[AppointmentRow]:
    """The next appointment of each of the patients whom the key was shown, for those who have
    one."""
    found = await appointments_ahead(scope.practice_id, patient_ids, now)
    return list({row.patient_id: row for row in reversed(found)}.values())
